"""Life after Rasa: the whole conversations of ``tests/test_stories.yml`` get the same answers from the plain dialogue as from the agent.

Decision record: ``docs/adr/0026-vivre-sans-rasa.md``.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.base.paths import ProjectPaths
from bot.dialogue.dialogue import ConversationState, Dialogue, Turn
from bot.routing.router import Router

ROOT = Path(__file__).resolve().parents[2]
LEAST = 38
BUTTON = "/choisir"
UNWANTED = ("rasa", "rasa_sdk", "tensorflow", "keras", "sklearn", "sanic", "dask", "jsonpickle")


def stories() -> list[dict[str, Any]]:
    return list(yaml.safe_load((ROOT / "tests" / "test_stories.yml").read_text(encoding="utf-8"))["stories"])


def said(story: dict[str, Any]) -> list[str]:
    """Return what the person says: messages, entities unmarked, and buttons."""
    return [re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", step["user"]) for step in story["steps"] if "user" in step]


def chosen(message: str) -> str:
    return str(json.loads(message.removeprefix(BUTTON))["choix"])


def told(turn: Turn) -> tuple[Any, ...]:
    decision = turn.decision.decision if turn.decision else None
    return decision, turn.reply.as_text(), tuple(turn.reply.choices), turn.reply.calls, turn.state


@pytest.mark.modele
async def test_every_conversation_has_the_same_answers_without_the_agent(router: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow")
    from bot.rasa.agent import InProcessAgent
    from bot.rasa.training import ensure_rasa_model

    monkeypatch.delenv("BOT_RACINE", raising=False)
    ensure_rasa_model(ProjectPaths(ROOT), lambda _sentence: None)
    plain, agent = Dialogue(router), InProcessAgent()
    await agent.load()
    assert len(stories()) >= LEAST
    for story in stories():
        alone = conducted = ConversationState()
        for message in said(story):
            if message.startswith(BUTTON):
                ours, theirs = plain.choose(chosen(message), alone), await agent.choose(chosen(message), conducted)
            else:
                ours, theirs = plain.reply(message, alone), await agent.reply(message, conducted)
            assert told(ours) == told(theirs), (story["story"], message)
            alone, conducted = ours.state, theirs.state


@pytest.mark.modele
def test_the_server_without_the_agent_never_imports_rasa(router: Router) -> None:
    code = (
        "import sys; from bot.base.paths import project_paths; from bot.learning.loading import load_router;"
        "from bot.dialogue.dialogue import ConversationState, Dialogue; import bot.web.server, bot.web.internal;"
        "Dialogue(load_router(project_paths())).reply('refaire mon passeport', ConversationState());"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & set(sys.argv[1:])))"
    )
    found = subprocess.run([sys.executable, "-c", code, *UNWANTED], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert found.stdout.strip() == "[]", found.stderr[-2000:]
