"""Measure whether an answer is plain French: the checkable rules of the project's readability guide."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.language.cleaning import strip_accents
from bot.language.words import read_words

MIN_KANDEL_MOLES = 60.0
MAX_WORDS = 120
MAX_SENTENCE_WORDS = 20
MAX_MEAN_SENTENCE_WORDS = 15.0

_WORD = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿŒœ]+(?:['’-][A-Za-zÀ-ÖØ-öø-ÿŒœ]+)*|\d+(?:[ .]\d+)*")
_SENTENCE = re.compile(r"[^.!?:\n]+[.!?:\n]*")
_ACRONYM = re.compile(r"(?<![\w-])[A-Z]{2,}(?![\w])")
_ACRONYM_ALLOWED = frozenset({"SMS"})
_JARGON = read_words("mots_a_eviter")
_NUMERIC_DATE = re.compile(r"\b\d{1,2}/\d{1,2}/\d{2,4}\b")
_VOWEL_GROUP = re.compile(r"[aeiouyàâäéèêëîïôöùûüÿœæ]+")


@dataclass(frozen=True)
class Readability:
    """Measures of one text.

    Args:
        words, sentences, syllables: counts.
        kandel_moles: ``207 - 1.015 * words/sentences - 73.6 * syllables/words`` (Kandel and Moles, 1958).
        longest_sentence: words of the longest sentence.
    """

    words: int
    sentences: int
    syllables: int
    kandel_moles: float
    longest_sentence: int

    @property
    def mean_sentence(self) -> float:
        """Words per sentence."""
        return self.words / max(1, self.sentences)


def count_syllables(word: str) -> int:
    """Return the number of spoken syllables of a French word (vowel groups, silent final e left out)."""
    lower = word.lower()
    if lower.isdigit():
        return max(1, len(lower))
    total = 0
    for part in re.split(r"['’-]", lower):
        if not part:
            continue
        groups = _VOWEL_GROUP.findall(part)
        count = sum(_syllables_in_group(g) for g in groups)
        silent_end = re.search(r"[^aeiouyàâéèêîïôùû]e(?:s|nt)?$|gue(?:s|nt)?$|que(?:s|nt)?$", part)
        if count > 1 and silent_end and not part.endswith(("ment", "cent", "dent", "tent")):
            count -= 1
        total += max(1, count) if groups or len(part) > 1 else 0
    return max(1, total)


def measure(text: str) -> Readability:
    """Return the :class:`Readability` of a text of one or more sentences."""
    sentences = [s for s in (_WORD.findall(m) for m in _SENTENCE.findall(text)) if s]
    words = [w for s in sentences for w in s]
    syllables = sum(map(count_syllables, words))
    if not words:
        return Readability(0, 0, 0, 207.0, 0)
    score = 207 - 1.015 * len(words) / len(sentences) - 73.6 * syllables / len(words)
    return Readability(len(words), len(sentences), syllables, score, max(map(len, sentences)))


def unexplained_acronyms(text: str, explained: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the acronyms of ``text`` that nothing explains beside them.

    An acronym counts as explained when it stands in parentheses after its meaning, or is followed by a
    comma and its meaning, by parentheses, or is in ``explained``.
    """
    known = set(explained) | _ACRONYM_ALLOWED
    missing = []
    for match in _ACRONYM.finditer(text):
        word = match.group()
        before, after = text[: match.start()].rstrip(), text[match.end() :].lstrip()
        in_parentheses = before.endswith("(") or before.count("(") > before.count(")")
        if word in known or in_parentheses or after.startswith(("(", ",")):
            known.add(word)
            continue
        missing.append(word)
    return tuple(dict.fromkeys(missing))


def problems(text: str, explained: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the readability rules that ``text`` breaks, as French sentences; empty when it is plain."""
    found = []
    result = measure(text)
    if result.words > MAX_WORDS:
        found.append(f"trop long : {result.words} mots, {MAX_WORDS} au plus")
    if result.longest_sentence > MAX_SENTENCE_WORDS:
        found.append(f"une phrase a {result.longest_sentence} mots, {MAX_SENTENCE_WORDS} au plus")
    if result.mean_sentence > MAX_MEAN_SENTENCE_WORDS:
        found.append(f"phrases trop longues en moyenne : {result.mean_sentence:.0f} mots")
    if result.words and result.kandel_moles < MIN_KANDEL_MOLES:
        found.append(f"lecture difficile : Kandel-Moles {result.kandel_moles:.0f}, {MIN_KANDEL_MOLES:.0f} au moins")
    if ";" in text:
        found.append("pas de point-virgule")
    for acronym in unexplained_acronyms(text, explained):
        found.append(f"le sigle {acronym} n'est pas expliqué")
    plain = strip_accents(text.lower())
    found.extend(f"mot à éviter : « {w} »" for w in _JARGON if re.search(rf"\b{re.escape(strip_accents(w))}\b", plain))
    if _NUMERIC_DATE.search(text):
        found.append("écrivez la date en toutes lettres")
    return tuple(found)


def _syllables_in_group(group: str) -> int:
    """A vowel group is one syllable; an accent or a diaeresis on a neighbour opens a second one (« théâtre », « naïf »)."""
    count = 1
    for first, second in itertools.pairwise(group):
        opens_after = first in "éèêâôûù" and second in "aiouéèêàâîôûù"
        opens_before = second in "ïëüö" or (second in "éèê" and first in "aeo")
        count += opens_after or opens_before or first + second == "ao"
    return count
