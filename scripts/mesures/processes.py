"""What every measure of real processes needs: a free port, waiting, memory, a Redis of its own, results kept line by line."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.base.errors import AssistantError

STOP_SECONDS = 20.0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until ``condition`` holds.

    Args:
        condition: asked again and again.
        seconds: at most.
        what: what is waited for, in French.

    Raises:
        AssistantError: it does not hold in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssistantError(f"{what} : rien après {seconds:.0f} s.")
        time.sleep(0.02)


def memory(process: int) -> dict[str, float]:
    """Return what a process holds, in bytes: ``rss``, and ``pss`` where pages shared by several processes count once in all.

    Args:
        process: its id.
    """
    text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    return {name.lower(): int(kilobytes) * 1024.0 for name, kilobytes in re.findall(r"^(Rss|Pss):\s+(\d+)", text, re.MULTILINE)}


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process, by force when it does not end by itself."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Redis:
    """A Redis to share things by.

    Args:
        url: where it is.
        process: its id when it was started here, to count its memory; ``None`` otherwise.
    """

    url: str
    process: int | None = None


@contextmanager
def redis_server(url: str = "") -> Iterator[Redis | None]:
    """Yield the Redis at ``url``; without one, start one that writes nothing on disk; ``None`` when it is not installed."""
    command = shutil.which("redis-server")
    if url or command is None:
        yield Redis(url) if url else None
        return
    port = free_port()
    arguments = [command, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: listens(port), 10, "Redis")
        yield Redis(f"redis://127.0.0.1:{port}/0", server.pid)
    finally:
        stop(server)


class Results:
    """Measures kept as soon as they are made, one JSON object a line, so that a run that stops loses none.

    Args:
        path: the file; made on first writing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, row: Mapping[str, Any]) -> None:
        """Append one measure."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")

    def rows(self) -> list[dict[str, Any]]:
        """Return every measure, oldest first; a last line cut short by a crash is left out."""
        if not self._path.exists():
            return []
        lines = self._path.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines[:-1] if line]
