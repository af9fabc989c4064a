"""``bot check`` and ``bot evaluate``: whether the data hold together, and how well they answer."""

from __future__ import annotations

import argparse
import json
from datetime import date

from bot.base.paths import project_paths
from bot.cli.registry import Registry


def add_commands(registry: Registry) -> None:
    """Add the commands to ``bot``."""
    registry.add("check", _check, "vérifie le référentiel, le corpus et les réponses")
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
