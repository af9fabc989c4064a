"""``bot conversation exporter|effacer``: what is kept of one visit, in the workshop and in the Redis of all processes."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from typing import TYPE_CHECKING

from bot.base.errors import StorageError
from bot.base.paths import project_paths
from bot.base.settings import Settings
from bot.cli.registry import Registry
from bot.cli.staff import console_name

if TYPE_CHECKING:
    from bot.serving.sessions import Conversation

_REFERENCE = re.compile(r"[0-9a-f]{24}")
UNKNOWN = "Rien n'est gardé sous cette référence. Elle figure sur la page « Données personnelles » pendant la conversation."


def add_commands(registry: Registry) -> None:
    """Add the command to ``bot``."""
    conversation = registry.add("conversation", _conversation, "montre ou efface ce qui est gardé d'une conversation")
    conversation.add_argument("action", choices=["exporter", "effacer"], help="exporter ou effacer")
    conversation.add_argument("reference", help="la référence donnée par la page « Données personnelles »")


def _conversation(arguments: argparse.Namespace) -> int:
    from bot.staff.accounts.rights import erase, export, waiting_on_disk
    from bot.staff.storage import Storage, database_url

    reference = arguments.reference.strip().lower()
    if not _REFERENCE.fullmatch(reference):
        raise StorageError("Une référence de conversation a 24 chiffres et lettres de a à f.")
    settings, paths = Settings.from_environment(), project_paths()
    storage = Storage(database_url(settings.base, paths))
    erasing = arguments.action == "effacer"
    shared = asyncio.run(_shared(settings, reference, erasing)) if settings.redis else None
    waiting = waiting_on_disk(paths.variable / "attente", reference)
    if erasing:
        done = erase(storage, reference, console_name())
        if done is not None:
            print(
                f"Effacé : {done.messages} message(s), {done.comments} commentaire(s), {done.groups} texte(s) de la boîte. "
                f"{done.exchanges} échange(s) ne sont plus rattachés à cette référence."
            )
        if shared is not None:
            print("La conversation en cours est effacée.")
        print(f"Ce qui serait encore en mémoire d'un serveur s'efface {settings.session_minutes} minutes après le dernier message.")
        found = done is not None or shared is not None
    else:
        kept = export(storage, reference)
        found = kept is not None or shared is not None
        if found:
            thread = [e.said for e in shared.exchanges] if shared is not None else []
            print(json.dumps({"reference": reference, "echanges": [], **(kept or {}), "en_cours": thread}, ensure_ascii=False, indent=2))
    if waiting:
        print(f"{waiting} échange(s) attendent encore que la base réponde. Relancez cette commande dans une minute.", file=sys.stderr)
    elif not found:
        print(UNKNOWN, file=sys.stderr)
    return 0 if found and not waiting else 1


async def _shared(settings: Settings, reference: str, erasing: bool) -> Conversation | None:
    from bot.serving.sessions import MemorySessions
    from bot.serving.shared import SharedDown, SharedStore
    from bot.serving.shared_sessions import SharedSessions

    sessions = SharedSessions(SharedStore(settings.redis), MemorySessions(1, 60), settings.session_minutes * 60)
    try:
        found = await sessions.find(reference)
        if found is not None and erasing:
            await sessions.drop(found.id)
        return found
    except SharedDown as error:
        raise StorageError("Redis ne répond pas : la conversation en cours n'a pas pu être cherchée. Réessayez dans un moment.") from error
    finally:
        await sessions.close()
