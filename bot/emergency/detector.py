"""Dangers, before anything else: a short list of plain words, and above it what was learnt from thousands of messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from bot.base.stopwatch import stage
from bot.emergency.abroad import AbroadDetector
from bot.emergency.known import CALM, Known, words_of
from bot.emergency.rules import Rules, sentences
from bot.emergency.situations import Emergency
from bot.language.spelling import LONGEST, SHORTEST, Speller

if TYPE_CHECKING:  # numpy comes with what was learnt: the short list does not wait for it
    from bot.emergency.learnt import LearntDetector

REMEMBERED = 4096
"""How many words are kept with their correction."""
SPELT = 200
"""Letters of the words of a message that may be corrected, from its beginning and from its end: nonsense must not cost time."""
CALL = "appel_a_l_aide"
"""A cry that does not say what happens: what was learnt may say more."""


@dataclass(frozen=True)
class Clue:
    """What one part of the detector heard in a message.

    Args:
        part: "mots" (the short list), "appris", "langues" or "phrases" (what staff wrote down).
        situation: the danger; "" for a message known to be none.
        alarm: whether this part shows the numbers.
        odds: above the level of the learnt part; ``None`` for the others.
    """

    part: str
    situation: str
    alarm: bool
    odds: float | None = None


class EmergencyDetector:
    """Recognises emergencies. No network, no clock; without what was learnt, the short list alone.

    Args:
        situations: situation identifier → numbers, the right one first (see :func:`~bot.emergency.situations.load_situations`).
        rules: the short list.
        learnt: ``None`` when it is not trained.
        speller: corrects the words that are not French; without it, they are read as typed.
        abroad: reads the other languages; ``None`` to read French alone.
        known: messages that staff wrote down (see :mod:`bot.emergency.known`): a cry of the short list is heard before them.

    Example:
        >>> detector.detect("y a le feu chez le voisin").situation  # doctest: +SKIP
        'incendie'
    """

    def __init__(
        self,
        situations: Mapping[str, tuple[str, ...]],
        rules: Rules,
        learnt: LearntDetector | None = None,
        speller: Speller | None = None,
        abroad: AbroadDetector | None = None,
        known: Known | None = None,
    ) -> None:
        self._situations = dict(situations)
        self._rules = rules
        self._learnt = learnt
        self._abroad = abroad
        self._known = known or {}
        self._correct = lru_cache(maxsize=REMEMBERED)(speller.correct) if speller else None

    @stage("urgence")
    def detect(self, text: str) -> Emergency | None:
        """Look for an emergency in one message.

        Args:
            text: what the person typed, untouched, of any length: all of it is read.

        Raises:
            TypeError: when ``text`` is not a string.
        """
        if not isinstance(text, str):
            raise TypeError(f"text must be a str, not {type(text).__name__}")
        sensed_abroad = self._abroad.sense(text) if self._abroad else None
        if sensed_abroad is not None and sensed_abroad.alarm:
            numbers = dict.fromkeys((self._situations[CALL][0], *self._situations[sensed_abroad.situation]))
            return Emergency(sensed_abroad.situation, tuple(numbers), sensed_abroad.sure, sensed_abroad.language)
        told = sentences(text)
        spelt = self._speller_of(told)
        ruled = self._rules.find([spelt(sentence) for sentence in told])
        known = self._known.get(words_of(text)) if self._known else None
        if ruled is None and known is not None:
            return Emergency(known, self._situations[known]) if known != CALM else None
        abroad = sensed_abroad is not None and sensed_abroad.plain
        sensed = self._learnt.sense(text, spelt, told) if self._learnt and not abroad else None
        if sensed is not None and not sensed.alarm:
            sensed = None
        if ruled is None and sensed is None:
            return None
        situation = sensed.situation if sensed is not None and ruled in (None, CALL) else ruled
        if situation is None or situation not in self._situations:
            return None  # a situation withdrawn from the table since the training
        return Emergency(situation, self._situations[situation], sure=ruled is not None or (sensed is not None and sensed.sure))

    def clues(self, text: str) -> Sequence[Clue]:
        """Return what each part heard in a message, for a person who wants to know why it alarms, or does not."""
        found = []
        told = sentences(text)
        ruled = self._rules.find(map(self._speller_of(told), told))
        if ruled is not None:
            found.append(Clue("mots", ruled, True))
        known = self._known.get(words_of(text))
        if known is not None:
            found.append(Clue("phrases", known, known != CALM))
        sensed = self._learnt.sense(text, self._speller_of(told), told) if self._learnt else None
        if sensed is not None and self._learnt is not None:
            found.append(Clue("appris", sensed.situation, sensed.alarm, sensed.odds - self._learnt.alarm.seuil))
        abroad = self._abroad.sense(text) if self._abroad else None
        if abroad is not None and abroad.alarm:
            found.append(Clue("langues", abroad.situation, True))
        return found

    def language(self, text: str) -> str:
        """Return the language a message is clearly written in (BCP 47), "" for French and for any other."""
        return self._abroad.language(text) if self._abroad else ""

    def is_strange(self, text: str) -> bool:
        """Whether most of the words of a message are not French: no small talk may answer it."""
        return self._abroad is not None and self._abroad.is_strange(text)

    def _speller_of(self, told: Sequence[str]) -> Callable[[str], str]:
        """Return what puts right the spelling of plain words of one message."""
        if self._correct is None:
            return str
        known = self._learnt.ngrams.words if self._learnt else {}
        words = dict.fromkeys(word for sentence in told for word in sentence.split())
        unknown = [word for word in words if word not in known and SHORTEST <= len(word) <= LONGEST]
        left = SPELT
        meant = {}
        for word in dict.fromkeys(chain.from_iterable(zip(unknown, reversed(unknown), strict=True))):
            if (left := left - len(word)) < 0:
                break
            if (right := self._correct(word)) is not None:
                meant[word] = right
        return (lambda plain: " ".join(meant.get(word, word) for word in plain.split())) if meant else str
