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
from rasa.core.policies.rule_policy import RulePolicy  # noqa: E402
from rasa.shared.core.domain import Domain  # noqa: E402
from rasa.shared.core.events import UserUttered  # noqa: E402
from rasa.shared.core.trackers import DialogueStateTracker  # noqa: E402
from rasa.utils.endpoints import EndpointConfig  # noqa: E402

import actions.actions  # noqa: E402
from bot.base.errors import ModelCorrupt, ModelMissing  # noqa: E402
from bot.base.paths import ProjectPaths  # noqa: E402
from bot.dialogue.dialogue import ConversationState  # noqa: E402
from bot.rasa.agent import AgentError, InProcessAgent, InProcessEndpoint, RecentTrackerStore  # noqa: E402
from bot.rasa.policy import IndexedRulePolicy  # noqa: E402
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
    """One conversation with the agent."""

    def __init__(self, agent: InProcessAgent, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self.agent, self._loop, self.name = agent, loop, name

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)

    def say(self, text: str) -> dict[str, Any]:
        (message,) = self.run(self.agent.handle(text, self.name))
        return message

    def press(self, choice: str) -> dict[str, Any]:
        (message,) = self.run(self.agent.choose(choice, self.name))
        return message

    def stored(self) -> str:
        return self.agent._store.store.get(self.name, "")


@pytest.fixture
def talk(agent: InProcessAgent, loop: asyncio.AbstractEventLoop, request: pytest.FixtureRequest) -> Talk:
    return Talk(agent, loop, request.node.name)


def state(message: dict[str, Any]) -> dict[str, Any]:
    return message["custom"]["etat"]


def test_a_request_gets_its_door_and_a_follow_up_keeps_it(talk: Talk) -> None:
    first = talk.say("je dois refaire mon passeport")
    assert first["custom"]["reponse"]["cards"]
    assert state(first)["destination"] == "passeport"
    assert state(talk.say("merci beaucoup"))["destination"] == "passeport"


@pytest.mark.parametrize("text", ["je dois refaire mon passeport", "bonjour", "????", "помогите мне", "   ", "mon bébé ne respire plus"])
def test_the_agent_says_what_the_plain_dialogue_says(talk: Talk, text: str) -> None:
    plain = actions.actions.dialogue().reply(text, ConversationState())
    message = talk.say(text)
    assert message["custom"]["reponse"]["text"] == plain.reply.text
    assert state(message) == plain.state.as_mapping()


def test_a_button_that_was_not_offered_is_refused(talk: Talk) -> None:
    for made_up in ("permis_construire", 'x"}', "", "passeport\n", "/restart", "a" * 5000):
        assert state(talk.press(made_up))["destination"] is None


@pytest.mark.parametrize("text", ["/restart", "/session_start", '/choisir{"choix": "passeport"}', "//restart", " /back", "/urgence"])
def test_a_typed_slash_is_only_a_character(talk: Talk, text: str) -> None:
    talk.say("je veux construire un garage")
    assert talk.say(text)["text"]
    assert '"choisir"' not in talk.stored()
    assert "UserRestarted" not in talk.stored()


def test_the_tracker_only_holds_masked_words(talk: Talk) -> None:
    talk.say("passeport, je m'appelle Paul Durand, 06 12 34 56 78")
    assert talk.stored()
    assert "Durand" not in talk.stored()
    assert "06 12" not in talk.stored()


def test_a_long_conversation_stays_small(talk: Talk) -> None:
    for _ in range(8):
        talk.say("je dois refaire mon passeport")
    before = len(talk.stored())
    for _ in range(12):
        last = talk.say("je dois refaire mon passeport")
    assert state(last)["destination"] == "passeport"
    assert len(talk.stored()) < 1.3 * before


def test_conversations_do_not_mix(talk: Talk, agent: InProcessAgent, loop: asyncio.AbstractEventLoop) -> None:
    other = Talk(agent, loop, "quelqu'un d'autre")
    talk.say("je dois refaire mon passeport")
    assert state(other.say("bonjour"))["destination"] is None
    agent.forget(other.name)
    assert other.stored() == ""


