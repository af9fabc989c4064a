"""Train the Rasa model when its inputs changed, and vouch for its archive with a SHA-256."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from bot.base.errors import AssistantError, ModelCorrupt, ModelMissing
from bot.base.files import digest_of, sha256_of, write_json
from bot.base.paths import ProjectPaths
from bot.learning.corpus import read_corpus
from bot.learning.freshness import MANIFEST_FILE, fingerprint, model_config, read_manifest
from bot.learning.tuning import ensure_model
from bot.rasa.quiet import hush_logs, hush_warnings, swallowed_warnings

ROUTER = "routeur"
"""In the manifest: the SHA-256 of the router's model that the archive names."""
KEEP = 2
"""Archives kept: the one that serves and the one before."""
SAMPLE = 3
"""Messages of each label that Rasa is given."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class RasaModel:
    """A Rasa archive that was checked.

    Args:
        archive: path of the ``.tar.gz``.
        manifest: hashes of inputs and archive, date, duration.
    """

    archive: Path
    manifest: Mapping[str, Any]


def rasa_folder(paths: ProjectPaths) -> Path:
    """Return the folder of the Rasa archives and of their manifest: beside the live model when it is one of the registry."""
    live = paths.router_model
    return live.resolve() / "rasa" if live.is_symlink() else paths.models / "rasa"


def rasa_fingerprint(paths: ProjectPaths) -> str:
    """Return a hash of all that the Rasa model depends on: the router's model, domain, rules, referential, our code."""
    router = fingerprint(paths, model_config(paths.config)), read_manifest(paths.router_model).get("sha256")
    inputs = [
        paths.config,
        paths.root / "domain.yml",
        *sorted((paths.root / "data" / "rules").glob("*.yml")),
        paths.referential / "conversation.yml",
        *sorted(Path(__file__).resolve().parent.glob("*.py")),
    ]
    return digest_of(inputs, f"{router} {version('rasa')}")


def ensure_rasa_model(paths: ProjectPaths, progress: Progress, force: bool = False) -> RasaModel:
    """Return the Rasa model of the tree, training it first when there is none or its inputs changed.

    Args:
        paths: the tree.
        progress: receives French sentences.
        force: train even when nothing changed.

    Raises:
        AssistantError: a file is missing, Rasa is not installed, or the training failed.
    """
    ensure_model(paths, progress)
    try:
        print_ = rasa_fingerprint(paths)
    except OSError as error:
        raise AssistantError(f"Un fichier du projet manque : {error.filename}. Remettez-le depuis git.") from error
    if not force and read_manifest(rasa_folder(paths)).get("empreinte") == print_:
        try:
            return verified_model(paths)
        except (ModelMissing, ModelCorrupt) as error:
            progress(str(error))
    return _train(paths, print_, progress)


def verified_model(paths: ProjectPaths) -> RasaModel:
    """Return the archive named by the manifest, after checking its SHA-256.

    Raises:
        ModelMissing: there is no manifest, or no such archive.
        ModelCorrupt: the archive does not match, or was made for another router's model.
    """
    folder = rasa_folder(paths)
    manifest = read_manifest(folder)
    name = str(manifest.get("archive") or "")
    archive = folder / Path(name).name
    if not name or not archive.is_file():
        raise ModelMissing("Aucun modèle Rasa entraîné. Lancez « bot train ».")
    if manifest.get("sha256") != sha256_of(archive):
        raise ModelCorrupt("L'archive Rasa est abîmée (empreinte différente du manifeste). Relancez « bot train ».")
    if manifest.get(ROUTER, "") not in {"", read_manifest(paths.router_model).get("sha256")}:
        raise ModelCorrupt("L'archive Rasa a été faite pour un autre modèle. Relancez « bot train ».")
    return RasaModel(archive, manifest)


