"""Correct one misspelt word to the French word most likely meant, from a list of common words and nothing else.

The words, most common first, are in ``mots_courants.txt`` (``scripts/mots_courants.py`` writes it). Words are lower
case and without accents here, and a common word is never corrected.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from functools import lru_cache
from math import inf, log
from pathlib import Path

from bot.base.errors import Problem, ReferentialError

COMMON_WORDS = "mots_courants.txt"
"""The list, in the folder of the referential."""

SHORTEST = 3
"""Shorter words have too many neighbours to be corrected."""

LONGEST = 18
"""Longer ones are seldom French words, and cost more to look at."""

COMMON = 40_000
"""Words up to this rank are never corrected; rarer ones are when a far more common word is one slip away."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
VOWELS = "aeiouyh"
ELIDED = ("quelqu", "jusqu", "lorsqu", "puisqu", "qu", "j", "l", "d", "n", "s", "m", "t", "c")
_KEYS = ("azertyuiop", "qsdfghjklm", "wxcvbn")

# What each slip costs: the rarer it is under the fingers, the more common the word must be to be worth it.
_APOSTROPHE, _DOUBLED, _SWAPPED, _MISSING, _NEIGHBOUR, _SPACE, _EXTRA, _OTHER = 0.7, 0.7, 0.8, 0.8, 1.3, 1.5, 1.8, 2.5
_FIRST_LETTER = 0.5  # people seldom miss the first letter
_SLIP = 4.5  # weight of a slip against the logarithm of a rank
_KEPT = 1.0  # in favour of a rare word as typed
_SHORT_RANK = 3000  # a word of three letters is corrected to a very common word only
_SHORT = 3
_SPLIT = 3  # each half of two words run together has at least so many letters
_SPLIT_RANK = 4000


def _neighbours() -> Mapping[str, str]:
    """Return for each letter those next to it on a French keyboard."""
    near: dict[str, set[str]] = {letter: set() for letter in _LETTERS}
    for y, row in enumerate(_KEYS):
        for x, letter in enumerate(row):
            around = [(x - 1, y), (x + 1, y), (x, y + 1), (x - 1, y + 1), (x, y - 1), (x + 1, y - 1)]
            near[letter] |= {_KEYS[j][i] for i, j in around if 0 <= j < len(_KEYS) and 0 <= i < len(_KEYS[j])}
    return {letter: "".join(sorted(keys)) for letter, keys in near.items()}


_NEAR = _neighbours()


class Speller:
    """Corrects words that are not French.

    Args:
        words: common words, lower case, without accents, most common first.

    Example:
        >>> Speller(["je", "tombe"]).correct("tobme")
        'tombe'
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._ranks = {word: rank for rank, word in enumerate(dict.fromkeys(words), start=1)}

    def __contains__(self, word: object) -> bool:
        return word in self._ranks

    def __len__(self) -> int:
        return len(self._ranks)

    def correct(self, word: str) -> str | None:
        """Return the word most likely meant.

        Args:
            word: one word, lower case, without accents.

        Returns:
            The correction (two words when they were run together), or ``None`` when ``word`` is French, too short or
            too long, or near no French word.
        """
        if not SHORTEST <= len(word) <= LONGEST or not (word.isascii() and word.isalpha()):
            return None
        rank = self._ranks.get(word)
        if rank is not None and (rank <= COMMON or len(word) <= _SHORT):
            return None
        best, lowest = None, inf if rank is None else log(rank) - _KEPT
        for meant, cost, rank in self._candidates(word):
            weight = _SLIP * cost + log(rank)
            if weight < lowest:
                best, lowest = meant, weight
        return best

    def _candidates(self, word: str) -> Iterator[tuple[str, float, int]]:
        for meant, cost in _slips(word, self._ranks):
            rank = self._ranks[meant]
            if len(meant) >= SHORTEST and (len(word) > _SHORT or rank <= _SHORT_RANK):
                yield meant, cost, rank
        for at in range(1, len(word) - 1):
            first, second = word[:at], word[at:]
            if second not in self._ranks:
                continue
            rank = self._ranks[second]
            if first in ELIDED and second[0] in VOWELS:
                yield f"{first} {second}", _APOSTROPHE, rank
            elif len(first) >= _SPLIT and len(second) >= _SPLIT and max(rank, self._ranks.get(first, _SPLIT_RANK + 1)) <= _SPLIT_RANK:
                yield f"{first} {second}", _SPACE, max(rank, self._ranks[first])


def _slips(word: str, known: Container[str]) -> Iterator[tuple[str, float]]:
    """Yield the known words that ``word`` may be for one slip of the fingers, with its cost."""
    for i, letter in enumerate(word):
        before, rest, after = word[:i], word[i:], word[i + 1 :]
        first = 0.0 if i else _FIRST_LETTER
        if before + after in known:
            yield before + after, (_DOUBLED if after[:1] == letter else _EXTRA) + first
        if after and after[0] != letter and (meant := before + after[0] + letter + after[1:]) in known:
            yield meant, _SWAPPED + first
        for other in _LETTERS:
            if other != letter and (meant := before + other + after) in known:
                yield meant, (_NEIGHBOUR if other in _NEAR[letter] else _OTHER) + first
            if (meant := before + other + rest) in known:
                yield meant, (_DOUBLED if other == letter else _MISSING) + first
    for other in _LETTERS:
        if word + other in known:
            yield word + other, _MISSING


@lru_cache(maxsize=2)
def load_speller(path: Path) -> Speller:
    """Read the list of common words, once.

    Args:
        path: ``mots_courants.txt``: one word a line, most common first; lines that begin with ``#`` are comments.

    Raises:
        ReferentialError: when the file cannot be read or holds no word.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ReferentialError([Problem(str(path), 0, f"la liste des mots courants est illisible ({error}).")]) from error
    speller = Speller(line for line in lines if line and not line.startswith("#"))
    if not len(speller):
        raise ReferentialError([Problem(str(path), 0, "la liste des mots courants est vide.")])
    return speller
