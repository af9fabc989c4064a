"""Real processes: several assistants, nginx in front with the shipped configuration, a self-signed certificate."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from bot.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
NGINX = shutil.which("nginx")
OPENSSL = shutil.which("openssl")
HOST = "assistant.exemple.fr"


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Assistant:
    """One ``bot serve`` process.

    Args:
        folder: where its log goes.
        settings: ``BOT_…`` variables.
    """

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.port = free_port()
        self.log = folder / f"assistant-{self.port}.log"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        arguments = [sys.executable, "-m", "bot", "serve", "--sans-agent", "--port", str(self.port)]
        ours = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
        environment = {**ours, **self._settings, "PYTHONUNBUFFERED": "1"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(arguments, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def wait_ready(self, seconds: float = 90.0) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=2):
                    return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"not ready: {self.log.read_text(encoding='utf-8')[-2000:]}")

    def kill(self, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        return self._process.wait(30)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def served(self, route: str) -> int:
        """Return how many requests of a route its log tells."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        rows = (json.loads(line) for line in lines if line.startswith("{"))
        return sum(row.get("route") == route for row in rows)


class Nginx:
    """nginx with ``deploy/nginx/assistant.conf``, its ports, paths and certificate replaced.

    Args:
        folder: for its files.
        ports: of the assistants.
    """

    def __init__(self, folder: Path, ports: list[int]) -> None:
        self._folder = folder / "nginx"
        self._folder.mkdir()
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._certificate()
        written = main(["panne", str(self._folder / "secours.html")])
        assert written == 0, "the outage page was not written"
        (self._folder / "nginx.conf").write_text(self._configuration(ports), encoding="utf-8")

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._process = subprocess.Popen(self._command("-g", "daemon off;"), stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("nginx does not listen")

    def check(self) -> str:
        """Return what ``nginx -t`` says."""
        return subprocess.run(self._command("-t"), capture_output=True, text=True, timeout=30).stderr

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _command(self, *options: str) -> list[str]:
        assert NGINX is not None
        return [NGINX, "-c", str(self._folder / "nginx.conf"), "-p", str(self._folder), *options]

    def _certificate(self) -> None:
        assert OPENSSL is not None
        request = [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
        files = ["-keyout", str(self._folder / "privkey.pem"), "-out", str(self._folder / "fullchain.pem")]
        subprocess.run([*request, *files], check=True, capture_output=True)

    def _configuration(self, ports: list[int]) -> str:
        shipped = (ROOT / "deploy" / "nginx" / "assistant.conf").read_text(encoding="utf-8")
        upstream = (ROOT / "deploy" / "nginx" / "processus.conf").read_text(encoding="utf-8")
        servers = iter(ports)
        upstream = re.sub(r"127\.0\.0\.1:\d+", lambda _: f"127.0.0.1:{next(servers)}", upstream)
        shipped = shipped.replace("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl").replace(
            "listen 80", f"listen 127.0.0.1:{free_port()}"
        )
        shipped = (
            shipped.replace("/etc/ssl/assistant/", f"{self._folder}/")
            .replace("/var/log/nginx/assistant.log", f"{self._folder}/erreurs.log")
            .replace("/etc/nginx/assistant", str(self._folder))
        )
        head = f"user {getpass.getuser()};\npid {self._folder}/nginx.pid;\nerror_log {self._folder}/nginx.log;"
        return f"{head}\nevents {{}}\nhttp {{\n{upstream}\n{shipped}\n}}\n"


class Visitor:
    """Holds one conversation over HTTPS, as the page's script does.

    Args:
        url: of the assistant.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.conversation = ""
        self._sends = 0
        self._trust = ssl.create_default_context()
        self._trust.check_hostname = False
        self._trust.verify_mode = ssl.CERT_NONE

    def say(self, text: str) -> dict[str, Any]:
        """Send a message; raises ``OSError`` when it is not answered."""
        self._sends += 1
        body = {"texte": text, "conversation": self.conversation, "envoi": f"e{self._sends}"}
        request = urllib.request.Request(
            f"{self._url}/api/chat", json.dumps(body).encode(), {"Content-Type": "application/json", "Host": HOST}
        )
        with urllib.request.urlopen(request, timeout=30, context=self._trust) as answer:
            value: dict[str, Any] = json.loads(answer.read())
        self.conversation = value["conversation"]
        return value

    def page(self) -> str:
        """Return the page as the server draws it for this conversation."""
        headers = {"Cookie": f"__Host-conversation={self.conversation}", "Host": HOST}
        with urllib.request.urlopen(urllib.request.Request(self._url, headers=headers), timeout=30, context=self._trust) as answer:
            return answer.read().decode()
