"""The process that serves: listens at once, loads behind, ends cleanly on SIGTERM."""

from __future__ import annotations

import os
import socket

from aiohttp import web

from bot.errors import SettingsError
from bot.paths import ProjectPaths, project_paths
from bot.settings import Settings
from bot.web.app import create_app
from bot.web.engines import build_engine
from bot.web.journal import configure_journal

CLOSING_SECONDS = 5.0


def run_server(host: str, port: int, with_agent: bool = True, internal: str = "") -> None:
    """Serve until SIGTERM or Ctrl+C.

    Args:
        host: address to listen on.
        port: to listen on; 0 takes any free one.
        with_agent: whether to load the Rasa agent; the plain router answers alone otherwise.
        internal: ``host:port`` of the internal pages (the workshop); empty: they are not served.

    Raises:
        SettingsError: a setting makes no sense, or the address cannot be listened on.
    """
    os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
    settings = Settings.from_environment()
    configure_journal()
    paths = project_paths()
    listener = _listen(host, port)
    inside = _listen(*_internal_address(internal), "--interne") if internal else None
    engine = build_engine(paths, settings.agent_seconds, settings.router_seconds, with_agent)
    print(f"L'assistant est sur {_shown(listener)} (Ctrl+C pour arrêter).", flush=True)
    backstage = _Backstage(settings, paths, inside, with_agent)
    backstage.start()
    try:
        web.run_app(
            create_app(settings, engine, observer=backstage.recorder, switch=backstage.switch),
            sock=listener,
            access_log=None,
            print=lambda *_: None,
            shutdown_timeout=CLOSING_SECONDS,
        )
    finally:
        backstage.stop()


class _Backstage:
    """What runs behind the public page: the recorder, the off switch, the chores, and the internal pages when asked."""

    def __init__(self, settings: Settings, paths: ProjectPaths, inside: socket.socket | None, with_agent: bool) -> None:
        from bot.atelier.accounts import Accounts
        from bot.atelier.intake import Intake
        from bot.atelier.keeper import Keeper
        from bot.atelier.recorder import Recorder
        from bot.atelier.storage import Storage, database_url
        from bot.atelier.switch import Switch
        from bot.web.atelier.framework import Workshop
        from bot.web.internal import InternalServer, create_internal_app

        storage = Storage(database_url(settings.base, paths))
        self.recorder = Recorder(lambda: Intake(storage), paths.variable / "attente")
        self.switch = Switch(storage)
        self._server = None
        workshop = Workshop(storage, Accounts(storage), settings, paths, self.switch.refresh, with_agent)
        self._queue = workshop.queue
        if inside is not None:
            self._server = InternalServer(lambda: create_internal_app(workshop), inside)
            print(f"L'atelier du personnel est sur {_shown(inside)}/atelier/", flush=True)
        self._keeper = Keeper(storage, paths, settings.retention_days, workshop.inbox if inside is not None else None)

    def start(self) -> None:
        self._keeper.start()
        if self._server is not None:
            self._queue.start()
            self._server.start()

    def stop(self) -> None:
        self._keeper.stop()
        if self._server is not None:
            self._server.stop()
            self._queue.stop()


def _shown(listener: socket.socket) -> str:
    address, listening = listener.getsockname()[:2]
    return f"http://[{address}]:{listening}" if ":" in address else f"http://{address}:{listening}"


def _internal_address(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5:
        raise SettingsError(f"--interne attend une adresse et un port, comme 127.0.0.1:8001, et non « {value} ».")
    return host.strip("[]"), int(port)


def _listen(host: str, port: int, option: str = "--port") -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise SettingsError(f"Impossible d'écouter sur {host}:{port} : {error}. Choisissez un autre port avec {option}.") from error
