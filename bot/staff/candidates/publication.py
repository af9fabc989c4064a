"""What is to be said against a draft before the public sees it: the rules of « bot check », then a review of its edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.base.errors import EditError, ModelError
from bot.base.paths import ProjectPaths
from bot.dialogue.wording import Writer
from bot.learning.loading import shared_model, shared_referential
from bot.measure.checks import answer_problems
from bot.referential import Referential
from bot.routing.types import Destination
from bot.staff.candidates.candidate import reviewer_of
from bot.staff.candidates.review import books_of


@dataclass(frozen=True)
class CardChange:
    """What the public reads of one topic, before and after; "" when it has no answer.

    Args:
        name: of the topic.
        before, after: the words of its card.
    """

    name: str
    before: str
    after: str


def objections(live: ProjectPaths, draft: ProjectPaths) -> Sequence[str]:
    """Return what asks for a written reason and an administrator.

    Raises:
        EditError: the draft breaks a rule that nobody may break; says which, in plain words.
    """
    now, wanted = shared_referential(live.referential), shared_referential(draft.referential)
    broken = [p.message for p in answer_problems(wanted)]
    if broken:
        known = {p.message for p in answer_problems(now)}
        broken = [message for message in broken if message not in known]
    try:
        model = shared_model(live.router_model).model
    except ModelError:  # nothing answers yet: there is nothing to hold the phrases against
        model = None
    reviewer, before, after = reviewer_of(live, model, wanted, now), books_of(live, now), books_of(draft, wanted)
    broken += reviewer.broken(before, after)
    if broken:
        raise EditError("\n".join(["Ce brouillon ne peut pas être publié :", *broken]))
    return reviewer.review(before, after)


def card_changes(live: ProjectPaths, draft: ProjectPaths) -> Sequence[CardChange]:
    """Return the cards that the draft changes."""
    now, wanted = shared_referential(live.referential), shared_referential(draft.referential)
    found = []
    for topic in dict.fromkeys([*now.topics, *wanted.topics]):
        before, after = _card(now, topic), _card(wanted, topic)
        if before != after:
            found.append(CardChange((wanted.topics.get(topic) or now.topics[topic]).libelle, before, after))
    return found


def _card(referential: Referential, topic: str) -> str:
    if topic not in referential.topics:
        return ""
    service = referential.service_of(topic)
    return Writer(referential).card(Destination(service.delegation, service.id, topic, 1.0)).text
