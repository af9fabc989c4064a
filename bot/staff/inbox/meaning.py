"""Which waiting messages say the same thing in other words, by what the live model reads in them.

On the 520 tuning messages whose topic is known, the nearest one has the same topic 97 % of the time. It is not measured on requests
that the model does not know. The vectors of the sentence encoder, alone or beside what the model reads, centred or not, found no more of
the pairs at the same precision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bot.language.cleaning import clean
from bot.learning.store import StoredModel
from bot.staff.inbox.similarity import exact_key

SAME_MEANING = 0.6
"""Likeness, in [0, 1], from which two messages are shown together: on the same messages, 92 % of the pairs have the same topic, and 97 %
of those that do are found."""
SHOWN = 8
MOST_KNOWN = 4096
_KNOWN: dict[tuple[str, str], NDArray[np.float64]] = {}
"""Model and digest of a message → what it means: no words stay in memory once they are deleted."""


def alike_in_meaning(text: str, others: Mapping[int, str], stored: StoredModel) -> list[int]:
    """Return the ids of the messages nearest to ``text`` in meaning, the nearest first.

    Args:
        text: of the message.
        others: id → text of those that wait.
        stored: the live model.
    """
    if not others:
        return []
    mine, *rest = _meanings([text, *others.values()], stored)
    near = np.array(rest) @ mine
    ids = list(others)
    return [ids[i] for i in np.argsort(-near, kind="stable")[:SHOWN] if near[i] >= SAME_MEANING]


def gather(texts: Mapping[int, str], stored: StoredModel) -> dict[int, list[int]]:
    """Return the messages that say the same thing together: the first of each in the order given, and those that join it.

    Args:
        texts: id → text of messages that wait, the one to show first in front.
        stored: the live model.
    """
    if not texts:
        return {}
    read = np.array(_meanings(list(texts.values()), stored))
    ids, free = list(texts), np.ones(len(texts), dtype=bool)
    found: dict[int, list[int]] = {}
    for number, first in enumerate(ids):
        if free[number]:
            free[number] = False
            near = np.flatnonzero(free & (read @ read[number] >= SAME_MEANING))
            free[near] = False
            found[first] = [ids[i] for i in near]
    return found


def _meanings(texts: Sequence[str], stored: StoredModel) -> list[NDArray[np.float64]]:
    if len(_KNOWN) > MOST_KNOWN:
        _KNOWN.clear()
    keys = [(str(stored.manifest.get("sha256")), exact_key(text)) for text in texts]
    new = {key: clean(text) for key, text in zip(keys, texts, strict=True) if key not in _KNOWN}
    if new:
        _KNOWN.update(zip(new, np.sqrt(stored.model.predict_proba(list(new.values()))), strict=True))
    return [_KNOWN[key] for key in keys]
