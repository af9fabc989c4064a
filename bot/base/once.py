"""What is worked out once in a turn: several steps look at the same text, and nothing of it is kept once it is answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_KEPT: ContextVar[dict[tuple[Any, ...], tuple[tuple[Any, ...], Any]] | None] = ContextVar("kept", default=None)


@contextmanager
def turn() -> Iterator[None]:
    """Keep what is worked out meanwhile, in this thread; a turn inside another is part of it."""
    if _KEPT.get() is not None:
        yield
        return
    token = _KEPT.set({})
    try:
        yield
    finally:
        _KEPT.reset(token)


def once(step: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that gives the same for the same arguments: in one :func:`turn`, it is asked once.

    Strings are the same when they are equal, anything else when it is the same object. What it gives is shared: nobody changes it.
    """

    @wraps(step)
    def ask(*args: P.args, **named: P.kwargs) -> R:
        kept = _KEPT.get()
        if kept is None or named:
            return step(*args, **named)
        key = (step, *[a if type(a) is str else id(a) for a in args])
        found = kept.get(key)
        if found is None:
            found = kept[key] = args, step(*args, **named)  # the arguments are kept too: no other object takes their place
        answer: R = found[1]
        return answer

    return ask
