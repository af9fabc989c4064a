"""What the off switch makes the public page say; light, because the page is drawn with it from the first second."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Notice:
    """What the public page must say.

    Args:
        phone_only: whether the assistant only gives the phone number of the front desk.
        banner: a sentence shown at the top of every page, or empty.
        author: who set it last.
        at: when, in seconds since 1970.
    """

    phone_only: bool = False
    banner: str = ""
    author: str = ""
    at: float = 0.0
