"""``python -m scripts.mesures comparaison|erreurs|charge|masquage|dependances [--rapide]``: regenerate a page of docs/."""

from __future__ import annotations

import argparse
import os
import sys

os.environ["RASA_TELEMETRY_ENABLED"] = "false"

from bot.errors import AssistantError
from bot.paths import project_paths


def main() -> int:
    """Run one measure; returns the exit code."""
    parser = argparse.ArgumentParser(
        "mesures",
        description="Mesures longues : écrit docs/comparaison.md, docs/erreurs.md, docs/charge.md, ou les tableaux de docs/menaces.md et docs/dependances.md.",
    )
    parser.add_argument("mesure", choices=("comparaison", "erreurs", "charge", "masquage", "dependances"), help="la page à refaire")
    parser.add_argument(
        "--rapide", action="store_true", help="comparaison, charge : un essai de moins d'une minute, affiché sans rien écrire"
    )
    parser.add_argument("--redis", default="", help="charge : Redis pour mesurer plusieurs processus (redis://…)")
    parser.add_argument("--tours", type=int, default=50_000, help="charge : tours de l'endurance (50 000)")
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

            load(project_paths(), arguments.rapide, arguments.redis, arguments.tours)
        else:
            from scripts.mesures.comparison import run as compare

            compare(project_paths(), arguments.rapide)
    except AssistantError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
