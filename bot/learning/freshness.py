"""Tell whether the trained model is up to date, in a few milliseconds: no numerical library is imported."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import yaml

from bot.base.errors import AssistantError
from bot.base.files import digest_of, read_json
from bot.base.paths import ProjectPaths
from bot.language.words import FOLDER as WORDS
from bot.understanding.config import TopicModelConfig

MANIFEST_FILE = "manifeste.json"
HISTORY_FILE = "registre/historique.jsonl"
"""What went live when: see :mod:`bot.staff.candidates.registry`."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of the model in ``folder``, empty when there is none or it cannot be read."""
    return read_json(folder / MANIFEST_FILE)


def is_current(paths: ProjectPaths) -> bool:
    """Whether there is a model trained on the inputs as they are now."""
    return read_manifest(paths.router_model).get("empreinte") == fingerprint(paths, model_config(paths.config))


def needs_training(paths: ProjectPaths) -> bool:
    """Whether a server should train on its own: never once the workshop looks after the live model."""
    return not is_current(paths) and not kept_by_workshop(paths)


def kept_by_workshop(paths: ProjectPaths) -> bool:
    """Whether the live model is one of the workshop's registry.

    It stays until staff choose another: neither a restart nor a repair goes round the gate.
    """
    return paths.router_model.is_symlink() and paths.router_model.exists() and (paths.models / HISTORY_FILE).exists()


def is_detector_current(paths: ProjectPaths) -> bool:
    """Whether there is an emergency detector trained on the dangers as they are now."""
    return read_manifest(paths.emergency_model).get("empreinte") == emergency_fingerprint(paths)


def live_mark(paths: ProjectPaths) -> str:
    """Return a mark that changes when another model goes live, or when the referential changes: cheap enough for every second."""
    link = paths.router_model
    try:
        target = os.readlink(link)
    except OSError:
        target = ""
    parts = [target]
    for path in (
        link / MANIFEST_FILE,
        paths.emergency_model / MANIFEST_FILE,
        link / "rasa" / MANIFEST_FILE,
        paths.models / "rasa" / MANIFEST_FILE,  # that of « bot train », ready a moment after the router
        *sorted(paths.referential.glob("*.*")),
        *sorted((paths.referential / "sujets").glob("*.yml")),
        *sorted((paths.referential / "annuaire").glob("*.csv")),
    ):
        try:
            found = path.stat()
            parts.append(f"{path.name} {found.st_mtime_ns} {found.st_size}")
        except OSError:
            continue
    return "\n".join(parts)


def model_config(config_file: Path) -> TopicModelConfig:
    """Return the settings of the classifier named in ``config.yml``."""
    try:
        pipeline = yaml.safe_load(config_file.read_text(encoding="utf-8")).get("pipeline") or []
    except (OSError, yaml.YAMLError, AttributeError) as error:
        raise AssistantError(f"config.yml est illisible : {error}") from error
    merged: dict[str, Any] = {}
    for entry in pipeline:
        if str(entry.get("name", "")).startswith("bot.rasa.components."):
            merged.update({k: v for k, v in entry.items() if k != "name"})
    return TopicModelConfig.from_mapping(merged)


def fingerprint(paths: ProjectPaths, config: TopicModelConfig) -> str:
    """Return a hash of all that a model depends on: corpus, held-out messages, referential labels, settings, code."""
    code = Path(__file__).resolve().parents[1]
    inputs = [
        *sorted(paths.corpus.glob("*.yml")),
        *sorted(paths.tuning.rglob("*.jsonl")),
        *sorted((paths.referential / "sujets").glob("*.yml")),
        paths.referential / "conversation.yml",
        code / "language" / "cleaning.py",
        *(WORDS / f"{name}.txt" for name in ("abreviations", "salutations", "formules_finales", "recit", "demande")),
        *(code / "routing" / f"{name}.py" for name in ("context", "decision", "scorer", "several")),
        code / "learning" / "tuning.py",
        code / "learning" / "judgements.py",
        *sorted((code / "understanding").glob("*.py")),
    ]
    return digest_of(inputs, json.dumps(config.as_mapping(), sort_keys=True))


def emergency_fingerprint(paths: ProjectPaths) -> str:
    """Return a hash of all that makes the emergency detector what it is: dangers, held-out messages, numbers, code.

    Ordinary messages are left out: they are its background, and a topic that staff edit does not train it again.
    """
    code = Path(__file__).resolve().parents[1]
    inputs = [
        *sorted(paths.dangers.glob("*.jsonl")),
        *sorted(paths.tuning.rglob("*.jsonl")),
        *(path for path in (paths.referential / "urgences.yml",) if path.exists()),
        code / "learning" / "emergencies.py",
        code / "emergency" / "learnt.py",
        code / "language" / "cleaning.py",
        code / "understanding" / "features.py",
    ]
    return digest_of(inputs)
