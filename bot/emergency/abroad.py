"""Dangers told in another language: two voices, weighed by what was learnt from messages of all languages at once.

The first hears notions (« feu », « ne respire pas ») by their words; a notion weighs the same in every language. No model file, no
numpy: it reads in every state of the service. The second hears what the whole message means, with no word of ours in it: the vector of
a multilingual encoder. Their logarithms of odds are added up; without the encoder, the first decides alone.
Words: ``urgences_langues.yml``. Weights: ``urgences_poids.json``, written by :mod:`bot.learning.abroad`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from operator import mul
from pathlib import Path

from bot.base.errors import Problem, ReferentialError
from bot.base.once import once
from bot.base.yaml_lines import load_located
from bot.emergency.rules import parts_of
from bot.language.lexicon import TOOLS, UNSPACED, Hit, Lexicon, Sign, tokens_of

WORDS, WEIGHTS = "urgences_langues.yml", "urgences_poids.json"
"""In the folder of the referential."""
STRETCH = 40
"""Words read together at most: a longer sentence is read by stretches, each word in two of them."""
LONG = (2, 4, 8)
"""Words up to which a message is very short, short, or middling."""
MOST_UNKNOWN = 3
READ = 300
"""Letters of a message whose meaning is read whole; of a longer one, its most worrying stretch is."""

Encode = Callable[[str], Sequence[float] | None]
"""Gives what a text means, as numbers: as many as :attr:`Weights.sens` has, less one; ``None`` when it cannot tell."""


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

    Levels are three sums: from which the number of all emergencies is told first, and nothing more; from which the numbers are shown;
    from which nothing stays behind them.

    Args:
        poids: of each feature of the first voice.
        biais: of a message that has none.
        niveaux: levels of the first voice alone.
        sens: weights of the second voice, then its bias.
        niveaux_ensemble: levels of the two voices added up.
        mots: words that messages of each language hold, between spaces; they tell the language alone.
    """

    poids: Mapping[str, float]
    biais: float
    niveaux: Sequence[float]
    sens: Sequence[float]
    niveaux_ensemble: Sequence[float]
    mots: Mapping[str, str]


@dataclass(frozen=True)
class SensedAbroad:
    """What was read in a message.

    Args:
        language: BCP 47 tag.
        situation: the danger.
        odds: how likely a danger is.
        doubt: whether the number of all emergencies is told first, the rest of the answer behind it.
        alarm: whether the numbers are shown.
        sure: whether nothing should stay behind them.
        plain: whether the language knows half of the words: French has nothing to add.
    """

    language: str
    situation: str
    odds: float
    doubt: bool
    alarm: bool
    sure: bool
    plain: bool


