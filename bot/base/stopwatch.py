"""A stopwatch around the stages of a turn: nothing is measured unless somebody asks."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Stopwatch:
    """Processor time of each stage, in seconds; what a stage takes inside another is counted once, for itself."""

    def __init__(self) -> None:
        self.own: dict[str, float] = defaultdict(float)
        self._inside = [0.0]

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        """Count what follows, in this thread, for a stage."""
        started = time.thread_time()
        self._inside.append(0.0)
        try:
            yield
        finally:
            taken = time.thread_time() - started
            self.own[name] += taken - self._inside.pop()
            self._inside[-1] += taken


_RUNNING: ContextVar[Stopwatch | None] = ContextVar("running", default=None)


@contextmanager
def timing() -> Iterator[Stopwatch]:
    """Time the stages that this thread goes through meanwhile."""
    token = _RUNNING.set(watch := Stopwatch())
    try:
        yield watch
    finally:
        _RUNNING.reset(token)


def stage(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function as a stage of a turn.

    Args:
        name: in French, as ``bot route --temps`` shows it.
    """

    def marked(step: Callable[P, R]) -> Callable[P, R]:
        @wraps(step)
        def run(*args: P.args, **named: P.kwargs) -> R:
            if (watch := _RUNNING.get()) is None:
                return step(*args, **named)
            with watch.around(name):
                return step(*args, **named)

        return run

    return marked
