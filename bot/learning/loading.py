"""The router of a project tree, read from its files: tables first, the model beside them."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache, wraps
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from bot.base.errors import AssistantError, ModelError, SettingsError
from bot.base.files import digest_of, drafting, finish_batch, locked, read_json, swap_folder
from bot.base.paths import ProjectPaths
from bot.base.readings import kept_reading
from bot.emergency.abroad import AbroadDetector, load_abroad
from bot.emergency.detector import CALL, EmergencyDetector
from bot.emergency.known import Known, load_known
from bot.emergency.rules import Rules, load_rules
from bot.emergency.situations import load_situations
from bot.language import cleaning
from bot.language.cleaning import clean
from bot.language.foreign import load_languages
from bot.language.spelling import COMMON_WORDS, load_speller
from bot.language.words import FOLDER as WORDS
from bot.learning import corpus
from bot.learning.corpus import listed_phrases
from bot.referential import load_referential
from bot.referential.communes import load_gazetteer
from bot.routing import memory
from bot.routing.memory import Memory, Wordings, wordings_of
from bot.routing.router import Router

if TYPE_CHECKING:
    from bot.emergency.learnt import LearntDetector
    from bot.learning.store import StoredModel

T = TypeVar("T")
log = logging.getLogger(__name__)
RESTORED = "restauration.json"
"""What a restoration is, in its folder."""
FINISH_SECONDS = 5.0
"""How long to wait for another process that writes before reading."""
SOUND_KEPT = 2


def load_router(paths: ProjectPaths, need_model: bool = True) -> Router:
    """Build the router of a project tree.

    Args:
        paths: the tree.
        need_model: when ``False``, a missing or corrupt model gives a router that only knows emergencies.

    Raises:
        ReferentialError: the referential has mistakes.
        ModelMissing, ModelCorrupt: no usable model, and ``need_model``.
    """
    from bot.learning.store import read_encoders

    with ThreadPoolExecutor(2) as aside:  # hashing the model and reading the encoder leave Python free
        aside.submit(read_encoders, paths.router_model)
        reading = aside.submit(_read_model, paths.router_model)
        bare = bare_router(paths)
        try:
            stored = reading.result()
            return bare.with_model(stored.model, stored.thresholds)
        except ModelError:
            if need_model:
                raise
            return bare


def once_per_state(load: Callable[[Path], T], kept: int = 2) -> Callable[[Path], T]:
    """Make a reader of a folder read once for the process, and again when a file of the folder changes.

    The plain router, the Rasa agent, the emergency answers and the workshop then share one table: it must be immutable.

    Args:
        load: reads a folder.
        kept: folders remembered; by default the tree that serves, and the draft of staff.
    """

    reading = Lock()

    @lru_cache(maxsize=kept)
    def read(folder: Path, _files: tuple[tuple[str, int, int], ...]) -> T:
        return load(folder)

    @wraps(load)
    def shared(folder: Path) -> T:
        facts = ((path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file())
        state = tuple((str(path), found.st_mtime_ns, found.st_size) for path, found in facts)
        with reading:  # two that ask together read once
            return read(folder, state)

    return shared


shared_referential = once_per_state(load_referential)
shared_gazetteer = once_per_state(load_gazetteer)
shared_languages = once_per_state(load_languages)


@once_per_state
def _shared_rules(folder: Path) -> tuple[dict[str, tuple[str, ...]], Rules, AbroadDetector, Known]:
    situations = load_situations(folder / "urgences.yml")
    rules = load_rules(folder / "urgences_mots.yml", situations)
    abroad = load_abroad(folder, situations, CALL, load_speller(folder / COMMON_WORDS), _meaning)
    return situations, rules, abroad, load_known(folder, situations)


@lru_cache(maxsize=1)
def _reads_meaning() -> bool:
    from bot.understanding.encoders import MEANING, get_encoder  # numpy: emergencies do not wait for it

    try:
        get_encoder(MEANING)
    except (OSError, RuntimeError, SettingsError) as error:
        log.warning("no encoder of other languages", extra={"evenement": "encodeur_absent", "erreur": str(error)})
        return False
    return True


def _meaning(text: str) -> Sequence[float] | None:
    if not _reads_meaning():
        return None
    from bot.understanding.encoders import meaning

    return list(map(float, meaning(text)))


@once_per_state
def _shared_learnt(folder: Path) -> LearntDetector:
    from bot.emergency.learnt import load_learnt  # numpy: without a detector, nothing waits for it

    return load_learnt(folder)


def _load_model(folder: Path) -> StoredModel:
    from bot.learning.store import load_model  # numpy: emergencies do not wait for it

    return load_model(folder, shared=True)


shared_model = once_per_state(_load_model, kept=1)
"""The live model: one copy for the public and for the pages of the workshop."""


def load_detector(paths: ProjectPaths) -> EmergencyDetector:
    """Return the emergency detector of a tree: needs no topic model and no network.

    Without what was learnt, or when it cannot be read, the short list works alone, and the log says so.

    Raises:
        ReferentialError: the situations or the short list have mistakes.
    """
    situations, rules, abroad, known = _shared_rules(paths.referential)
    speller = load_speller(paths.referential / COMMON_WORDS)
    try:
        return EmergencyDetector(situations, rules, _shared_learnt(paths.emergency_model), speller, abroad, known)
    except ModelError as error:
        log.warning("no learnt emergency detector", extra={"evenement": "detecteur_absent", "erreur": str(error)})
        return EmergencyDetector(situations, rules, speller=speller, abroad=abroad, known=known)


def bare_router(paths: ProjectPaths) -> Router:
    """Return a router of a tree without a topic model: emergencies only.

    Raises:
        ReferentialError: the referential has mistakes.
    """
    folder = paths.referential
    languages, taught = shared_languages(folder), lessons_of(paths.corpus).memory
    return Router(shared_referential(folder), shared_gazetteer(folder), load_detector(paths), languages=languages, memory=taught)


def sound_paths(paths: ProjectPaths) -> ProjectPaths:
    """Return the tree to answer from: as it is, or with the last referential that was read without a mistake.

    A save that a crash stopped is finished first. What can be read is kept aside for the next time.

    Raises:
        ReferentialError: the referential has mistakes and none was kept.
    """
    finish_saves(paths)
    try:
        _keep(paths)
        return paths
    except (AssistantError, OSError, ValueError, LookupError) as error:
        for kept in sorted(paths.sound.glob("[0-9a-f]*"), key=lambda p: p.stat().st_mtime, reverse=True):
            log.error(
                "the referential cannot be read: the last sound one answers", extra={"evenement": "referentiel_garde"}, exc_info=error
            )
            return replace(paths, referential_folder=kept)
        if isinstance(error, AssistantError):
            raise
        return paths


def finish_saves(paths: ProjectPaths) -> None:
    """Finish a save, a going live and the files of a restoration that a crash stopped."""
    for lock, batch in ((paths.editing_lock, paths.batch), (paths.registry_lock, paths.models_batch)):
        if batch.exists():
            try:
                with locked(lock, FINISH_SECONDS):
                    finish_batch(batch)
            except OSError as error:
                log.error("a save cannot be finished", extra={"evenement": "lot_en_attente", "erreur": str(error)})
    if paths.restoring.exists():
        try:
            with locked(paths.editing_lock, FINISH_SECONDS):
                finish_restored_files(paths)
        except OSError as error:
            log.error("a backup cannot be put back", extra={"evenement": "restauration_en_attente", "erreur": str(error)})


def finish_restored_files(paths: ProjectPaths) -> Path | None:
    """Put the files of a backup in their place; hold the lock of the edits. Returns where those of before are kept."""
    aside = paths.root / str(read_json(paths.restoring / RESTORED)["avant"])
    swap_folder(paths.restoring / "data", paths.root / "data", aside)
    return aside if aside.exists() else None


def _keep(paths: ProjectPaths) -> None:
    """Keep a copy of a referential that can be read whole."""
    folder = paths.referential
    for read in (shared_referential, shared_gazetteer, shared_languages, _shared_rules):
        read(folder)
    target = paths.sound / digest_of(p for p in sorted(folder.rglob("*")) if p.is_file())[:16]
    if target.exists():
        os.utime(target)
        return
    try:
        with drafting(target) as draft:
            shutil.copytree(folder, draft, dirs_exist_ok=True)
            os.utime(draft)
            os.replace(draft, target)
        for old in sorted(paths.sound.glob("[0-9a-f]*"), key=lambda p: p.stat().st_mtime)[:-SOUND_KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:  # nothing can be kept: that is no reason not to answer
        if target.exists():  # kept by another at the same moment
            return
        log.warning("the referential cannot be kept aside", extra={"evenement": "referentiel_non_garde", "erreur": str(error)})


class Lessons:
    """The phrases of a corpus, kept in a memory that follows its files.

    Args:
        folder: of the corpus.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[Path, tuple[int, int]] = {}
        self._reading = Lock()
        self.memory = Memory(lambda _: self.follow())

    def follow(self) -> None:
        """Read again the files that changed: a phrase is known within the second it is saved."""
        with self._reading:
            now = {path: (found.st_mtime_ns, found.st_size) for path in sorted(self._folder.glob("*.yml")) for found in (path.stat(),)}
            changed = [path for path in now if self._seen.get(path) != now[path]]
            gone = [path for path in self._seen if path not in now]
            for path in changed:
                self.memory.teach(path.name, _taught(path))
            for path in gone:
                self.memory.teach(path.name, None)
            self._seen = now
            if changed or gone:
                self.memory.settle()


def _taught(path: Path) -> Wordings:
    """Return the phrases of a file of the corpus; they are kept with what cleans them."""
    content = path.read_bytes()
    wordings: Wordings = kept_reading(
        path, content, lambda: wordings_of(listed_phrases(content.decode("utf-8", errors="replace"))), _cleaning_mark()
    )
    return wordings


@lru_cache(maxsize=1)
def _cleaning_mark() -> str:
    return digest_of([Path(str(code.__file__)) for code in (memory, cleaning, corpus)] + sorted(WORDS.glob("*.txt")))


@lru_cache(maxsize=4)
def lessons_of(folder: Path) -> Lessons:
    """Return the lessons of a corpus, the same for the whole process."""
    return Lessons(folder)


def _read_model(folder: Path) -> StoredModel:
    stored = shared_model(folder)
    stored.model.predict_proba([clean("bonjour")])  # the sentence encoder is read now, not at the first message
    return stored
