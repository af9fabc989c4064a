"""The workshop's operations as commands: accounts, journal, purge."""

from __future__ import annotations

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from bot.base.errors import AccountError
from bot.base.paths import ProjectPaths, project_paths
from bot.base.settings import Settings
from bot.cli.registry import Registry

if TYPE_CHECKING:
    from bot.staff.accounts.accounts import Accounts
    from bot.staff.storage import Storage

ROLES = ("lecteur", "redacteur", "administrateur")


def add_commands(registry: Registry) -> None:
    """Add the commands to ``bot``."""
    account = registry.add("compte", _account, "gère les comptes de l'atelier")
    account.add_argument(
        "action",
        choices=["creer", "lister", "desactiver", "reactiver", "mot-de-passe", "role"],
        help="creer, lister, desactiver, reactiver, mot-de-passe ou role",
    )
    account.add_argument("nom", nargs="?", help="nom du compte, par exemple marie.durand")
    account.add_argument("--role", choices=ROLES, help="lecteur, redacteur ou administrateur")
    journal = registry.add("journal", _journal, "vérifie le journal de l'atelier")
    journal.add_argument("action", choices=["verifier"], help="verifier : relit toute la chaîne")
    registry.add("purge", _purge, "efface les textes de l'atelier plus anciens que BOT_CONSERVATION_JOURS")


def _purge(arguments: argparse.Namespace) -> int:
    from bot.staff.upkeep.retention import purge

    days = Settings.from_environment().retention_days
    done = purge(_storage(), days, console_name())
    print(f"Textes de plus de {days} jours effacés : {done.messages} message(s), {done.comments} commentaire(s), {done.groups} groupe(s).")
    return 0


def _account(arguments: argparse.Namespace) -> int:
    found, action = _accounts(), arguments.action
    if action == "lister":
        for account in found.all():
            print(f"{account.name}\t{account.role.value}\t{'actif' if account.active else 'désactivé'}")
        return 0
    if not arguments.nom:
        raise AccountError(f"Il manque le nom du compte : bot compte {action} marie.durand")
    if action == "creer":
        created = found.create(arguments.nom, arguments.role or ROLES[0], _new_password(), console_name())
        print(f"Compte « {created.name} » créé ({created.role.value}).")
    elif action == "mot-de-passe":
        found.get(arguments.nom)
        found.set_password(arguments.nom, _new_password(), console_name())
        print("Mot de passe changé. Les sessions ouvertes de ce compte sont fermées.")
    elif action == "role":
        if not arguments.role:
            raise AccountError(f"Il manque --role ({', '.join(ROLES)}).")
        found.set_role(arguments.nom, arguments.role, console_name())
        print(f"« {arguments.nom} » est maintenant {arguments.role}.")
    else:
        found.set_active(arguments.nom, action == "reactiver", console_name())
        print("Compte réactivé." if action == "reactiver" else "Compte désactivé ; ses sessions sont fermées.")
    return 0


def _journal(arguments: argparse.Namespace) -> int:
    from bot.staff.accounts.audit import verify

    verdict = verify(_storage())
    if verdict.broken is not None:
        print(f"Le journal a été modifié : la chaîne casse à la ligne {verdict.broken}.", file=sys.stderr)
        return 1
    print(f"Journal intact : {verdict.lines} ligne(s). Dernière empreinte : {verdict.last}")
    return 0


def _new_password() -> str:
    """Ask twice on a terminal; read one line otherwise."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Mot de passe (12 caractères au moins) : ")
    if getpass.getpass("Le même, une seconde fois : ") != first:
        raise AccountError("Les deux mots de passe sont différents. Recommencez.")
    return first


def console_name() -> str:
    """Who types the command, for the journal."""
    try:
        return f"console ({getpass.getuser()})"
    except (KeyError, OSError):
        return "console"


def tell_journal(paths: ProjectPaths) -> None:
    """Write in the workshop's journal what was done by a command."""
    from bot.staff.accounts import audit
    from bot.staff.storage import Storage, database_url

    storage = Storage(database_url(Settings.from_environment().base, paths))
    audit.deliver(storage, paths)
    storage.close()


def _storage() -> Storage:
    from bot.staff.storage import Storage, database_url

    return Storage(database_url(Settings.from_environment().base, project_paths()))


def _accounts() -> Accounts:
    from bot.staff.accounts.accounts import Accounts

    return Accounts(_storage())
