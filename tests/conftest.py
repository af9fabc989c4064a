"""What all tests share: what they need, how far they explore, the real referential, and routers with a hand-made or trained model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

os.environ["RASA_TELEMETRY_ENABLED"] = "false"  # before anything imports Rasa

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from bot.base.paths import ProjectPaths
from bot.emergency.detector import EmergencyDetector
from bot.emergency.rules import load_rules
from bot.emergency.situations import load_situations
from bot.language.cleaning import CleanText
from bot.language.foreign import load_languages
from bot.language.spelling import COMMON_WORDS, load_speller
from bot.learning.freshness import is_current, is_detector_current
from bot.learning.loading import load_detector
from bot.learning.store import load_model
from bot.referential import Referential, load_referential
from bot.referential.communes import Gazetteer, load_gazetteer
from bot.routing.decision import Thresholds
from bot.routing.router import Router
from bot.routing.scorer import Scorer
from bot.understanding.features import SparseRows
from bot.understanding.model import Skimmed
from bot.understanding.outcome import Understanding

ROOT = Path(__file__).resolve().parent.parent

CI = os.environ.get("CI", "").lower() in {"1", "true"}
PROGRAMS = {
    "chromium": Path("/usr/bin/chromium"),
    "nginx": shutil.which("nginx"),
    "openssl": shutil.which("openssl"),
    "postgresql": next((p for p in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True) if (p / "initdb").exists()), None),
    "promtool": shutil.which("promtool"),
    "redis-server": shutil.which("redis-server"),
}
"""What is not a Python package and some tests run for real, by the name of its Debian package; see ``PAQUETS`` in the Makefile."""

# A machine is busy: how long one example takes says nothing. New examples each time; those that failed come back first.
settings.register_profile("quick", max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
settings.register_profile("ci", settings.get_profile("quick"), max_examples=300, print_blob=True, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if CI else "quick"))

EARLY = (
    "tests/test_acceptance.py",
    "tests/web/test_faults.py",
    "tests/web/test_browser.py",
    "tests/web/staff/test_story_browser.py",
    "tests/web/test_app.py",
    "tests/cli/test_commands.py",
    "tests/rasa",
    "tests/web/test_cluster.py",
)
"""What is begun first, as it takes longest; first of all one that needs the model, so that it is trained while the others run."""
ALL_MARKED = "\npytestmark = pytest.mark.modele\n"
"""In a file, its every test needs a model or Rasa."""
MAX_WORKERS = 4
"""Each holds a model."""

Table = Mapping[str, Mapping[str, float]]
MakeRouter = Callable[[Table], Router]


def place_of(nodeid: str) -> str:
    """Return what one worker runs whole: a file, or all that imports Rasa."""
    file = nodeid.split("::")[0]
    return "tests/rasa" if file.startswith("tests/rasa/") else file


class ByFile(LoadScopeScheduling):
    """Gives a worker one file at a time: what a file starts (a server, a browser, a database) is started once."""

    def _split_scope(self, nodeid: str) -> str:
        return place_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile:
    return ByFile(config, log)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process for one file; else one for each core."""
    one_file = len(config.args) == 1 and ".py" in config.args[0]
    return 0 if one_file else min(MAX_WORKERS, len(os.sched_getaffinity(0)))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave unread the files of which every test is marked ``modele`` when that mark is not wanted: importing Rasa takes long."""
    if "not modele" not in config.option.markexpr or collection_path.suffix != ".py":
        return None
    return ALL_MARKED in collection_path.read_text(encoding="utf-8") or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {place: number for number, place in enumerate(EARLY)}
    items.sort(key=lambda item: rank.get(place_of(item.nodeid), len(rank)))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked ``needs("nginx", …)`` where one is missing; on CI it fails: nothing is left out in silence."""
    wanted = {str(name) for mark in item.iter_markers("needs") for name in mark.args}
    missing = sorted(name for name in wanted if not (PROGRAMS[name] and Path(PROGRAMS[name]).exists()))
    if missing:
        said = f"absent : apt-get install {' '.join(missing)}"
        pytest.fail(said, pytrace=False) if CI else pytest.skip(said)


CLEAR_PARTS = Scorer((((((20.0,),), (-3.0,))),))
"""Takes a message for several requests when each part is clear: the first feature is the certainty of the least clear."""


