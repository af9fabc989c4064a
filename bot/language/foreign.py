"""Which language a message is written in: only what is clearly not French counts, so that rough French is never refused.

Words, phrases and courteous answers come from ``data/referentiel/langues.yml``; py3langid (a statistical identifier,
restricted to those languages and French) must agree with the words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from bot.base.errors import ReferentialError
from bot.base.paths import project_paths
from bot.base.yaml_lines import load_located
from bot.language.cleaning import Script, clean, strip_accents
from bot.language.talk import Talk, load_talk

FRENCH, LATIN = "fr", "LATIN"
MIN_WORDS = 4
"""Shorter messages are French unless they hold a phrase that no French speaker writes."""
MIN_FOREIGN_WORDS = 2
SURE = 0.85
"""Probability from which py3langid alone may set aside words that French shares with the language."""
VERY_SURE = 0.97
"""Probability from which it may decide with one word of the lists only."""
READ_CHARACTERS = 1_000
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


class _Language(BaseModel):
    """One language, as the referential writes it."""

    class Config:
        extra = "forbid"
        allow_mutation = False

    id: str = Field(regex=r"^[a-z]{2}(-Latn)?$")
    nom: str
    sens: str = Field("ltr", regex=r"^(ltr|rtl)$")
    ecriture: str = LATIN
    bonjour: str
    aide: str
    en_cas_d_urgence: str
    danger_maintenant: str
    carte: str = ""
    de_rien: str
    au_revoir: str
    precisez: str
    note: str
    mots: tuple[str, ...]
    locutions: tuple[str, ...]


@dataclass(frozen=True)
class Courtesy:
    """What to say to a person who does not write French.

    Args:
        language: BCP 47 tag.
        direction: "ltr" or "rtl".
        sentences: in that language, numbers filled in.
    """

    language: str
    direction: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Foreign:
    """A message that is not in French.

    Args:
        language: BCP 47 tag, "" for an alphabet of none of our languages.
        act: what a message that asks for nothing does (« thanks »), or that it goes on with the last door; "" otherwise.
        doubt: the message may tell a danger: the number of all emergencies comes first, in small.
    """

    language: str
    act: str = ""
    doubt: bool = False


class Languages:
    """Recognises the languages of ``langues.yml`` and knows what to say in each.

    Args:
        languages: those of the file.
        emergency_number: the one that answers in many languages.
        french: common words of French; one of them weighs against two foreign words.
        shared: those that other Romance languages write alike.
        talk: reads « thanks », « yes »…; ``None`` to read none.
    """

    def __init__(
        self,
        languages: Sequence[_Language],
        emergency_number: str,
        french: Sequence[str] = (),
        shared: Sequence[str] = (),
        talk: Talk | None = None,
    ) -> None:
        self.talk = talk or Talk({}, {})
        self._french = frozenset(map(_bare, french))
        self._shared = frozenset(map(_bare, shared)) & self._french
        self.emergency_number = emergency_number
        self._known = {language.id: language for language in languages}
        self._words = {
            language.id: frozenset(map(_bare, language.mots)) for language in languages if language.ecriture == LATIN and language.mots
        }
        self._phrases = {language.id: _spaced(language.locutions) for language in languages}
        self._identifier: Any = None

    @property
    def ids(self) -> tuple[str, ...]:
        """Codes of the known languages, in the order of the file."""
        return tuple(self._known)

    def prepare(self) -> None:
        """Read the tables of py3langid, half a second: otherwise the first message in doubt waits for them."""
        if self._identifier is None:
            from bot.language.identifier import load_identifier

            known = (FRENCH, *self._words, *(i for i, known in self._known.items() if known.ecriture != LATIN))
            self._identifier = load_identifier(project_paths().language_tables, known)

    def detect(self, text: str) -> Foreign | None:
        """Return the language of a message that is clearly not French, else ``None``."""
        read = clean(text[:READ_CHARACTERS])
        language: str | None
        if read.script is Script.OTHER_ALPHABET:
            language = self._of_script(read.display)
        elif read.script is Script.LATIN:
            language = self._latin(read.display)
        else:
            return None
        return None if language is None else Foreign(language)

    def takes_card(self, language: str) -> bool:
        """Whether a door understood in this language may be shown: measured, see docs/adr/0015-langues-etrangeres.md."""
        return language in self._known and bool(self._known[language].carte)

    def courtesy(self, language: str, phone: str, danger: bool = False, card: bool = False) -> Courtesy:
        """Return what to say.

        Args:
            language: one of :attr:`ids`.
            phone: of the front desk, from the referential.
            danger: the message speaks of an emergency: the number first, nothing else.
            card: a door was understood, and its card follows in French.

        Raises:
            KeyError: unknown language.
        """
        known = self._known[language]
        if danger:
            said = [known.danger_maintenant, known.bonjour]
        else:
            said = [known.bonjour, *([known.carte] if card else []), known.aide, known.en_cas_d_urgence]
        filled = (s.replace("{accueil_telephone}", phone).replace("{urgence}", self.emergency_number) for s in said)
        return Courtesy(language, known.sens, tuple(filled))

    def said(self, language: str, act: str, phone: str) -> Courtesy:
        """Return what to say to a message that asks for nothing, the number in danger last.

        Raises:
            KeyError: unknown language.
        """
        known = self._known[language]
        courtesy = self.courtesy(language, phone)
        own = {"remercier": known.de_rien, "au_revoir": known.au_revoir, "affirmer": known.precisez, "nier": known.precisez}
        own["dire_commune"] = f"{known.note} {known.precisez}"
        return Courtesy(language, known.sens, (own[act], courtesy.sentences[-1])) if act in own else courtesy

    def closing(self, language: str, phone: str) -> tuple[str, ...]:
        """Return what ends an answer given in the language: who helps, and the number in danger.

        Raises:
            KeyError: unknown language.
        """
        return self.courtesy(language, phone).sentences[1:]

    def _latin(self, display: str) -> str | None:
        words = _WORD.findall(_bare(display))
        padded = f" {' '.join(words)} "
        by_phrase = next((i for i, phrases in self._phrases.items() if any(p in padded for p in phrases)), None)
        if by_phrase or len(words) < MIN_WORDS:
            return by_phrase
        written = _WORD.findall(display.lower() if display.isupper() else display.replace("’", "'"))
        # Capitals inside a message are names ("Da Silva"), and "à" is French long before it is anything else.
        common = [bare for i, (bare, w) in enumerate(zip(words, written, strict=False)) if (i == 0 or w[0].islower()) and w != "à"]
        found = {i: sum(map(known.__contains__, common)) for i, known in self._words.items()}
        most = max(found.values())
        french = sum(map(self._french.__contains__, words)) + written.count("à")
        if most < MIN_FOREIGN_WORDS or most * 4 < len(words):
            return self._by_rank_alone(display, found) if most and not french else None
        ranks = self._rank(display)
        best = max((i for i in found if found[i] >= most - 1), key=lambda i: found[i] + 2 * ranks.get(i, 0.0))
        shared = sum(w in self._shared for w in words)
        if most > 2 * french:
            return best if ranks[best] > ranks[FRENCH] or most * 2 >= len(words) else None
        sure = ranks[best] > SURE and ranks[FRENCH] < 1 - SURE
        return best if sure and most > 2 * (french - shared) else None

    def _by_rank_alone(self, display: str, found: dict[str, int]) -> str | None:
        """Trust py3langid on a message with no French word at all, when it is very sure and one word agrees."""
        ranks = self._rank(display)
        best = max(found, key=lambda i: ranks[i])
        return best if ranks[best] > VERY_SURE and found[best] else None

    def _of_script(self, display: str) -> str:
        """Return the language of a text in another alphabet, "" when it is none of ours."""
        letters = [c for c in display if c.isalpha()]
        candidates = [
            i
            for i, language in self._known.items()
            if language.ecriture != LATIN and 2 * sum(language.ecriture in unicodedata.name(c, "") for c in letters) > len(letters)
        ]
        if len(candidates) < 2:
            return candidates[0] if candidates else ""
        ranks = self._rank(display)
        words = {_bare(w) for w in _WORD.findall(display.lower())}

        def score(language: str) -> float:
            own = {_bare(w) for w in self._known[language].mots}
            return len(words & own) + 2 * ranks.get(language, 0.0) + 5 * sum(c in _LETTERS.get(language, "") for c in display.lower())

        return max(candidates, key=score)

    def _rank(self, display: str) -> dict[str, float]:
        self.prepare()
        return {str(code): float(p) for code, p in self._identifier.rank(display.lower())}


_LETTERS = {"uk": "іїєґ", "ru": "ыэё", "fa": "پچژگی", "ps": "ټډړږښګڼېۍ"}
"""Letters that one language of the alphabet has and the other has not."""


def load_languages(folder: Path) -> Languages:
    """Read ``langues.yml``.

    Args:
        folder: ``data/referentiel``.

    Raises:
        ReferentialError: the file is missing or has mistakes; every one is told, with its line.
    """
    document = load_located(folder / "langues.yml", "data/referentiel/langues.yml")
    if isinstance(document, tuple):
        raise ReferentialError(list(document))
    problems, languages = [], []
    data = document.data if isinstance(document.data, dict) else {}
    lists: dict[str, list[str]] = {}
    for key in ("francais", "francais_partage"):
        values = data.get(key)
        lists[key] = [v for v in values if isinstance(v, str)] if isinstance(values, list) else []
        if not lists[key] or len(lists[key]) != len(values or ()):
            problems.append(document.problem((key,), f"« {key} » est une liste de mots, entre guillemets au besoin."))
    for index, row in enumerate(data.get("langues") or []):
        try:
            if not all(isinstance(word, str) for key in ("mots", "locutions") for word in row[key]):
                raise ValueError
            languages.append(_Language(**row))
        except ValidationError as error:
            fields = ", ".join(f"« {e['loc'][0]} »" for e in error.errors())
            problems.append(document.problem(("langues", index), f"à corriger dans cette langue : {fields}."))
        except (KeyError, TypeError, ValueError):
            problems.append(document.problem(("langues", index), "« mots » et « locutions » sont des listes de mots."))
    if not isinstance(data.get("urgence"), str):
        problems.append(document.problem(("urgence",), "« urgence » est un numéro, entre guillemets."))
    if not languages and not problems:
        problems.append(document.problem((), "la liste « langues: » manque."))
    if problems:
        raise ReferentialError(problems)
    return Languages(languages, data["urgence"], lists["francais"], lists["francais_partage"], load_talk(folder))


def _bare(text: str) -> str:
    """Return ``text`` as it is compared: lower case, without accents, plain apostrophes."""
    return strip_accents(text.lower().replace("’", "'"))


def _spaced(phrases: Sequence[str]) -> tuple[str, ...]:
    """Return phrases as they are searched: bare words, one space around each."""
    return tuple(f" {' '.join(_WORD.findall(_bare(phrase)))} " for phrase in phrases)
