"""Derive from the referential what Rasa must know of it: one intent per topic and act, one rule per intent.

``triggers:`` of the domain died with Rasa 2 (``rasa data validate`` refuses it): rules say the same thing today.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from rasa.shared.core.domain import Domain
from rasa.shared.core.training_data.story_reader.yaml_story_reader import YAMLStoryReader
from rasa.shared.core.training_data.structures import StoryGraph
from rasa.shared.importers.rasa import RasaFileImporter

from bot.base.paths import project_paths
from bot.rasa.quiet import hush_warnings
from bot.referential import load_referential

hush_warnings()
# The router sets these intents: they have no example, on purpose.
warnings.filterwarnings("ignore", message="The intent '(urgence|clarifier|plusieurs_demandes|choisir)' is listed in the domain")

TOPIC_ACTION = "action_orienter"
ACT_ACTION = "action_converser"


class ReferentialImporter(RasaFileImporter):
    """Rasa's own importer of files, completed by the referential of the project.

    Args:
        config_file: path of ``config.yml``.
        domain_path: path of ``domain.yml``; without one the domain stays empty, as with Rasa's importer.
        training_data_paths: files or folders of messages, rules and stories.

    Raises:
        ReferentialError: when the domain or the rules are read and the referential has mistakes.
    """

    def get_domain(self) -> Domain:
        """Return ``domain.yml`` and one intent per topic and act."""
        return self._domain

    def get_stories(self, exclusion_percentage: int | None = None) -> StoryGraph:
        """Return the rules and stories of the files, and one rule per topic and act."""
        graph = super().get_stories(exclusion_percentage)
        if self._domain.is_empty():
            return graph
        return graph.merge(StoryGraph(self._derived_steps))

    @cached_property
    def _triggers(self) -> dict[str, str]:
        referential = load_referential(project_paths().referential)
        return {
            **dict.fromkeys(referential.topics, TOPIC_ACTION),
            **dict.fromkeys(referential.acts, ACT_ACTION),
        }

    @cached_property
    def _domain(self) -> Domain:
        written = super().get_domain()
        if written.is_empty():
            return written
        # Entities do not choose the action: leaving them out keeps the rules small.
        intents: list[dict[str, Any]] = [{intent: {"use_entities": []}} for intent in self._triggers]
        return written.merge(Domain.from_dict({"intents": intents}))

    @cached_property
    def _derived_steps(self) -> list[Any]:
        reader = YAMLStoryReader(self._domain)
        reader.read_from_parsed_yaml({"version": "3.1", "rules": list(_rules(self._triggers))})
        return list(reader.get_steps())


def _rules(triggers: dict[str, str]) -> Iterator[dict[str, Any]]:
    for intent, action in triggers.items():
        yield {"rule": f"référentiel : {intent}", "steps": [{"intent": intent}, {"action": action}]}
