"""Real server processes on a small tree of their own, with a small real model; and a real PostgreSQL."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from web_cluster import ROOT, Assistant, free_port

from bot.base.paths import ProjectPaths

POSTGRES = next((p for p in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True) if (p / "initdb").exists()), None)
_AS_OTHER = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
"""PostgreSQL refuses to run as root."""


def trained_tree(folder: Path) -> ProjectPaths:
    """Write a small tree and train what it answers with: a few topics, real messages, some seconds."""
    sys.path.insert(0, str(ROOT / "tests" / "staff"))
    from trees import make_tree

    from bot.learning.emergencies import ensure_detector
    from bot.learning.tuning import ensure_model

    paths = ProjectPaths(make_tree(folder, git=False).root, folder / "models")
    ensure_detector(paths, lambda _sentence: None)
    ensure_model(paths, lambda _sentence: None)
    return paths


def copy_of(paths: ProjectPaths, folder: Path) -> Path:
    """Return a tree of one's own, as trained as the first."""
    shutil.copytree(paths.root, folder, ignore=shutil.ignore_patterns("var"))
    return folder


class Served(Assistant):
    """One server on a tree of its own.

    Args:
        tree: root of the tree.
        settings: ``BOT_…`` variables.
        code: Python run before the server, to make it fail on purpose.
        options: of ``bot serve``.
    """

    def __init__(self, tree: Path, settings: Mapping[str, str] = {}, code: str = "", options: tuple[str, ...] = ("--sans-agent",)) -> None:
        everything = {"BOT_RACINE": str(tree), "BOT_DEBIT_MINUTE": "0", "BOT_DEBIT_HEURE": "0", **settings}
        super().__init__(tree, everything)
        self.url = f"http://127.0.0.1:{self.port}"
        self._tree, self._code, self._options = tree, code, options

    def start(self) -> None:
        words = ["serve", "--port", str(self.port), *self._options]
        program = f"{self._code}\nimport sys\nfrom bot.cli.main import main\nsys.exit(main({words!r}))\n"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BOT_")}
        environment |= {**self._settings, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment, stdout=log, stderr=log)

    def listening(self, seconds: float = 60.0) -> None:
        """Wait for the port alone, not for the model."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("does not listen")

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/health", timeout=10) as answer:
            return dict(json.loads(answer.read()))

    def post(self, path: str, body: bytes, headers: Mapping[str, str] = {}) -> tuple[int, str]:
        """Send bytes; returns the status and the text, whatever they are."""
        request = urllib.request.Request(self.url + path, body, {"Content-Type": "application/json", **headers})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode("utf-8", "replace")

    def say(self, text: str, **more: Any) -> tuple[int, dict[str, Any]]:
        status, body = self.post("/api/chat", json.dumps({"texte": text, **more}).encode())
        return status, json.loads(body)

    def raw(self, payload: bytes) -> bytes:
        """Send bytes as they are on a connection, and return the start of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(payload)
            try:
                return connection.recv(65_536)
            except OSError:
                return b""


class PostgresServer:
    """A PostgreSQL that may be stopped and started again, its data kept."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pannes-pg-"))
        if _AS_OTHER:
            shutil.chown(self._folder, "postgres")
        self.port = free_port()
        self.url = f"postgresql://atelier@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-D", f"{self._folder}/data", "-A", "trust", "-U", "atelier", "-E", "UTF8")

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-o", options, "-l", f"{self._folder}/log", "-w", "start")

    def stop(self) -> None:
        """Stop at once, as a crash would."""
        self._run("pg_ctl", "-D", f"{self._folder}/data", "-m", "immediate", "stop")

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        assert POSTGRES is not None
        quiet = subprocess.DEVNULL
        subprocess.run([*_AS_OTHER, str(POSTGRES / program), *arguments], check=True, stdout=quiet, stderr=quiet, cwd=self._folder)
