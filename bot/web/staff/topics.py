"""Find a topic by what staff type: its label, its service, its id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.language.cleaning import clean
from bot.referential import Referential

MAX_FOUND = 20


@dataclass(frozen=True)
class TopicChoice:
    """One topic, as a list shows it.

    Args:
        id: of the topic.
        label: plain label.
        service: plain name of its service.
    """

    id: str
    label: str
    service: str


def choices_of(referential: Referential) -> Mapping[str, TopicChoice]:
    """Return every topic by id, in order of label."""
    rows = [TopicChoice(topic.id, topic.libelle, referential.services[topic.service].nom_clair) for topic in referential.topics.values()]
    return {row.id: row for row in sorted(rows, key=lambda row: clean(row.label).plain)}


def search(choices: Mapping[str, TopicChoice], words: str) -> Sequence[TopicChoice]:
    """Return the topics that hold every word (accents and capitals aside), those whose label starts with the words first."""
    asked = clean(words).plain.split()
    if not asked:
        return []
    found = []
    for row in choices.values():
        text = clean(f"{row.label} {row.service} {row.id.replace('_', ' ')}").plain
        if all(word in text for word in asked):
            found.append((not clean(row.label).plain.startswith(" ".join(asked)), row))
    return [row for _, row in sorted(found, key=lambda pair: pair[0])][:MAX_FOUND]


def resolve(choices: Mapping[str, TopicChoice], typed: str) -> str:
    """Return the id of the topic typed or picked by its label, or what was typed when it is none."""
    wanted = clean(typed).plain
    by_label = next((row.id for row in choices.values() if clean(row.label).plain == wanted), None)
    return by_label or typed.strip()
