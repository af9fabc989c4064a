"""Actions: a few lines each, and never silence, whatever the tracker holds."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from rasa_sdk import Tracker
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher

import actions.actions as module
from actions.actions import ACTIONS, LAST_RESORT, SLOTS, TERMINAL, dialogue, share_dialogue, state_of
from bot.base.paths import project_paths
from bot.dialogue.dialogue import ConversationState, Dialogue
from bot.learning.loading import load_detector
from bot.referential import load_referential
from bot.referential.communes import load_gazetteer
from bot.routing.router import Router
from bot.routing.types import DecisionKind, Destination, Level, RoutingDecision
from bot.routing.wire import decision_as_mapping

ROOT = Path(__file__).resolve().parents[2]
NONSENSE: list[Any] = [
    None,
    1,
    -1,
    1e9,
    True,
    "",
    "x",
    "/restart",
    [],
    ["asd"],
    [None],
    {},
    {"a": 1},
    {"decision": "?"},
    [[1]],
    "😀" * 5000,
]
DOOR = Destination("population", "titres", "passeport", 0.9)


@pytest.fixture(scope="module")
def talk() -> Dialogue:
    folder = ROOT / "data" / "referentiel"
    return Dialogue(Router(load_referential(folder), load_gazetteer(folder), load_detector(project_paths())))


@pytest.fixture(autouse=True)
def _shared(talk: Dialogue) -> None:
    share_dialogue(talk)


def tracker_of(routing: Any = None, text: Any = "passeport", slots: Any = None, entities: Any = (), channel: str = "assistant") -> Tracker:
    latest = {"text": text, "routing": routing, "entities": list(entities), "intent": {"name": "x"}}
    return Tracker(
        "c", slots if slots is not None else {}, latest, [{"event": "user", "input_channel": channel}], False, None, {}, "action_listen"
    )


def run(name: str, tracker: Tracker) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    action = next(a for a in ACTIONS if a().name() == name)()
    dispatcher = CollectingDispatcher()
    events = asyncio.run(action.run(dispatcher, tracker, {}))
    return dispatcher.messages, events


def routed(decision: RoutingDecision, text: str = "passeport") -> dict[str, Any]:
    return decision_as_mapping(decision, "m", text)


def slots_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    return {e["name"]: e["value"] for e in events}


def test_orienter_names_the_service_and_remembers_the_door() -> None:
    decision = RoutingDecision(DecisionKind.ORIENTER, (DOOR,), niveau=Level.SUJET)
    messages, events = run("action_orienter", tracker_of(routed(decision)))
    assert len(messages) == 1
    assert "titres" in messages[0]["text"]
    assert messages[0]["custom"]["reponse"]["cards"][0]["contact"]["name"]
    assert messages[0]["custom"]["decision"] == decision.as_json(None, "")
    assert slots_of(events)["destination"] == "passeport"


def test_clarifier_offers_buttons_that_choisir_resolves() -> None:
    other = Destination("territoire", "equipement_agriculture", "permis_construire", 0.4)
    decision = RoutingDecision(DecisionKind.CLARIFIER, (DOOR, other), niveau=Level.SUJET, question="Laquelle ?")
    messages, events = run("action_clarifier", tracker_of(routed(decision)))
    assert next(b["payload"] for b in messages[0]["buttons"]) == '/choisir{"choix": "passeport"}'
    assert "Rien de tout cela" not in messages[0]["text"]
    slots = slots_of(events)
    assert slots["choix"] == ["passeport", "permis_construire", "aucun"]
    chosen, after = run("action_choisir", tracker_of(slots=slots, entities=[{"entity": "choix", "value": "permis_construire"}]))
    assert chosen[0]["text"]
    assert slots_of(after)["destination"] == "permis_construire"


def test_emergency_starts_with_the_number() -> None:
    decision = RoutingDecision(DecisionKind.URGENCE, urgence=("15", "112"), situation="bebe_en_detresse")
    messages, _ = run("action_urgence", tracker_of(routed(decision)))
    assert messages[0]["text"].startswith("15")


def test_two_failures_lead_to_a_human(talk: Dialogue) -> None:
    _, events = run("action_incompris", tracker_of(text="????"))
    messages, _ = run("action_incompris", tracker_of(text="????", slots=slots_of(events)))
    assert talk.writer.front_desk_phone in messages[0]["text"]


def test_the_terminal_gets_no_json() -> None:
    messages, _ = run("action_incompris", tracker_of(text="????", channel=TERMINAL))
    assert not messages[0]["custom"]


@pytest.mark.parametrize("name", [a().name() for a in ACTIONS])
@pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda v: repr(v)[:20])
def test_nonsense_never_gives_silence(name: str, nonsense: Any) -> None:
    slots = dict.fromkeys(SLOTS, nonsense)
    tracker = tracker_of(nonsense, nonsense, slots, [{"entity": "choix", "value": nonsense}])
    messages, events = run(name, tracker)
    assert messages[0]["text"]
    assert all(e["event"] == "slot" for e in events)


@pytest.mark.parametrize("latest", [None, [], "x", 3])
def test_a_tracker_without_a_message_never_gives_silence(latest: Any) -> None:
    tracker = tracker_of()
    tracker.latest_message = latest
    for action in ACTIONS:
        assert run(action().name(), tracker)[0][0]["text"]


def test_a_broken_referential_still_gets_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Dialogue:
        raise RuntimeError

    monkeypatch.setattr(module, "dialogue", broken)
    messages, events = run("action_orienter", tracker_of())
    assert messages[0]["text"] == LAST_RESORT
    assert slots_of(events)["destination"] is None


def test_a_failing_core_points_to_a_human(talk: Dialogue, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(talk, "answer", broken, raising=False)
    messages, _ = run("action_orienter", tracker_of(routed(RoutingDecision(DecisionKind.ORIENTER, (DOOR,)))))
    assert talk.writer.front_desk_phone in messages[0]["text"]


def test_slots_and_state_go_both_ways() -> None:
    state = ConversationState("passeport", ("a", "aucun"), "texte", "agent", "Figeac", 1)
    values = state.as_mapping()
    assert state_of(tracker_of(slots={slot: values[field] for slot, field in SLOTS.items()})) == state


def test_every_action_of_the_domain_exists_and_no_other() -> None:
    domain = yaml.safe_load((ROOT / "domain.yml").read_text(encoding="utf-8"))
    assert sorted(domain["actions"]) == sorted(a().name() for a in ACTIONS)
    assert sorted(domain["slots"]) == sorted(SLOTS)
    assert sorted(SLOTS.values()) == sorted(ConversationState.__dataclass_fields__)


def test_rasa_run_actions_registers_them() -> None:
    executor = ActionExecutor()
    executor.register_package("actions")
    assert {a().name() for a in ACTIONS} <= set(executor.actions)


def test_the_dialogue_is_loaded_once(monkeypatch: pytest.MonkeyPatch, talk: Dialogue) -> None:
    calls = []
    monkeypatch.setattr(module, "_shared", [])
    monkeypatch.setattr(module, "load_router", lambda *_a, **_k: calls.append(1) or talk.router)
    assert dialogue() is dialogue()
    assert len(calls) == 1
