"""Which waiting messages say the same thing in other words, by the sentence encoder that answers already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bot.language.cleaning import clean
from bot.staff.inbox.similarity import exact_key
from bot.understanding.encoders import get_encoder

SAME_MEANING = 0.6
"""Cosine from which two messages are shown together; a person says whether they are."""
SHOWN = 8
MOST_KNOWN = 4096


def alike_in_meaning(text: str, others: Mapping[int, str], encoder: str) -> list[int]:
    """Return the ids of the messages nearest to ``text`` in meaning, the nearest first.

    Args:
        text: of the message.
        others: id → text of those that wait.
        encoder: name of the sentence encoder, as in ``config.yml``.
    """
    if not others:
        return []
    mine, *rest = _vectors([text, *others.values()], encoder)
    near = np.array(rest) @ mine
    order = np.argsort(-near, kind="stable")[:SHOWN]
    ids = list(others)
    return [ids[i] for i in order if near[i] >= SAME_MEANING]


_KNOWN: dict[tuple[str, str], NDArray[np.float32]] = {}
"""Encoder and digest of a message → its vector: no words stay in memory once they are deleted."""


def _vectors(texts: Sequence[str], encoder: str) -> list[NDArray[np.float32]]:
    keys = [(encoder, exact_key(text)) for text in texts]
    new = {key: clean(text).unaccented for key, text in zip(keys, texts, strict=True) if key not in _KNOWN}
    if len(_KNOWN) > MOST_KNOWN:
        _KNOWN.clear()
        return _vectors(texts, encoder)
    _KNOWN.update(zip(new, get_encoder(encoder).encode(list(new.values())), strict=True) if new else ())
    return [_KNOWN[key] for key in keys]
