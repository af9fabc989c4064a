"""Bring the official directory up to date from a published file: read it, show what differs, then write.

Two files are known. The DILA's ("Base de données locales"): its archive or the JSON in it, ``{"service": [fiche, …]}``, whose
field names are those of ``guichets.yml``. The ANCT's list of France services: a CSV, whose hours are not taken (those of
2024 were shifted by a line in places). Both are read as a stream. Only the Lot is kept.
"""

from __future__ import annotations

import bz2
import codecs
import contextlib
import csv
import lzma
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import IO, Any

from bot.base.errors import BrokenFile, EditError
from bot.base.json_stream import Readable, records
from bot.base.paths import ProjectPaths
from bot.language.cleaning import strip_accents
from bot.referential import Referential
from bot.referential.communes import Commune, Gazetteer, of_place
from bot.referential.directory import (
    COLUMNS,
    DELEGATED,
    FOLDER,
    FRANCE_SERVICES,
    ITINERANT,
    TOWN_HALL,
    Directory,
    Place,
    as_csv,
    contact_mistakes,
    file_of,
    place_mistakes,
)
from bot.referential.facts import is_email, is_mobile, is_phone, spaced
from bot.staff.editing.workspace import Change, Workspace

DILA, ANCT = "DILA, annuaire de l'administration", "ANCT, liste France services"
FACTS = ("adresse", "code_postal", "commune", "telephone", "courriel", "site", "horaires", "latitude", "longitude")
"""What an import brings; names stay ours, plain and short."""
ALIASES = {"msap": FRANCE_SERVICES, "france_service": FRANCE_SERVICES}
"""Type in the DILA's file → ours."""
_IN_ARCHIVE = re.compile(r"gouv_local\.json$")
_DAY = re.compile(r"(20\d\d)-?(0[1-9]|1[0-2])-?([0-2]\d|3[01])")
_CEDEX = re.compile(r"\s+cedex\b.*", re.IGNORECASE)
_CSV_NAMES: Mapping[str, Sequence[str]] = {
    "nom": ("lib_fs", "nom", "nom_structure", "libelle", "name"),
    "adresse": ("adresse", "address", "voie"),
    "code_postal": ("code_postal", "cp", "postal_code"),
    "commune": ("lib_com", "commune", "nom_commune", "ville"),
    "code_insee": ("insee_com", "code_insee", "insee", "code_commune_insee", "code_commune"),
    "telephone": ("telephone", "tel", "phone"),
    "courriel": ("mail", "courriel", "email", "adresse_mail"),
    "site": ("site", "site_internet", "url"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lon", "long", "lng"),
}
"""Our field → the names its column had in the lists published so far."""


@dataclass
class Reading:
    """What a file says of the Lot.

    Args:
        source: how the file is cited.
        day: of the file.
        places: those of the Lot.
        read: how many records the whole file holds.
        notes: what was left out and why, how many times each.
    """

    source: str
    day: str
    places: list[Place] = field(default_factory=list)
    read: int = 0
    notes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Plan:
    """What an import would do.

    Args:
        added: places not known before.
        changed: places whose facts differ, as they are and as they would be.
        confirmed: places whose facts are the same: only their date changes.
        kept: places that someone corrected by hand, and what the file says instead.
        absent: places of a type the file holds that are not in it; they are left as they are.
    """

    added: tuple[Place, ...]
    changed: tuple[tuple[Place, Place], ...]
    confirmed: tuple[tuple[Place, Place], ...]
    kept: tuple[tuple[Place, Place], ...]
    absent: tuple[Place, ...]

    def lines(self) -> list[str]:
        """Return the differences in French, one line each."""
        found = [f"+ {place.nom} ({place.commune}) : {place.telephone or 'sans téléphone'}" for place in self.added]
        for old, new in self.changed:
            found.append(f"~ {old.nom}")
            found.extend(_differences(old, new))
        for old, new in self.kept:
            found.append(f"= {old.nom} : gardé, corrigé par « {old.verifie_par} »")
            found.extend(_differences(old, new))
        found.extend(f"? {place.nom} ({place.commune}) : absent du fichier, gardé" for place in self.absent)
        return found


def _differences(old: Place, new: Place) -> list[str]:
    return [f"    {name} : {getattr(old, name) or '(vide)'} → {getattr(new, name) or '(vide)'}" for name in _changed_facts(old, new)]


def _changed_facts(old: Place, new: Place) -> list[str]:
    return [name for name in FACTS if _norm(name, getattr(old, name)) != _norm(name, getattr(new, name))]


def _norm(name: str, value: str) -> str:
    if name in {"latitude", "longitude"}:
        return f"{float(value):.3f}" if value else ""  # a hundred metres
    if name == "site":
        return value.rstrip("/").removeprefix("https://").removeprefix("http://")
    return re.sub(r"\W+", " ", strip_accents(value.lower())).strip() if name in {"adresse", "commune"} else value


class DirectoryImport:
    """Imports for one tree.

    Args:
        paths: the tree.
        referential: its desks say which types of places are wanted.
        gazetteer: the communes.
    """

    def __init__(self, paths: ProjectPaths, referential: Referential, gazetteer: Gazetteer) -> None:
        self._workspace = Workspace(paths)
        self._folder = paths.referential / FOLDER
        self._gazetteer = gazetteer
        self._known = tuple(referential.directory.places.values())
        types = {place.type for place in self._known} | {desk.type_service_local for desk in referential.entry_points.values()}
        self._types = {ALIASES.get(kind, kind) for kind in types if kind}

    def read_dila(self, path: Path, day: str = "") -> Reading:
        """Read the DILA's archive, or the JSON in it.

        Args:
            path: of the file.
            day: of the file, when its name does not say it.

        Raises:
            BrokenFile: it cannot be read to its end, holds nothing of the Lot, or nobody knows its date.
        """
        with _dila_text(path) as (name, stream):
            reading = Reading(DILA, day or _day_of(name) or _day_of(path.name))
            for record in records(stream, "service"):
                reading.read += 1
                try:
                    reading.places.extend(self._places_of(record, reading))
                except (AttributeError, IndexError, KeyError, TypeError, ValueError):
                    reading.notes["fiche illisible"] += 1
        return _whole(reading)

    def read_france_services(self, path: Path, day: str = "") -> Reading:
        """Read the ANCT's list, with the same arguments and errors as :meth:`read_dila`."""
        reading = Reading(ANCT, day or _day_of(path.name))
        try:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                heading = stream.readline()
                rows = csv.reader(stream, delimiter=";" if heading.count(";") > heading.count(",") else ",")
                names = [strip_accents(name.strip(' "\r\n').lower()).replace(" ", "_") for name in re.split("[;,]", heading)]
                columns = {ours: next((names.index(n) for n in theirs if n in names), -1) for ours, theirs in _CSV_NAMES.items()}
                if columns["nom"] < 0 or (columns["code_insee"] < 0 and columns["commune"] < 0):
                    raise BrokenFile(f"Je ne trouve ni le nom ni la commune parmi ces colonnes : {', '.join(names)[:300]}.")
                for row in rows:
                    reading.read += 1
                    values = {ours: row[i].strip() if 0 <= i < len(row) else "" for ours, i in columns.items()}
                    commune = self._commune(values["code_insee"], values["commune"])
                    if commune is None:
                        continue
                    if ITINERANT.search(values["nom"]):
                        reading.notes["itinérant"] += 1
                        continue
                    reading.places.append(self._checked(FRANCE_SERVICES, commune, values, reading))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise BrokenFile(f"Le fichier {path.name} ne se lit pas : {error}") from error
        return _whole(reading)

    def plan(self, reading: Reading) -> Plan:
        """Return what writing this reading would do: each place is matched with ours by type and commune, then by its facts."""
        ours: dict[tuple[str, str], list[Place]] = {}
        for place in self._known:
            ours.setdefault((place.type, place.code_insee), []).append(place)
        added: list[Place] = []
        pairs: list[tuple[Place, Place]] = []
        ranks = Counter((place.type, place.code_insee) for place in self._known)
        for new in reading.places:
            key = (new.type, new.code_insee)
            old = max(ours.get(key, ()), key=lambda place: _likeness(place, new), default=None)
            if old is None or (_likeness(old, new) == 0 and ranks[key] > 1):
                ranks[key] += 1
                added.append(replace(new, id=f"{new.type}-{new.code_insee}-{ranks[key]:02d}"))
                continue
            ours[key].remove(old)
            position = {} if new.latitude else {"latitude": old.latitude, "longitude": old.longitude}
            pairs.append((old, replace(new, id=old.id, nom=old.nom, **position)))
        types = {place.type for place in reading.places}
        return Plan(
            tuple(added),
            tuple((old, new) for old, new in pairs if not old.verifie_par and _changed_facts(old, new)),
            tuple((old, new) for old, new in pairs if not old.verifie_par and not _changed_facts(old, new)),
            tuple((old, new) for old, new in pairs if old.verifie_par and _changed_facts(old, new)),
            tuple(place for places in ours.values() for place in places if place.type in types),
        )

    def write(self, plan: Plan, reading: Reading, author: str, into: ProjectPaths | None = None) -> Change | None:
        """Write a plan in the files and record it; returns ``None`` when nothing changes.

        Args:
            plan: what to do.
            reading: the file it comes from.
            author: name of the person.
            into: the tree to write in, such as that of the draft; by default the one that was read.

        Raises:
            EditError: the directory changed since it was compared, or the files cannot be written; nothing changed.
        """
        new = {place.id: place for place in (*plan.added, *(n for _, n in (*plan.changed, *plan.confirmed)))}
        places = {**{place.id: place for place in self._known}, **new}
        files: dict[str, list[Place]] = {}
        for place in places.values():
            files.setdefault(file_of(place), []).append(place)
        done: list[Change] = []
        summary = f"Annuaire : {reading.source}, fichier du {reading.day}"
        workspace, folder = (Workspace(into), into.referential / FOLDER) if into else (self._workspace, self._folder)
        with workspace.editing(author, summary, done, "annuaire_importe", reading.day) as draft:
            if tuple(Directory(folder).places.values()) != self._known:
                raise EditError("Une autre personne a changé l'annuaire pendant ce temps. Recommencez.")
            for name, rows in files.items():
                text = as_csv(rows)
                path = folder / name
                if not draft.exists(path) or draft.read(path) != text:
                    draft.write(path, text)
        return done[0] if done else None

    def _places_of(self, record: Mapping[str, Any], reading: Reading) -> Iterator[Place]:
        pivots = record.get("pivot") or ()
        address: Mapping[str, Any] = next((a for a in record.get("adresse") or () if a.get("type_adresse", "Adresse") == "Adresse"), {})
        codes = [str(code) for pivot in pivots for code in _listed(pivot.get("code_insee_commune"))]
        if not str(address.get("code_postal", "")).startswith("46") and not any(code.startswith("46") for code in codes):
            return
        named = str(record.get("code_insee_commune") or (codes[0] if len(set(codes)) == 1 else ""))
        commune = self._commune(named, str(address.get("nom_commune", "")))
        kinds = {ALIASES.get(kind, kind) for kind in (str(pivot.get("type_service_local", "")) for pivot in pivots)} & self._types
        if commune is None or not kinds:
            reading.notes["hors du Lot, ou d'une sorte que l'assistant ne montre pas"] += 1
            return
        values = {
            "nom": str(record.get("nom", "")),
            "adresse": " - ".join(
                str(address[n]) for n in ("complement1", "complement2", "numero_voie", "service_distribution") if address.get(n)
            ),
            "code_postal": str(address.get("code_postal", "")),
            "commune": str(address.get("nom_commune", "")),
            "telephone": next((t["valeur"] for t in record.get("telephone") or () if _may_show(t.get("valeur", ""))), ""),
            "courriel": next((mail for mail in record.get("adresse_courriel") or () if is_email(str(mail))), ""),
            "site": next((s["valeur"] for s in record.get("site_internet") or () if str(s.get("valeur", "")).startswith("http")), ""),
            "horaires": plain_hours(record.get("plage_ouverture") or ()),
            "latitude": str(address.get("latitude") or ""),
            "longitude": str(address.get("longitude") or ""),
        }
        for kind in sorted(kinds):
            delegated = kind == TOWN_HALL and "delegue" in strip_accents(values["nom"].lower())
            yield self._checked(DELEGATED if delegated else kind, commune, values, reading)

    def _checked(self, kind: str, commune: Commune, values: Mapping[str, str], reading: Reading) -> Place:
        """Return a place without the facts that may not be shown."""
        given = {name: " ".join(values.get(name, "").split()) for name in ("nom", *FACTS)}
        given["telephone"] = spaced(given["telephone"])
        place = Place(
            **{
                **dict.fromkeys(COLUMNS, ""),
                **given,
                "id": "nouveau",
                "type": kind,
                "nom": f"Mairie {of_place(commune.nom)}" if kind == TOWN_HALL else given["nom"],
                "code_insee": commune.code_insee,
                "source": reading.source,
                "date": reading.day or "2000",
                "confiance": "haute",
            }
        )
        for names in (("telephone",), ("courriel",), ("site",), ("horaires",), ("latitude", "longitude")):
            without = replace(place, **dict.fromkeys(names, ""))
            if len(_mistakes(without)) < len(_mistakes(place)):
                reading.notes[f"{names[0]} à écarter"] += 1
                place = without
        return place

    def _commune(self, code: str, name: str) -> Commune | None:
        found = self._gazetteer.by_code(code) or self._gazetteer.lookup(_CEDEX.sub("", name))
        return found if found is not None and found.in_lot else None


def plain_hours(slots: Iterable[Mapping[str, Any]]) -> str:
    """Return the DILA's hours as our tables write them; a line with a comment (« 1er samedi du mois ») is not every week's: left out."""
    parts = []
    for slot in slots:
        first, last = (str(slot.get(name) or "").lower()[:3] for name in ("nom_jour_debut", "nom_jour_fin"))
        times = [str(slot.get(f"valeur_heure_{end}_{i}") or "")[:5] for i in (1, 2) for end in ("debut", "fin")]
        if slot.get("commentaire") or not times[0]:
            continue
        spans = [f"{times[i]}-{times[i + 1]}" for i in (0, 2) if times[i]]
        parts.append(f"{first if first == last or not last else f'{first}-{last}'} {' / '.join(spans)}")
    return " ; ".join(parts)


def _mistakes(place: Place) -> list[str]:
    return [*place_mistakes(place), *contact_mistakes(place)]


def _may_show(number: object) -> bool:
    return is_phone(spaced(str(number))) and not is_mobile(str(number))


def _listed(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else (value,) if value else ()


def _likeness(old: Place, new: Place) -> int:
    """Return how many facts two places of one type and commune share."""
    return sum(bool(getattr(old, name)) and _norm(name, getattr(old, name)) == _norm(name, getattr(new, name)) for name in ("nom", *FACTS))


def _day_of(name: str) -> str:
    match = _DAY.search(name)
    return "-".join(match.groups()) if match else ""


def _whole(reading: Reading) -> Reading:
    """Return a reading that may be used: of the Lot, dated, with one town hall a commune."""
    if not reading.places:
        raise BrokenFile(f"Ce fichier ne contient aucun lieu du Lot ({reading.read} fiches lues).")
    if not reading.day:
        raise BrokenFile("Le nom du fichier ne dit pas sa date. Donnez-la : --date 2026-12-01")
    try:
        future = date.fromisoformat(reading.day) > date.today()
    except ValueError:
        raise BrokenFile(f"« {reading.day} » n'est pas une date. Écrivez par exemple 2026-12-01.") from None
    if future:
        raise BrokenFile(f"La date du fichier ({reading.day}) est dans le futur.")
    seen: dict[tuple[object, ...], Place] = {}
    for place in reading.places:
        key = (place.code_insee,) if place.type == TOWN_HALL else astuple(place)
        if key in seen:  # an annex: the one with more facts is the main one
            reading.notes["lieu en double"] += 1
        seen[key] = max(seen.get(key, place), place, key=lambda p: sum(bool(getattr(p, name)) for name in FACTS))
    reading.places[:] = sorted(seen.values(), key=lambda p: (p.type, p.code_insee, p.nom))
    return reading


@contextlib.contextmanager
def _dila_text(path: Path) -> Iterator[tuple[str, Readable]]:
    """Open the JSON of a file or of an archive as text; nothing is unpacked on the disk."""
    try:
        with contextlib.ExitStack() as stack:
            stream: IO[bytes] = stack.enter_context(path.open("rb"))
            start = stream.read(4)
            stream.seek(0)
            name = path.name
            if start[:1] not in {b"{", b"\xef", b" ", b"\n"}:
                if start.startswith(b"BZh") and ".tar" not in name and not name.endswith(".tbz2"):
                    stream = stack.enter_context(bz2.BZ2File(stream))
                else:
                    archive = stack.enter_context(tarfile.open(fileobj=stream, mode="r|*"))
                    member = next((m for m in archive if m.isfile() and _IN_ARCHIVE.search(m.name)), None)
                    inside = archive.extractfile(member) if member else None
                    if member is None or inside is None:
                        raise BrokenFile(f"L'archive {name} ne contient pas de fichier « …gouv_local.json ».")
                    name, stream = member.name, inside
            yield name, codecs.getreader("utf-8")(stream)  # a member of a streamed archive cannot be wrapped otherwise
    except (OSError, EOFError, UnicodeDecodeError, tarfile.TarError, lzma.LZMAError, zlib.error) as error:
        raise BrokenFile(f"Le fichier {path.name} ne se lit pas jusqu'au bout : {error}") from error
