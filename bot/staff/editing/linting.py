"""What ``bot check`` would say of one draft topic or one phrase, at once: while a person types."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pydantic import ValidationError

from bot.base.errors import EditError
from bot.dialogue.wording import Card, Writer
from bot.language.cleaning import plain_words
from bot.language.readability import problems as readability_problems
from bot.learning.corpus import CARRIER_REPEATS, CARRIER_WORDS, MIN_EXAMPLES, MIN_STORIES_SHARE, STORY_WORDS
from bot.referential import Referential, Topic
from bot.routing.types import Destination
from bot.staff.candidates.review import Reader
from bot.staff.editing.corpus_editor import tidy_phrase
from bot.staff.nearness import CorpusIndex, Near

SAME, CLOSE = 0.8, 0.45
"""Share of the weight of words in common from which a phrase is the same as another, or close to it."""
LEADS = 0.6
"""Probability from which a text leads to a topic today."""
HESITATES = 0.25
"""Probability of another topic from which, below :data:`LEADS`, the model hesitates with it."""
KNOWN_SHARE = 0.3
"""Share of the texts of a new topic that lead to one other from which it may exist already."""
READ_AT_MOST = 40
CLOSE_SHARE = 0.25
"""Share of the phrases of a draft close to one other topic from which the two topics are too close."""


@dataclass(frozen=True)
class Remark:
    """One thing the linter says.

    Args:
        level: "erreur" (cannot be saved), "attention" (better change it) or "ok".
        field: of the form.
        text: French sentence.
        near: phrases that show why.
        topic: id of the topic to look at, or "".
    """

    level: str
    field: str
    text: str
    near: tuple[Near, ...] = ()
    topic: str = ""


def lint_phrase(index: CorpusIndex, phrase: str, topic: str = "") -> list[Remark]:
    """Return what is to be said of one phrase.

    Args:
        index: of the corpus.
        phrase: as typed.
        topic: it is for, "" for a new one.
    """
    try:
        tidy = tidy_phrase(phrase)
    except EditError as error:
        return [Remark("erreur", "phrases", str(error))]
    near = index.nearest(tidy, topic)
    if near and near.score >= SAME:
        text = f"« {_cut(tidy)} » est presque la même phrase que dans « {near.topic} »."
        return [Remark("attention", "phrases", text, (near,))]
    return []


def lint_phrases(index: CorpusIndex, phrases: Sequence[str], topic: str = "") -> list[Remark]:
    """Return what is to be said of the phrases of a draft: each, then all together."""
    remarks: list[Remark] = []
    tidy = []
    for number, phrase in enumerate(phrases, 1):
        found = lint_phrase(index, phrase, topic)
        remarks.extend(replace(each, text=f"Phrase {number} : {each.text}") for each in found)
        if not any(r.level == "erreur" for r in found):
            tidy.append(tidy_phrase(phrase))
    remarks.extend(_together(tidy))
    close: dict[str, list[Near]] = defaultdict(list)
    for phrase in tidy:
        near = index.nearest(phrase, topic)
        if near and near.score >= CLOSE:
            close[near.topic].append(near)
    for other, found_near in sorted(close.items(), key=lambda c: -len(c[1])):
        if len(found_near) >= max(2, CLOSE_SHARE * len(tidy)):
            shown = tuple(sorted(found_near, key=lambda n: -n.score)[:3])
            words = ", ".join(dict.fromkeys(w for n in shown for w in n.words[:2]))
            text = f"Trop proche du sujet « {other} » : {len(found_near)} phrases sur {len(tidy)} lui ressemblent (mots : {words})."
            remarks.append(Remark("attention", "phrases", text, shown))
    return remarks


def lint_topic(
    referential: Referential, index: CorpusIndex, topic: str, service: str, values: Mapping[str, Any], phrases: Sequence[str]
) -> list[Remark]:
    """Return what is to be said of a draft topic: its phrases, and its answer as the public will read it."""
    remarks = lint_phrases(index, phrases, topic)
    card = preview(referential, topic, service, values)
    if card is None:
        return remarks
    remarks.extend(Remark("attention", "premier_geste", f"Réponse : {p}.") for p in readability_problems(card.text))
    return remarks


def lint_known(referential: Referential, reader: Reader, label: str, phrases: Sequence[str]) -> list[Remark]:
    """Return the topics that a new one seems to repeat: those where its name and its phrases lead today.

    Args:
        referential: with the topics.
        reader: the live model.
        label: name of the new topic.
        phrases: its messages; the first :data:`READ_AT_MOST` are read.
    """
    texts = [text for text in (label, *phrases[:READ_AT_MOST]) if text.strip()]
    read = [max(row, key=row.__getitem__) if row and max(row.values()) >= LEADS else "" for row in reader(texts)]
    found = Counter(topic for topic in read if topic in referential.topics)
    return [
        Remark(
            "attention",
            "libelle",
            f"Ce sujet existe peut-être déjà : « {referential.topics[topic].libelle} ». {count} de vos {len(texts)} textes y "
            f"{'mènent' if count > 1 else 'mène'} aujourd'hui. Complétez-le plutôt, s'il dit la même chose.",
            topic=topic,
        )
        for topic, count in found.most_common(2)
        if count >= max(1, KNOWN_SHARE * len(texts))
    ]


def lint_doubts(referential: Referential, reader: Reader, index: CorpusIndex, phrases: Sequence[str]) -> list[Remark]:
    """Return the topics that the model hesitates with on the phrases of a new one, each beside what people say of that other topic.

    Args:
        referential: with the topics.
        reader: the live model.
        index: of the corpus.
        phrases: its messages; the first :data:`READ_AT_MOST` are read.
    """
    doubts: dict[str, list[str]] = defaultdict(list)
    texts = [phrase for phrase in phrases[:READ_AT_MOST] if phrase.strip()]
    for phrase, read in zip(texts, reader(texts), strict=True):
        other = max(read, key=read.__getitem__, default="")
        if other in referential.topics and HESITATES <= read[other] < LEADS:
            doubts[other].append(phrase)
    remarks = []
    for other, mine in sorted(doubts.items(), key=lambda pair: -len(pair[1]))[:2]:
        beside = tuple(near for phrase in mine if (near := index.nearest(phrase, "", other)))[:3]
        text = (
            f"L'assistant hésite avec « {referential.topics[other].libelle} » pour {len(mine)} de vos phrases. Ajoutez-en qui disent "
            "ce que l'autre sujet ne dit pas."
        )
        remarks.append(Remark("attention", "phrases", text, beside, other))
    return remarks


def preview(referential: Referential, topic: str, service: str, values: Mapping[str, Any]) -> Card | None:
    """Return the card of a draft topic as the public will see it; ``None`` while something needed is missing."""
    if service not in referential.services:
        return None
    kept = {k: v for k, v in values.items() if v not in (None, "", [], {})}
    try:
        draft = Topic(
            **{
                "source": "brouillon",
                "verifie_le": date(2000, 1, 1),
                "public": ("citoyen",),
                **kept,
                "id": topic or "brouillon",
                "service": service,
            }
        )
    except ValidationError:
        return None
    if draft.guichet and draft.guichet not in referential.entry_points:
        return None
    if any(a.service not in referential.services for a in draft.services_associes):
        return None
    with_draft = referential.copy(update={"topics": {**referential.topics, draft.id: draft}})
    dis = referential.services[service].delegation
    return Writer(with_draft).card(Destination(dis, service, draft.id, 1.0))


def _together(phrases: Sequence[str]) -> Iterable[Remark]:
    if len(phrases) < MIN_EXAMPLES:
        missing = MIN_EXAMPLES - len(phrases)
        yield Remark("attention", "phrases", f"Encore {missing} phrase{'s' if missing > 1 else ''} : il en faut {MIN_EXAMPLES} au moins.")
    stories = sum(len(p.split()) >= STORY_WORDS for p in phrases)
    wanted = math.ceil(MIN_STORIES_SHARE * max(len(phrases), MIN_EXAMPLES))
    if phrases and stories < wanted:
        more = f"Encore {wanted - stories} récit{'s' if wanted - stories > 1 else ''}"
        text = f"{more} : {wanted} phrases de {STORY_WORDS} mots ou plus, comme les gens racontent. Vous en avez {stories}."
        yield Remark("attention", "phrases", text)
    starts = Counter(" ".join(words[:CARRIER_WORDS]) for p in phrases if len(words := plain_words(p).split()) > CARRIER_WORDS)
    for start, count in starts.items():
        if count >= CARRIER_REPEATS:
            yield Remark("attention", "phrases", f"{count} phrases commencent par « {start} » : variez les tournures.")
    for phrase, count in Counter(plain_words(p) for p in phrases).items():
        if count > 1 and phrase:
            yield Remark("erreur", "phrases", f"« {_cut(phrase)} » est écrite {count} fois.")


def _cut(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