class FakeModel:
    """Answers from a table: the first key found in the plain text gives its probabilities; else gibberish.

    Args:
        labels: every label of the referential.
        table: piece of plain text → probability of some labels; what is missing to 1 is spread evenly.
    """

    def __init__(self, labels: Sequence[str], table: Table) -> None:
        self.labels = tuple(labels)
        self.table = table
        self.seen: list[str] = []

    def predict_proba(self, texts: Sequence[CleanText], fragments: object = None) -> np.ndarray:
        return np.array([self._row(t) for t in texts])

    def glance(self, texts: Sequence[CleanText], fragments: object = None) -> tuple[np.ndarray, list[bool]]:
        return self.predict_proba(texts, fragments), [False] * len(texts)

    def skim(self, texts: Sequence[CleanText]) -> Skimmed:
        return Skimmed(texts, SparseRows(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32), 0), None, None)

    def read_on(self, skimmed: Skimmed, some: np.ndarray, fragments: object = None) -> np.ndarray:
        return self.predict_proba([skimmed.texts[i] for i in some]).reshape(-1, len(self.labels))

    def understanding(self, row: np.ndarray) -> Understanding:
        return Understanding(dict(zip(self.labels, row.tolist(), strict=True)))

    def _row(self, text: CleanText) -> np.ndarray:
        self.seen.append(text.display)
        known = next((p for key, p in self.table.items() if key in text.plain), {"charabia": 0.98})
        row = np.full(len(self.labels), (1 - sum(known.values())) / len(self.labels))
        for label, probability in known.items():
            row[self.labels.index(label)] += probability
        return row


@pytest.fixture(scope="session")
def paths() -> ProjectPaths:
    """The tree of the project, whatever ``BOT_RACINE`` says."""
    return ProjectPaths(ROOT)


@pytest.fixture(scope="session")
def referential(paths: ProjectPaths) -> Referential:
    return load_referential(paths.referential)


@pytest.fixture(scope="session")
def gazetteer(paths: ProjectPaths) -> Gazetteer:
    return load_gazetteer(paths.referential)


@pytest.fixture(scope="session")
def detector(paths: ProjectPaths) -> EmergencyDetector:
    """The short list alone: what is there without any model."""
    situations = load_situations(paths.referential / "urgences.yml")
    return EmergencyDetector(
        situations, load_rules(paths.referential / "urgences_mots.yml", situations), speller=load_speller(paths.referential / COMMON_WORDS)
    )


@pytest.fixture(scope="session")
def trained_paths(paths: ProjectPaths) -> ProjectPaths:
    """The tree, its models trained when they are missing or out of date: once, by a process of its own, for all workers."""
    if not (is_current(paths) and is_detector_current(paths)):
        ours = {name: value for name, value in os.environ.items() if not name.startswith("BOT_")}
        subprocess.run([sys.executable, "-m", "bot", "train"], cwd=ROOT, env=ours, stdout=subprocess.DEVNULL, check=True)
    return paths


@pytest.fixture(scope="session")
def learnt_detector(trained_paths: ProjectPaths) -> EmergencyDetector:
    """The whole detector. For tests marked ``modele``."""
    return load_detector(trained_paths)


@pytest.fixture(scope="session")
def bare_router(referential: Referential, gazetteer: Gazetteer, detector: EmergencyDetector) -> Router:
    """A router without a model: it only knows emergencies."""
    return Router(referential, gazetteer, detector)


@pytest.fixture(scope="session")
def make_router(referential: Referential, gazetteer: Gazetteer, detector: EmergencyDetector) -> MakeRouter:
    """Build a router whose model answers from a table (see :class:`FakeModel`)."""

    def make(table: Table) -> Router:
        model = FakeModel([*referential.topics, *referential.acts], table)
        return Router(referential, gazetteer, detector, model, Thresholds(plusieurs=CLEAR_PARTS))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def router(trained_paths: ProjectPaths, referential: Referential, gazetteer: Gazetteer, learnt_detector: EmergencyDetector) -> Router:
    """The real router. For tests marked ``modele``."""
    stored = load_model(trained_paths.router_model)
    return Router(referential, gazetteer, learnt_detector, stored.model, stored.thresholds, load_languages(trained_paths.referential))