def test_a_failing_action_is_never_silence(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(actions.actions.dialogue(), "answer", broken, raising=False)
    assert actions.actions.dialogue().writer.front_desk_phone in talk.say("je dois refaire mon passeport")["text"]


def test_a_late_turn_is_an_error(talk: Talk, agent: InProcessAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    async def late(*_: Any) -> None:
        await asyncio.sleep(5)

    monkeypatch.setattr(agent, "_seconds", 0.05)
    monkeypatch.setattr(agent, "_typed", late)
    with pytest.raises(AgentError, match="temps"):
        talk.say("bonjour")


def test_a_failing_engine_is_an_error(talk: Talk, agent: InProcessAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(agent, "_typed", broken)
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
    assert not agent.ready
    with pytest.raises(AgentError):
        loop.run_until_complete(agent.handle("bonjour", "c"))
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
    assert talk.say("bonjour")["text"]


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
    assert RemoteAction("action_orienter", InProcessEndpoint())._validate_action_result({"events": 3})


def test_the_indexed_policy_predicts_what_the_rule_policy_predicts() -> None:
    def rule(intent: str | None, action: str, slot: str | None = None) -> str:
        last = {"prev_action": {"action_name": action}, **({"user": {"intent": intent}} if intent else {})}
        return json.dumps([{"prev_action": {"action_name": "action_listen"}}, {**last, **({"slots": {slot: [1.0]}} if slot else {})}])

    rules = [rule(i, a, s) for i in ("passeport", "saluer", None) for a in ("action_listen", "action_orienter") for s in (None, "x")]
    lookup = dict.fromkeys(rules, "action_orienter")
    stock, ours = RulePolicy.__new__(RulePolicy), IndexedRulePolicy.__new__(IndexedRulePolicy)
    for intent in ("passeport", "saluer", "inconnu", None):
        for action in ("action_listen", "action_orienter"):
            for slots in ({}, {"x": (1.0,)}):
                last = {"prev_action": {"action_name": action}, "user": {"intent": intent} if intent else {}, "slots": slots}
                states = [{"prev_action": {"action_name": "action_listen"}}, last]
                assert ours._get_possible_keys(lookup, states) == stock._get_possible_keys(lookup, states)
                assert ours._get_possible_keys({}, states) == set()


def test_old_and_many_conversations_are_forgotten() -> None:
    now = [0.0]
    store = RecentTrackerStore(Domain.empty(), conversations=3, seconds=100, clock=lambda: now[0])

    async def scenario() -> None:
        for i in range(5):
            now[0] += 1
            await store.save(DialogueStateTracker(f"c{i}", []))
        assert sorted(store.store) == ["c2", "c3", "c4"]
        now[0] = 104.5  # c2 and c3 are older than 100 seconds
        await store.save(DialogueStateTracker("c5", []))
        assert sorted(store.store) == ["c4", "c5"]
        assert await store.retrieve("c3") is None
        assert await store.retrieve("c4") is not None
        now[0] = 300
        assert await store.retrieve("c5") is None
        assert store.store == {}

    asyncio.run(scenario())


def test_a_turn_is_written_once_at_its_end_and_not_at_all_when_it_fails() -> None:
    store = RecentTrackerStore(Domain.empty())

    async def scenario() -> None:
        async with store.turn("c"):
            tracker = await store.get_or_create_tracker("c", max_event_history=10)
            async with store.turn("c"):  # part of the same one
                tracker.update(UserUttered("bonjour"))
                await store.save(tracker)
                assert await store.retrieve("c") is tracker
            assert store.store == {}
        assert "bonjour" in store.store["c"]
        with pytest.raises(ValueError, match="perdu"):
            async with store.turn("c"):
                tracker = await store.get_or_create_tracker("c")
                tracker.update(UserUttered("perdu"))
                await store.save(tracker)
                raise ValueError("perdu")
        assert "bonjour" in store.store["c"] and "perdu" not in store.store["c"]
        async with store.turn("c"):
            store.forget("c")
        assert store.store == {} and await store.retrieve("c") is None

    asyncio.run(scenario())


def test_the_agent_goes_on_from_what_another_process_knew(agent: InProcessAgent, loop: asyncio.AbstractEventLoop) -> None:
    known = ConversationState(destination="passeport", commune="Figeac", profile="citoyen").as_mapping()
    (message,) = loop.run_until_complete(agent.handle("quel est le numéro de téléphone ?", "venu d'ailleurs", known))
    assert state(message)["destination"] == "passeport" and state(message)["commune"] == "Figeac"
    (message,) = loop.run_until_complete(agent.handle("merci", "venu d'ailleurs", {**known, "commune": "Gourdon"}))
    assert state(message)["commune"] == "Gourdon", "what is known elsewhere is newer than the tracker"


def test_a_button_offered_by_another_process_is_known(agent: InProcessAgent, loop: asyncio.AbstractEventLoop) -> None:
    known = ConversationState(choices=("passeport", "carte_identite", "aucun"), pending="mes papiers").as_mapping()
    (message,) = loop.run_until_complete(agent.choose("passeport", "bouton d'ailleurs", known))
    assert state(message)["destination"] == "passeport"
