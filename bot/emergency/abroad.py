"""Dangers told in another language: notions found by their words, weighed by what was learnt from messages of all languages at once.

A notion (« feu », « ne respire pas ») weighs the same in every language: twenty languages teach each other. No model file, no numpy:
it reads in every state of the service. Words: ``urgences_langues.yml``. Weights: ``urgences_poids.json``, written by
:mod:`bot.learning.abroad`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from bot.base.errors import Problem, ReferentialError
from bot.base.yaml_lines import load_located
from bot.emergency.rules import parts_of
from bot.language.lexicon import Hit, Lexicon, Sign, tokens_of

WORDS, WEIGHTS = "urgences_langues.yml", "urgences_poids.json"
"""In the folder of the referential."""
STRETCH = 40
"""Words read together at most: a longer sentence is read by stretches, each word in two of them."""
LONG = (2, 4, 8)
"""Words up to which a message is very short, short, or middling."""
MOST_UNKNOWN = 3
NEVER = -100.0
"""Odds of a message whose words tell nothing."""


@dataclass(frozen=True)
class Table:
    """What the file of words says of dangers.

    Args:
        lexicon: reads the notions.
        situations: a situation and notions that tell it, the most telling first.
        neutral: notions that tell no danger by themselves.
    """

    lexicon: Lexicon
    situations: tuple[tuple[str, frozenset[str]], ...]
    neutral: frozenset[str]


@dataclass(frozen=True)
class Weights:
    """What was learnt.

    Args:
        poids: of each feature.
        biais: of a message that has none.
        seuil: sum from which the numbers are shown.
        sur: sum from which nothing stays behind them.
    """

    poids: Mapping[str, float]
    biais: float
    seuil: float
    sur: float


@dataclass(frozen=True)
class SensedAbroad:
    """What was read in a message.

    Args:
        language: BCP 47 tag.
        situation: the danger.
        odds: how likely a danger is.
        alarm: whether the numbers are shown.
        sure: whether nothing should stay behind them.
        plain: whether the language knows half of the words: French has nothing to add.
    """

    language: str
    situation: str
    odds: float
    alarm: bool
    sure: bool
    plain: bool


class AbroadDetector:
    """Recognises dangers told in another language than French.

    Args:
        table: words.
        weights: what was learnt.
        otherwise: situation when no notion tells one.
    """

    def __init__(self, table: Table, weights: Weights, otherwise: str) -> None:
        self._table, self._weights, self._otherwise = table, weights, otherwise

    def sense(self, text: str) -> SensedAbroad | None:
        """Return the most worrying danger told in a message of any length; ``None`` when it is French or unknown.

        Below :attr:`Weights.seuil` it tells no danger: ``alarm`` says so.
        """
        best: tuple[float, Sign] | None = None
        seen: dict[str, list[Hit]] = {}
        for tokens in dict.fromkeys(map(tuple, readings(text))):
            sign = self._table.lexicon.read(tokens, seen)
            if sign is None:
                continue
            told = features(sign, self._table.neutral) if sign.notions else []
            odds = self._weights.biais + sum(self._weights.poids.get(f, 0.0) for f in told) if told else NEVER
            if best is None or odds > best[0]:
                best = odds, sign
        if best is None:
            return None
        odds, sign = best
        plain = sign.known * 2 >= sign.words
        return SensedAbroad(
            sign.language, self.situation(sign.notions), odds, odds >= self._weights.seuil, odds >= self._weights.sur, plain
        )

    def language(self, text: str) -> str:
        """Return the language a message is clearly written in, "" for French and for any other."""
        sign = self._table.lexicon.read(tokens_of(text)[:STRETCH])
        return sign.language if sign is not None and sign.clear else ""

    def is_strange(self, text: str) -> bool:
        """Whether most of the words of a message are not French."""
        return self._table.lexicon.is_strange(text)

    def situation(self, notions: Collection[str]) -> str:
        """Return the first situation that notions tell."""
        return next((situation for situation, needed in self._table.situations if needed <= set(notions)), self._otherwise)


def features(sign: Sign, neutral: Container[str]) -> list[str]:
    """Return what is weighed: notions, pairs of notions, how long the message is, how many of its words are unknown."""
    notions = sorted(sign.notions)
    alone = [] if any(notion not in neutral for notion in notions) else ["_neutre"]
    length = next((str(n) for n in LONG if sign.words <= n), "plus")
    unknown = min(MOST_UNKNOWN, sign.words - sign.known)
    return [*notions, *map("+".join, combinations(notions, 2)), *alone, f"_mots_{length}", f"_inconnus_{unknown}"]


def readings(text: str) -> Iterator[list[str]]:
    """Give the words of a short message, then those of each of its sentences, long ones by stretches: the cost grows as the message."""
    parts = [tokens for part in parts_of(text) if (tokens := tokens_of(part))]
    if len(parts) > 1 and sum(map(len, parts)) <= STRETCH:
        yield [token for tokens in parts for token in tokens]
    for tokens in parts:
        for start in range(0, max(1, len(tokens) - STRETCH // 2), STRETCH // 2):
            yield tokens[start : start + STRETCH]


def load_abroad(folder: Path, situations: Collection[str], otherwise: str, french: Container[str] = ()) -> AbroadDetector:
    """Read the words and the weights.

    Args:
        folder: of the referential.
        situations: those that have numbers.
        otherwise: situation when no notion tells one.
        french: common French words, bare.

    Raises:
        ReferentialError: a file is missing, badly written, or names an unknown situation or notion.
    """
    table = load_table(folder / WORDS, french)
    path = folder / WEIGHTS
    try:
        weights = Weights(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError) as error:
        raise ReferentialError(
            [Problem(str(path), 0, f"les poids sont illisibles ({error}) : python -m scripts.urgences_langues.")]
        ) from error
    unknown = sorted({situation for situation, _ in table.situations} - set(situations))
    if unknown:
        raise ReferentialError([Problem(str(folder / WORDS), 0, f"la situation « {unknown[0]} » n'est pas dans urgences.yml.")])
    return AbroadDetector(table, weights, otherwise)


def load_table(path: Path, french: Container[str] = ()) -> Table:
    """Read the words alone.

    Raises:
        ReferentialError: the file is missing or badly written.
    """
    document = load_located(path)
    if isinstance(document, tuple):
        raise ReferentialError(list(document))
    try:
        words = {row["id"]: {n: str(forms).split() for n, forms in row["mots"].items()} for row in document.data["langues"]}
        neutral = frozenset(document.data["neutres"].split())
        situations = tuple(_situations(document.data["situations"]))
        told = {notion for notions in words.values() for notion in notions}
        unknown = sorted((neutral | frozenset().union(*(needed for _, needed in situations))) - told)
        if unknown:
            raise ValueError(f"la notion « {unknown[0]} » n'a pas de mots")
        return Table(Lexicon(words, french), situations, neutral)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ReferentialError([document.problem((), f"les mots des autres langues sont mal écrits ({error}).")]) from error


def _situations(rows: Iterable[Mapping[str, Sequence[str]]]) -> Iterator[tuple[str, frozenset[str]]]:
    for row in rows:
        for notions in row["notions"]:
            yield str(row["situation"]), frozenset(notions.split())
