"""Messages that say the same thing in other words are found by what the model reads; their words are not kept for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bot.staff.inbox import meaning
from bot.staff.inbox.meaning import alike_in_meaning
from bot.understanding import encoders


class Reads:
    """A model that is sure of passports, and an encoder that knows rats."""

    def __init__(self) -> None:
        self.model = self
        self.manifest: dict[str, Any] = {"sha256": "a", "reglages": {"encoders": ["use"]}}
        self.asked = 0

    def predict_proba(self, texts: Any) -> Any:
        self.asked += len(texts)
        return np.array([[0.9, 0.1, 0.0] if "pass" in t.plain else [0.0, 0.1, 0.9 * ("pain" in t.plain)] for t in texts])

    def encode(self, texts: Any, fragments: Any = None) -> Any:
        return np.array([[1.0, 0.0] if "rat" in t or "rongeur" in t else [0.0, 0.2] for t in texts], dtype=np.float32)


def test_the_nearest_come_first_and_each_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: Any = Reads()
    monkeypatch.setitem(encoders._LOADED, "use", reads)
    monkeypatch.setattr(meaning, "_KNOWN", {})
    others = {3: "des rongeurs au ruisseau", 4: "mon passeport", 5: "plein de rats", 6: "du pain"}
    assert alike_in_meaning("y a des rats", others, reads) == [3, 5]
    assert alike_in_meaning("passe périmé", others, reads) == [4] and reads.asked == 6
    assert alike_in_meaning("y a des rats", {}, reads) == []
    assert not any("rat" in key for _, key in meaning._KNOWN)
    monkeypatch.setattr(meaning, "MOST_KNOWN", 2)
    assert alike_in_meaning("y a des rats", others, reads) == [3, 5] and reads.asked == 11
    reads.manifest["sha256"] = "b"
    assert alike_in_meaning("y a des rats", others, reads) == [3, 5] and reads.asked == 16
    reads.manifest["reglages"] = {}
    monkeypatch.setattr(meaning, "_KNOWN", {})
    assert alike_in_meaning("passe périmé", others, reads) == [4]
