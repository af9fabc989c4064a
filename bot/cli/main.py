"""The ``bot`` command. Everything it prints is in French."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from bot.base.errors import AssistantError
from bot.cli import advisories, backups, check, conversations, directory, doctor, keys, models, route, serve, staff, train
from bot.cli.registry import FrenchParser, Registry

TRADES = (serve, train, route, doctor, check, keys, staff, models, directory, backups, conversations, advisories)
"""Each adds its commands, in the order of the help; nothing heavy is imported before one runs."""
OBJECTS = 50_000
"""New objects between two looks for garbage (700 by default in Python)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (0 fine, 1 problems found, 2 cannot run)."""
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    # One thread per product of matrices: on a busy machine, two that wait for each other take four times longer.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Tables and models are made once and stay: looking for garbage among them again and again takes a tenth of the start.
    gc.set_threshold(OBJECTS, 10, 10)
    parser, _ = commands()
    arguments = parser.parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except AssistantError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def commands() -> tuple[FrenchParser, Registry]:
    """Return the parser of ``bot`` and the registry of all its commands."""
    parser = FrenchParser("bot", "L'assistant de la préfecture du Lot : une demande, une seule porte.")
    registry = Registry(parser, "commandes", "commande")
    for trade in TRADES:
        trade.add_commands(registry)
    return parser, registry
