"""``python -m scripts.mesures comparaison [--rapide]`` or ``erreurs``: regenerate a page of docs/."""

from __future__ import annotations

import argparse
import os
import sys

os.environ["RASA_TELEMETRY_ENABLED"] = "false"

from bot.errors import AssistantError
from bot.paths import project_paths


def main() -> int:
    """Run one measure; returns the exit code."""
    parser = argparse.ArgumentParser("mesures", description="Mesures longues : écrit docs/comparaison.md ou docs/erreurs.md.")
    parser.add_argument("mesure", choices=("comparaison", "erreurs"), help="la page à refaire")
    parser.add_argument("--rapide", action="store_true", help="comparaison : un essai de moins d'une minute, affiché sans rien écrire")
    arguments = parser.parse_args()
    try:
        if arguments.mesure == "erreurs":
            from scripts.mesures.errors import run as write_errors

            write_errors(project_paths())
        else:
            from scripts.mesures.comparison import run as compare

            compare(project_paths(), arguments.rapide)
    except AssistantError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
