"""The policy: the decision of the router chooses the action, and nothing else is its business."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.modele

from rasa.engine.graph import ExecutionContext, GraphSchema  # noqa: E402
from rasa.engine.storage.local_model_storage import LocalModelStorage  # noqa: E402
from rasa.engine.storage.resource import Resource  # noqa: E402
from rasa.shared.core.domain import Domain  # noqa: E402
from rasa.shared.core.events import ActionExecuted, UserUttered  # noqa: E402
from rasa.shared.core.trackers import DialogueStateTracker  # noqa: E402

from bot.rasa import shortcuts  # noqa: E402
from bot.rasa.policy import ACTIONS, DecisionPolicy  # noqa: E402
from bot.routing.types import DecisionKind  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def domain() -> Domain:
    return Domain.load(str(ROOT / "domain.yml"))


@pytest.fixture
def policy(tmp_path: Path) -> DecisionPolicy:
    context = ExecutionContext(GraphSchema({}), "m")
    return DecisionPolicy.create(DecisionPolicy.get_default_config(), LocalModelStorage(tmp_path), Resource("x"), context)


def predicted(policy: DecisionPolicy, domain: Domain, *events: Any) -> str | None:
    tracker = DialogueStateTracker.from_events("c", [ActionExecuted("action_listen"), *events], slots=domain.slots)
    prediction = policy.predict_action_probabilities(tracker, domain)
    if not any(prediction.probabilities):
        return None
    return domain.action_names_or_texts[prediction.probabilities.index(max(prediction.probabilities))]


@pytest.mark.parametrize("kind", DecisionKind)
def test_every_decision_has_an_action_of_the_domain_then_the_person_is_listened_to(
    policy: DecisionPolicy, domain: Domain, kind: DecisionKind
) -> None:
    said = UserUttered("x", {"name": "passeport"}, parse_data={"routing": {"decision": kind.value}})
    assert predicted(policy, domain, said) == ACTIONS[kind]
    assert predicted(policy, domain, said, ActionExecuted(ACTIONS[kind])) == "action_listen"


def test_a_button_and_an_empty_message_are_left_to_the_rules(policy: DecisionPolicy, domain: Domain) -> None:
    assert predicted(policy, domain, UserUttered('/choisir{"choix": "passeport"}', {"name": "choisir"})) is None
    assert predicted(policy, domain, UserUttered("", {"name": "choisir"})) is None


def test_rules_are_matched_only_where_nothing_was_decided(monkeypatch: pytest.MonkeyPatch, domain: Domain) -> None:
    asked: list[str] = []
    monkeypatch.setattr(shortcuts, "_RULES_OF_RASA", lambda *_args, **_named: asked.append("rules"))
    rules: Any = SimpleNamespace(_prediction=lambda found: found, _default_predictions=lambda _domain: [0.0])

    def predict(*events: Any) -> Any:
        tracker = DialogueStateTracker.from_events("c", [ActionExecuted("action_listen"), *events], slots=domain.slots)
        return shortcuts._unless_decided(rules, tracker, domain, rule_only_data={})

    said = UserUttered("x", {"name": "passeport"}, parse_data={"routing": {"decision": "orienter"}})
    assert predict(said) == [0.0]
    assert predict(said, ActionExecuted("action_orienter")) == [0.0]
    assert asked == []
    predict(UserUttered("", {"name": "choisir"}))
    assert asked == ["rules"]
