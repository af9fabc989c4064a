"""Derive from the referential what Rasa must know of it: one intent per topic and act."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import Any

from rasa.shared.core.domain import Domain
from rasa.shared.importers.rasa import RasaFileImporter

from bot.base.paths import project_paths
from bot.rasa.quiet import hush_warnings
from bot.referential import load_referential

hush_warnings()
# A button alone names this intent: it has no example, on purpose.
warnings.filterwarnings("ignore", message="The intent 'choisir' is listed in the domain")
# The policy acts on the decision of the router: no rule names the intents of the referential.
warnings.filterwarnings("ignore", message="The intent '.*' is not used in any story or rule")


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

    @cached_property
    def _domain(self) -> Domain:
        written = super().get_domain()
        if written.is_empty():
            return written
        referential = load_referential(project_paths().referential)
        # Entities do not choose the action: leaving them out keeps the states of the rules small.
        intents: list[dict[str, Any]] = [{intent: {"use_entities": []}} for intent in (*referential.topics, *referential.acts)]
        return written.merge(Domain.from_dict({"intents": intents}))
