"""``python -m scripts.mesures MESURE [--rapide]``: regenerate a page of docs/."""

from __future__ import annotations

import argparse
import os
import sys

os.environ["RASA_TELEMETRY_ENABLED"] = "false"

from bot.base.errors import AssistantError
from bot.base.paths import project_paths

PAGES = {
    "apprendre": "des tableaux de docs/corpus.md",
    "comparaison": "docs/comparaison.md",
    "conversations": "un tableau de docs/comparaison.md",
    "erreurs": "docs/erreurs.md",
    "masquage": "un tableau de docs/menaces.md",
    "langues": "un autre de docs/menaces.md",
    "longueurs": "un autre de docs/menaces.md",
    "partage": "un autre de docs/menaces.md",
    "empoisonnements": "un autre de docs/menaces.md",
    "publication": "un autre de docs/corpus.md",
    "dependances": "le tableau de docs/dependances.md",
}


def main() -> int:
    """Run one measure; returns the exit code."""
    parser = argparse.ArgumentParser("mesures", description=f"Mesures longues : écrit {', '.join(PAGES.values())}.")
    parser.add_argument("mesure", choices=PAGES, help="la page à refaire")
    parser.add_argument(
        "--rapide", action="store_true", help="comparaison : un essai de quelques minutes, affiché sans rien écrire dans docs/"
    )
    arguments = parser.parse_args()
    paths = project_paths()
    try:
        if arguments.mesure == "comparaison":
            from scripts.mesures.comparison import run as compare

            compare(paths, arguments.rapide)
        elif arguments.mesure == "apprendre":
            from scripts.mesures.lessons import run as teach

            teach(paths)
        elif arguments.mesure == "conversations":
            from scripts.mesures.conversations import run as hold_conversations

            hold_conversations(paths)
        elif arguments.mesure == "erreurs":
            from scripts.mesures.errors import run as write_errors

            write_errors(paths)
        elif arguments.mesure == "masquage":
            from scripts.mesures.masking import run as measure_masking

            measure_masking(paths)
        elif arguments.mesure == "langues":
            from scripts.mesures.languages import run as measure_languages

            measure_languages(paths)
        elif arguments.mesure == "longueurs":
            from scripts.mesures.longest import run as measure_longest

            measure_longest(paths)
        elif arguments.mesure == "partage":
            from scripts.mesures.shares import run as measure_shares

            measure_shares(paths)
        elif arguments.mesure == "empoisonnements":
            from scripts.mesures.poisonings import run as poison

            poison(paths)
        elif arguments.mesure == "publication":
            from scripts.mesures.publishing import run as publish

            publish(paths)
        else:
            from scripts.mesures.dependencies import run as review

            review(paths)
    except AssistantError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
