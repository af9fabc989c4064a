"""``bot route`` and ``bot chat``: the door of a message, of lines, of a list, or a whole conversation."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Iterator
from typing import Any, TextIO

from bot.base.errors import BadMessage
from bot.base.paths import project_paths
from bot.cli.registry import Registry, say

BATCH = 64
PROFILES = ("citoyen", "partenaire", "agent")


def add_commands(registry: Registry) -> None:
    """Add the commands to ``bot``."""
    route = registry.add("route", _route, "donne la porte d'un message, ou de lignes JSON avec --jsonl")
    route.add_argument("message", nargs="?", help="le message, entre guillemets")
    route.add_argument("--jsonl", action="store_true", help='lit des lignes {"id", "texte"} et écrit une réponse par ligne')
    route.add_argument("--profil", choices=PROFILES, help="qui pose la question")
    route.add_argument("--json", action="store_true", help="écrit la réponse en JSON")
    route.add_argument("--csv", metavar="FICHIER", help="lit une liste d'objets de dossiers (colonne « objet » ou « texte ») et l'oriente")
    route.add_argument("-o", "--sortie", metavar="FICHIER", help="avec --csv : écrit la liste orientée dans ce fichier")
    route.add_argument("--temps", action="store_true", help="montre ce que prend chaque étape, en millisecondes de processeur")
    chat = registry.add("chat", _chat, "converse dans le terminal")
    chat.add_argument("--profil", choices=PROFILES, help="qui parle")


def _route(arguments: argparse.Namespace) -> int:
    from bot.learning.loading import load_router

    if arguments.csv:
        return _route_csv(arguments.csv, arguments.sortie, arguments.profil)
    if arguments.jsonl:
        return route_lines(sys.stdin, sys.stdout, arguments.profil)
    if arguments.message is None:
        raise BadMessage('Donnez un message : bot route "mon message", ou utilisez --jsonl.')
    router = load_router(project_paths())
    if arguments.temps:
        from bot.measure.stages import time_stages

        for stage, milliseconds in time_stages(router, arguments.message, arguments.profil).items():
            print(f"{milliseconds:8.2f}  {stage}")
        return 0
    decision = router.route(arguments.message, arguments.profil)
    if arguments.json:
        print(json.dumps(decision.as_json(None, arguments.message), ensure_ascii=False))
        return 0
    from bot.dialogue.wording import Writer

    print(f"Décision : {decision.decision.value}" + (f" ({decision.niveau.value})" if decision.niveau else ""))
    for door in decision.destinations:
        print(f"  {door.dis} › {door.service or '?'} › {door.sujet or '?'}  {door.confiance:.0%}")
    print()
    print(Writer(router.referential).reply(decision, arguments.profil).as_text())
    return 0


def route_lines(source: TextIO, target: TextIO, profile: str | None) -> int:
    """Answer JSON lines one by one, in their order; returns 1 when one of them could not be read."""
    from bot.learning.loading import load_router

    router = load_router(project_paths())
    failed = False
    for lines in batches(source):
        rows = [read_row(line) for line in lines]
        texts = [r["texte"] for r in rows if "erreur" not in r]
        decisions = iter(router.route_many(texts, profile)) if texts else iter(())
        for row in rows:
            if "erreur" in row:
                failed = True
                answer = row
            else:
                answer = next(decisions).as_json(row["id"], row["texte"])
            text = json.dumps(answer, ensure_ascii=False)
            target.write(text.encode("utf-8", errors="replace").decode("utf-8") + "\n")
        target.flush()
    return 1 if failed else 0


def _route_csv(source: str, target: str | None, profile: str | None) -> int:
    from bot.dialogue.dialogue import Dialogue
    from bot.dialogue.subject_lists import BOM, read_list, route_list, write_rows
    from bot.learning.loading import load_router

    try:
        with open(source, "rb") as stream:
            subjects = read_list(stream.read())
    except OSError as error:
        raise BadMessage(f"Le fichier {source} ne peut pas être lu. Vérifiez son nom et ses droits.") from error
    if target and os.path.exists(target) and os.path.samefile(source, target):
        raise BadMessage("La sortie remplacerait votre liste. Donnez un autre nom après -o.")
    dialogue = Dialogue(load_router(project_paths()))
    try:
        with open(target, "wb") if target else contextlib.nullcontext(sys.stdout.buffer) as output:
            output.write(BOM.encode())
            for rows in route_list(dialogue, subjects, profile):
                output.write(write_rows(rows).encode())
                output.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BadMessage(f"La sortie {target or ''} ne peut pas être écrite. Vérifiez le dossier, les droits et la place.") from error
    if target:
        say(f"{len(subjects.rows)} lignes écrites dans {target}.")
    return 0


def read_row(line: str) -> dict[str, Any]:
    """Return the ``id`` and ``texte`` of a line, or its ``id`` and an ``erreur``."""
    try:
        row = json.loads(line.removeprefix("\ufeff"), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        return {"id": None, "erreur": f"Cette ligne n'est pas du JSON : erreur à la colonne {error.colno}."}
    except (ValueError, RecursionError):
        return {"id": None, "erreur": "Cette ligne n'est pas du JSON que l'on peut lire."}
    if not isinstance(row, dict):
        return {"id": None, "erreur": 'Cette ligne doit être un objet {"id", "texte"}.'}
    if not isinstance(row.get("texte"), str):
        return {"id": row.get("id"), "erreur": "Il manque « texte », qui doit être une chaîne."}
    return {"id": row.get("id"), "texte": row["texte"]}


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def batches(source: TextIO) -> Iterator[list[str]]:
    """Yield the lines at hand, up to :data:`BATCH`, without ever waiting for a batch to fill."""
    lines: queue.Queue[str | None] = queue.Queue(maxsize=4 * BATCH)

    def read() -> None:
        buffer = getattr(source, "buffer", None)
        for raw in buffer if buffer is not None else source:
            lines.put(raw.decode("utf-8", errors="replace") if isinstance(raw, bytes) else raw)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    ended = False
    while not ended:
        batch: list[str] = []
        line = lines.get()
        while line is not None:
            if line.strip():
                batch.append(line)
            if len(batch) >= BATCH:
                break
            try:
                line = lines.get_nowait()
            except queue.Empty:
                break
        ended = line is None
        if batch:
            yield batch


def _chat(arguments: argparse.Namespace) -> int:
    from bot.dialogue.dialogue import ConversationState, Dialogue
    from bot.learning.loading import load_router

    dialogue = Dialogue(load_router(project_paths()))
    state = ConversationState(profile=arguments.profil)
    print("Écrivez votre demande. Ligne vide pour finir.")
    offered: tuple[Any, ...] = ()
    while True:
        try:
            text = input("> ")
        except EOFError:
            return 0
        if not text.strip():
            return 0
        number = text.strip()
        if offered and number.isdigit() and not 1 <= int(number) <= len(offered):
            print(f"Il n'y a pas de choix {number} : tapez un numéro de 1 à {len(offered)}, ou votre demande avec vos mots.")
            continue
        chosen = offered[int(number) - 1] if offered and number.isdigit() else None
        turn = dialogue.choose(chosen.id, state) if chosen else dialogue.reply(text, state)
        state, offered = turn.state, turn.reply.choices
        print(turn.reply.as_text())
        if offered:
            print(f"(tapez un numéro de 1 à {len(offered)})")
