"""``bot cles creer|lister|retirer``: the keys of the partners' API."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.base.errors import SettingsError
from bot.cli.registry import Registry, say

if TYPE_CHECKING:
    from bot.staff.accounts.api_keys import JsonKeyStore


def add_commands(registry: Registry) -> None:
    """Add the commands to ``bot``."""
    keys = registry.group("cles", "crée, liste ou retire les clés de l'API des partenaires")
    create = keys.add("creer", _create, "crée une clé et l'affiche une seule fois")
    create.add_argument("--nom", required=True, help="à qui elle est donnée, par exemple « Mairie de Figeac »")
    create.add_argument("--par-minute", type=int, default=600, help="messages permis par minute (600) ; 0 : pas de limite")
    keys.add("lister", _list, "liste les clés, sans leur secret")
    revoke = keys.add("retirer", _revoke, "retire une clé ; l'effet est immédiat")
    revoke.add_argument("identifiant", help="les huit caractères donnés par « bot cles lister »")


def _create(arguments: argparse.Namespace) -> int:
    from bot.staff.accounts.api_keys import create_key

    key, record = create_key(_key_store(), arguments.nom, arguments.par_minute, datetime.now(UTC))
    print(key)
    say(f"Clé {record.id} créée pour {record.nom}. Notez-la : elle ne sera plus jamais affichée.")
    return 0


def _list(arguments: argparse.Namespace) -> int:
    keys = _key_store().all()
    for key in keys:
        state = f"retirée le {key.retire_le}" if key.retire_le else "valable"
        limit = f"{key.par_minute} par minute" if key.par_minute else "sans limite"
        print(f"{key.id}  {key.nom}  {limit}  créée le {key.cree_le}  {state}")
    if not keys:
        print("Aucune clé.")
    return 0


def _revoke(arguments: argparse.Namespace) -> int:
    from bot.staff.accounts.api_keys import revoke_key

    record = revoke_key(_key_store(), arguments.identifiant, datetime.now(UTC))
    print(f"Clé {record.id} ({record.nom}) retirée.")
    return 0


def _key_store() -> JsonKeyStore:
    from bot.base.settings import Settings
    from bot.staff.accounts.api_keys import JsonKeyStore

    path = Settings.from_environment().keys_file
    if not path:
        raise SettingsError("Dites d'abord où garder les clés : BOT_CLES=/chemin/cles.json, la même valeur que pour le serveur.")
    return JsonKeyStore(Path(path))
