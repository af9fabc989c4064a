"""Leave out what Rasa does again, in our own server: the answers are the same.

Every archive served there was made by our own training and its SHA-256 is checked before Rasa opens it; the actions run in
the process. Rasa's own commands do not go through here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, ClassVar

import yaml
from rasa.core.actions.action import RemoteAction
from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import RulePolicy
from rasa.core.processor import MessageProcessor
from rasa.engine.exceptions import GraphRunError
from rasa.engine.graph import ExecutionContext
from rasa.engine.runner.dask import DaskGraphRunner
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.graph_components.providers.domain_provider import DomainProvider
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import Event
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig
from ruamel.yaml.resolver import implicit_resolvers

from bot.rasa.policy import decided_action

DOMAIN_FILE = "domain.yml"
"""Name of the domain in an archive."""


class TrustedEndpoint(EndpointConfig):
    """Actions run by an executor of this process, which has already checked the events they return."""


def take_shortcuts() -> None:
    """Take them all, for the whole process; once is enough.

    - Rasa's check of what an action returned costs most of a turn: left out for a :class:`TrustedEndpoint` only.
    - Rasa reads the domain four times, slowly, and checks it against a schema: it was checked when the archive was made.
    - Three times a turn, Rasa has dask plan the same five steps, and writes all that goes in for a log nobody reads: they
      run in an order found once.
    - Rasa matches its rules twice a turn even when :class:`~bot.rasa.policy.DecisionPolicy`, which comes before, is certain.
    - Rasa makes an empty domain each turn to learn whether ours is one, and to warn of labels that the domain does not know.
    - Rasa goes through every class of event for each event that an action returns: they are found by name.
    """
    RemoteAction._validate_action_result = _check_unless_trusted
    DomainProvider.load = classmethod(_load_checked_domain)
    DaskGraphRunner.run = _run_in_order
    Event.resolve_by_type = staticmethod(_event_of_type)
    RulePolicy.predict_action_probabilities = _unless_decided
    MessageProcessor._check_for_unseen_features = _nothing_to_warn_of


def _check_unless_trusted(action: RemoteAction, result: dict[str, Any]) -> bool:
    return isinstance(action.action_endpoint, TrustedEndpoint) or _CHECK_OF_RASA(action, result)


def _unless_decided(policy: RulePolicy, tracker: DialogueStateTracker, domain: Domain, *args: Any, **named: Any) -> PolicyPrediction:
    if decided_action(tracker) is not None:
        return policy._prediction(policy._default_predictions(domain))
    return _RULES_OF_RASA(policy, tracker, domain, *args, **named)


def _nothing_to_warn_of(_processor: MessageProcessor, _parsed: Mapping[str, Any]) -> None:
    """The labels and the domain are of one training."""


def _load_checked_domain(
    cls: type[DomainProvider],
    /,
    config: dict[str, Any],
    model_storage: ModelStorage,
    resource: Resource,
    execution_context: ExecutionContext,
    **_: Any,
) -> DomainProvider:
    with model_storage.read_from(resource) as folder:
        return cls(model_storage, resource, Domain.from_dict(read_domain(Path(folder) / DOMAIN_FILE)))


def _run_in_order(runner: DaskGraphRunner, inputs: Mapping[str, Any] | None = None, targets: Sequence[str] | None = None) -> dict[str, Any]:
    """Run the steps that ``targets`` need, one after the other; see :meth:`rasa.engine.runner.interface.GraphRunner.run`."""
    wanted = tuple(targets or runner._graph_schema.target_names)
    orders = runner.__dict__.setdefault("_orders", {})
    if wanted not in orders:
        needs = {name: tuple(node.needs.values()) for name, node in runner._graph_schema.minimal_graph_schema(list(wanted)).nodes.items()}
        orders[wanted] = [(name, needs[name]) for name in TopologicalSorter(needs).static_order() if name in needs]
    done: dict[str, Any] = {name: (name, value) for name, value in (inputs or {}).items()}
    try:
        for name, needed in orders[wanted]:
            done[name] = runner._instantiated_nodes[name](*(done.get(need, need) for need in needed))
    except RuntimeError as error:
        raise GraphRunError("Error running runner.") from error
    return dict(done[name] for name in wanted)


def _event_of_type(type_name: str, default: type[Event] | None = None) -> type[Event] | None:
    found = _EVENTS.get(type_name)
    if found is None:
        found = _RESOLVE_OF_RASA(type_name, default)
        if found is not None and found is not default:
            _EVENTS[type_name] = found
    return found


def read_domain(path: Path) -> dict[str, Any]:
    """Return the domain that Rasa wrote, as it would read it, many times faster."""
    return dict(yaml.load(path.read_text(encoding="utf-8"), _Loader))


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """libyaml with the words of YAML 1.2, which Rasa writes: « on », « no » or « 12:30 » are texts there."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}


for _versions, _tag, _form, _first_letters in implicit_resolvers:
    if (1, 2) in _versions:
        _Loader.add_implicit_resolver(_tag, _form, _first_letters)

_CHECK_OF_RASA = RemoteAction._validate_action_result
_RESOLVE_OF_RASA = Event.resolve_by_type
_RULES_OF_RASA = RulePolicy.predict_action_probabilities
_EVENTS: dict[str, type[Event]] = {}
