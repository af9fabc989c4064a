"""The messages of the corpus that are near another one, and how near: while one types, and to tell how new a message is.

Two messages are as near as the share of the weight of their words that they have in common (a weighted Jaccard index);
rare words weigh more.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bot.base.paths import ProjectPaths
from bot.language.cleaning import plain_words, strip_accents
from bot.learning.corpus import listed_phrases
from bot.staff.editing.workspace import read_text

COMMON_WORD = 0.02
"""Words found in a larger share of the corpus do not bring messages together."""
SHOWN_WORDS = 4
TOPICS = 3
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


class CorpusIndex:
    """The training messages, ready to be compared with.

    Args:
        examples: (text, label) of each.
    """

    def __init__(self, examples: Sequence[tuple[str, str]]) -> None:
        self._examples = examples
        self._words = [_words_of(text) for text, _ in examples]
        frequency = Counter(word for words in self._words for word in words)
        size = max(1, len(examples))
        self._weight = {word: math.log(1 + size / count) for word, count in frequency.items()}
        self._unknown = math.log(1 + size)
        self._holders: dict[str, list[int]] = defaultdict(list)
        for i, words in enumerate(self._words):
            for word in words:
                if frequency[word] <= max(30, COMMON_WORD * size):
                    self._holders[word].append(i)
        self._total = [sum(map(self._weight.__getitem__, words)) for words in self._words]
        self._same = {plain_words(text): label for text, label in examples}
        self.nearest = lru_cache(maxsize=2048)(self._nearest)  # while one phrase is typed, the others do not change

    def compare(self, texts: Sequence[str]) -> list[Nearness]:
        """Return where each text stands, in order."""
        return [self._compare(text) for text in texts]

    def _compare(self, text: str) -> Nearness:
        found = self._scores(_words_of(text))
        topics = dict.fromkeys(self._examples[i][1] for _, i in found)
        return Nearness(round(1 - found[0][0], 4) if found else 1.0, tuple(topics)[:TOPICS], self._same.get(plain_words(text)))

    def _nearest(self, phrase: str, without: str = "") -> Near | None:
        """Return the message most like ``phrase``, ``None`` when no rare word is shared; the label ``without`` is left out."""
        mine = _words_of(phrase)
        for score, i in self._scores(mine):
            text, label = self._examples[i]
            if label != without:
                common = sorted(mine & self._words[i], key=lambda w: (-self._weight[w], w))
                return Near(label, text, phrase, tuple(common[:SHOWN_WORDS]), round(score, 3))
        return None

    def _scores(self, words: frozenset[str]) -> list[tuple[float, int]]:
        """Return (score, place) of the messages that share a rare word with ``words``, the nearest first."""
        mine = sum(self._weight.get(w, self._unknown) for w in words)
        found = []
        for i in {i for word in words for i in self._holders.get(word, ())}:
            shared = sum(self._weight[w] for w in words & self._words[i])
            found.append((shared / (mine + self._total[i] - shared), i))
        return sorted(found, key=lambda f: (-f[0], f[1]))


def index_of(paths: ProjectPaths) -> CorpusIndex:
    """Return the index of the corpus as it is now; only what changed is read again."""
    facts = ((path, path.stat()) for path in sorted(paths.corpus.glob("*.yml")))
    return _index(tuple((path, found.st_mtime_ns, found.st_size) for path, found in facts))


@lru_cache(maxsize=2)
def _index(stamps: tuple[tuple[Path, int, int], ...]) -> CorpusIndex:
    return CorpusIndex([row for stamp in stamps for row in _rows(*stamp)])


@lru_cache(maxsize=256)
def _rows(path: Path, _changed: int, _size: int) -> tuple[tuple[str, str], ...]:
    return tuple((phrase, topic) for topic, phrase in listed_phrases(read_text(path) or ""))


def _words_of(text: str) -> frozenset[str]:
    """Return the words that count in a message, without accents nor plural."""
    return frozenset(w.rstrip("sx") or w for w in _WORD.findall(strip_accents(text.lower())))
