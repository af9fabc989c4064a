"""Write a national directory in the DILA's format, made up, to measure the import: ``python -m scripts.annuaire_essai DOSSIER [Mo]``."""

from __future__ import annotations

import json
import random
import sys
import tarfile
from pathlib import Path
from typing import Any

from bot.base.paths import project_paths
from bot.referential.directory import Directory, Place

NAME = "2026-11-30_003346-data.gouv_local.json"
ELSEWHERE = ("01", "19", "24", "31", "75", "82")


def record(place: Place, number: int, department: str, chance: random.Random) -> dict[str, Any]:
    """Return a record: the place itself when ``department`` is "46", else one like it elsewhere."""
    here = department == "46"
    return {
        "id": f"{number:08x}-{chance.getrandbits(64):016x}",
        "nom": place.nom if here else f"Mairie {number}",
        "pivot": [
            {"type_service_local": place.type, "code_insee_commune": [place.code_insee if here else f"{department}{number % 1000:03d}"]}
        ],
        "adresse": [
            {
                "type_adresse": "Adresse",
                "numero_voie": place.adresse,
                "code_postal": place.code_postal if here else f"{department}000",
                "nom_commune": place.commune if here else f"Commune {number}",
                "longitude": place.longitude,
                "latitude": place.latitude,
            }
        ],
        "telephone": [{"valeur": place.telephone, "description": ""}] if place.telephone else [],
        "adresse_courriel": [place.courriel] if place.courriel else [],
        "site_internet": [{"libelle": "", "valeur": place.site}] if place.site else [],
        "plage_ouverture": [],
        "mission": "".join(chance.choices("abcdefghijklmnopqrstuvwxyz ", k=600)),
    }


def main(folder: Path, megabytes: int) -> None:
    """Write the JSON, of that size, then its archive."""
    places = list(Directory(project_paths().referential / "annuaire").places.values())
    chance, path, size, number = random.Random(46), folder / NAME, 0, 0
    with path.open("w", encoding="utf-8") as stream:
        stream.write('{"service": [')
        while size < megabytes * 1_000_000 or number < len(places):
            place = places[number % len(places)]
            row = record(place, number, "46" if number < len(places) else chance.choice(ELSEWHERE), chance)
            size += stream.write((", " if number else "") + json.dumps(row, ensure_ascii=False))
            number += 1
        stream.write("]}")
    with tarfile.open(folder / "all_latest.tar.bz2", "w:bz2") as archive:
        archive.add(path, arcname=NAME)
    print(f"{number} fiches, {path.stat().st_size} octets ; archive : {(folder / 'all_latest.tar.bz2').stat().st_size} octets")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 350)
