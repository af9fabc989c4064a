"""Thanks, greetings, yes, no, « I live in… » in other languages: words weighed by what was learnt from short messages of all of them."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from bot.base.errors import Problem, ReferentialError
from bot.language.lexicon import tokens_of

TABLE = "conversation_langues.json"
"""In the folder of the referential; written by :mod:`bot.learning.abroad`."""
GOES_ON = "suite"
"""Act of a question on the door just given (« how much is it? »)."""
LONGEST = 12
"""Words of the longest message read."""
MOST_UNKNOWN = 3
LEVEL = -1.0
"""Odds from which an act is believed."""
_UNSPACED = re.compile(r"[\u3400-\u9fff]")
_SHORT = 3
"""Letters of a word too short to tell its language alone (« pa », « da »)."""


class Talk:
    """Reads the small talk of other languages.

    Args:
        weights: act → piece of a message → weight.
        languages: piece → languages that use it.
    """

    def __init__(self, weights: Mapping[str, Mapping[str, float]], languages: Mapping[str, Sequence[str]]) -> None:
        self._weights, self._languages = weights, languages

    def read(self, text: str, language: str = "") -> tuple[str, str] | None:
        """Return the language and the act of a message that is nothing else, ``None`` otherwise.

        Args:
            text: what was typed.
            language: of the conversation so far; "" when it is not told: a very short word then tells nothing.
        """
        words = tokens_of(text[:200])
        if (
            not self._weights
            or not 0 < len(words) <= LONGEST
            or not (language or len(words) > 1 or len(words[0]) > _SHORT or not words[0].isascii())
        ):
            return None
        told = pieces(words)
        spoken = Counter(code for piece in told for code in self._languages.get(piece, ()))
        if sum(piece in self._languages for piece in told) * 2 < len(told):
            return None
        read = features(told, self._languages)
        odds = {act: sum(weights.get(piece, 0.0) for piece in read) for act, weights in self._weights.items()}
        act = max(odds, key=odds.__getitem__)
        if odds[act] < LEVEL:
            return None
        most = max(spoken.values())
        return (language if spoken[language] == most else next(code for code, n in spoken.items() if n == most)), act


def pieces(words: Sequence[str]) -> list[str]:
    """Return words, and what stands for words where nothing parts them: characters and pairs of them."""
    told: list[str] = []
    for word in words:
        told += [*word, *map("".join, itertools.pairwise(word))] if _UNSPACED.search(word) else [word]
    return told


def features(told: Sequence[str], known: Collection[str]) -> list[str]:
    """Return what is weighed: each piece known once, how many are not, how long the message is."""
    unknown = sum(piece not in known for piece in told)
    size = math.ceil(math.log2(len(told) + 1))
    return [*dict.fromkeys(piece for piece in told if piece in known), f"_inconnus_{min(unknown, MOST_UNKNOWN)}", f"_mots_{size}", "_biais"]


def load_talk(folder: Path) -> Talk:
    """Read the table.

    Raises:
        ReferentialError: it is missing or unreadable.
    """
    try:
        table = json.loads((folder / TABLE).read_text(encoding="utf-8"))
        return Talk(table["poids"], {piece: codes.split() for piece, codes in table["langues"].items()})
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        told = f"la table est illisible ({error}) : python -m scripts.urgences_langues."
        raise ReferentialError([Problem(str(folder / TABLE), 0, told)]) from error
