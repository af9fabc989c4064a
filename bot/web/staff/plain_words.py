"""Say to staff what the files say to developers: names instead of ids; no path, line number, command nor digest."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.referential import Referential

_PLACE = re.compile(r"(?:[\w.-]+/)*[\w-]+\.(?:ya?ml|jsonl|csv)(?::\d+)?(?:\s:\s)?")
_COMMAND = re.compile(r"[^.!?:]*«[\s\u00a0]bot [^»]*»[^.!?]*[.!?]?")
"""The sentence that sends to a command."""
_DIGEST = re.compile(
    r"[\s\u00a0](?:«[\s\u00a0])?\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{12,64}\b(?:[\s\u00a0]»)?"
    r"|[\s\u00a0]\([^)]*(?:empreinte|Error\b)[^)]*\)"
)
_NAMED = re.compile(r"«[\s\u00a0]([a-z][a-z0-9_]+)[\s\u00a0]»")


def names_of(referential: Referential) -> dict[str, str]:
    """Return the name that staff read for each id."""
    found = {s.id: s.libelle for s in referential.emergency_situations.values()}
    found |= {act.id: act.libelle for act in referential.acts.values()}
    found |= {d.id: d.nom_clair for d in referential.delegations.values()} | {s.id: s.nom_clair for s in referential.services.values()}
    return found | {d.id: d.nom for d in referential.entry_points.values()} | {t.id: t.libelle for t in referential.topics.values()}


def in_plain_words(sentence: str, names: Mapping[str, str]) -> str:
    """Return a sentence with the names of what it quotes by its id, and without what only a developer can use.

    Args:
        sentence: in French.
        names: id → name.
    """
    kept = _DIGEST.sub("", _COMMAND.sub("", _PLACE.sub("", sentence)))
    return _NAMED.sub(lambda found: f"« {names.get(found[1], found[1])} »", kept or sentence).strip()
