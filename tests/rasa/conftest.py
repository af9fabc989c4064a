"""The tiny tree of these tests, trained once for the session."""

from __future__ import annotations

import os

os.environ["RASA_TELEMETRY_ENABLED"] = "false"  # before anything imports Rasa

from collections.abc import Iterator

import pytest
from rasa_tree import make_tree

from bot.base.paths import ProjectPaths

THIRD_PARTY_NOISE = (
    "Deprecated API features detected",
    "Slot auto-fill has been removed",
    "the load_module",
    ":DeprecationWarning:(rasa|tensorflow|keras|matplotlib|pkg_resources|setuptools|sanic|google|jsonschema|spacy|weasel)",
)


def pytest_configure(config: pytest.Config) -> None:
    for noise in THIRD_PARTY_NOISE:
        config.addinivalue_line("filterwarnings", f"ignore:{noise}")
    config.addinivalue_line("markers", "modele: needs TensorFlow or a trained model; deselect with -m 'not modele'")


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProjectPaths]:
    """The tree, with ``BOT_RACINE`` pointing to it; its model is its own."""
    paths = make_tree(tmp_path_factory.mktemp("projet"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOT_RACINE", str(paths.root))
        patch.delenv("BOT_MODELES", raising=False)
        yield paths


@pytest.fixture(scope="session")
def trained(tree: ProjectPaths) -> ProjectPaths:
    """The tree with its Rasa model."""
    pytest.importorskip("tensorflow")
    from bot.rasa.training import ensure_rasa_model

    ensure_rasa_model(tree, lambda _sentence: None)
    return tree
