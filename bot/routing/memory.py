"""What staff taught word for word, answered before any training: a phrase of the corpus is known as soon as it is saved."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
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


@dataclass(frozen=True)
class _Shelf:
    """Phrases side by side, a tenth of the memory of as many tables: a line each, found by the hash of the words that count.

    Args:
        hashes: of those words, increasing.
        texts: lines of a wording, a tab, its label.
        sources, starts: the text of each line, and where it begins there.
    """

    hashes: array[int] = field(default_factory=lambda: array("q"))
    texts: tuple[str, ...] = ()
    sources: array[int] = field(default_factory=lambda: array("H"))
    starts: array[int] = field(default_factory=lambda: array("L"))

    @classmethod
    def of(cls, wordings: Wordings) -> _Shelf:
        rows = [(hash(key), f"{words}\t{label}\n") for key, found in wordings.items() for words, label in found.items()]
        starts = array("L", accumulate((len(line) for _, line in rows[:-1]), initial=0) if rows else ())
        return cls(array("q", (key for key, _ in rows)), ("".join(line for _, line in rows),), array("H", [0]) * len(rows), starts)

    @classmethod
    def together(cls, shelves: Sequence[_Shelf]) -> _Shelf:
        hashes, sources, starts = array("q"), array("H"), array("L")
        for number, shelf in enumerate(shelves):
            hashes += shelf.hashes
            sources += array("H", [number]) * len(shelf.hashes)
            starts += shelf.starts
        order = sorted(range(len(hashes)), key=hashes.__getitem__)
        sorted_ = (array(rows.typecode, map(rows.__getitem__, order)) for rows in (hashes, sources, starts))
        keys, owners, places = sorted_
        return cls(keys, tuple(shelf.texts[0] for shelf in shelves), owners, places)

    def find(self, key: str) -> dict[str, str]:
        """Return the wordings that have these words that count, each with its label, "" for two."""
        found: dict[str, str] = {}
        wanted = hash(key)
        for place in range(bisect_left(self.hashes, wanted), len(self.hashes)):
            if self.hashes[place] != wanted:
                break
            text, start = self.texts[self.sources[place]], self.starts[place]
            words, _, label = text[start : text.index("\n", start)].partition("\t")
            if near_key(words) == key:
                keep(found, words, label)
        return found


class Memory:
    """The taught phrases, each found by its words as the router cleans them.

    Args:
        fill: teaches what there is, once, before the first search.
    """

    def __init__(self, fill: Callable[[Memory], None] = lambda _: None) -> None:
        self._fill: Callable[[Memory], None] | None = fill
        self._filling = Lock()
        self._sources: dict[str, _Shelf] = {}
        self._phrases = _Shelf()

    def teach(self, source: str, wordings: Wordings | None) -> None:
        """Set what a source holds; ``None`` forgets it. Call :meth:`settle` after the last one.

        Args:
            source: such as the name of a file.
            wordings: its phrases, from :func:`wordings_of`.
        """
        if wordings is None:
            self._sources.pop(source, None)
        else:
            self._sources[source] = _Shelf.of(wordings)

    def settle(self) -> None:
        """Answer from now on with what was taught; searches that run are not disturbed."""
        self._phrases = _Shelf.together(tuple(self._sources.values()))

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
        return self._phrases.find(near_key(words)) if words else {}


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
