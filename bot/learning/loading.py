"""The router of a project tree, read from its files: tables first, the model beside them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, wraps
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from bot.base.errors import ModelError
from bot.base.paths import ProjectPaths
from bot.emergency.abroad import AbroadDetector, load_abroad
from bot.emergency.detector import CALL, EmergencyDetector
from bot.emergency.rules import Rules, load_rules
from bot.emergency.situations import load_situations
from bot.language.cleaning import clean
from bot.language.foreign import load_languages
from bot.language.spelling import COMMON_WORDS, load_speller
from bot.referential import load_referential
from bot.referential.communes import load_gazetteer
from bot.routing.router import Router

if TYPE_CHECKING:
    from bot.emergency.learnt import LearntDetector
    from bot.learning.store import StoredModel

T = TypeVar("T")
log = logging.getLogger(__name__)


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


def once_per_state(load: Callable[[Path], T]) -> Callable[[Path], T]:
    """Make a reader of the referential read once for the process, and again when a file of the folder changes.

    The plain router, the Rasa agent and the emergency answers then share one table: it must be immutable.
    """

    reading = Lock()

    @lru_cache(maxsize=1)
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
_shared_gazetteer = once_per_state(load_gazetteer)
shared_languages = once_per_state(load_languages)


@once_per_state
def _shared_rules(folder: Path) -> tuple[dict[str, tuple[str, ...]], Rules, AbroadDetector]:
    situations = load_situations(folder / "urgences.yml")
    rules = load_rules(folder / "urgences_mots.yml", situations)
    return situations, rules, load_abroad(folder, situations, CALL, load_speller(folder / COMMON_WORDS))


@once_per_state
def _shared_learnt(folder: Path) -> LearntDetector:
    from bot.emergency.learnt import load_learnt  # numpy: without a detector, nothing waits for it

    return load_learnt(folder)


def load_detector(paths: ProjectPaths) -> EmergencyDetector:
    """Return the emergency detector of a tree: needs no topic model and no network.

    Without what was learnt, or when it cannot be read, the short list works alone, and the log says so.

    Raises:
        ReferentialError: the situations or the short list have mistakes.
    """
    situations, rules, abroad = _shared_rules(paths.referential)
    speller = load_speller(paths.referential / COMMON_WORDS)
    try:
        return EmergencyDetector(situations, rules, _shared_learnt(paths.emergency_model), speller, abroad)
    except ModelError as error:
        log.warning("no learnt emergency detector", extra={"evenement": "detecteur_absent", "erreur": str(error)})
        return EmergencyDetector(situations, rules, speller=speller, abroad=abroad)


def bare_router(paths: ProjectPaths) -> Router:
    """Return a router of a tree without a topic model: emergencies only.

    Raises:
        ReferentialError: the referential has mistakes.
    """
    folder = paths.referential
    return Router(shared_referential(folder), _shared_gazetteer(folder), load_detector(paths), languages=shared_languages(folder))


def _read_model(folder: Path) -> StoredModel:
    from bot.learning.store import load_model

    stored = load_model(folder)
    stored.model.predict_proba([clean("bonjour")])  # the sentence encoder is read now, not at the first message
    return stored
