"""Word an answer in plain French: the service and the first step in the first sentence, then the door."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.language.foreign import Courtesy
from bot.referential import Audience, ConversationAct, EntryPoint, Referential, Service, Topic
from bot.routing.types import DecisionKind, Destination, RoutingDecision

OUTSIDE = "hors_perimetre"
CALL = "appel_a_l_aide"
"""Situation whose first number answers any danger, in many languages."""
PROGRAM_NOTICE = "Je suis un programme : j'oriente, je ne décide rien."
TO_CONFIRM = "Coordonnées à confirmer."
NOT_UNDERSTOOD = "Je n'ai pas compris votre demande. Dites-la avec d'autres mots : que voulez-vous faire, et pour qui ?"
IN_DANGER = "En cas d'urgence, appelez le {urgence}."
EMPTY = "Votre message est vide. Écrivez votre demande avec vos mots."
OTHER_LANGUAGE = "Je lis seulement le français. Pour être aidé dans une autre langue, appelez l'accueil de la préfecture."
NONE_OF_THESE = "Rien de tout cela"
FIRST_STEPS = "Que voulez-vous faire ?"
IF_NO_DANGER = "Si personne n'est en danger, de quoi s'agit-il ?"
FORWARDING_RIGHT = "Vous vous êtes trompé de porte ? Le service doit transmettre votre demande au bon service."
TELL_COMMUNE = "Dites-moi votre commune : je vous donnerai le bon bureau."
OUTSIDE_LOT = "Attention : {place} n'est pas dans le Lot. Je connais seulement les services du Lot."
HOMONYM = "Plusieurs communes s'appellent {place}. Je réponds pour celle du Lot."


@dataclass(frozen=True)
class Choice:
    """One button of a question.

    Args:
        id: what the server resolves when it is pressed (a topic, service or delegation id).
        label: what a citizen reads.
    """

    id: str
    label: str


@dataclass(frozen=True)
class Contact:
    """A desk, ready to show. Empty fields are unknown, never invented.

    Args:
        name: of the desk.
        address: lines of the postal address.
        phones: numbers, spaced as French people read them.
        emails: generic boxes only.
        websites: (label, url).
        hours: opening hours in the OpenStreetMap syntax, empty when unknown.
        to_confirm: whether the referential says it must be checked.
    """

    name: str
    address: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    websites: tuple[tuple[str, str], ...] = ()
    hours: str = ""
    to_confirm: bool = False


@dataclass(frozen=True)
class Card:
    """One door, in the parts a page shows.

    Args:
        delegation: plain name of the delegation.
        service: plain name of the service or of the body.
        topic: plain label of the topic, empty when only the service or the delegation is known.
        sentences: the answer; the first sentence holds the service and the first step.
        bring: what to bring.
        link: (label, url) of an official page, or ``None``.
        associated: one line on each service that is also concerned.
        contact: where to knock.
        today: today's official name of the service.
        because: the words of the message that led there.
        to_validate: whether the rule awaits the préfet's validation.
        topic_id: of the topic, empty when only the service or the delegation is known.
        step: the first step alone, without the name of the service.
        outside: whether another body than the State services is named.
        partner: whether a partner reads it: lead service, associated services, pieces of the file.
        partner_contact: desk of the service itself, for partners only.
    """

    delegation: str
    service: str
    topic: str
    sentences: tuple[str, ...]
    bring: tuple[str, ...]
    link: tuple[str, str] | None
    associated: tuple[str, ...]
    contact: Contact
    today: str
    because: str = ""
    to_validate: bool = False
    topic_id: str = ""
    step: str = ""
    outside: bool = False
    partner: bool = False
    partner_contact: Contact | None = None

    @property
    def text(self) -> str:
        """The answer as plain sentences; a partner reads the associated services in a line of their own."""
        return " ".join(self.sentences if self.partner else (*self.sentences, *self.associated))

    def details(self) -> list[str]:
        """Return what follows the sentences, one line each, in plain text: a partner's differ from a citizen's."""
        desk = contact_line(self.contact)
        link = [f"{self.link[0]} : {self.link[1]}"] if self.link else []
        if not self.partner:
            return [*([f"À apporter : {', '.join(self.bring)}."] if self.bring else []), desk, *link]
        lead = f"Organisme compétent : {self.service}." if self.outside else f"Service chef de file : {self.service} – {self.delegation}."
        lines = [lead]
        if self.associated:
            lines.append("Services associés : " + " ".join(self.associated))
        if self.bring:
            lines.append(f"Pièces du dossier : {', '.join(self.bring)}.")
        lines.append(f"Contact : {desk}" if self.outside else f"Entrée unique : {desk}")
        if self.partner_contact:
            lines.append(f"Contact du service : {contact_line(self.partner_contact)}")
        if self.today:
            lines.append(f"Nom actuel du service : {self.today}.")
        return [*lines, *link]


@dataclass(frozen=True)
class EmergencyCall:
    """One number to call, with what it is for; ``sms`` when it is written to, not spoken to."""

    number: str
    name: str
    sms: bool


@dataclass(frozen=True)
class Reply:
    """What the assistant says in one turn.

    Args:
        text: the sentences to read, contacts left out.
        cards: one per door.
        choices: buttons of a question.
        calls: emergency numbers, the right one first.
        instruction: what to do at once in an emergency.
        notice: who speaks (a program that orients and decides nothing).
        courtesy: what is said first to a person who does not write French.
    """

    text: str
    cards: tuple[Card, ...] = ()
    choices: tuple[Choice, ...] = ()
    calls: tuple[EmergencyCall, ...] = ()
    instruction: str = ""
    notice: str = PROGRAM_NOTICE
    courtesy: Courtesy | None = None

    def as_text(self) -> str:
        """Return the whole reply as plain text, for a terminal or a Rasa channel."""
        lines: list[str] = []
        if self.calls:
            lines.append(" ou ".join(f"{c.number} ({c.name})" for c in self.calls[:3]))
            lines.extend([self.instruction] if self.instruction else [])
        lines.extend(self.courtesy.sentences if self.courtesy else ())
        lines.extend([self.text] if self.text else [])
        for card in self.cards:
            if len(self.cards) > 1:
                lines.append(card.text)
            lines.extend(card.details())
        lines.extend(f"- {choice.label}" for choice in self.choices)
        if self.cards:
            lines.append(self.notice)
        return "\n".join(line for line in lines if line)


class Writer:
    """Turns decisions into replies.

    Args:
        referential: the only source of names, addresses and numbers.
    """

    def __init__(self, referential: Referential) -> None:
        self._referential = referential

    def reply(self, decision: RoutingDecision, profile: str | None = None, arrondissement: str = "") -> Reply:
        """Return the reply to a decision.

        Args:
            decision: what the router decided.
            profile: "partenaire" gets the partner's words where they differ.
            arrondissement: of the commune told before, when the message names none: some topics have a desk in each.
        """
        place = str((decision.commune or {}).get("arrondissement") or arrondissement)
        if decision.decision is DecisionKind.URGENCE:
            return self._emergency(decision, profile, place)
        if decision.decision in {DecisionKind.ORIENTER, DecisionKind.HORS_PERIMETRE}:
            return self._doors(decision, profile, place)
        if decision.decision is DecisionKind.CLARIFIER:
            return self._question(decision)
        if decision.acte:
            return Reply(self.act_text(decision.acte))
        return Reply(self.not_understood)

    def act_text(self, act: str) -> str:
        """Return the words for a conversation act or a kind of non-request."""
        return self.fill(self._referential.acts[act].reponse)

    def fill(self, text: str) -> str:
        """Replace ``{accueil_telephone}`` by the number of the front desk."""
        return text.replace("{accueil_telephone}", self.front_desk_phone)

    @property
    def in_danger(self) -> str:
        """What is said in small under an answer that did not read the message."""
        return IN_DANGER.format(urgence=self._referential.emergency_situations[CALL].numeros[0])

    @property
    def not_understood(self) -> str:
        """What is said of a message that was not read."""
        return f"{NOT_UNDERSTOOD} {self.in_danger}"

    @property
    def front_desk_phone(self) -> str:
        """Phone number of the préfecture's front desk."""
        phones = self.contact(self._referential.entry_points["prefecture_accueil"]).phones
        return phones[0] if phones else ""

    def card(self, destination: Destination, profile: str | None = None, arrondissement: str = "") -> Card:
        """Return the card of one destination."""
        if destination.sujet:
            card = self._topic_card(self._referential.topics[destination.sujet], destination, profile, arrondissement)
        elif destination.service:
            card = self._service_card(self._referential.services[destination.service], destination)
        else:
            card = self._delegation_card(destination)
        if profile != Audience.PARTENAIRE.value:
            return card
        return replace(card, partner=True, partner_contact=self._partner_contact(destination))

    def _partner_contact(self, destination: Destination) -> Contact | None:
        """Return the desk of the service itself, unless the card already leads there or another body holds the topic today."""
        if not destination.service:
            return None
        topic = self._referential.topics.get(destination.sujet or "")
        desk = self._referential.services[destination.service].contact_partenaire
        elsewhere = topic is not None and (topic.nom_actuel or topic.guichet == desk)
        return self.contact(self._referential.entry_points[desk]) if desk and not elsewhere else None

    def choice(self, destination: Destination) -> Choice:
        """Return the button that leads to a destination."""
        if destination.sujet:
            return Choice(destination.sujet, self._referential.topics[destination.sujet].libelle)
        if destination.service:
            return Choice(destination.service, self._referential.services[destination.service].nom_clair)
        return Choice(destination.dis, self._referential.delegations[destination.dis].en_bref)

    def contact(self, desk: EntryPoint) -> Contact:
        """Return a desk ready to show; an unknown number is replaced by nothing."""
        return Contact(
            name=desk.nom,
            address=_address_lines(desk),
            phones=tuple(p.valeur for p in desk.telephone),
            emails=desk.adresse_courriel,
            websites=tuple((w.libelle or w.valeur, w.valeur) for w in desk.site_internet),
            hours=opening_hours(desk),
            to_confirm=desk.x_ose.a_verifier,
        )

    def calls(self, numbers: Iterable[str]) -> tuple[EmergencyCall, ...]:
        """Return emergency numbers with their names; an unknown number is left out."""
        known = self._referential.emergency_numbers
        return tuple(EmergencyCall(n, known[n].nom, known[n].sms) for n in numbers if n in known)

    def depends_on_commune(self, destination: Destination) -> bool:
        """Whether the desk changes with the commune."""
        topic = self._referential.topics.get(destination.sujet or "")
        return topic is not None and bool(topic.guichets_locaux)

    def _event(self, event: ConversationAct, profile: str | None, arrondissement: str) -> Reply:
        """Return the doors of a life event in their order, each with its first step there."""
        cards = []
        for door in event.portes:
            service = self._referential.service_of(door.sujet)
            card = self.card(Destination(service.delegation, service.id, door.sujet, 1.0), profile, arrondissement)
            if door.geste:
                card = replace(card, step=_capital(door.geste), sentences=(f"{card.service} : {door.geste}",))
            cards.append(card)
        return Reply(self.act_text(event.id), tuple(cards))

    def _doors(self, decision: RoutingDecision, profile: str | None, arrondissement: str) -> Reply:
        event = self._referential.acts.get(decision.acte or "")
        if event is not None and event.portes:
            return self._event(event, profile, arrondissement)
        cards = tuple(self.card(d, profile, arrondissement) for d in decision.destinations)
        notes = self._place_notes(decision)
        if not arrondissement and any(map(self.depends_on_commune, decision.destinations)):
            notes = (*notes, TELL_COMMUNE)
        if len(cards) == 1:
            steps = () if decision.destinations[0].sujet else tuple(self.choice(d) for d in decision.alternatives)
            choices = (*steps, Choice("aucun", NONE_OF_THESE)) if len(steps) > 1 else ()
            return Reply(" ".join((cards[0].text, *notes, *([FIRST_STEPS] if choices else []))), cards, choices)
        return Reply(" ".join(("Vous avez plusieurs demandes. Voici la porte de chacune.", *notes)), cards)

    def _place_notes(self, decision: RoutingDecision) -> tuple[str, ...]:
        place = decision.commune
        if not place:
            return ()
        if place.get("departement") != "46":
            return (OUTSIDE_LOT.format(place=place["nom"]),)
        if place.get("homonymes"):
            return (HOMONYM.format(place=place["nom"]),)
        return ()

    def _question(self, decision: RoutingDecision) -> Reply:
        choices = [self.choice(d) for d in decision.destinations]
        return Reply(decision.question or "", choices=(*choices, Choice("aucun", NONE_OF_THESE)))

    def _emergency(self, decision: RoutingDecision, profile: str | None, arrondissement: str) -> Reply:
        situation = self._referential.emergency_situations.get(decision.situation or "")
        calls = self.calls(decision.urgence)
        if decision.question:
            asked = self._question(decision)
            return replace(asked, text=IF_NO_DANGER, calls=calls, instruction=situation.consigne if situation else "")
        cards = tuple(self.card(d, profile, arrondissement) for d in decision.destinations)
        text = "Après l'appel, voici la porte pour la suite." if cards else ""
        return Reply(text, cards, calls=calls, instruction=situation.consigne if situation else "")

    def _topic_card(self, topic: Topic, destination: Destination, profile: str | None, arrondissement: str) -> Card:
        service = self._referential.services[topic.service]
        outside = service.delegation == OUTSIDE
        advice = topic.partenaire if profile == Audience.PARTENAIRE.value and topic.partenaire else topic
        who = topic.organisme if outside else service.nom_clair
        desk = self._referential.entry_point_of(topic.id, arrondissement)
        associated = tuple(f"{_capital(self._plain_service(a.service))} {a.raison}." for a in topic.services_associes if not outside)
        associated = tuple(line for line in associated if line not in advice.precisions)
        return Card(
            delegation=self._referential.delegations[service.delegation].nom_clair,
            service=_capital(who),
            topic=topic.libelle,
            sentences=(f"{_capital(who)} : {advice.premier_geste}", *advice.precisions),
            bring=advice.a_apporter,
            link=(topic.lien.libelle, topic.lien.url) if topic.lien else None,
            associated=associated,
            contact=self.contact(desk),
            today="" if outside else (topic.nom_actuel or service.nom_actuel),
            because=destination.extrait,
            to_validate=topic.a_valider,
            topic_id=topic.id,
            step=_capital(advice.premier_geste),
            outside=outside,
        )

    def _service_card(self, service: Service, destination: Destination) -> Card:
        delegation = self._referential.delegations[service.delegation]
        return Card(
            delegation=delegation.nom_clair,
            service=service.nom_clair,
            topic="",
            sentences=(
                f"{service.nom_clair} : appelez-le ou écrivez-lui.",
                f"Il fait partie de la même entrée : {delegation.nom_clair}.",
                "Dites ce que vous voulez faire : on vous donnera la suite.",
            ),
            bring=(),
            link=None,
            associated=(),
            contact=self.contact(self._referential.entry_points[service.guichet]),
            today=service.nom_actuel,
            because=destination.extrait,
            to_validate=service.a_valider,
            step="Appelez-le ou écrivez-lui.",
        )

    def _delegation_card(self, destination: Destination) -> Card:
        delegation = self._referential.delegations[destination.dis]
        return Card(
            delegation=delegation.nom_clair,
            service=_capital(delegation.nom_clair),
            topic="",
            sentences=(
                f"{_capital(delegation.nom_clair)} : appelez cette entrée unique.",
                delegation.mission,
                "Dites ce que vous voulez faire : on vous guidera.",
            ),
            bring=(),
            link=None,
            associated=(),
            contact=self.contact(self._referential.entry_points[delegation.guichet]),
            today="",
            because=destination.extrait,
            to_validate=delegation.a_valider,
            step="Appelez cette entrée unique.",
        )

    def _plain_service(self, service_id: str) -> str:
        return self._referential.services[service_id].nom_clair


