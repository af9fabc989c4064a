"""Leave out what Rasa does again, in our own server: the answers are the same.

Every archive served there was made by our own training and its SHA-256 is checked before Rasa opens it; the actions run in
the process. Rasa's own commands do not go through here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import yaml
from rasa.core.actions.action import RemoteAction
from rasa.graph_components.providers.domain_provider import DomainProvider
from rasa.shared.core.domain import Domain
from rasa.utils.endpoints import EndpointConfig
from ruamel.yaml.resolver import implicit_resolvers

DOMAIN_FILE = "domain.yml"
"""Name of the domain in an archive."""


class TrustedEndpoint(EndpointConfig):
    """Actions run by an executor of this process, which has already checked the events they return."""


def take_shortcuts() -> None:
    """Take them all, for the whole process; once is enough.

    - Rasa's check of what an action returned costs most of a turn: left out for a :class:`TrustedEndpoint` only.
    - Rasa reads the domain four times, slowly, and checks it against a schema: it was checked when the archive was made.
    """
    RemoteAction._validate_action_result = _check_unless_trusted
    DomainProvider.load = classmethod(_load_checked_domain)


def _check_unless_trusted(action: RemoteAction, result: dict[str, Any]) -> bool:
    return isinstance(action.action_endpoint, TrustedEndpoint) or _CHECK_OF_RASA(action, result)


def _load_checked_domain(
    provider: type[DomainProvider], config: dict[str, Any], model_storage: Any, resource: Any, execution_context: Any, **_: Any
) -> DomainProvider:
    with model_storage.read_from(resource) as folder:
        return provider(model_storage, resource, Domain.from_dict(read_domain(Path(folder) / DOMAIN_FILE)))


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
