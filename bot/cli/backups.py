"""``bot sauvegarde creer|restaurer FICHIER``."""

from __future__ import annotations

import argparse
from pathlib import Path

from bot.base.paths import project_paths
from bot.base.settings import Settings
from bot.cli.registry import Registry


def add_commands(registry: Registry) -> None:
    """Add the command to ``bot``."""
    backup = registry.add("sauvegarde", _backup, "sauvegarde ou restaure la base de l'atelier et le dossier data/")
    backup.add_argument("action", choices=["creer", "restaurer"], help="creer ou restaurer")
    backup.add_argument("fichier", help="le fichier de sauvegarde (.tar.gz)")
    backup.add_argument("--remplacer", action="store_true", help="remplace ce qui existe déjà")


def _backup(arguments: argparse.Namespace) -> int:
    from bot.staff.storage import Storage, database_url
    from bot.staff.upkeep.backup import create, restore

    paths, file = project_paths(), Path(arguments.fichier)
    storage = Storage(database_url(Settings.from_environment().base, paths))
    if arguments.action == "creer":
        saved = create(file, storage, paths, arguments.remplacer)
        print(f"Sauvegardé dans {file} : {saved.rows} ligne(s) de la base, {saved.files} fichier(s).")
        print("Gardez ce fichier en lieu sûr : il contient des messages masqués et des mots de passe hachés.")
        return 0
    saved, aside = restore(file, storage, paths, arguments.remplacer)
    print(f"Restauré : la sauvegarde du {saved.made_at}, {saved.rows} ligne(s) de la base, {saved.files} fichier(s).")
    if aside is not None:
        print(f"L'ancien dossier data/ est gardé dans {aside.name}.")
    print("Lancez « bot check », puis « bot train », puis redémarrez l'assistant.")
    return 0
