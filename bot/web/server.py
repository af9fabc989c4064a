"""The process that serves: listens at once, loads behind, ends cleanly on SIGTERM."""

from __future__ import annotations

import os
import socket

from aiohttp import web

from bot.errors import SettingsError
from bot.paths import project_paths
from bot.settings import Settings
from bot.web.app import create_app
from bot.web.engines import build_engine
from bot.web.journal import configure_journal

CLOSING_SECONDS = 5.0


def run_server(host: str, port: int, with_agent: bool = True) -> None:
    """Serve until SIGTERM or Ctrl+C.

    Args:
        host: address to listen on.
        port: to listen on; 0 takes any free one.
        with_agent: whether to load the Rasa agent; the plain router answers alone otherwise.

    Raises:
        SettingsError: a setting makes no sense, or the address cannot be listened on.
    """
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    settings = Settings.from_environment()
    configure_journal()
    listener = _listen(host, port)
    engine = build_engine(project_paths(), settings.agent_seconds, settings.router_seconds, with_agent)
    address, listening = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    print(f"L'assistant est sur http://{shown}:{listening} (Ctrl+C pour arrêter).", flush=True)
    web.run_app(
        create_app(settings, engine),
        sock=listener,
        access_log=None,
        print=lambda *_: None,
        shutdown_timeout=CLOSING_SECONDS,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise SettingsError(f"Impossible d'écouter sur {host}:{port} : {error}. Choisissez un autre port avec --port.") from error
