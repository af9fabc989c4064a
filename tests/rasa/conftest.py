"""The tiny tree of these tests, trained once for the session."""

from __future__ import annotations

import os

os.environ["RASA_TELEMETRY_ENABLED"] = "false"  # before anything imports Rasa

from collections.abc import Iterator

import pytest
from rasa_tree import make_tree

from bot.base.paths import ProjectPaths


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
    from bot.rasa.training import ensure_rasa_model

    ensure_rasa_model(tree, lambda _sentence: None)
    return tree
