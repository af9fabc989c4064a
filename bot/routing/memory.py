"""What staff taught word for word, answered before any training: a phrase of the corpus is known as soon as it is saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from threading import Lock

from bot.language.cleaning import CleanText, plain_words, strip_accents, without_politeness
from bot.language.words import read_words

NEAR_WORDS = 3
"""Words that count from which two messages that differ by small words, plurals or politeness are the same."""
_SMALL_WORDS = frozenset(read_words("petits_mots"))

Row = tuple[str, str]
"""Label and phrase."""
Wordings = dict[str, dict[str, str]]
"""The label of each wording, "" for two labels, by the words that count."""


class Memory:
    """The taught phrases, each found by its words as the router cleans them.

    Args:
        fill: teaches what there is, once, before the first search.
    """

    def __init__(self, fill: Callable[[Memory], None] = lambda _: None) -> None:
        self._fill: Callable[[Memory], None] | None = fill
        self._filling = Lock()
        self._sources: dict[str, Wordings] = {}
        self._phrases: Wordings = {}

    def teach(self, source: str, wordings: Wordings | None) -> None:
        """Set what a source holds; ``None`` forgets it. Call :meth:`settle` after the last one.

        Args:
            source: such as the name of a file.
            wordings: its phrases, from :func:`wordings_of`.
        """
        if wordings is None:
            self._sources.pop(source, None)
        else:
            self._sources[source] = wordings

    def settle(self) -> None:
        """Answer from now on with what was taught; searches that run are not disturbed."""
        phrases: Wordings = {}
        for found in self._sources.values():
            for key, wordings in found.items():
                if key in phrases:
                    phrases[key] = dict(phrases[key])
                    for words, label in wordings.items():
                        keep(phrases[key], words, label)
                else:
                    phrases[key] = wordings
        self._phrases = phrases

    def find(self, text: CleanText) -> str | None:
        """Return the label a message was taught under, word for word or nearly; ``None`` when it was not, or under two."""
        wordings = self.wordings(text.plain)
        if text.plain in wordings:
            return wordings[text.plain] or None
        labels = set(wordings.values())
        return labels.pop() or None if len(labels) == 1 else None

    def wordings(self, words: str) -> Mapping[str, str]:
        """Return what was taught that is the same as ``words`` or nearly, with its label ("" for two)."""
        if self._fill is not None:
            with self._filling:
                if self._fill is not None:
                    self._fill(self)
                    self._fill = None
        return self._phrases.get(near_key(words), {}) if words else {}


def wordings_of(rows: Iterable[Row]) -> Wordings:
    """Return phrases as they are found again."""
    found: Wordings = {}
    for label, phrase in rows:
        words = spoken(phrase)
        keep(found.setdefault(near_key(words), {}), words, label)
    return found


@lru_cache(maxsize=1 << 17)
def spoken(phrase: str) -> str:
    """Return the words of a tidy phrase as the router cleans them, faster."""
    return plain_words(without_politeness(strip_accents(phrase.lower())))


def near_key(words: str) -> str:
    """Return the words that count of a message already in plain words, without plurals; all of them when there are few."""
    kept = [w.rstrip("sx") or w for w in words.split() if w not in _SMALL_WORDS]
    return " ".join(kept) if len(kept) >= NEAR_WORDS else words


def keep(wordings: dict[str, str], words: str, label: str) -> None:
    """Note the label of a wording; under two labels it has none."""
    wordings[words] = label if wordings.get(words, label) == label else ""
