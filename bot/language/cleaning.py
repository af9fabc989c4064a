"""Make what people type comparable: accents, capitals, SMS spelling, markup, stray characters."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from bot.base.once import once
from bot.base.stopwatch import stage
from bot.language.words import read_pairs, read_words

MAX_CHARACTERS = 1000
"""What is read of a message, dangers apart: of a longer one, its beginning and its end. What a message costs is bounded by that."""
_BEGINNING, _ELLIPSIS = 700, " … "
_ENDING = MAX_CHARACTERS - _BEGINNING - len(_ELLIPSIS)
_LAST_WORD, _FIRST_WORD = re.compile(r"\s\S{0,40}\Z"), re.compile(r"\A\S{0,40}\s")
"""Where a message is cut, a word may be: it is left out, unless there are no words."""

_TAG = re.compile(
    r"(?:\b(?:je m['’ ]?appelle|mon nom (?:c['’ ]?)?est|n[ée]e? (?:le|en)|soussignée?)\s{1,3})?<[a-zA-Z/!][^<>]{0,200}>",
    re.IGNORECASE,
)
"""A tag, or what is masked with the words that only introduce it: « née le » is no request."""
_SPACES = re.compile(r"\s+")
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_TOKEN = re.compile(r"[a-z0-9]+")
_NOT_ASCII = re.compile(r"[^\0-\x7f]")
ACCENTS = re.compile("[\u0300-\u034e\u0350-\u036f]+")
"""The combining marks of our alphabet, once letters are decomposed."""

SMS_WORDS = read_pairs("abreviations")
"""Spelling of SMS and chat, one token each, after accents are gone."""
# Politeness around a request says nothing of its subject: it is left out of what the model reads.
_OPENINGS, _CLOSINGS = read_words("salutations"), read_words("formules_finales")
_EDGE = " \t,.!;:-"
_MIN_KEPT_WORDS = 2


_BE_TWICE = re.compile(r"\bc est (?=est\b|eta)")
"""« c'est » holds its verb: its « c » is not the short form of « c'est »."""


class Script(StrEnum):
    """What a message is made of, before trying to understand it."""

    LATIN = "latin"
    EMPTY = "vide"
    SYMBOLS = "symboles"
    OTHER_ALPHABET = "autre_alphabet"


@dataclass(frozen=True)
class CleanText:
    """A message in the forms the next steps need.

    Args:
        original: what was typed, untouched.
        display: the same, safe to show: no control character, no markup, spaces collapsed.
        unaccented: ``display`` in lower case without accents: what sentence encoders read, so that capitals
            and missing accents change nothing. Greetings and closing formulas are left out.
        plain: lower case, no accents, words separated by one space, SMS spellings spelt out.
        script: what the message is made of.
    """

    original: str
    display: str
    unaccented: str
    plain: str
    script: Script


def strip_accents(text: str) -> str:
    """Return ``text`` without diacritics; œ and æ become two letters."""
    if text.isascii():
        return text
    text = text.replace("œ", "oe").replace("Œ", "OE").replace("æ", "ae").replace("Æ", "AE")
    bare = ACCENTS.sub("", unicodedata.normalize("NFD", text))
    if bare.isascii() or not any(map(unicodedata.combining, bare)):
        return bare
    return "".join(c for c in bare if not unicodedata.combining(c))


def abridged(text: str) -> str:
    """Return what is read of a message: all of it, or its beginning and its end, cut between words where it can be."""
    if len(text) <= MAX_CHARACTERS:
        return text
    return _LAST_WORD.sub("", text[:_BEGINNING]) + _ELLIPSIS + _FIRST_WORD.sub("", text[-_ENDING:])


@once
@stage("nettoyage")
def clean(text: str) -> CleanText:
    """Clean one message.

    Args:
        text: what a person typed; any string, of any length: see :func:`abridged`.

    Returns:
        Its :class:`CleanText`. Never raises on a string.
    """
    display = _printable(abridged(text))
    unaccented = without_politeness(strip_accents(display.lower()))
    return CleanText(text, display, unaccented, plain_words(unaccented), _script_of(display))


def without_politeness(text: str) -> str:
    """Return ``text`` (lower case, no accents) without its greeting and closing formulas.

    A message made of nothing else, or of one more word, is returned whole.
    """
    core = text.strip(_EDGE)
    while (formula := _leading(core)) is not None:
        core = core[len(formula) :].lstrip(_EDGE)
    while (formula := _trailing(core)) is not None:
        core = core[: -len(formula)].rstrip(_EDGE)
    return core if len(core.split()) >= _MIN_KEPT_WORDS else text


def _leading(text: str) -> str | None:
    if not text.startswith(_OPENINGS):  # one look for all of them: most messages have none
        return None
    return next((f for f in _OPENINGS if text.startswith(f) and not text[len(f) : len(f) + 1].isalnum()), None)


def _trailing(text: str) -> str | None:
    if not text.endswith(_CLOSINGS):
        return None
    return next((f for f in _CLOSINGS if text.endswith(f) and not text[-len(f) - 1 : -len(f)].isalnum()), None)


def plain_words(text: str) -> str:
    """Return ``text`` lower-cased, without accents or punctuation, SMS words spelt out."""
    bare = strip_accents(text.lower())
    bare = _STRETCHED.sub(r"\1\1", bare)
    return _BE_TWICE.sub("c ", " ".join(SMS_WORDS.get(token, token) for token in _TOKEN.findall(bare)))


def _printable(text: str) -> str:
    cleaner = _without_markup(text)
    while ("&" in cleaner or "<" in cleaner) and cleaner != text:  # what is taken away may bring an entity or a tag together
        text, cleaner = cleaner, _without_markup(cleaner)
    return cleaner


def _without_markup(text: str) -> str:
    text = _TAG.sub(" ", html.unescape(text))
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Zs"} else c for c in text)
        text = "".join(c for c in text if unicodedata.category(c) not in {"Cf", "Cs", "Co", "Cn"})
    text = unicodedata.normalize("NFC", text).replace("’", "'").replace("‘", "'")
    return _SPACES.sub(" ", text).strip().lstrip("/ ")


def _script_of(display: str) -> Script:
    if not display:
        return Script.EMPTY
    others = sum(not _is_latin(c) for c in _NOT_ASCII.findall(display) if c.isalpha())
    letters = sum(map(str.isalpha, display)) if others else any(map(str.isalpha, display))
    if not letters:
        return Script.SYMBOLS
    return Script.LATIN if others * 2 <= letters else Script.OTHER_ALPHABET


@lru_cache(maxsize=1024)
def _is_latin(letter: str) -> bool:
    return "LATIN" in unicodedata.name(letter, "")
