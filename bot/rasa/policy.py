"""What the router decided chooses the action; Rasa's own ``RulePolicy`` keeps the rules written by hand."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from rasa.core.policies.policy import Policy, PolicyPrediction
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker

from bot.base.paths import project_paths
from bot.learning.loading import load_router
from bot.routing.router import Router
from bot.routing.types import DecisionKind
from bot.routing.wire import ROUTING

ACTIONS = {
    DecisionKind.ORIENTER: "action_orienter",
    DecisionKind.HORS_PERIMETRE: "action_orienter",
    DecisionKind.CLARIFIER: "action_clarifier",
    DecisionKind.URGENCE: "action_urgence",
    DecisionKind.CONVERSATION: "action_converser",
    DecisionKind.HORS_SUJET: "action_converser",
    DecisionKind.INCOMPRIS: "action_incompris",
}


def decided_action(tracker: DialogueStateTracker) -> str | None:
    """Return the action that comes after a message that was routed, then to listen; ``None`` in any other case."""
    if tracker.latest_action_name in ACTIONS.values():
        return str(ACTION_LISTEN_NAME)
    if tracker.latest_action_name != ACTION_LISTEN_NAME or tracker.latest_message is None:
        return None
    routing = tracker.latest_message.parse_data.get(ROUTING)
    return ACTIONS[DecisionKind(routing["decision"])] if routing is not None else None


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=False)
class DecisionPolicy(Policy):
    """Predicts the action of :data:`ACTIONS` after a message that was routed, then to listen; leaves the rest to the other policies.

    A rule on intents could not say this: the intent is what was read, the decision also weighs danger, doubt and other requests.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the defaults: before the rules, whose priority is 6."""
        return {"priority": 7, "max_history": 1}

    def train(self, training_trackers: list[Any], domain: Domain, **_: Any) -> Resource:
        """Learn nothing."""
        return self._resource

    def predict_action_probabilities(
        self, tracker: DialogueStateTracker, domain: Domain, rule_only_data: dict[str, Any] | None = None, **_: Any
    ) -> PolicyPrediction:
        """Return all on one action, or nothing on any."""
        action = self._action(tracker)
        probabilities = [0.0] * domain.num_actions
        if action is not None:
            probabilities[domain.index_for_action(action)] = 1.0
        return self._prediction(probabilities)

    def _action(self, tracker: DialogueStateTracker) -> str | None:
        if (decided := decided_action(tracker)) is not None:
            return decided
        message = tracker.latest_message
        if tracker.latest_action_name != ACTION_LISTEN_NAME or message is None:
            return None
        if message.text and not message.text.startswith("/"):  # in « rasa test », a message comes without what was read of it
            return ACTIONS[self._router.route(message.text, tracker.get_slot("profil")).decision]
        return None

    @cached_property
    def _router(self) -> Router:
        return load_router(project_paths())
