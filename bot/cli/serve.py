"""``bot serve``: the whole assistant, on a port."""

from __future__ import annotations

import argparse
import contextlib
import threading
from pathlib import Path

from bot.base.errors import AssistantError
from bot.base.paths import project_paths
from bot.cli.registry import Registry


def add_commands(registry: Registry) -> None:
    """Add the command to ``bot``."""
    serve = registry.add("serve", _serve, "lance l'assistant sur une page web")
    serve.add_argument("--host", default="127.0.0.1", help="adresse d'écoute (127.0.0.1)")
    serve.add_argument("--port", type=int, default=8000, help="port d'écoute (8000)")
    serve.add_argument("--sans-agent", action="store_true", help="répond par le routeur seul, sans charger Rasa")
    serve.add_argument(
        "--interne", metavar="ADRESSE:PORT", default="", help="ouvre aussi l'atelier du personnel, par exemple sur 127.0.0.1:8001"
    )
    outage = registry.add("panne", _outage, "écrit la page que nginx montre quand l'assistant ne répond pas")
    outage.add_argument("fichier", type=Path, help="où l'écrire, par exemple /etc/nginx/assistant/secours.html")


def _serve(arguments: argparse.Namespace) -> int:
    threading.Thread(target=_read_ahead, name="encodeurs", daemon=True).start()
    from bot.web.server import run_server

    run_server(arguments.host, arguments.port, with_agent=not arguments.sans_agent, internal=arguments.interne)
    return 0


def _outage(arguments: argparse.Namespace) -> int:
    from bot.base.files import write_text
    from bot.referential import load_referential
    from bot.web.outage import outage_page

    write_text(arguments.fichier, outage_page(load_referential(project_paths().referential)), mode=0o644)
    return 0


def _read_ahead() -> None:
    """Read the encoders while the modules of the server are imported; what fails here is said by whoever needs them."""
    from bot.learning.store import read_encoders

    with contextlib.suppress(AssistantError, OSError):
        read_encoders(project_paths().router_model)
