"""Rasa's ``RulePolicy``, made fast for hundreds of rules: one per topic, where Rasa tries them all three times a turn."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class IndexedRulePolicy(RulePolicy):
    """Same predictions as ``RulePolicy``: only the rules that end on another intent are put aside first."""

    _index: tuple[dict[str, str], dict[str | None, list[str]]] | None = None

    def _get_possible_keys(self, lookup: dict[str, str], states: list[Any]) -> set[str]:
        by_intent = self._by_intent(lookup)
        intent = states[-1].get("user", {}).get("intent") if states else None
        keys = [*by_intent.get(None, ()), *(by_intent.get(intent, ()) if intent else ())]
        found: set[str] = super()._get_possible_keys({key: lookup[key] for key in keys}, states)
        return found

    def _by_intent(self, lookup: dict[str, str]) -> dict[str | None, list[str]]:
        """Return the rules by the intent of their last state, read again when the rules are others."""
        if self._index is None or self._index[0] is not lookup:
            found: dict[str | None, list[str]] = defaultdict(list)
            for key in lookup:
                found[json.loads(key)[-1].get("user", {}).get("intent")].append(key)
            self._index = (lookup, dict(found))
        return self._index[1]
