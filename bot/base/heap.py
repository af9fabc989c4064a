"""The memory of the process, given back to the system when a great deal of it was used for a while."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Give back what loading took and freed: glibc keeps it otherwise (``malloc_trim``); elsewhere nothing is done."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