def _train(paths: ProjectPaths, print_: str, progress: Progress) -> RasaModel:
    started = time.perf_counter()
    progress("modèle Rasa : règles de dialogue et archive")
    folder = rasa_folder(paths)
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix=".rasa-", dir=folder) as draft:
        trained = _run_rasa(paths, Path(draft))
        archive = folder / f"assistant-{now:%Y%m%d-%H%M%S}-{print_[:8]}.tar.gz"
        os.replace(trained, archive)
    manifest = {
        "empreinte": print_,
        "archive": archive.name,
        "sha256": sha256_of(archive),
        ROUTER: read_manifest(paths.router_model).get("sha256", ""),
        "date": now.isoformat(timespec="seconds"),
        "duree_s": round(time.perf_counter() - started, 1),
        "rasa": version("rasa"),
    }
    write_json(folder / MANIFEST_FILE, manifest)
    for old in sorted(folder.glob("assistant-*.tar.gz"))[:-KEEP]:
        old.unlink(missing_ok=True)
    progress(f"modèle Rasa prêt en {manifest['duree_s']} s")
    return RasaModel(archive, manifest)


def _run_rasa(paths: ProjectPaths, output: Path) -> Path:
    said = io.StringIO()
    with _quiet_rasa(paths, output), contextlib.redirect_stdout(said), contextlib.redirect_stderr(io.StringIO()):
        try:
            from rasa.model_training import train

            result = train(
                domain=str(paths.root / "domain.yml"),
                config=str(_write_config(paths, output)),
                training_files=[str(_write_sample(paths, output)), str(paths.root / "data" / "rules")],
                output=str(output),
                fixed_model_name="assistant",
            )
        except ImportError as error:
            raise AssistantError(f"Rasa est mal installé : il manque « {error.name} ». Lancez « uv sync ».") from error
        except AssistantError:
            raise
        except (Exception, SystemExit) as error:  # Rasa also leaves by sys.exit
            raise AssistantError(f"L'entraînement de Rasa a échoué : {_first_line(error, said)}") from error
    if result.code or not result.model:
        raise AssistantError(f"L'entraînement de Rasa a échoué : {_first_line(None, said)}")
    return Path(result.model)


def _write_config(paths: ProjectPaths, folder: Path) -> Path:
    """Write the settings again, for an archive that names the router's model instead of copying it."""
    from bot.rasa.components import NAMED_ONLY

    config = yaml.safe_load(paths.config.read_text(encoding="utf-8"))
    for entry in config["pipeline"]:
        if entry["name"].endswith("TopicClassifier"):
            entry[NAMED_ONLY] = True
    path = folder / paths.config.name
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return path


def _write_sample(paths: ProjectPaths, folder: Path) -> Path:
    """Write a few messages of each label: all that Rasa reads of the corpus, since the router's model is trained already."""
    sample: dict[str, list[str]] = {}
    for example in read_corpus(paths.corpus):
        messages = sample.setdefault(example.label, [])
        if len(messages) < SAMPLE:
            messages.append(example.text)
    entries = [{"intent": label, "examples": "".join(f"- {text}\n" for text in messages)} for label, messages in sample.items()]
    path = folder / "messages.yml"
    path.write_text(yaml.safe_dump({"version": "3.1", "nlu": entries}, allow_unicode=True), encoding="utf-8")
    return path


@contextlib.contextmanager
def _quiet_rasa(paths: ProjectPaths, output: Path) -> Iterator[None]:
    """No telemetry, no warnings, no cache of Rasa: our own fingerprint already says what is up to date."""
    hush_warnings()
    hush_logs()
    wanted = {
        "BOT_RACINE": str(paths.root),
        "BOT_MODELES": str(paths.models),
        "RASA_TELEMETRY_ENABLED": "false",
        "RASA_MAX_CACHE_SIZE": "0",
        "RASA_CACHE_DIRECTORY": str(output / "cache"),
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        with swallowed_warnings():
            yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _first_line(error: BaseException | None, said: io.StringIO) -> str:
    lines = [line for line in f"{error or ''}\n{said.getvalue()}".splitlines() if line.strip()]
    return lines[0].strip() if lines else "sans explication"
