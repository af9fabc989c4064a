"""Communes of the Lot (current, merged, former and usual names) and places that are not in the Lot."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bot.base.errors import Problem, ReferentialError
from bot.base.once import once
from bot.base.stopwatch import stage
from bot.language.cleaning import strip_accents
from bot.language.words import read_words

_WORD = re.compile(r"[a-z0-9]+")
_SHORT = {"st": "saint", "ste": "sainte"}
_BEFORE_PLACE, _EVERYDAY_WORDS = frozenset(read_words("avant_un_lieu")), frozenset(read_words("communes_mots_courants"))
_AROUND_PLACE, _WITHIN_NAME = frozenset(read_words("autour_d_un_lieu")), frozenset(read_words("dans_un_nom_de_lieu"))


@dataclass(frozen=True)
class Commune:
    """A place recognised in a message.

    Args:
        nom: name of today's commune.
        code_insee: its Insee code, as a string of five characters.
        arrondissement: Cahors, Figeac or Gourdon; empty outside the Lot.
        ancien_nom: the merged, former or usual name that was written, when it differs.
        departements_homonymes: departments where another commune has the same name.
        departement: department code, "46" inside the Lot.
    """

    nom: str
    code_insee: str
    arrondissement: str = ""
    ancien_nom: str = ""
    departements_homonymes: tuple[str, ...] = ()
    departement: str = "46"

    @property
    def in_lot(self) -> bool:
        """Whether the place is in the Lot."""
        return self.departement == "46"


def place_words(text: str) -> tuple[str, ...]:
    """Return the words of a place name: no accents, ``st`` read as ``saint``."""
    return tuple(_SHORT.get(word, word) for word in _WORD.findall(strip_accents(text.lower())))


def of_place(name: str) -> str:
    """Return the name of a place after « de »: « d'Albas », « du Vigan », « des Arques », « de La Tour »."""
    for article, joined in (("Le ", "du "), ("Les ", "des ")):
        if name.startswith(article):
            return joined + name.removeprefix(article)
    return f"d'{name}" if strip_accents(name[:1].lower()) in "aeiou" else f"de {name}"


class Gazetteer:
    """Finds communes in a message.

    Args:
        communes: mapping of name words to :class:`Commune`.
    """

    def __init__(self, communes: dict[tuple[str, ...], Commune]) -> None:
        self._communes = communes
        self._longest: dict[str, int] = {}
        """Words of the longest name that begins with each word."""
        for words in communes:
            self._longest[words[0]] = max(len(words), self._longest.get(words[0], 0))
        self._by_code = {c.code_insee: c for c in communes.values() if not c.ancien_nom}

    def __len__(self) -> int:
        return len(self._communes)

    def lookup(self, name: str) -> Commune | None:
        """Return the commune of that exact name (accents, hyphens and case aside), or ``None``."""
        return self._communes.get(place_words(name))

    def by_code(self, code: str) -> Commune | None:
        """Return today's commune of an Insee code, or ``None``."""
        return self._by_code.get(code.strip().upper())

    def close_to(self, name: str) -> Commune | None:
        """Return the commune of the Lot whose name is written almost like ``name``, or ``None``."""
        names = {" ".join(words): commune for words, commune in self._communes.items() if commune.in_lot}
        close = difflib.get_close_matches(" ".join(place_words(name)), names, n=1, cutoff=0.75)
        return names[close[0]] if close else None

    def beginning_with(self, name: str) -> tuple[Commune, ...]:
        """Return today's communes of the Lot whose name begins with the place told (« à Lacapelle »), each once."""
        words = place_words(name)
        start = words[max((i + 1 for i, word in enumerate(words) if word in _BEFORE_PLACE), default=0) :]
        found = {c.code_insee: c for words, c in self._communes.items() if start and c.in_lot and words[: len(start)] == start}
        return tuple(found.values())

    def in_lot(self) -> tuple[Commune, ...]:
        """Return every name known in the Lot, today's and former ones, each as a commune."""
        return tuple(commune for commune in self._communes.values() if commune.in_lot)

    @stage("commune")
    def find(self, text: str) -> tuple[Commune, ...]:
        """Return the communes named in ``text`` (accents kept), in order, each once.

        A long name wins over a shorter one inside it. A one-word name counts when it is written with a
        capital, follows a place word (« à », « de », « mairie de »…) or stands alone.
        """
        return tuple(commune for commune, _, _ in self.find_places(text))

    @once
    def find_places(self, text: str) -> tuple[tuple[Commune, int, int], ...]:
        """Return what :meth:`find` returns, with where each name starts and ends in ``text``."""
        spans = [(m.group(), m.start()) for m in re.finditer(r"[^\W_]+", text)]
        words = [w for raw, _ in spans for w in place_words(raw)[:1] or ("",)]
        found: dict[str, tuple[Commune, int, int]] = {}
        index = 0
        while index < len(words):
            match = self._match_at(words, spans, index)
            if match is None:
                index += 1
                continue
            commune, size = match
            if self._is_within(words, spans, index + size, text):
                index += size
                continue
            last, start = spans[index + size - 1]
            found.setdefault(commune.code_insee, (commune, spans[index][1], start + len(last)))
            index += size
        return tuple(found.values())

    def _is_within(self, words: list[str], spans: list[tuple[str, int]], index: int, text: str) -> bool:
        """Whether the name that ends before ``index`` is a part of another commune: « le bourg de Prayssac » is in Prayssac."""
        if index + 1 >= len(words) or words[index] not in {"de", "d"}:
            return False
        (before, start), (_, link) = spans[index - 1], spans[index]
        return not text[start + len(before) : link].strip() and self._match_at(words, spans, index + 1) is not None

    def _match_at(self, words: list[str], spans: list[tuple[str, int]], index: int) -> tuple[Commune, int] | None:
        for size in range(min(self._longest.get(words[index], 0), len(words) - index), 0, -1):
            commune = self._communes.get(tuple(words[index : index + size]))
            if commune is None:
                continue
            if size > 1 or self._one_word_is_place(words, spans, index):
                return commune, size
        return None

    @staticmethod
    def _one_word_is_place(words: list[str], spans: list[tuple[str, int]], index: int) -> bool:
        if all(i == index or word in _AROUND_PLACE or word.isdigit() for i, word in enumerate(words)):
            return True
        capital = spans[index][0][:1].isupper() and index > 0
        after_place_word = index > 0 and words[index - 1] in _BEFORE_PLACE
        if words[index] in _EVERYDAY_WORDS:
            return capital and after_place_word
        return capital or after_place_word


