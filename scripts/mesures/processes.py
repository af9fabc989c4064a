"""What every measure of real processes needs: a free port, waiting, memory, an end."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Callable
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
