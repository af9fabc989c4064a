"""The public object of an orientation: the decision of ``docs/guide-partenaires.md``, with its cards and its words.

The API, the CSV lists and whoever calls the assistant from a program share it. Nothing is kept from one request to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bot.base.errors import BadMessage
from bot.dialogue.facts import Fact, Origin
from bot.dialogue.wording import Card, Contact, Reply
from bot.referential import Referential
from bot.referential.communes import Commune, Gazetteer
from bot.referential.directory import Nearby
from bot.routing.types import DecisionKind, Destination, RoutingDecision

if TYPE_CHECKING:  # the router loads numerical libraries: not before it is used
    from bot.dialogue.dialogue import Dialogue

MAX_SHOWN = 60


@dataclass(frozen=True)
class Request:
    """One message to orient.

    Args:
        text: what was written; any string.
        profile: "citoyen", "partenaire", "agent", or ``None`` when unknown.
        commune: name or Insee code of the place concerned, "" when unknown; it wins over one named in the text.
        identifier: of the caller, given back as it is.
    """

    text: str
    profile: str | None = None
    commune: str = ""
    identifier: Any = None


@dataclass(frozen=True)
class Orientation:
    """A request answered: the decision, and the words for it."""

    request: Request
    decision: RoutingDecision
    reply: Reply

    def as_json(self, referential: Referential | None) -> dict[str, Any]:
        """Return the public object; without the referential, no card."""
        row = self.decision.as_json(self.request.identifier, self.request.text)
        return {
            **row,
            "acte": self.decision.acte,
            "profil": self.request.profile,
            "cartes": [
                card_as_json(card, destination, referential)
                for card, destination in zip(self.reply.cards, self.decision.destinations, strict=False)
                if referential is not None
            ],
            "choix": [{"id": c.id, "libelle": c.label} for c in self.reply.choices],
            "appels": [{"numero": c.number, "nom": c.name} for c in self.reply.calls],
            "consigne": self.reply.instruction,
            "invitation": self.reply.invitation,
            "reponse": self.reply.as_text(),
        }


def resolve_commune(gazetteer: Gazetteer, given: str) -> Commune | None:
    """Return the place a caller names, or ``None`` when nothing is given.

    Args:
        gazetteer: the communes.
        given: a name (accents, hyphens and case aside) or an Insee code.

    Raises:
        BadMessage: unknown; the sentence says what to send, and a close name when there is one.
    """
    if not given.strip():
        return None
    found = gazetteer.by_code(given) or gazetteer.lookup(given)
    if found is not None:
        return found
    close = gazetteer.close_to(given)
    hint = f" Vouliez-vous dire « {close.nom} » ({close.code_insee}) ?" if close else ""
    shown = given.strip()[:MAX_SHOWN]
    raise BadMessage(f"Je ne connais pas la commune « {shown} ».{hint} Donnez son nom entier ou son code Insee, par exemple 46102.")


def orient_many(dialogue: Dialogue, requests: Sequence[Request]) -> list[Orientation | BadMessage]:
    """Orient several requests at once, in order; one that cannot be handled gives its error and stops nothing.

    Args:
        dialogue: with the router.
        requests: a few tens at most, so that nobody waits long behind them.
    """
    answers: dict[int, Orientation | BadMessage] = {}
    places: dict[int, Commune | None] = {}
    profiles: dict[str | None, list[int]] = {}
    for index, request in enumerate(requests):
        try:
            places[index] = resolve_commune(dialogue.router.gazetteer, request.commune)
        except BadMessage as error:
            if dialogue.router.detector.detect(request.text) is None:
                answers[index] = error
                continue
            places[index] = None  # an emergency is answered whatever else is wrong
        profiles.setdefault(request.profile, []).append(index)
    for profile, indices in profiles.items():
        decisions = dialogue.router.route_many([requests[i].text for i in indices], profile)
        for i, decision in zip(indices, decisions, strict=True):
            answers[i] = _orientation(dialogue, requests[i], decision, places[i])
    return [answers[i] for i in range(len(requests))]


def _orientation(dialogue: Dialogue, request: Request, decision: RoutingDecision, place: Commune | None) -> Orientation:
    from bot.dialogue.dialogue import ConversationState
    from bot.routing.router import commune_as_json

    if place is not None:
        decision = replace(decision, commune=commune_as_json(place))
    state = ConversationState(profile=request.profile)
    if decision.decision is DecisionKind.INCOMPRIS:  # the dialogue knows more ways to say so: other languages, nothing written
        turn = dialogue.reply(request.text, state)
        if turn.decision is None or turn.decision.decision is DecisionKind.INCOMPRIS:
            return Orientation(request, decision, turn.reply)
    return Orientation(request, decision, dialogue.answer(decision, request.text, state).reply)


def card_as_json(card: Card, destination: Destination, referential: Referential) -> dict[str, Any]:
    """Return the public form of one door."""
    topic = referential.topics.get(destination.sujet or "")
    return {
        "dis": destination.dis,
        "service": destination.service,
        "sujet": destination.sujet,
        "nom_delegation": card.delegation,
        "nom_service": card.service,
        "libelle": card.topic,
        "premier_geste": card.step,
        "phrases": list(card.sentences),
        "a_apporter": list(card.bring),
        "services_associes": associated_as_json(referential, destination.sujet),
        "lien": {"libelle": card.link[0], "url": card.link[1]} if card.link else None,
        "origine_lien": origin_as_json(card.link_origin) if card.link_origin else None,
        "faits": [fact_as_json(fact) for fact in card.facts],
        "inconnu": card.unknown,
        "origine": origin_as_json(card.origin) if card.origin else None,
        "origine_pieces": origin_as_json(card.bring_origin) if card.bring_origin and card.bring else None,
        "contact": contact_as_json(card.contact),
        "entree_unique": contact_as_json(card.behind) if card.behind else None,
        "contact_service": contact_as_json(card.partner_contact) if card.partner_contact else None,
        "nom_actuel": card.today,
        "pourquoi": card.because,
        "a_confirmer": card.contact.to_confirm,
        "a_valider": card.to_validate,
        "source": topic.source if topic else None,
        "verifie_le": topic.verifie_le.isoformat() if topic else None,
    }


def fact_as_json(fact: Fact) -> dict[str, Any]:
    """Return the public form of one fact, with its own source and day."""
    return {
        "genre": fact.kind,
        "nom": fact.name,
        "texte": fact.text,
        "url": fact.url or None,
        "a_confirmer": fact.to_confirm,
        **origin_as_json(fact.origin),
    }


def origin_as_json(origin: Origin) -> dict[str, Any]:
    """Return where facts come from; ``verifie`` when a person checked them at that date."""
    return {
        "source": origin.source,
        "date": origin.day.isoformat(),
        "fiche": origin.sheet or None,
        "fiche_url": origin.url or None,
        "verifie": origin.checked,
    }


def associated_as_json(referential: Referential, topic_id: str | None) -> list[dict[str, str]]:
    """Return the services that are also concerned by a topic, and why."""
    topic = referential.topics.get(topic_id or "")
    return [
        {"service": a.service, "nom": referential.services[a.service].nom_clair, "raison": a.raison}
        for a in (topic.services_associes if topic else ())
    ]


def contact_as_json(contact: Contact) -> dict[str, Any]:
    """Return the public form of a desk; what is unknown is empty."""
    return {
        "nom": contact.name,
        "adresse": list(contact.address),
        "telephones": list(contact.phones),
        "courriels": list(contact.emails),
        "formulaires": list(contact.forms),
        "sites": [{"libelle": label, "url": url} for label, url in contact.websites],
        "horaires": contact.hours,
        "fermetures": [{"du": c.du.isoformat(), "au": c.au.isoformat(), "motif": c.motif, "source": c.source} for c in contact.closures],
        "a_confirmer": contact.to_confirm,
        "lieu": place_as_json(contact.nearby) if contact.nearby else None,
        "aussi": list(contact.also),
        "source": contact.stated[0] or None,
        "date": contact.stated[1] or None,
    }


def place_as_json(nearby: Nearby) -> dict[str, Any]:
    """Return the public form of a place of the directory: where it is, and who says so since when."""
    place = nearby.place
    latitude, longitude = place.position or (None, None)
    return {
        "id": place.id,
        "code_insee": place.code_insee,
        "latitude": latitude,
        "longitude": longitude,
        "distance_km": None if nearby.km is None else round(nearby.km, 1),
        "source": place.source,
        "date": place.date,
        "confiance": place.confiance,
    }
