"""``python -m scripts.mesures comparaison|erreurs|charge|croissance|masquage|dependances [--rapide]``: regenerate a page of docs/."""

from __future__ import annotations

import argparse
import os
import sys

os.environ["RASA_TELEMETRY_ENABLED"] = "false"

from bot.base.errors import AssistantError
from bot.base.paths import project_paths


def main() -> int:
    """Run one measure; returns the exit code."""
    parser = argparse.ArgumentParser(
        "mesures",
        description="Mesures longues : écrit docs/comparaison.md, docs/erreurs.md, docs/charge.md, docs/croissance.md, ou les tableaux de docs/menaces.md et docs/dependances.md.",
    )
    parser.add_argument(
        "mesure", choices=("comparaison", "erreurs", "charge", "croissance", "masquage", "dependances"), help="la page à refaire"
    )
    parser.add_argument(
        "--rapide",
        action="store_true",
        help="comparaison, charge, croissance : un essai de quelques minutes au plus, affiché sans rien écrire dans docs/",
    )
    parser.add_argument("--redis", default="", help="charge : Redis pour plusieurs processus (redis://…) ; sans lui, un Redis est lancé")
    parser.add_argument("--tours", type=int, default=50_000, help="charge : tours de l'endurance (50 000)")
    parser.add_argument(
        "--etape",
        choices=("", "paliers", "endurance", "page"),
        default="",
        help="charge : les débits croissants seuls, l'endurance seule, ou la page seule, avec ce qui est déjà mesuré",
    )
    parser.add_argument("--minutes", type=float, default=12.0, help="croissance : temps laissé à chaque point (12)")
    parser.add_argument("--points", default="", help="croissance : points à mesurer, séparés par des virgules (sujets-10,phrases-5…)")
    arguments = parser.parse_args()
    try:
        if arguments.mesure == "erreurs":
            from scripts.mesures.errors import run as write_errors

            write_errors(project_paths())
        elif arguments.mesure == "masquage":
            from scripts.mesures.masking import run as measure_masking

            measure_masking(project_paths())
        elif arguments.mesure == "dependances":
            from scripts.mesures.dependencies import run as review

            review(project_paths())
        elif arguments.mesure == "charge":
            from scripts.mesures.load import run as load

            load(project_paths(), arguments.rapide, arguments.redis, arguments.tours, arguments.etape)
        elif arguments.mesure == "croissance":
            from scripts.mesures.growth import run as grow

            grow(project_paths(), arguments.rapide, arguments.minutes, [p for p in arguments.points.split(",") if p])
        else:
            from scripts.mesures.comparison import run as compare

            compare(project_paths(), arguments.rapide)
    except AssistantError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
