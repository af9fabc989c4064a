"""The tables of py3langid, unpacked once beside the models: half a second less at every start, and shared by all processes.

The package packs 142 languages. Its automaton is mapped from the copy, so that only what messages touch is held; of the weights,
only those of our languages are kept. Without a folder to write to, the package is read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.base.files import drafting, put_in_place, read_json, sha256_of, write_json

MANIFEST = "manifeste.json"
WEIGHTS, PRIORS, LANGUAGES, NEXT, ROWS, FOUND = TABLES = ("poids", "biais", "langues", "suites", "rangs", "sorties")

Tables = Mapping[str, NDArray[Any]]


def load_identifier(folder: Path, languages: Collection[str]) -> Any:
    """Return a ``py3langid.langid.LanguageIdentifier`` restricted to some languages.

    Args:
        folder: where the copy is, or is made when its parent exists and can be written to.
        languages: ISO 639 codes.

    Raises:
        ValueError: py3langid does not know one of the languages.
    """
    from py3langid.langid import LanguageIdentifier

    tables = _tables(folder)
    names = tables[LANGUAGES].tolist()
    if unknown := set(languages) - set(names):
        raise ValueError(f"unknown languages: {sorted(unknown)}")
    kept = [i for i, name in enumerate(names) if name in languages]
    return LanguageIdentifier(
        np.ascontiguousarray(tables[WEIGHTS][:, kept]),
        np.array(tables[PRIORS][kept]),
        [names[i] for i in kept],
        tables[NEXT].data,
        tables[FOUND].data,
        norm_probs=True,
        tk_row=tables[ROWS].data,
    )


def _tables(folder: Path) -> Tables:
    with contextlib.suppress(OSError, ValueError):
        return _read(folder)
    tables = _unpack()
    if folder.parent.is_dir():
        with contextlib.suppress(OSError, ValueError):
            _write(folder, tables)
            return _read(folder)
    return tables


def _package() -> Path:
    from py3langid.langid import MODEL_DIR, MODEL_FILE

    return Path(str(MODEL_DIR)) / str(MODEL_FILE)


def _unpack() -> Tables:
    from py3langid.modelio import load_model

    weights, priors, languages, following, rows, found = load_model(_package())
    tables = (weights, priors, np.array(languages), np.asarray(following), np.asarray(rows), np.array(found, dtype=np.int32))
    return dict(zip(TABLES, tables, strict=True))


def _read(folder: Path) -> Tables:
    manifest = read_json(folder / MANIFEST)
    if manifest.get("paquet") != _origin():
        raise ValueError("made from another package")
    if any(sha256_of(folder / f"{name}.npy") != manifest.get(name) for name in TABLES):
        raise ValueError("the copy is damaged")
    return {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in TABLES}


def _write(folder: Path, tables: Tables) -> None:
    """Write the copy, all or nothing."""
    with drafting(folder) as draft:
        for name, table in tables.items():
            np.save(draft / f"{name}.npy", table, allow_pickle=False)
        write_json(draft / MANIFEST, {"paquet": _origin(), **{name: sha256_of(draft / f"{name}.npy") for name in TABLES}})
        put_in_place(draft, folder)


def _origin() -> list[Any]:
    found = _package().stat()
    return [found.st_size, found.st_mtime_ns]
