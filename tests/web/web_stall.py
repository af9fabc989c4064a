"""A TCP proxy that can hang, as a stuck server or a lost network does; and people who talk whatever happens."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from web_process import Served

PER_SECOND = 25
_PEOPLE = 10


class StallingProxy:
    """Stands before a port of this machine.

    Args:
        target: the port.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._flows = threading.Event()
        self._flows.set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        """Pass nothing on, refuse nothing, close nothing."""
        self._flows.clear()

    def resume(self) -> None:
        """Pass on what waited, and all that comes."""
        self._flows.set()

    def close(self) -> None:
        self.resume()
        self._server.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        self._flows.wait()
        with contextlib.suppress(OSError), near, socket.create_connection(("127.0.0.1", self._target)) as far:
            back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
            back.start()
            self._pump(near, far)
            back.join()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                self._flows.wait()
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class Crowd:
    """Sends :data:`PER_SECOND` messages that nobody understands each second, until the end of the block.

    Args:
        server: may be away, or another one by then.
    """

    def __init__(self, server: Served) -> None:
        self._server = server
        self._ended = threading.Event()
        self._pool = ThreadPoolExecutor(_PEOPLE)
        self.answered: list[str] = []
        self.sent = 0

    def __enter__(self) -> Crowd:
        for person in range(_PEOPLE):
            self._pool.submit(self._talk, person)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._pool.shutdown()

    def _talk(self, person: int) -> None:
        number = 0
        while not self._ended.wait(_PEOPLE / PER_SECOND):
            number += 1
            self.sent += 1
            with contextlib.suppress(OSError, ValueError, KeyError):
                status, value = self._server.say(f"zorglub{person} zinzolin{number} farfelu")
                if status == 200:
                    self.answered.append(value["id"])

    def talk(self, seconds: float) -> None:
        """Let them talk."""
        time.sleep(seconds)
