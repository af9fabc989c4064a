"""Messages that say the same thing in other words are found by the encoder; their words are not kept by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bot.staff.inbox import meaning
from bot.staff.inbox.meaning import alike_in_meaning
from bot.understanding import encoders


class Rats:
    """Knows two meanings."""

    dimensions = 2
    asked = 0

    def encode(self, texts: Any, fragments: Any = None) -> Any:
        self.asked += len(texts)
        return np.array([[1.0, 0.0] if "rat" in t or "rongeur" in t else [0.0, 1.0] for t in texts], dtype=np.float32)


def test_the_nearest_come_first_and_each_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rats = Rats()
    monkeypatch.setitem(encoders._LOADED, "use", rats)
    monkeypatch.setattr(meaning, "_KNOWN", {})
    others = {3: "des rongeurs au ruisseau", 4: "mon passeport", 5: "plein de rats"}
    assert alike_in_meaning("y a des rats", others, "use") == [3, 5]
    assert alike_in_meaning("y a des rats", others, "use") == [3, 5] and rats.asked == 4
    assert alike_in_meaning("y a des rats", {}, "use") == []
    assert not any("rat" in key for _, key in meaning._KNOWN)
    monkeypatch.setattr(meaning, "MOST_KNOWN", 2)
    assert alike_in_meaning("y a des rats", others, "use") == [3, 5]
