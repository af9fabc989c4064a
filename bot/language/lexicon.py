"""Plain words of other languages, by notion, and which language a message is written in: no model, a fraction of a millisecond.

Words come from ``data/referentiel/urgences_langues.yml``, which tells how to write them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.base.once import once
from bot.language.cleaning import ACCENTS, SMS_WORDS
from bot.language.spelling import ELIDED

TOOLS = "outils"
"""Notion of the small words that only tell the language."""
UNSPACED = "zh"
"""Language without spaces: its words are looked for inside a run of characters."""
PLAINLY = 5
"""French words from which a message that is for nine tenths made of them is French, whatever the others are."""
FEW = 3
"""Words of a message up to which those that French shares are French; of a longer one, unless they are all of another language."""
LONGEST = 8
"""Letters of a word looked for inside others, at most; the shortest has three, or one without spaces."""

_APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ`´", "'") | dict.fromkeys("\ufdfa\ufdfb", " "))
"""And two signs that stand for a sentence of eighteen letters each: they tell no danger, and would cost as much."""
_LETTERS = str.maketrans(
    {"ı": "i", "ł": "l", "đ": "d", "ø": "o", "ß": "ss", "æ": "ae", "œ": "oe", "ґ": "г", "\u200c": "", "ـ": ""}
    | {"ی": "ي", "ې": "ي", "ۍ": "ي", "ئ": "ي", "ى": "ي", "ک": "ك", "ګ": "گ", "ة": "ه", "ہ": "ه", "ە": "ه"}
)
_INSIDE_CYRILLIC = re.compile(r"(?<=[\u0400-\u04ff])'(?=[\u0400-\u04ff])")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_TOKEN = re.compile(r"[^\s.,;:!?¡¿…\"'«»()\[\]{}/\\|@#*+=<>—–،؛؟。，！？、·~^&%$_-]+")
_CJK = re.compile(r"[\u3400-\u9fff]")
_ARABIC = re.compile(r"[\u0600-\u06ff]")
_JOINED = ("وال", "بال", "لل", "ال", "و", "ف", "ب", "ل")
"""What Arabic writes in one word with the next one."""

Hit = tuple[str, str]
"""A language, a notion."""


@dataclass(frozen=True)
class Sign:
    """What the words of a message tell, read in the language that knows most of them.

    Args:
        language: BCP 47 tag.
        notions: told by its words, small words apart.
        words: how many the message has.
        known: how many of them the language knows.
        french: how many of them are French.
    """

    language: str
    notions: frozenset[str]
    words: int
    known: int
    french: int

    @property
    def clear(self) -> bool:
        """Whether the message is written in that language, and is no rough French."""
        return self.known >= 2 and self.known * 2 >= self.words and self.french * 2 <= self.known


class Lexicon:
    """Reads messages with the words of several languages at once.

    Args:
        languages: language → notion → words, written as the file tells.
        french: common French words, bare: a message they fill is French.
    """

    def __init__(self, languages: Mapping[str, Mapping[str, Sequence[str]]], french: Container[str] = ()) -> None:
        self.languages = tuple(languages)
        self._french = french
        self._whole: dict[str, list[Hit]] = defaultdict(list)
        self._begins: dict[str, list[Hit]] = defaultdict(list)
        self._inside: dict[str, list[Hit]] = defaultdict(list)
        self._several: dict[tuple[str, ...], list[Hit]] = defaultdict(list)
        for language, notions in languages.items():
            for notion, words in notions.items():
                for word in words:
                    self._add(word, (language, notion))
        self._most = max(map(len, self._several), default=1)
        self._openings = frozenset(words[0] for words in self._several)
        self._heads = frozenset(word[:2] for word in self._begins)
        self._cores = frozenset(word[:3] for word in self._inside)

    def read(self, tokens: Sequence[str], seen: dict[str, list[Hit]] | None = None) -> Sign | None:
        """Return what a message tells, ``None`` when it is French or no language of ours.

        Args:
            tokens: of a message or of a part of it, as :func:`tokens_of` gives them.
            seen: what its words tell, empty at first, when several parts of one message are read.
        """
        ours = list(map(self._is_french, tokens))
        french = sum(ours)
        if french >= PLAINLY and french * 10 >= len(tokens) * 9:
            return None
        shared = [known or (len(token) == 1 and token.isascii()) for token, known in zip(tokens, ours, strict=True)]
        found = self._found(tokens, {} if seen is None else seen)
        if not found:
            return None
        language, hits = max(found.items(), key=lambda item: (len(item[1]), len({n for ns in item[1].values() for n in ns})))
        if french > len(hits) or ((len(tokens) <= FEW or len(hits) < len(tokens)) and all(shared[place] for place in hits)):
            return None
        notions = frozenset(notion for told in hits.values() for notion in told) - {TOOLS}
        return Sign(language, notions, len(tokens), len(hits), french)

    def is_strange(self, text: str) -> bool:
        """Whether most of the words of a message, two at least, are not French."""
        tokens = [token for token in tokens_of(text) if not token.isdigit()]
        strange = sum(not self._is_french(token) for token in tokens)
        return (strange >= 2 and strange * 5 >= len(tokens) * 3) or any(_CJK.search(token) for token in tokens)

    def is_french(self, text: str) -> bool:
        """Whether half of the words of a message, or more, are French."""
        tokens = tokens_of(text)
        return sum(map(self._is_french, tokens)) * 2 >= max(1, len(tokens))

    def knows(self, text: str, language: str) -> bool:
        """Whether a language knows as many words of a message as French does, one at least."""
        tokens = tokens_of(text)
        known = len(self._found(tokens, {}).get(language, ()))
        return known > 0 and known >= sum(map(self._is_french, tokens))

    def _is_french(self, token: str) -> bool:
        return token in self._french or token in SMS_WORDS or token in ELIDED

    def _found(self, tokens: Sequence[str], seen: dict[str, list[Hit]]) -> dict[str, dict[int, set[str]]]:
        """Return language → place of a known word → its notions."""
        found: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for place, token in enumerate(tokens):
            if token not in seen:
                seen[token] = list(self._hits(token))
            for language, notion in seen[token]:
                found[language][place].add(notion)
            for size in range(2, min(self._most, len(tokens) - place) + 1 if token in self._openings else 0):
                for language, notion in self._several.get(tuple(tokens[place : place + size]), ()):
                    for i in range(place, place + size):
                        found[language][i].add(notion)
        return found

    def _hits(self, token: str) -> Iterable[Hit]:
        unspaced = not token.isascii() and bool(_CJK.search(token))
        forms = [token]
        if _ARABIC.match(token):
            forms += [token[len(p) :] for p in _JOINED if token.startswith(p) and len(token) - len(p) >= 3]
        for form in forms:
            yield from self._whole.get(form, ())
            if form[:2] in self._heads:
                for size in range(2, len(form) + 1):
                    yield from self._begins.get(form[:size], ())
            for start in range(len(form)):
                if not unspaced and form[start : start + 3] not in self._cores:
                    continue
                for size in range(1 if unspaced else 3, min(LONGEST, len(form) - start) + 1):
                    yield from self._inside.get(form[start : start + size], ())

    def _add(self, word: str, hit: Hit) -> None:
        parts = tokens_of(word.strip("*").replace("_", " "))
        if hit[0] == UNSPACED:
            self._inside["".join(parts)].append(hit)
        elif len(parts) > 1:
            self._several[tuple(parts)].append(hit)
        else:
            table = self._inside if word.startswith("*") else self._begins if word.endswith("*") else self._whole
            table[parts[0]].append(hit)


@once
def tokens_of(text: str) -> list[str]:
    """Return the words of a text in any alphabet, bare: lower case, without accents, letters that look alike made one."""
    if text.isascii():
        return _TOKEN.findall(_STRETCHED.sub(r"\1", text.lower()))
    decomposed = unicodedata.normalize("NFKD", text.lower().translate(_APOSTROPHES))
    bare = ACCENTS.sub("", decomposed)
    if not bare.isascii():
        bare = unicodedata.normalize("NFC", "".join(c for c in bare if not unicodedata.combining(c))).translate(_LETTERS)
    return _TOKEN.findall(_STRETCHED.sub(r"\1", _INSIDE_CYRILLIC.sub("", bare)))
