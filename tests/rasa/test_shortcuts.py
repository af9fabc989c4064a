"""What our server does not do again gives what Rasa gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.modele

from rasa.engine.exceptions import GraphComponentException, GraphRunError  # noqa: E402
from rasa.engine.graph import ExecutionContext, GraphComponent, GraphSchema, SchemaNode  # noqa: E402
from rasa.engine.runner.dask import DaskGraphRunner  # noqa: E402
from rasa.engine.storage.local_model_storage import LocalModelStorage  # noqa: E402
from rasa.shared.core.domain import Domain  # noqa: E402
from rasa.shared.core.events import ActionExecuted, Event, SlotSet  # noqa: E402

from bot.rasa import shortcuts  # noqa: E402
from bot.rasa.shortcuts import read_domain  # noqa: E402

ODD = """
version: "3.1"
intents: [saluer, oui, "on", 'null', {fermer: {use_entities: []}}]
entities: [commune]
slots:
  heure: {type: text, initial_value: 12:30, influence_conversation: false, mappings: [{type: custom}]}
  rang: {type: float, initial_value: 1e3, min_value: 0.5, max_value: 2000, mappings: [{type: custom}]}
  actif: {type: bool, initial_value: True, mappings: [{type: custom}]}
  vide: {type: any, initial_value: null, mappings: [{type: custom}]}
responses:
  utter_oui:
  - text: "non"
  - text: |
      Deux lignes : « été »,
      puis 2026-11-26.
actions: [action_orienter]
session_config: {session_expiration_time: 45, carry_over_slots_to_new_session: true}
"""


@pytest.mark.parametrize("written", [ODD, (Path(__file__).resolve().parents[2] / "domain.yml").read_text(encoding="utf-8")])
def test_the_domain_is_read_as_rasa_reads_it(tmp_path: Path, written: str) -> None:
    file = tmp_path / "domain.yml"
    Domain.from_yaml(written).persist(file)
    ours, theirs = Domain.from_dict(read_domain(file)), Domain.from_path(tmp_path)
    assert ours.as_dict() == theirs.as_dict()
    assert ours.fingerprint() == theirs.fingerprint()


class Join(GraphComponent):
    """Names what it was given; « perdu » makes it fail."""

    @classmethod
    def create(cls, config: dict[str, Any], **_: Any) -> Join:
        return cls()

    def run(self, first: str, second: str = "") -> str:
        if "perdu" in first:
            raise RuntimeError(first)
        return f"({first}{second})"


def step(**needs: str) -> SchemaNode:
    return SchemaNode(needs=needs, uses=Join, fn="run", constructor_name="create", config={})


STEPS = {"b": step(first="a", second="given"), "a": step(first="given"), "c": step(first="b", second="a"), "aside": step(first="given")}


@pytest.fixture
def runners(tmp_path: Path) -> tuple[Any, Any]:
    """Rasa's way to run the steps of a graph, and ours."""
    schema = GraphSchema(STEPS)
    runner = DaskGraphRunner.create(schema, LocalModelStorage(tmp_path), ExecutionContext(schema))
    return runner.run, lambda *arguments: shortcuts._run_in_order(runner, *arguments)


@pytest.mark.parametrize("targets", [["c"], ["b", "aside"], ["a"]])
def test_steps_run_in_order_give_what_dask_gives(runners: tuple[Any, Any], targets: list[str]) -> None:
    rasa, ours = runners
    for given in ("x", "y"):
        assert ours({"given": given}, targets) == rasa({"given": given}, targets)


def test_a_step_that_fails_is_said_as_rasa_says_it(runners: tuple[Any, Any]) -> None:
    for run in runners:
        with pytest.raises(GraphComponentException):
            run({"given": "perdu"}, ["c"])


def test_a_missing_input_is_refused(runners: tuple[Any, Any]) -> None:
    for run in runners:
        with pytest.raises(GraphRunError, match="Missing input"):
            run({}, ["a"])


def test_events_are_found_by_name_as_rasa_finds_them() -> None:
    for _ in range(2):
        assert shortcuts._event_of_type("slot") is SlotSet
        assert shortcuts._event_of_type("action") is ActionExecuted
        assert shortcuts._event_of_type("nexiste_pas", SlotSet) is SlotSet
        with pytest.raises(ValueError, match="Unknown event"):
            shortcuts._event_of_type("nexiste_pas")
    assert shortcuts._event_of_type("user") is shortcuts._RESOLVE_OF_RASA("user") is not Event
