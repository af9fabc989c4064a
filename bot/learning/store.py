"""Models on disk: one folder with a manifest; what does not match its SHA-256 is refused."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.base.errors import ModelCorrupt, ModelMissing
from bot.learning.freshness import MANIFEST_FILE, read_manifest
from bot.routing.decision import Thresholds
from bot.understanding.model import TopicModel
from bot.understanding.tensors import read_tensors, write_tensors

MODEL_FILE = "modele.safetensors"
METRICS_FILE = "metrics.json"


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
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".routeur-", dir=folder.parent))
    try:
        write_tensors(draft / MODEL_FILE, *model.as_tensors())
        stamped = {**manifest, "sha256": _sha256((draft / MODEL_FILE).read_bytes())}
        _write_json(draft / MANIFEST_FILE, stamped)
        _write_json(draft / METRICS_FILE, metrics)
        old = folder.with_name(f".{folder.name}-ancien")
        shutil.rmtree(old, ignore_errors=True)
        if folder.is_symlink():  # the live model of the registry: the link goes, not what it points to
            folder.unlink()
        elif folder.exists():
            os.replace(folder, old)
        os.replace(draft, folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def read_encoders(folder: Path) -> None:
    """Read the sentence encoders that the manifest of a model names: the model finds them there, or reads them itself.

    Args:
        folder: of the model.
    """
    from bot.understanding.encoders import get_encoder

    for name in read_manifest(folder).get("reglages", {}).get("encoders", ()):
        get_encoder(name)


def load_model(folder: Path) -> StoredModel:
    """Read the model in ``folder``; the one already read from the same bytes is given again.

    Raises:
        ModelMissing: there is none.
        ModelCorrupt: a file is missing, unreadable, or does not match the manifest.
    """
    folder = folder.resolve()  # the link of the live model may move while we read
    manifest = read_manifest(folder)
    try:
        data = (folder / MODEL_FILE).read_bytes()
    except OSError as error:
        raise ModelMissing("Aucun modèle entraîné. Lancez « bot train ».") from error
    digest = _sha256(data)
    if manifest.get("sha256") != digest:
        raise ModelCorrupt("Le modèle est abîmé (empreinte différente du manifeste). Relancez « bot train ».")
    return _stored(folder, manifest, _IN_USE.get(digest), data)


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


def _stored(folder: Path, manifest: Mapping[str, Any], model: TopicModel | None, data: bytes = b"") -> StoredModel:
    try:
        metrics = json.loads((folder / METRICS_FILE).read_text(encoding="utf-8"))
        thresholds = Thresholds.from_mapping(metrics.get("seuils", {}))
        if model is None:
            model = _IN_USE[str(manifest["sha256"])] = TopicModel.from_tensors(*read_tensors(data))
    except Exception as error:  # any reading failure has the same remedy
        raise ModelCorrupt(f"Le modèle est illisible ({type(error).__name__}). Relancez « bot train ».") from error
    return StoredModel(model, thresholds, manifest, metrics)


_IN_USE: weakref.WeakValueDictionary[str, TopicModel] = weakref.WeakValueDictionary()
"""Models of the process by the SHA-256 of their file: the plain router and the Rasa agent hold one and the same."""


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold the training lock of a folder of models: several servers that miss the same model train it once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".entrainement").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