def load_gazetteer(folder: Path) -> Gazetteer:
    """Load the three commune tables of ``data/referentiel``.

    Raises:
        ReferentialError: a table is missing or a row is incomplete.
    """
    homonyms = {
        row["code_insee"]: tuple(row["departements_homonymes"].split())
        for row in _rows(folder / "communes_homonymes.csv", "departements_homonymes")
    }
    communes: dict[tuple[str, ...], Commune] = {}
    for row in _rows(folder / "communes_hors_lot.csv", "departement"):
        communes[place_words(row["nom"])] = Commune(row["nom"], row["code_insee"], departement=row["departement"])
    former: list[dict[str, str]] = []
    current: list[dict[str, str]] = []
    for row in _rows(folder / "communes_lot.csv", "commune_actuelle_nom"):
        (current if row["type"] == "commune-actuelle" else former).append(row)
    for row in former + current:  # current names are written last: they win
        today = row["commune_actuelle_nom"]
        communes[place_words(row["nom"])] = Commune(
            nom=today,
            code_insee=row["commune_actuelle_code"],
            arrondissement=row["arrondissement_nom"],
            ancien_nom=row["nom"] if row["nom"] != today else "",
            departements_homonymes=homonyms.get(row["code_insee"], ()),
        )
    return Gazetteer({**_usual_names(communes), **communes})


def _usual_names(communes: dict[tuple[str, ...], Commune]) -> dict[tuple[str, ...], Commune]:
    """Return the short names that people give to one commune only: « Limogne », « Bagnac », « Biars »."""
    bearers: dict[tuple[str, ...], dict[str, Commune]] = {}
    for words, commune in communes.items():
        for size in range(1, len(words)):
            bearers.setdefault(words[:size], {})[commune.code_insee] = commune
    heads = ((words[:size], words[size]) for words, commune in communes.items() if commune.in_lot for size in range(1, len(words)))
    return {
        head: replace(bearer, ancien_nom=" ".join(head).title())
        for head, link in heads
        if link in _WITHIN_NAME and head not in communes and {*head}.isdisjoint(_EVERYDAY_WORDS | _WITHIN_NAME)
        for bearer in bearers[head].values()
        if len(bearers[head]) == 1
    }


def _rows(path: Path, needed: str) -> Iterator[dict[str, str]]:
    name = f"data/referentiel/{path.name}"
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            for number, row in enumerate(csv.DictReader(stream), start=2):
                if not row.get("nom") or row.get(needed) is None:
                    raise ReferentialError([Problem(name, number, f"il manque « nom » ou « {needed} » sur cette ligne.")])
                yield row
    except FileNotFoundError:
        raise ReferentialError([Problem(name, 0, "le fichier manque. Remettez-le depuis git.")]) from None
