"""The messages of the corpus that are near another one, and how near: while one types, and to tell how new a message is.

Two messages are as near as the share of the weight of their words that they have in common (a weighted Jaccard index);
rare words weigh more.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bot.base.paths import ProjectPaths
from bot.language.cleaning import plain_words, strip_accents
from bot.learning.corpus import listed_phrases
from bot.staff.editing.workspace import read_text

COMMON_WORD = 0.02
"""Words found in a larger share of the corpus do not bring messages together."""
SHOWN_WORDS = 4
TOPICS = 3
NEIGHBOURS = 200
"""Messages among which the topics nearest to another are looked for."""
_WORD = re.compile(r"[a-z0-9]{3,}")


@dataclass(frozen=True)
class Near:
    """A message of the corpus that looks like one that is typed.

    Args:
        topic: its label.
        phrase: what it says.
        mine: what is typed.
        words: the words in common, the rarest first: why they look alike.
        score: share of the weight of words in common, in [0, 1].
    """

    topic: str
    phrase: str
    mine: str
    words: tuple[str, ...]
    score: float


@dataclass(frozen=True)
class Nearness:
    """Where a message stands next to the corpus.

    Args:
        novelty: 0 when the corpus already holds its words, 1 when nothing in the corpus is like it.
        topics: labels of the nearest messages, each once, the nearest first.
        same: label of a training message that says exactly the same, or ``None``.
    """

    novelty: float
    topics: tuple[str, ...]
    same: str | None


class Part:
    """Some training messages, such as those of one file, made ready once: they are counted with others in a :class:`CorpusIndex`.

    Args:
        rows: (text, label) of each.
    """

    def __init__(self, rows: Sequence[tuple[str, str]]) -> None:
        self.rows = rows
        self.words = [_words_of(text) for text, _ in rows]
        self.same = {plain_words(text): label for text, label in rows}
        self.number: dict[str, int] = {}
        self.column = np.fromiter((self.number.setdefault(w, len(self.number)) for ws in self.words for w in ws), dtype=np.int32)
        self.row = np.repeat(np.arange(len(rows)), [len(words) for words in self.words])
        self.frequency = Counter(dict(zip(self.number, np.bincount(self.column, minlength=len(self.number)).tolist(), strict=True)))
        self._by_word = self.row[np.argsort(self.column, kind="stable")]
        self._starts = np.concatenate([[0], np.cumsum([*self.frequency.values()])]).astype(np.int64)

    def holders(self, word: str) -> NDArray[np.int64]:
        """Return the messages that hold a word, by place."""
        n = self.number.get(word)
        start, stop = (0, 0) if n is None else self._starts[n : n + 2]
        found: NDArray[np.int64] = self._by_word[start:stop]
        return found

    def totals(self, weight: Mapping[str, float]) -> NDArray[np.float64]:
        """Return the weight of the words of each message, (n_rows,)."""
        weights = np.array([weight[word] for word in self.number])
        return np.bincount(self.row, weights[self.column] if len(weights) else None, minlength=len(self.rows)).astype(np.float64)


class CorpusIndex:
    """The training messages, ready to be compared with.

    Args:
        examples: (text, label) of each.
        parts: others, already made ready.
    """

    def __init__(self, examples: Sequence[tuple[str, str]] = (), parts: Sequence[Part] = ()) -> None:
        self._parts = [*parts, *([Part(examples)] if examples else ())]
        frequency: Counter[str] = Counter()
        for part in self._parts:
            frequency.update(part.frequency)
        size = max(1, sum(len(part.rows) for part in self._parts))
        self._weight = {word: math.log(1 + size / count) for word, count in frequency.items()}
        self._unknown = math.log(1 + size)
        self._totals = [part.totals(self._weight) for part in self._parts]
        self._common = {word for word, count in frequency.items() if count > max(30, COMMON_WORD * size)}
        self.nearest = lru_cache(maxsize=2048)(self._nearest)  # while one phrase is typed, the others do not change

    def compare(self, texts: Sequence[str]) -> list[Nearness]:
        """Return where each text stands, in order."""
        return [self._compare(text) for text in texts]

    def _compare(self, text: str) -> Nearness:
        found = list(islice(self._scores(_words_of(text)), NEIGHBOURS))
        topics = dict.fromkeys(part.rows[i][1] for _, part, i in found)
        words = plain_words(text)
        same = next((part.same[words] for part in reversed(self._parts) if words in part.same), None)
        return Nearness(round(1 - found[0][0], 4) if found else 1.0, tuple(topics)[:TOPICS], same)

    def _nearest(self, phrase: str, without: str = "", only: str = "") -> Near | None:
        """Return the message most like ``phrase``, ``None`` when no rare word is shared.

        Args:
            phrase: as typed.
            without: label that is left out.
            only: the one label that is looked at; "" for all.
        """
        mine = _words_of(phrase)
        for score, part, i in self._scores(mine):
            text, label = part.rows[i]
            if label != without and only in ("", label):
                common = sorted(mine & part.words[i], key=lambda w: (-self._weight[w], w))
                return Near(label, text, phrase, tuple(common[:SHOWN_WORDS]), round(score, 3))
        return None

    def _scores(self, words: frozenset[str]) -> Iterator[tuple[float, Part, int]]:
        """Yield (score, part, place) of the messages that share a rare word with ``words``, the nearest first."""
        mine = sum(self._weight.get(w, self._unknown) for w in words)
        known = [(word, self._weight[word]) for word in sorted(words & self._weight.keys())]
        rare = [word for word, _ in known if word not in self._common]
        places, scores = [], []
        for part, total in zip(self._parts, self._totals, strict=True):
            near = [part.holders(word) for word in rare if word in part.number]
            if not near:
                places.append(np.zeros(0, dtype=np.int64))
                continue
            shared = np.zeros(len(total))
            for word, weight in known:
                if word in part.number:
                    shared[part.holders(word)] += weight
            found = np.unique(np.concatenate(near))
            places.append(found)
            scores.append(shared[found] / (mine + total[found] - shared[found]))
        if not scores:
            return
        flat, ends = np.concatenate(scores), np.cumsum([len(found) for found in places])
        for n in np.argsort(-flat, kind="stable").tolist():
            which = int(np.searchsorted(ends, n, side="right"))
            start = int(ends[which]) - len(places[which])
            yield float(flat[n]), self._parts[which], int(places[which][n - start])


def index_of(paths: ProjectPaths) -> CorpusIndex:
    """Return the index of the corpus as it is now; only what changed is read again."""
    facts = ((path, path.stat()) for path in sorted(paths.corpus.glob("*.yml")))
    return _index(tuple((path, found.st_mtime_ns, found.st_size) for path, found in facts))


@lru_cache(maxsize=2)
def _index(stamps: tuple[tuple[Path, int, int], ...]) -> CorpusIndex:
    return CorpusIndex(parts=[_part(*stamp) for stamp in stamps])


_PARTS: dict[Path, tuple[tuple[int, int], Part]] = {}
"""The last state of each file."""


def _part(path: Path, changed: int, size: int) -> Part:
    known = _PARTS.get(path)
    if known is None or known[0] != (changed, size):
        known = _PARTS[path] = (changed, size), Part([(phrase, topic) for topic, phrase in listed_phrases(read_text(path) or "")])
    return known[1]


def _words_of(text: str) -> frozenset[str]:
    """Return the words that count in a message, without accents nor plural."""
    return frozenset(w.rstrip("sx") or w for w in _WORD.findall(strip_accents(text.lower())))
