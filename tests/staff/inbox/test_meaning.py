"""Messages that say the same thing in other words are found by what the model reads; their words are not kept for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bot.staff.inbox import meaning
from bot.staff.inbox.meaning import alike_in_meaning, gather


class Reads:
    """A model that is sure of passports, of rats and of nothing else."""

    def __init__(self) -> None:
        self.model = self
        self.manifest: dict[str, Any] = {"sha256": "a"}
        self.asked = 0

    def predict_proba(self, texts: Any) -> Any:
        self.asked += len(texts)
        words = {"pass": [0.9, 0.1, 0.0], "rat": [0.0, 0.9, 0.1], "rongeur": [0.1, 0.8, 0.1]}
        return np.array([next((p for word, p in words.items() if word in t.plain), [0.2, 0.1, 0.7]) for t in texts])


def test_the_nearest_come_first_and_each_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: Any = Reads()
    monkeypatch.setattr(meaning, "_KNOWN", {})
    others = {3: "des rongeurs au ruisseau", 4: "mon passeport", 5: "plein de rats", 6: "du pain"}
    assert alike_in_meaning("y a des rats", others, reads) == [5, 3]
    assert alike_in_meaning("passe périmé", others, reads) == [4] and reads.asked == 6
    assert alike_in_meaning("y a des rats", {}, reads) == []
    assert not any("rat" in key for _, key in meaning._KNOWN)
    monkeypatch.setattr(meaning, "MOST_KNOWN", 2)
    assert alike_in_meaning("y a des rats", others, reads) == [5, 3] and reads.asked == 11
    reads.manifest["sha256"] = "b"
    assert alike_in_meaning("y a des rats", others, reads) == [5, 3] and reads.asked == 16


def test_each_message_is_shown_once_the_first_of_its_kind_in_front(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: Any = Reads()
    monkeypatch.setattr(meaning, "_KNOWN", {})
    texts = {5: "plein de rats", 7: "du pain", 4: "mon passeport", 3: "des rongeurs au ruisseau", 6: "passe périmé"}
    assert gather(texts, reads) == {5: [3], 7: [], 4: [6]} and gather({}, reads) == {}
