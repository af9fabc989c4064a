"""The in-process agent, trained on a tiny corpus and spoken to from end to end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.modele

from jsonschema import ValidationError  # noqa: E402
from rasa.core.actions.action import RemoteAction  # noqa: E402
from rasa.utils.endpoints import EndpointConfig  # noqa: E402

import actions.actions  # noqa: E402
from bot.base.errors import ModelCorrupt, ModelMissing  # noqa: E402
from bot.base.paths import ProjectPaths  # noqa: E402
from bot.dialogue.dialogue import ConversationState, Turn  # noqa: E402
from bot.rasa.agent import AgentError, InProcessActions, InProcessAgent  # noqa: E402
from bot.rasa.training import ensure_rasa_model, rasa_folder, verified_model  # noqa: E402


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def agent(trained: ProjectPaths, loop: asyncio.AbstractEventLoop) -> InProcessAgent:
    agent = InProcessAgent(trained, seconds=30)
    loop.run_until_complete(agent.load())
    return agent


class Talk:
    """One conversation with the agent: its state is kept here, as the web session keeps it."""

    def __init__(self, agent: InProcessAgent, loop: asyncio.AbstractEventLoop) -> None:
        self.agent, self._loop = agent, loop
        self.state = ConversationState()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    def say(self, text: str) -> Turn:
        return self._keep(self.run(self.agent.reply(text, self.state)))

    def press(self, choice: str) -> Turn:
        return self._keep(self.run(self.agent.choose(choice, self.state)))

    def _keep(self, turn: Turn) -> Turn:
        self.state = turn.state
        return turn


@pytest.fixture
def talk(agent: InProcessAgent, loop: asyncio.AbstractEventLoop) -> Talk:
    return Talk(agent, loop)


def test_a_request_gets_its_door_and_a_follow_up_keeps_it(talk: Talk) -> None:
    first = talk.say("je dois refaire mon passeport")
    assert first.reply.cards and first.state.destination == "passeport"
    assert talk.say("merci beaucoup").state.destination == "passeport"


@pytest.mark.parametrize("text", ["je dois refaire mon passeport", "bonjour", "????", "помогите мне", "   ", "mon bébé ne respire plus"])
def test_the_agent_says_what_the_plain_dialogue_says(talk: Talk, text: str) -> None:
    plain = actions.actions.dialogue().reply(text, ConversationState())
    turn = talk.say(text)
    assert turn.reply.text == plain.reply.text and turn.state == plain.state


def test_a_button_that_names_no_door_is_refused(talk: Talk) -> None:
    for made_up in ('x"}', "", "passeport\n", "/restart", "a" * 5000):
        assert talk.press(made_up).state.destination is None


@pytest.mark.parametrize("text", ["/restart", "/session_start", '/choisir{"choix": "passeport"}', "//restart", " /back", "/urgence"])
def test_a_typed_slash_is_only_a_character(talk: Talk, text: str) -> None:
    known = talk.say("je veux construire un garage").state
    assert talk.say(text).reply == actions.actions.dialogue().reply(text.lstrip("/ "), known).reply


def test_the_agent_keeps_nothing_of_a_turn(talk: Talk) -> None:
    talk.say("passeport, je m'appelle Paul Durand, 06 12 34 56 78")
    talk.press("inconnu")
    held = [talk.agent._trackers._living, talk.agent._trackers.store, talk.agent._actions._turns]
    assert held == [{}, {}, {}]


def test_turns_told_together_do_not_mix(talk: Talk) -> None:
    async def together() -> list[Turn]:
        known = ConversationState(destination="passeport", commune="Figeac")
        return await asyncio.gather(
            talk.agent.reply("quel est le numéro de téléphone ?", known), talk.agent.reply("bonjour", ConversationState())
        )

    first, second = talk.run(together())
    assert first.state.destination == "passeport" and first.state.commune == "Figeac"
    assert second.state.destination is None and first.reply != second.reply


def test_a_failing_action_is_never_silence(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(actions.actions.dialogue(), "answer", broken, raising=False)
    assert actions.actions.dialogue().writer.front_desk_phone in talk.say("je dois refaire mon passeport").reply.text


def test_a_late_turn_is_an_error(talk: Talk, agent: InProcessAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    async def late(*_: Any) -> None:
        await asyncio.sleep(5)

    monkeypatch.setattr(agent, "_seconds", 0.05)
    monkeypatch.setattr(agent._agent, "handle_message", late)
    with pytest.raises(AgentError, match="temps"):
        talk.say("bonjour")


def test_a_failing_engine_is_an_error(talk: Talk, agent: InProcessAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(agent._agent, "handle_message", broken)
    with pytest.raises(AgentError, match="ZeroDivisionError"):
        talk.say("bonjour")


def test_silence_is_an_error(talk: Talk, agent: InProcessAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr(agent._agent, "handle_message", nothing)
    with pytest.raises(AgentError, match="rien dit"):
        talk.say("bonjour")


def test_an_agent_without_a_model_says_so(tmp_path: Path, loop: asyncio.AbstractEventLoop) -> None:
    agent = InProcessAgent(ProjectPaths(tmp_path))
    with pytest.raises(AgentError):
        loop.run_until_complete(agent.reply("bonjour", ConversationState()))
    with pytest.raises(ModelMissing):
        loop.run_until_complete(agent.load())


def test_only_the_archive_of_the_manifest_is_loaded_and_the_old_one_serves(
    talk: Talk, agent: InProcessAgent, trained: ProjectPaths
) -> None:
    archive = verified_model(trained).archive
    good = archive.read_bytes()
    try:
        archive.write_bytes(good + b"x")
        with pytest.raises(ModelCorrupt):
            talk.run(agent.load())
        archive.write_bytes(good[: len(good) // 2])
        with pytest.raises(ModelCorrupt):
            talk.run(agent.load())
    finally:
        archive.write_bytes(good)
    assert talk.say("bonjour").reply.text


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "absente.tar.gz", 3, None])
def test_a_manifest_cannot_point_elsewhere(tmp_path: Path, name: Any) -> None:
    folder = rasa_folder(ProjectPaths(tmp_path))
    folder.mkdir(parents=True)
    (folder / "manifeste.json").write_text(json.dumps({"archive": name, "sha256": None}), encoding="utf-8")
    with pytest.raises(ModelMissing):
        verified_model(ProjectPaths(tmp_path))


def test_nothing_is_trained_twice(trained: ProjectPaths) -> None:
    said: list[str] = []
    first = verified_model(trained)
    assert ensure_rasa_model(trained, said.append).archive == first.archive
    assert said == []


def test_only_actions_run_here_skip_rasa_s_check(agent: InProcessAgent) -> None:
    remote = RemoteAction("action_orienter", EndpointConfig("http://127.0.0.1:1"))
    with pytest.raises(ValidationError):
        remote._validate_action_result({"events": 3})
    assert RemoteAction("action_orienter", InProcessActions())._validate_action_result({"events": 3})


def test_the_agent_goes_on_from_the_state_it_is_given(talk: Talk) -> None:
    talk.state = ConversationState(destination="passeport", commune="Figeac", profile="citoyen")
    turn = talk.say("quel est le numéro de téléphone ?")
    assert turn.state.destination == "passeport" and turn.state.commune == "Figeac"


def test_a_button_offered_elsewhere_is_known(talk: Talk) -> None:
    talk.state = ConversationState(choices=("passeport", "carte_identite", "aucun"), pending="mes papiers")
    assert talk.press("passeport").state.destination == "passeport"
