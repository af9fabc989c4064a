"""Models on disk: one folder with a manifest; what does not match its SHA-256 is refused."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import weakref
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from bot.base.errors import ModelCorrupt, ModelMissing
from bot.base.files import drafting, locked, put_in_place, replacing, sha256_of, write_json
from bot.learning.freshness import MANIFEST_FILE, read_manifest
from bot.routing.decision import Thresholds
from bot.understanding.model import TopicModel
from bot.understanding.tensors import map_tensors, read_tensors

MODEL_FILE = "modele.safetensors"
METRICS_FILE = "metrics.json"
OWN_COPY = Path("cache", "en_service.safetensors")
READ_ONLY = 0o444
COPIED_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class StoredModel:
    """A model read from disk.

    Args:
        model: the topic model.
        thresholds: the thresholds chosen for it.
        manifest: hashes of inputs, date, version.
        metrics: what was measured.
    """

    model: TopicModel
    thresholds: Thresholds
    manifest: Mapping[str, Any]
    metrics: Mapping[str, Any]


def save_model(folder: Path, model: TopicModel, manifest: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:
    """Write a model to ``folder``, all or nothing: a crash in the middle leaves the old one in place."""
    with drafting(folder) as draft:
        tensors, texts = model.as_tensors()
        save_file(dict(tensors), draft / MODEL_FILE, texts)
        write_json(draft / MANIFEST_FILE, {**manifest, "sha256": sha256_of(draft / MODEL_FILE)})
        write_json(draft / METRICS_FILE, metrics)
        put_in_place(draft, folder)


def read_encoders(folder: Path) -> None:
    """Read the sentence encoders that the manifest of a model names: the model finds them there, or reads them itself.

    Args:
        folder: of the model.
    """
    from bot.understanding.encoders import get_encoder

    for name in read_manifest(folder).get("reglages", {}).get("encoders", ()):
        get_encoder(name)


def load_model(folder: Path, shared: bool = False) -> StoredModel:
    """Read the model in ``folder``; the one already read from the same bytes is given again.

    Args:
        folder: of the model.
        shared: whether its numbers are mapped, once for all processes, from a copy in :data:`OWN_COPY`, beside the folder: whoever
            writes over the model itself brings nobody down.

    Raises:
        ModelMissing: there is none.
        ModelCorrupt: a file is missing, unreadable, or does not match the manifest.
    """
    copy = folder.parent / OWN_COPY
    folder = folder.resolve()  # the link of the live model may move while we read
    manifest = read_manifest(folder)
    try:
        if shared and (model := _mapped(folder / MODEL_FILE, copy, str(manifest.get("sha256")))) is not None:
            return _stored(folder, manifest, model)
        digest = sha256_of(folder / MODEL_FILE)
    except OSError as error:
        raise ModelMissing("Aucun modèle entraîné. Lancez « bot train ».") from error
    if manifest.get("sha256") != digest:
        raise ModelCorrupt("Le modèle est abîmé (empreinte différente du manifeste). Relancez « bot train ».")
    return _stored(folder, manifest, _IN_USE.get(digest))


def _mapped(file: Path, copy: Path, digest: str) -> TopicModel | None:
    """Return the model of a file, mapped from its copy, made again when the file has changed since; ``None`` without a sound copy.

    Raises:
        OSError: the file cannot be read.
    """
    found = file.stat()
    with contextlib.suppress(AttributeError, OSError, KeyError, TypeError, ValueError):
        if not copy.exists() or (copy.stat().st_size, copy.stat().st_mtime_ns) != (found.st_size, found.st_mtime_ns):
            with file.open("rb") as stream, replacing(copy, READ_ONLY) as own:
                shutil.copyfileobj(stream, own, COPIED_AT_ONCE)
            os.utime(copy, ns=(found.st_atime_ns, found.st_mtime_ns))
        with copy.open("rb", buffering=0) as own:  # what is checked is what is mapped, whatever takes its place meanwhile
            if hashlib.file_digest(own, "sha256").hexdigest() == digest:
                model = _IN_USE.get(digest) or TopicModel.from_tensors(*map_tensors(own))
                _IN_USE[digest] = model
                return model
        copy.unlink()
    return None


def load_model_of(folder: Path, digest: str) -> StoredModel:
    """Return the model of this SHA-256: the one the process already uses, else the one in ``folder``.

    Raises:
        ModelMissing, ModelCorrupt: as :func:`load_model`; ModelCorrupt as well when ``folder`` holds another model.
    """
    folder = folder.resolve()
    manifest = read_manifest(folder)
    if manifest and manifest.get("sha256") != digest:
        raise ModelCorrupt("L'archive Rasa a été faite pour un autre modèle. Relancez « bot train ».")
    in_use = _IN_USE.get(digest)  # its bytes were checked when they were read
    return load_model(folder) if in_use is None else _stored(folder, manifest, in_use)


def _stored(folder: Path, manifest: Mapping[str, Any], model: TopicModel | None) -> StoredModel:
    try:
        metrics = json.loads((folder / METRICS_FILE).read_text(encoding="utf-8"))
        thresholds = Thresholds.from_mapping(metrics.get("seuils", {}))
        if model is None:
            model = _IN_USE[str(manifest["sha256"])] = TopicModel.from_tensors(*read_tensors(folder / MODEL_FILE))
    except Exception as error:  # any reading failure has the same remedy
        raise ModelCorrupt(f"Le modèle est illisible ({type(error).__name__}). Relancez « bot train ».") from error
    return StoredModel(model, thresholds, manifest, metrics)


_IN_USE: weakref.WeakValueDictionary[str, TopicModel] = weakref.WeakValueDictionary()
"""Models of the process by the SHA-256 of their file: the plain router and the Rasa agent hold one and the same."""


def one_at_a_time(folder: Path) -> AbstractContextManager[None]:
    """Hold the training lock of a folder of models: several servers that miss the same model train it once."""
    return locked(folder / ".entrainement")