def possible_destinations(referential: Referential) -> Iterable[Destination]:
    """Yield every destination an answer can name: each topic, each service, each delegation inside."""
    for topic in referential.topics.values():
        service = referential.services[topic.service]
        yield Destination(service.delegation, service.id, topic.id, 1.0)
    for service in referential.services.values():
        if service.delegation != OUTSIDE:
            yield Destination(service.delegation, service.id, None, 1.0)
    for delegation in referential.delegations.values():
        if delegation.id != OUTSIDE:
            yield Destination(delegation.id, None, None, 1.0)


def contact_line(contact: Contact) -> str:
    """Return a desk as one line of plain text."""
    parts = [contact.name]
    if contact.phones:
        parts.append("téléphone " + " ou ".join(contact.phones))
    if contact.address:
        parts.append(", ".join(contact.address))
    if contact.emails:
        parts.append(contact.emails[0])
    line = " – ".join(parts)
    return f"{line}. {TO_CONFIRM}" if contact.to_confirm else f"{line}."


_OSM_DAYS = {"lundi": "Mo", "mardi": "Tu", "mercredi": "We", "jeudi": "Th", "vendredi": "Fr", "samedi": "Sa", "dimanche": "Su"}


def opening_hours(desk: EntryPoint) -> str:
    """Return the opening hours in OpenStreetMap syntax, closed on public holidays; empty when unknown."""
    rules = []
    for slot in desk.plage_ouverture:
        first, last = _OSM_DAYS[slot.nom_jour_debut.lower()], _OSM_DAYS[slot.nom_jour_fin.lower()]
        spans = [f"{slot.valeur_heure_debut_1[:5]}-{slot.valeur_heure_fin_1[:5]}"]
        if slot.valeur_heure_debut_2:
            spans.append(f"{slot.valeur_heure_debut_2[:5]}-{slot.valeur_heure_fin_2[:5]}")
        rules.append(f"{first if first == last else f'{first}-{last}'} {','.join(spans)}")
    return ", ".join(rules) + "; PH off" if rules else ""


def _address_lines(desk: EntryPoint) -> tuple[str, ...]:
    if not desk.adresse:
        return ()
    place = desk.adresse[0]
    town = f"{place.code_postal} {place.nom_commune}".strip()
    lines = (place.complement1, place.complement2, place.numero_voie, place.service_distribution, town)
    return tuple(line for line in lines if line)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
