"""The facts of a topic, ready to say: each with where it comes from and its day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from bot.referential import Audience, Topic
from bot.referential.ages import facts_date
from bot.referential.doors import exact_link
from bot.referential.hours import french_date

NAMES = {
    "cout": "Prix",
    "delai": "Délai",
    "rendez_vous": "Rendez-vous",
    "comment": "Comment faire",
    "qui": "Qui peut le faire",
    "recours": "En cas de refus",
    "formulaire": "Formulaire",
}
"""Kinds of fact, by the name a person reads."""
ASKED = {"cout": "le prix", "delai": "le délai", "pieces": "les papiers"}
"""What a person asks first of any procedure: what is not known is said."""
CHANGING = frozenset({"cout", "delai"})
"""Facts that are said « à confirmer » as long as nobody checked what the sheet says."""


@dataclass(frozen=True)
class Origin:
    """Where facts come from.

    Args:
        source: of the sheet, or the topic's own.
        day: of the sheet or, when ``checked``, of the last check by a person.
        sheet: number of the official sheet, empty when there is none.
        url: of the sheet, empty when there is none.
        checked: whether a person checked them since the sheet.
    """

    source: str
    day: date
    sheet: str = ""
    url: str = ""
    checked: bool = True

    @property
    def text(self) -> str:
        """Such as « fiche officielle F1342 du 21 juillet 2020 » or « vérifié le 3 mars 2027 »."""
        if self.checked:
            return f"vérifié le {french_date(self.day)}"
        return f"fiche officielle {self.sheet} du {french_date(self.day)}"


@dataclass(frozen=True)
class Fact:
    """One fact of a card.

    Args:
        kind: "formulaire" or one of :data:`bot.referential.models.FACT_KINDS`.
        text: plain sentences; for a form, its name and number.
        origin: source and day.
        url: of the form, empty for a sentence.
    """

    kind: str
    text: str
    origin: Origin
    url: str = ""

    @property
    def name(self) -> str:
        """What a person reads before it."""
        return NAMES[self.kind]

    @property
    def to_confirm(self) -> bool:
        """Whether it may have changed since the sheet was written."""
        return self.kind in CHANGING and not self.origin.checked

    @property
    def named_text(self) -> str:
        """The text as it reads after the name: « En cas de refus, écrivez… » does not say it again."""
        text = self.text.removeprefix(f"{self.name}, ")
        return text[:1].upper() + text[1:]

    @property
    def line(self) -> str:
        """The fact on one line of plain text, without its origin."""
        return f"{self.name} : {self.named_text}{f' : {self.url}' if self.url else ''}"


def origin_of(topic: Topic) -> Origin:
    """Return where the facts of a topic come from."""
    day, sheet = facts_date(topic), topic.fiche
    if sheet is None:
        return Origin(topic.source, day)
    source = f"Service-Public.gouv.fr, fiche {sheet.numero} « {sheet.titre} » du {french_date(sheet.date)}"
    return Origin(source, day, sheet.numero, sheet.url, topic.faits.verifie_le is not None)


def papers_origin(topic: Topic, partner: bool) -> Origin:
    """Return where the list of papers comes from; a partner's own list is never the sheet's."""
    own = partner or topic.fiche is None or not topic.fiche.papiers
    return Origin(topic.source, topic.verifie_le) if own else origin_of(topic)


def link_origin(topic: Topic) -> Origin | None:
    """Return where the link of a topic was read: its own source, else the sheet's for a page of that site, else the topic's."""
    link = topic.lien
    if link is None:
        return None
    if link.source and link.date:
        return Origin(link.source, link.date, checked=False)
    read = topic.fiche is not None and urlsplit(link.url).hostname == urlsplit(topic.fiche.url).hostname
    return origin_of(topic) if read else Origin(topic.source, topic.verifie_le)


def unknown_of(topic: Topic, papers: Collection[str]) -> str:
    """Return what nobody knows yet of a topic, as sentences: its page, its price, its delay, its papers; of agents' own matters, its page.

    Args:
        topic: the topic.
        papers: the list that is shown.
    """
    said = [topic.sans_page] if topic.sans_page and not exact_link(topic) else []
    known = {**topic.faits.said(), "pieces": papers}
    missing = [name for kind, name in ASKED.items() if not known.get(kind)]
    if missing and topic.public != (Audience.AGENT,):
        said.append(f"On ne sait pas encore : {', '.join(missing)}. Demandez-le à ce guichet.")
    return " ".join(said)


def facts_of(topic: Topic) -> tuple[Fact, ...]:
    """Return what is known of a topic, the price first and the form last."""
    origin, form = origin_of(topic), topic.faits.formulaire
    facts = [Fact(kind, text, origin) for kind, text in topic.faits.said().items()]
    if form is not None:
        facts.append(Fact("formulaire", f"{form.libelle}{f' ({form.numero})' if form.numero else ''}", origin, form.url))
    return tuple(facts)


def with_origin(fact: Fact) -> str:
    """Return a fact followed, on a line of its own, by where it comes from."""
    start = "Fait " if fact.origin.checked else "D'après la "
    return f"{fact.text}\n{start}{fact.origin.text}{', à confirmer' if fact.to_confirm else ''}."