class AbroadDetector:
    """Recognises dangers told in another language than French.

    Args:
        table: words.
        weights: what was learnt.
        otherwise: situation when no notion tells one.
        encode: gives what a text means; ``None`` to hear the first voice alone.
    """

    def __init__(self, table: Table, weights: Weights, otherwise: str, encode: Encode | None = None) -> None:
        self._table, self._weights, self._otherwise = table, weights, otherwise
        self._encode = encode

    @once
    def sense(self, text: str) -> SensedAbroad | None:
        """Return the most worrying danger told in a message of any length; ``None`` when it is French or unknown.

        Below the second of its levels it tells no danger: ``alarm`` says so.
        """
        best: tuple[float, Sign, tuple[str, ...]] | None = None
        seen: dict[str, list[Hit]] = {}
        for tokens in dict.fromkeys(map(tuple, readings(text))):
            sign = self._table.lexicon.read(tokens, seen)
            if sign is None:
                continue
            odds = self._weights.biais + sum(self._weights.poids.get(f, 0.0) for f in features(sign, self._table.neutral))
            if best is None or odds > best[0]:
                best = odds, sign, tokens
        if best is None:
            return None
        odds, sign, tokens = best
        levels = self._weights.niveaux
        told = sign.words > LONG[0] or sign.language == UNSPACED  # a cry of a word or two means too little
        meant = self._encode(text if len(text) <= READ else " ".join(tokens)[:READ]) if self._encode and told else None
        if meant is not None:
            *weights, bias = self._weights.sens
            odds += bias + sum(map(mul, weights, meant))
            levels = self._weights.niveaux_ensemble
        doubt, alarm, sure = (odds >= level for level in levels)
        plain = sign.known * 2 >= sign.words
        shared = sign.french == sign.words  # « accident », « police »: words of French too
        return SensedAbroad(sign.language, self.situation(sign.notions), odds, doubt, alarm, sure and not shared, plain)

    def language(self, text: str) -> str:
        """Return the language a message is clearly written in, "" for French and for any other."""
        sign = self._table.lexicon.read(tokens_of(text)[:STRETCH])
        return sign.language if sign is not None and sign.clear else ""

    def is_strange(self, text: str) -> bool:
        """Whether most of the words of a message are not French."""
        return self._table.lexicon.is_strange(text)

    def is_french(self, text: str) -> bool:
        """Whether half of the words of a message, or more, are French."""
        return self._table.lexicon.is_french(text)

    def knows(self, text: str, language: str) -> bool:
        """Whether a language knows as many words of a message as French does, one at least."""
        return self._table.lexicon.knows(text, language)

    def situation(self, notions: Collection[str]) -> str:
        """Return the first situation that notions tell."""
        return next((situation for situation, needed in self._table.situations if needed <= set(notions)), self._otherwise)


def features(sign: Sign, neutral: Container[str]) -> list[str]:
    """Return what is weighed: notions, their pairs, how long the message is, how many of its words are unknown; nothing without notion."""
    if not sign.notions:
        return []
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


def load_abroad(
    folder: Path, situations: Collection[str], otherwise: str, french: Container[str] = (), encode: Encode | None = None
) -> AbroadDetector:
    """Read the words and the weights.

    Args:
        folder: of the referential.
        situations: those that have numbers.
        otherwise: situation when no notion tells one.
        french: common French words, bare.
        encode: see :class:`AbroadDetector`.

    Raises:
        ReferentialError: a file is missing, badly written, or names an unknown situation or notion.
    """
    path = folder / WEIGHTS
    try:
        weights = Weights(**json.loads(path.read_text(encoding="utf-8")))
        spoken = {language: words.split() for language, words in weights.mots.items()}
    except (AttributeError, OSError, TypeError, ValueError) as error:
        raise ReferentialError(
            [Problem(str(path), 0, f"les poids sont illisibles ({error}) : python -m scripts.urgences_langues.")]
        ) from error
    table = load_table(folder / WORDS, spoken, french)
    unknown = sorted({situation for situation, _ in table.situations} - set(situations))
    if unknown:
        raise ReferentialError([Problem(str(folder / WORDS), 0, f"la situation « {unknown[0]} » n'est pas dans urgences.yml.")])
    return AbroadDetector(table, weights, otherwise, encode)


def load_table(path: Path, spoken: Mapping[str, Sequence[str]] | None = None, french: Container[str] = ()) -> Table:
    """Read the words alone.

    Args:
        path: of the file of words.
        spoken: other words of each language, which tell it and nothing else.
        french: common French words, bare.

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
        for language, others in (spoken or {}).items():
            words[language][TOOLS] = [*words[language].get(TOOLS, ()), *others]
        return Table(Lexicon(words, french), situations, neutral)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise ReferentialError([document.problem((), f"les mots des autres langues sont mal écrits ({error}).")]) from error


def _situations(rows: Iterable[Mapping[str, Sequence[str]]]) -> Iterator[tuple[str, frozenset[str]]]:
    for row in rows:
        for notions in row["notions"]:
            yield str(row["situation"]), frozenset(notions.split())
