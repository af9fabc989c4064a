"""Whole conversations of ``tests/test_stories.yml``, read by « rasa test » with the real model."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.modele

from rasa.core.agent import Agent  # noqa: E402
from rasa.core.test import test as rasa_test  # noqa: E402

from bot.base.paths import ProjectPaths  # noqa: E402
from bot.rasa.training import ensure_rasa_model  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
STORIES = ROOT / "tests" / "test_stories.yml"
LEAST = 40


def test_every_conversation_goes_as_written(trained_paths: ProjectPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOT_RACINE", raising=False)
    agent = Agent.load(ensure_rasa_model(trained_paths, lambda _sentence: None).archive)
    found = asyncio.run(rasa_test(str(STORIES), agent, out_directory=str(tmp_path), disable_plotting=True, e2e=True))
    report = found["report"]["conversation_accuracy"]
    assert report["total"] >= LEAST
    assert report["correct"] == report["total"], (tmp_path / "failed_test_stories.yml").read_text(encoding="utf-8")
