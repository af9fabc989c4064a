"""The process that serves: listens at once, loads behind, ends cleanly on SIGTERM."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.base.errors import SettingsError
from bot.base.paths import ProjectPaths, project_paths
from bot.base.settings import Settings
from bot.serving.engine import Engine, build_engine
from bot.staff.inbox.events import Event
from bot.staff.inbox.recorder import Recorder
from bot.staff.upkeep.notice import Notice, Switch
from bot.web.app import create_app
from bot.web.journal import configure_journal
from bot.web.keys import METRICS
from bot.web.metrics import Metrics, metrics_handler

if TYPE_CHECKING:
    from bot.staff.storage import Storage

LAST_PORT = 65_535
CLOSING_SECONDS = 4.0
END_SECONDS = 7.0
"""From the order to stop to the end of the process, whatever hangs."""
BACKSTAGE_SECONDS = 1.0
"""The longest that the end waits for what is still being made behind the public page."""
ROUTER_SECONDS = 10.0
"""The longest that what is behind the public page waits for the router."""
log = logging.getLogger("bot.web.server")


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
    listener = listen(host, port)
    inside = listen(*internal_address(internal), "--interne") if internal else None
    print(f"L'assistant est sur {_shown(listener)} (Ctrl+C pour arrêter).", flush=True)
    backstage = _Backstage(settings, paths, inside, with_agent)
    engine = build_engine(paths, settings.agent_seconds, settings.router_seconds, with_agent, backstage.switch)
    app = create_app(settings, engine, observer=backstage.recorder)
    app[METRICS].watch(backstage.recorder)
    app.on_shutdown.append(_end_in_time)
    backstage.start(app[METRICS], engine)
    try:
        web.run_app(
            app,
            sock=listener,
            access_log=None,
            print=lambda *_: None,
            shutdown_timeout=CLOSING_SECONDS,
        )
    finally:
        backstage.stop()


async def _end_in_time(_app: web.Application) -> None:
    """End even when a thread hangs on PostgreSQL or Redis: what was answered is on disk by then."""

    def end() -> None:
        log.warning("stop forced", extra={"evenement": "arret_force"})
        os._exit(0)

    timer = threading.Timer(END_SECONDS, end)
    timer.daemon = True
    timer.start()


class _Backstage:
    """What runs behind the public page: the recorder, the off switch, the chores, and the internal pages when asked.

    All that is heavy is made in a thread: the public waits for none of it, and is served without it when it cannot be made.
    """

    def __init__(self, settings: Settings, paths: ProjectPaths, inside: socket.socket | None, with_agent: bool) -> None:
        self._settings = settings
        self._paths = paths
        self._inside = inside
        self._with_agent = with_agent
        self._opening = threading.Lock()
        self._opened: Storage | None = None
        self._parts: list[Any] = []
        self.recorder = Recorder(self._open_intake, paths.variable / "attente", one_in=settings.checked_one_in)
        self.switch = Switch(self._read_notice)

    def start(self, metrics: Metrics, engine: Engine) -> None:
        """Start once the public can be answered: until then the processor is for the router."""
        self._engine = engine
        self._thread = threading.Thread(target=self._run, args=(metrics,), name="coulisses", daemon=True)
        if self._inside is not None:
            print(f"L'atelier du personnel est sur {_shown(self._inside)}/atelier/", flush=True)
        self._thread.start()

    def stop(self) -> None:
        self._thread.join(BACKSTAGE_SECONDS)
        for part in reversed(self._parts):
            part.stop()

    def _run(self, metrics: Metrics) -> None:
        from bot.web.internal import InternalServer, create_measures_app

        with contextlib.suppress(TimeoutError):
            self._engine.loaded.result(ROUTER_SECONDS)
        try:
            for part in self._make(metrics):
                part.start()
                self._parts.append(part)
        except Exception as error:
            log.error("backstage cannot start", extra={"evenement": "coulisses_absentes"}, exc_info=error)
            if self._inside is not None and not self._parts:  # who watches must see it
                measures = InternalServer(lambda: create_measures_app(metrics_handler(metrics)), self._inside)
                measures.start()
                self._parts.append(measures)

    def _make(self, metrics: Metrics) -> Iterator[Any]:
        from bot.staff.accounts.accounts import Accounts
        from bot.staff.upkeep.keeper import Keeper
        from bot.web.internal import InternalServer, create_internal_app
        from bot.web.staff.framework import Workshop

        storage = self._storage()
        public = (self.switch.refresh, self._engine.is_up_to_date)
        workshop = Workshop(storage, Accounts(storage), self._settings, self._paths, *public, self._with_agent)
        if self._inside is not None:
            yield InternalServer(lambda: create_internal_app(workshop, routes=[metrics_handler(metrics)]), self._inside)
            yield workshop.queue
        pages = (workshop.inbox, workshop.nightly.run) if self._inside is not None else (None, None)
        yield Keeper(storage, self._paths, self._settings.retention_days, *pages)

    def _storage(self) -> Storage:
        from bot.staff.storage import Storage, database_url

        with self._opening:
            if self._opened is None:
                self._opened = Storage(database_url(self._settings.base, self._paths))
            return self._opened

    def _open_intake(self) -> Callable[[Sequence[Event]], None]:
        from bot.staff.inbox.intake import Intake

        return Intake(self._storage())

    def _read_notice(self) -> Notice:
        from bot.staff.upkeep.switch import read_notice

        return read_notice(self._storage())


def _shown(listener: socket.socket) -> str:
    address, listening = listener.getsockname()[:2]
    return f"http://[{address}]:{listening}" if ":" in address else f"http://{address}:{listening}"


def internal_address(value: str) -> tuple[str, int]:
    """Read the address and the port of ``--interne``."""
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or len(port) > 5:
        raise SettingsError(f"--interne attend une adresse et un port, comme 127.0.0.1:8001, et non « {value} ».")
    return host.strip("[]"), int(port)


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """Listen on an address; what cannot be is said with the option to change."""
    try:
        if port > LAST_PORT:
            raise OverflowError(f"les ports vont jusqu'à {LAST_PORT}")
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise SettingsError(f"Impossible d'écouter sur {host}:{port} : {error}. Choisissez un autre port avec {option}.") from error
