"""The directory: every place of the Lot where one can knock, with the source and the date of its facts; read when first asked for."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from functools import cached_property
from pathlib import Path

from bot.base.errors import Problem
from bot.referential.communes import Gazetteer
from bot.referential.facts import is_email, is_mobile, is_phone
from bot.referential.hours import MONTHS, PLAIN_FORM, MalformedHours, from_plain

FOLDER = "annuaire"
TOWN_HALL, DELEGATED, FRANCE_SERVICES = "mairie", "mairie_deleguee", "france_services"
ITINERANT = re.compile(r"^(bus|car)\b|\bbus\b|\bcar itinérant\b", re.IGNORECASE)
"""Names of what moves from place to place: nobody can go there without its calendar."""
CONFIDENCES = ("haute", "moyenne")
"""What is « faible » is not written down: what is written may be shown."""
EARTH_KM = 6371.0
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-\d\d)?)?")
_LOT = (44.1, 45.15, 0.9, 2.3)
"""Latitudes, then longitudes, between which the Lot lies, in degrees."""


@dataclass(frozen=True, slots=True)
class Place:
    """One place, as its line of ``data/referentiel/annuaire`` says; a field that is not known is empty.

    Args:
        id: type, Insee code and rank: "mairie-46042-01".
        type: DILA type of desk ("mairie", "msap"…).
        nom: what is written on its door.
        adresse: its parts, separated by « - ».
        code_postal: of the address.
        commune: of the address.
        code_insee: of today's commune.
        telephone: spaced.
        courriel: a generic box.
        site: web address.
        horaires: « lun-mar 09:00-12:00 / 14:00-17:00 ; jeu 09:00-12:00 ».
        latitude: in degrees.
        longitude: in degrees.
        source: who says so.
        date: year, month or day the source was of: "2019", "2026-10", "2024-08-01".
        confiance: "haute", or "moyenne" for what is to be confirmed.
        verifie_par: who corrected the line by hand; an import leaves it alone.
    """

    id: str
    type: str
    nom: str
    adresse: str
    code_postal: str
    commune: str
    code_insee: str
    telephone: str
    courriel: str
    site: str
    horaires: str
    latitude: str
    longitude: str
    source: str
    date: str
    confiance: str
    verifie_par: str

    @property
    def position(self) -> tuple[float, float] | None:
        """Latitude and longitude in degrees, when both are known."""
        return (float(self.latitude), float(self.longitude)) if self.latitude and self.longitude else None

    @property
    def to_confirm(self) -> bool:
        """Whether the facts are old or have one source only."""
        return self.confiance != "haute"

    @property
    def checked(self) -> str:
        """When the facts were true, in French: « octobre 2026 »; of an older one the year is enough."""
        year, month = self.date[:4], self.date[5:7]
        return f"{MONTHS[int(month) - 1]} {year}" if month and not self.to_confirm else year


COLUMNS = tuple(field.name for field in fields(Place))


@dataclass(frozen=True)
class Nearby:
    """A place for somebody.

    Args:
        place: where to knock.
        home: position of the person's commune, ``None`` when it is not known.
        km: as the crow flies, ``None`` in the person's own commune or when one of the two positions is not known.
    """

    place: Place
    home: tuple[float, float] | None = None
    km: float | None = None


def kilometres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the distance between two positions, as the crow flies (haversine formula)."""
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*a, *b))
    half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_KM * math.asin(math.sqrt(half))


class Directory:
    """Finds places. The files are read when a place is first asked for: an emergency never waits for them.

    Args:
        folder: ``data/referentiel/annuaire``; a missing one is an empty directory.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """Every place by id; a line that cannot be read is left out, ``bot check`` says which."""
        return {place.id: place for _, _, place in read_places(self.folder) if isinstance(place, Place)}

    @cached_property
    def _of_type(self) -> Mapping[str, tuple[Place, ...]]:
        found: dict[str, list[Place]] = {}
        for place in self.places.values():
            found.setdefault(place.type, []).append(place)
        return {kind: tuple(places) for kind, places in found.items()}

    @cached_property
    def homes(self) -> Mapping[str, tuple[float, float]]:
        """Where each commune is, by Insee code: its town hall, latitude and longitude in degrees."""
        return {place.code_insee: place.position for place in self.of_type(TOWN_HALL) if place.position}

    def of_type(self, kind: str) -> tuple[Place, ...]:
        """Return the places of a type, in the order of the files."""
        return self._of_type.get(kind, ())

    def delegated_of(self, code_insee: str) -> tuple[Place, ...]:
        """Return the delegated town halls of a commune, which answer beside its main one."""
        return tuple(place for place in self.of_type(DELEGATED) if place.code_insee == code_insee)

    def find(self, sought: str, code_insee: str = "", among: Iterable[str] = ()) -> Nearby | None:
        """Return the place for a person.

        Args:
            sought: id of one place, or a type: the commune's own for a town hall, else the nearest.
            code_insee: of the person's commune, "" when it is not known.
            among: Insee codes that have such a place, when not all of that type do.
        """
        home = self.homes.get(code_insee)
        if sought in self.places:
            return self._from(self.places[sought], home, code_insee)
        codes = frozenset(among)
        if sought == TOWN_HALL and not codes:
            return next((Nearby(place, home) for place in self.of_type(TOWN_HALL) if place.code_insee == code_insee), None)
        if home is None:
            return None
        found = [self._from(p, home, code_insee) for p in self.of_type(sought) if p.position and (not codes or p.code_insee in codes)]
        return min(found, key=lambda nearby: nearby.km or 0.0, default=None)

    @staticmethod
    def _from(place: Place, home: tuple[float, float] | None, code_insee: str) -> Nearby:
        away = home and place.position and place.code_insee != code_insee
        return Nearby(place, home, kilometres(home, place.position) if away and home and place.position else None)


def file_of(place: Place) -> str:
    """Return the name of the file that holds a place."""
    return {TOWN_HALL: "mairies", DELEGATED: "mairies", FRANCE_SERVICES: "france_services"}.get(place.type, "autres") + ".csv"


def as_csv(places: Iterable[Place]) -> str:
    """Return the text of a file of the directory, sorted by type, commune and rank so that two versions compare line by line."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(place) for place in sorted(places, key=lambda place: place.id))
    return text.getvalue()


