"""``bot annuaire``: bring the directory of places up to date from a published file."""

from __future__ import annotations

import argparse
from pathlib import Path

from bot.base.paths import project_paths
from bot.cli.registry import Registry
from bot.cli.staff import console_name, tell_journal


def add_commands(registry: Registry) -> None:
    """Add the commands to ``bot``."""
    actions = registry.group("annuaire", "met à jour l'annuaire des lieux")
    load = actions.add("importer", _import, "compare l'annuaire à un fichier publié ; n'écrit qu'avec --ecrire")
    load.add_argument("fichier", help="l'archive de la DILA (all_latest.tar.bz2), ou son JSON, tels qu'ils sont publiés")
    load.add_argument("--france-services", action="store_true", help="le fichier est la liste France services de l'ANCT (CSV)")
    load.add_argument("--date", default="", help="date du fichier, si son nom ne la dit pas, par exemple 2026-12-01")
    load.add_argument("--ecrire", action="store_true", help="écrit les différences, et le note dans le journal")


def _import(arguments: argparse.Namespace) -> int:
    from bot.referential import load_referential
    from bot.referential.communes import load_gazetteer
    from bot.staff.editing.directory_import import DirectoryImport

    paths = project_paths()
    importer = DirectoryImport(paths, load_referential(paths.referential), load_gazetteer(paths.referential))
    read = importer.read_france_services if arguments.france_services else importer.read_dila
    reading = read(Path(arguments.fichier), arguments.date)
    plan = importer.plan(reading)
    for line in plan.lines():
        print(line)
    print(f"{reading.source}, fichier du {reading.day} : {reading.read} fiches lues, {len(reading.places)} lieux du Lot.")
    for reason, count in reading.notes.most_common():
        print(f"  {reason} : {count}")
    counts = {"ajoutes": len(plan.added), "changes": len(plan.changed), "confirmes": len(plan.confirmed), "gardes": len(plan.kept)}
    print("{ajoutes} à ajouter, {changes} à changer, {confirmes} confirmés, {gardes} gardés tels que corrigés à la main.".format(**counts))
    if not arguments.ecrire:
        print("Rien n'est écrit. Pour écrire : --ecrire")
        return 0
    change = importer.write(plan, reading, console_name())
    if change is None:
        print("Rien n'a changé.")
        return 0
    tell_journal(paths)
    print(f"L'annuaire est à jour. {change.note}".strip())
    return 0
