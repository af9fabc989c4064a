"""``bot failles``: the known advisories that touch the versions of ``uv.lock``, from a local copy of an OSV database; no network."""

from __future__ import annotations

import argparse
import json
import re
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.base.errors import BrokenFile
from bot.base.paths import project_paths
from bot.cli.registry import Registry

if TYPE_CHECKING:
    from packaging.version import Version

ECOSYSTEM = "PyPI"
_ENDINGS = {".json", ".yaml", ".yml"}


def add_commands(registry: Registry) -> None:
    """Add the command to ``bot``."""
    command = registry.add("failles", _advisories, "liste les avis de sécurité sur les versions installées, d'après un fichier local")
    base = "base d'avis au format OSV : un .zip, un dossier ou un .json, copié d'osv.dev ou de pypa/advisory-database"
    command.add_argument("base", type=Path, help=base)
    command.add_argument("--verrou", type=Path, help="fichier des versions (uv.lock du projet)")


def _advisories(arguments: argparse.Namespace) -> int:
    locked = locked_versions(arguments.verrou or project_paths().root / "uv.lock")
    read, found = 0, []
    for record in records(arguments.base):
        read += 1
        found += advisories_of(record, locked)
    if not read:
        raise BrokenFile(f"{arguments.base} ne contient aucun avis au format OSV.")
    for advisory in sorted(set(found), key=lambda a: (a.package, a.identifier)):
        names = ", ".join((advisory.identifier, *advisory.aliases))
        print(f"{advisory.package} {advisory.version} : {names} – {advisory.summary} {advisory.remedy}".strip())
    print(f"{len(set(found))} avis sur {len(locked)} paquets ; {read} avis lus.")
    return 1 if found else 0


@dataclass(frozen=True)
class Advisory:
    """One advisory that touches a locked version.

    Args:
        package: its normalised name.
        version: that is locked.
        identifier: of the advisory.
        aliases: its other names, such as a CVE number.
        summary: one line, as its authors wrote it.
        fixed: versions that mend it.
    """

    package: str
    version: str
    identifier: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    fixed: tuple[str, ...] = ()

    @property
    def remedy(self) -> str:
        """What mends it, in French."""
        return f"(corrigé : {', '.join(self.fixed)})" if self.fixed else "(aucune version corrigée connue)"


def locked_versions(path: Path) -> dict[str, str]:
    """Return the version of each package of a ``uv.lock``.

    Raises:
        BrokenFile: it is no such file.
    """
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["package"]
        return {normalised(row["name"]): row["version"] for row in rows if "version" in row and "registry" in row.get("source", {})}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BrokenFile(f"{path} n'est pas un fichier uv.lock lisible ({type(error).__name__}).") from error


def records(base: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the records of an OSV database; files that are none are passed over.

    Raises:
        BrokenFile: there is nothing to read there.
    """
    try:
        if base.is_dir():
            texts = (path.read_bytes() for path in sorted(base.rglob("*")) if path.suffix in _ENDINGS)
            yield from (record for text in texts for record in _parsed(text))
        elif zipfile.is_zipfile(base):
            with zipfile.ZipFile(base) as archive:
                for name in sorted(archive.namelist()):
                    if Path(name).suffix in _ENDINGS:
                        yield from _parsed(archive.read(name))
        else:
            yield from _parsed(base.read_bytes())
    except (OSError, zipfile.BadZipFile) as error:
        raise BrokenFile(f"{base} ne se lit pas ({type(error).__name__}).") from error


def advisories_of(record: Mapping[str, Any], locked: Mapping[str, str]) -> list[Advisory]:
    """Return what a record says of locked versions.

    Args:
        record: in the OSV format (https://ossf.github.io/osv-schema/).
        locked: version of each package.
    """
    if record.get("withdrawn"):
        return []
    found = []
    for affected in record.get("affected") or ():
        package = affected.get("package") or {}
        name = normalised(str(package.get("name", "")))
        if package.get("ecosystem") != ECOSYSTEM or name not in locked or not _touches(affected, locked[name]):
            continue
        summary = str(record.get("summary") or record.get("details") or "").strip().partition("\n")[0][:200]
        fixed = {str(event["fixed"]) for span in _spans(affected) for event in span.get("events") or () if "fixed" in event}
        aliases = tuple(sorted(map(str, record.get("aliases") or ())))
        found.append(Advisory(name, locked[name], str(record.get("id", "?")), aliases, summary, tuple(sorted(fixed))))
    return found


def normalised(name: str) -> str:
    """Return a package name as PyPI compares them (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _parsed(text: bytes) -> list[Mapping[str, Any]]:
    import yaml

    try:
        value = json.loads(text)
    except ValueError:
        try:
            value = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError):
            return []
    rows = value if isinstance(value, list) else [value]
    return [row for row in rows if isinstance(row, dict) and "affected" in row]


def _spans(affected: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [span for span in affected.get("ranges") or () if span.get("type") == "ECOSYSTEM"]


def _touches(affected: Mapping[str, Any], version: str) -> bool:
    """Whether a version is listed, or stands in one of the ranges."""
    return version in map(str, affected.get("versions") or ()) or any(
        _within(span.get("events") or (), version) for span in _spans(affected)
    )


def _within(events: Any, version: str) -> bool:
    ours, inside = _key(version), False
    steps = [(_key(str(value)), kind) for event in events for kind, value in event.items()]
    for at, kind in sorted(steps, key=lambda step: (step[0], step[1] != "introduced")):
        if kind == "introduced" and at <= ours:
            inside = True
        elif (kind == "fixed" and at <= ours) or (kind == "last_affected" and at < ours):
            inside = False
    return inside


def _key(version: str) -> Version:
    from packaging.version import InvalidVersion, Version

    try:
        return Version(version)
    except InvalidVersion:
        return Version("0")