def read_places(folder: Path) -> Iterator[tuple[str, int, Place | str]]:
    """Yield each line of the directory: its file, its number, and the place or what is wrong with it in French."""
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for number, row in enumerate(csv.DictReader(stream), start=2):
                if tuple(row) != COLUMNS or None in row.values():
                    yield path.name, number, f"les colonnes doivent être : {', '.join(COLUMNS)}."
                    continue
                place = Place(**row)
                mistakes = place_mistakes(place)
                yield path.name, number, "\n".join(mistakes) if mistakes else place


def place_mistakes(place: Place) -> list[str]:
    """Return what is wrong with the facts of a place that would break an answer, one French sentence each."""
    found = []
    for name in ("id", "type", "nom", "code_insee", "source"):
        if not getattr(place, name):
            found.append(f"« {name} » est vide.")
    if place.confiance not in CONFIDENCES:
        found.append(f"« confiance » vaut {' ou '.join(CONFIDENCES)} : une donnée moins sûre ne se montre pas.")
    if not _DATE.fullmatch(place.date):
        found.append(f"« {place.date} » n'est pas une date : écrivez 2019, 2026-10 ou 2024-08-01.")
    try:
        from_plain(place.horaires)
    except MalformedHours:
        found.append(f"les horaires « {place.horaires} » ne se lisent pas : écrivez-les comme « {PLAIN_FORM} ».")
    try:
        position = place.position
    except ValueError:
        found.append(f"« {place.latitude}, {place.longitude} » n'est pas une position.")
    else:
        south, north, west, east = _LOT
        if position and not (south < position[0] < north and west < position[1] < east):
            found.append(f"la position {position[0]}, {position[1]} n'est pas dans le Lot.")
    return found


def contact_mistakes(place: Place) -> list[str]:
    """Return what is wrong with the contacts of a place, one French sentence each."""
    found = []
    if place.telephone and not is_phone(place.telephone):
        found.append(f"« {place.telephone} » n'est pas un numéro de téléphone français.")
    if is_mobile(place.telephone):
        found.append(f"« {place.telephone} » est un téléphone portable : n'affichez pas le numéro d'une personne.")
    if place.courriel and not is_email(place.courriel):
        found.append(f"« {place.courriel} » n'est pas une adresse de courriel.")
    if place.site and not place.site.startswith(("https://", "http://")):
        found.append(f"l'adresse « {place.site} » doit commencer par https://.")
    return found


def directory_problems(directory: Directory, gazetteer: Gazetteer) -> list[Problem]:
    """Return every mistake of the directory: unreadable lines, wrong contacts, unknown communes, missing town halls.

    Args:
        directory: read again from its files.
        gazetteer: the communes; each of the Lot must have one town hall.
    """
    found: list[Problem] = []
    seen: set[str] = set()
    halls: dict[str, int] = {commune.code_insee: 0 for commune in gazetteer.in_lot()}
    for name, number, place in read_places(directory.folder):
        said = [place] if isinstance(place, str) else contact_mistakes(place)
        if isinstance(place, Place):
            if place.code_insee not in halls:
                said.append(f"le code Insee « {place.code_insee} » n'est celui d'aucune commune actuelle du Lot.")
            elif place.type == TOWN_HALL:
                halls[place.code_insee] += 1
            if place.id in seen:
                said.append(f"« {place.id} » existe déjà : gardez une seule ligne.")
            seen.add(place.id)
        found.extend(Problem(f"data/referentiel/{FOLDER}/{name}", number, sentence) for line in said for sentence in line.split("\n"))
    wrong = [code for code, count in halls.items() if count != 1]
    if wrong:
        found.append(Problem(f"data/referentiel/{FOLDER}", 0, f"il faut une mairie et une seule pour : {', '.join(wrong)}."))
    return found
