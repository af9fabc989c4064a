"""Word an answer in plain French: the service and the first step in the first sentence, then the door."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from bot.dialogue.facts import Fact, Origin, facts_of, link_origin, origin_of, papers_origin, unknown_of
from bot.language.foreign import Courtesy
from bot.referential import Audience, ConversationAct, EntryPoint, Referential, Service, Topic
from bot.referential.communes import Commune, of_place
from bot.referential.directory import TOWN_HALL, Nearby
from bot.referential.doors import is_exact
from bot.referential.hours import PUBLIC_HOLIDAYS_OFF, closed, french_date, from_plain
from bot.referential.models import Closure
from bot.routing.decision import FIRST_STEPS
from bot.routing.types import DecisionKind, Destination, RoutingDecision

OUTSIDE = "hors_perimetre"
CALL = "appel_a_l_aide"
FRONT_DESK = "prefecture_accueil"
"""Desk of who does not know where to knock."""
"""Situation whose first number answers any danger, in many languages."""
PROGRAM_NOTICE = "Je suis un programme : j'oriente, je ne décide rien."
TO_CONFIRM = "Coordonnées à confirmer."
NOT_UNDERSTOOD = "Je n'ai pas compris votre demande. Dites-la avec d'autres mots : que voulez-vous faire, et pour qui ?"
IN_DANGER = "En cas d'urgence, appelez le {urgence}."
EMPTY = "Votre message est vide. Écrivez votre demande avec vos mots."
OTHER_LANGUAGE = "Je lis seulement le français. Pour être aidé dans une autre langue, appelez l'accueil de la préfecture."
NONE_OF_THESE = "Rien de tout cela"
IF_NO_DANGER = "Si personne n'est en danger, de quoi s'agit-il ?"
MAIN_FACTS = frozenset({"cout", "delai", "formulaire"})
"""Facts of the plain text; a page shows them all, and a follow-up question asks for the others."""
ASK_COMMUNE = "Dans quelle commune êtes-vous ?"
DISTANCE = "À environ {km} km {place}, à vol d'oiseau"
OLD = "Vérifié en {date}, à confirmer."
LIST_TO_CONFIRM = "La liste de ces lieux est à confirmer. Appelez avant d'y aller."
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
        forms: addresses of contact forms.
        nearby: the place of the directory it is, with the distance from the person's commune.
        commune: name of the person's commune, empty when it is not known.
        distance: how far it is from there in French, empty in that commune.
        dated: what is to be confirmed, in French, when the directory says more than ``to_confirm``.
        source: who says the facts and since when, empty for what staff checked.
        also: one line on each other place that answers too.
        closures: exceptional ones, past ones included: the hours already hold them.
        stated: who says what is known of the desk itself, and when, for programs; both empty when nobody does.
    """

    name: str
    address: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    websites: tuple[tuple[str, str], ...] = ()
    hours: str = ""
    to_confirm: bool = False
    forms: tuple[str, ...] = ()
    nearby: Nearby | None = None
    commune: str = ""
    distance: str = ""
    dated: str = ""
    source: str = ""
    also: tuple[str, ...] = ()
    closures: tuple[Closure, ...] = ()
    stated: tuple[str, str] = ("", "")


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
        behind: single entry of the delegation that holds the file, when another desk receives the person first.
        facts: what is known of the procedure, each with its source and its day.
        origin: source and day of the facts, ``None`` for a service or a delegation.
        bring_origin: source and day of what to bring, ``None`` likewise.
        link_origin: source and day of the link, ``None`` without one.
        unknown: what is not known yet, as sentences.
        checked: day the door and the first step were last checked.
        commune: Insee code of the person's commune when the desk depends on it, empty otherwise.
        needs: what the person said they cannot do, one bit for each need.
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
    behind: Contact | None = None
    facts: tuple[Fact, ...] = ()
    origin: Origin | None = None
    bring_origin: Origin | None = None
    link_origin: Origin | None = None
    unknown: str = ""
    checked: date | None = None
    commune: str = ""
    needs: int = 0

    @property
    def text(self) -> str:
        """The answer as plain sentences; a partner reads the associated services in a line of their own."""
        return " ".join(self.sentences if self.partner else (*self.sentences, *self.associated))

    def details(self) -> list[str]:
        """Return what follows the sentences, one line each, in plain text: a partner's differ from a citizen's."""
        desk = contact_line(self.contact)
        behind = contact_line(self.behind) if self.behind else ""
        ends = [*main_facts(self), *link_lines(self)]
        if not self.partner:
            return [desk, *([behind_line(self)] if behind else []), *listed("À apporter", self.bring), *ends]
        lead = f"Organisme compétent : {self.service}." if self.outside else f"Service chef de file : {self.service} – {self.delegation}."
        lines = [lead]
        if self.associated:
            lines.append("Services associés : " + " ".join(self.associated))
        lines.extend(listed("Pièces du dossier", self.bring))
        lines.append(f"Contact : {desk}" if self.outside else f"Premier guichet : {desk}" if behind else f"Entrée unique : {desk}")
        if behind:
            lines.append(f"Entrée unique : {behind}")
        if self.partner_contact:
            lines.append(f"Contact du service : {contact_line(self.partner_contact)}")
        if self.today:
            lines.append(f"Nom actuel du service : {self.today}.")
        return [*lines, *ends]


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
        invitation: what to tell so that the card is complete.
        notice: who speaks (a program that orients and decides nothing).
        courtesy: what is said first to a person who does not write French.
        event: the life event whose doors the cards are, in order, to tick one by one; empty for anything else.
        question: asks which of the choices, when they stand beside a door; empty when the text asks it.
        steps: whether the choices are the first steps at that door, read before its card; other doors are read after it.
    """

    text: str
    cards: tuple[Card, ...] = ()
    choices: tuple[Choice, ...] = ()
    calls: tuple[EmergencyCall, ...] = ()
    instruction: str = ""
    invitation: str = ""
    notice: str = PROGRAM_NOTICE
    courtesy: Courtesy | None = None
    event: str = ""
    question: str = ""
    steps: bool = False

    def as_text(self) -> str:
        """Return the whole reply as plain text, for a terminal or a Rasa channel."""
        lines: list[str] = []
        if self.calls:
            lines.append(" ou ".join(f"{c.number} ({c.name})" for c in self.calls[:3]))
            lines.extend([self.instruction] if self.instruction else [])
        lines.extend(self.courtesy.sentences if self.courtesy else ())
        lines.extend([self.text] if self.text else [])
        asked = [self.question, *(f"- {choice.label}" for choice in self.choices)]
        lines.extend(asked if self.steps else ())
        for rank, card in enumerate(self.cards, 1):
            if self.event:
                lines.append(f"{rank}. {card.sentences[0]}{_where(card.contact)}")
                continue
            if len(self.cards) > 1:
                lines.append(card.text)
            lines.extend(card.details())
        lines.extend(() if self.steps else asked)
        lines.append(self.invitation)
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

    def reply(self, decision: RoutingDecision, profile: str | None = None, place: Commune | None = None) -> Reply:
        """Return the reply to a decision.

        Args:
            decision: what the router decided.
            profile: "partenaire" gets the partner's words where they differ.
            place: the commune told before, when the message names none: some desks depend on it.
        """
        place = _commune_of(decision) or place
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
        phones = self.contact(self._referential.entry_points[FRONT_DESK]).phones
        return phones[0] if phones else ""

    def card(self, destination: Destination, profile: str | None = None, place: Commune | None = None) -> Card:
        """Return the card of one destination, for somebody of that commune."""
        desk = self.contact(self._desk(destination, place), place)
        if destination.sujet:
            card = self._topic_card(self._referential.topics[destination.sujet], destination, profile, desk)
        elif destination.service:
            card = self._service_card(self._referential.services[destination.service], destination, desk)
        else:
            card = self._delegation_card(destination, desk)
        if place and (desk.commune or self.depends_on_commune(destination)):
            card = replace(card, commune=place.code_insee)
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

    def _desk(self, destination: Destination, place: Commune | None = None) -> EntryPoint:
        if destination.sujet:
            return self._referential.entry_point_of(destination.sujet, place.arrondissement if place else "")
        owner = self._referential.services[destination.service] if destination.service else self._referential.delegations[destination.dis]
        return self._referential.entry_points[owner.guichet]

    def contact(self, desk: EntryPoint, place: Commune | None = None) -> Contact:
        """Return a desk ready to show, for somebody of that commune; an unknown number is replaced by nothing."""
        contact = self._located(desk, place)
        names = {desk.id, contact.nearby.place.id if contact.nearby else desk.id}
        closures = tuple(closure for closure in self._referential.closures if closure.lieu in names)
        hours = contact.hours
        for closure in closures:
            hours = closed(hours, closure.du, closure.au)
        kept = desk.x_ose
        stated = (kept.source.strip(), kept.date_source or (kept.verifie_le.isoformat() if kept.verifie_le else ""))
        return replace(contact, hours=hours, closures=closures, stated=stated)

    def _located(self, desk: EntryPoint, place: Commune | None) -> Contact:
        """Return the facts of a desk and of its place in the directory: what staff checked wins, each fills what the other lacks."""
        to_confirm = desk.x_ose.a_verifier and not desk.depends_on_commune  # a sort of place has no contacts to confirm
        since = "" if desk.x_ose.guichet_unique else (desk.x_ose.date_source or "")[:4]  # of several years, the first
        own = Contact(
            name=desk.nom,
            address=_address_lines(desk),
            phones=tuple(p.valeur for p in desk.telephone),
            emails=desk.adresse_courriel,
            websites=tuple((w.libelle or w.valeur, w.valeur) for w in desk.site_internet),
            forms=desk.formulaire_contact,
            hours=opening_hours(desk),
            to_confirm=to_confirm,
            dated=OLD.format(date=since) if to_confirm and since else "",
        )
        directory, code = self._referential.directory, place.code_insee if place else ""
        found = directory.find(desk.x_ose.annuaire, code, desk.x_ose.parmi) if desk.x_ose.annuaire else None
        if found is None:
            return own
        there = _contact_of(found, place)
        if not desk.depends_on_commune:
            there = replace(there, name=own.name)
        elif desk.x_ose.parmi:
            there = replace(there, to_confirm=True, dated=LIST_TO_CONFIRM)
        elif found.place.type == TOWN_HALL:
            there = replace(there, also=tuple(contact_line(_contact_of(Nearby(p))) for p in directory.delegated_of(code)))
        if not desk.x_ose.verifie_par or desk.depends_on_commune:
            return _completed(there, own)
        return replace(_completed(own, there), nearby=found, commune=there.commune, distance=there.distance, also=there.also)

    def calls(self, numbers: Iterable[str]) -> tuple[EmergencyCall, ...]:
        """Return emergency numbers with their names; an unknown number is left out."""
        known = self._referential.emergency_numbers
        return tuple(EmergencyCall(n, known[n].nom, known[n].sms) for n in numbers if n in known)

    def depends_on_commune(self, destination: Destination) -> bool:
        """Whether the desk changes with the commune."""
        topic = self._referential.topics.get(destination.sujet or "")
        return (topic is not None and bool(topic.guichets_locaux)) or self._desk(destination).depends_on_commune

    def _event(self, event: ConversationAct, profile: str | None, place: Commune | None) -> tuple[list[Destination], list[Card]]:
        """Return the doors of a life event in their order, each with its first step there."""
        doors, cards = [], []
        for door in event.portes:
            service = self._referential.service_of(door.sujet)
            doors.append(Destination(service.delegation, service.id, door.sujet, 1.0))
            card = self.card(doors[-1], profile, place)
            if door.geste:
                said = (f"{card.service} : {door.geste}",)  # papers, link and facts are those of the topic's own step
                card = replace(
                    card,
                    step=_capital(door.geste),
                    sentences=said,
                    bring=(),
                    link=None,
                    facts=(),
                    origin=None,
                    link_origin=None,
                    unknown="",
                )
            cards.append(card)
        return doors, cards

    def _doors(self, decision: RoutingDecision, profile: str | None, place: Commune | None) -> Reply:
        event = self._referential.acts.get(decision.acte or "")
        if event is not None and event.portes:
            doors, cards = self._event(event, profile, place)
            invitation = self._invitation(doors, decision, place)
            return Reply(self.act_text(event.id), tuple(cards), invitation=invitation, event=event.libelle)
        cards = [self.card(d, profile, place) for d in decision.destinations]
        notes = self._place_notes(decision)
        invitation = self._invitation(decision.destinations, decision, place)
        if len(cards) == 1:
            offered = tuple(self.choice(d) for d in decision.offered)
            choices = (*offered, Choice("aucun", NONE_OF_THESE)) if offered else ()
            text, steps = " ".join((cards[0].text, *notes)), decision.invitation == FIRST_STEPS
            return Reply(text, tuple(cards), choices, invitation=invitation, question=decision.invitation, steps=steps)
        text = " ".join(("Vous avez plusieurs demandes. Voici la porte de chacune. S'il en manque une, écrivez-la seule.", *notes))
        return Reply(text, tuple(cards), invitation=invitation)

    def _invitation(self, doors: Sequence[Destination], decision: RoutingDecision, place: Commune | None) -> str:
        return "" if place or decision.commune or not any(map(self.depends_on_commune, doors)) else ASK_COMMUNE

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

    def _emergency(self, decision: RoutingDecision, profile: str | None, place: Commune | None) -> Reply:
        situation = self._referential.emergency_situations.get(decision.situation or "")
        calls = self.calls(decision.urgence)
        if decision.question:
            asked = self._question(decision)
            return replace(asked, text=IF_NO_DANGER, calls=calls, instruction=situation.consigne if situation else "")
        cards = tuple(self.card(d, profile, place) for d in decision.destinations)
        text = "Après l'appel, voici la porte pour la suite." if cards else ""
        return Reply(text, cards, calls=calls, instruction=situation.consigne if situation else "")

    def _topic_card(self, topic: Topic, destination: Destination, profile: str | None, desk: Contact) -> Card:
        service = self._referential.services[topic.service]
        outside = service.delegation == OUTSIDE
        advice = topic.partenaire if profile == Audience.PARTENAIRE.value and topic.partenaire else topic
        who = topic.organisme if outside else service.nom_clair
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
            contact=desk,
            today="" if outside else (topic.nom_actuel or service.nom_actuel),
            because=destination.extrait,
            to_validate=topic.a_valider,
            topic_id=topic.id,
            step=_capital(advice.premier_geste),
            outside=outside,
            behind=self._behind(service, self._desk(destination)),
            facts=facts_of(topic),
            origin=origin_of(topic),
            bring_origin=papers_origin(topic, advice is topic.partenaire),
            link_origin=link_origin(topic),
            unknown=unknown_of(topic, advice.a_apporter),
            checked=topic.verifie_le,
        )

    def _behind(self, service: Service, desk: EntryPoint) -> Contact | None:
        """Return the single entry of the delegation when another desk receives the person first."""
        entry = self._referential.delegations[service.delegation].guichet
        if service.delegation == OUTSIDE or desk.id in {entry, service.guichet}:
            return None
        return self.contact(self._referential.entry_points[entry])

    def _service_card(self, service: Service, destination: Destination, desk: Contact) -> Card:
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
            contact=desk,
            today=service.nom_actuel,
            because=destination.extrait,
            to_validate=service.a_valider,
            step="Appelez-le ou écrivez-lui.",
        )

    def _delegation_card(self, destination: Destination, desk: Contact) -> Card:
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
            contact=desk,
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


def behind_line(card: Card) -> str:
    """Return who is behind the desk that receives, and whom to call when nothing moves."""
    phones = card.behind.phones if card.behind else ()
    stuck = f" Rien n'avance ? Appelez le {phones[0]}." if phones else ""
    return f"Derrière ce guichet : {card.service[:1].lower()}{card.service[1:]} – {card.delegation}.{stuck}"


def main_facts(card: Card) -> list[str]:
    """Return the facts a person asks first, one a line, then where they come from."""
    lines = [f.line for f in card.facts if f.kind in MAIN_FACTS]
    return [*lines, origin_line(card)] if lines else []


def link_lines(card: Card) -> list[str]:
    """Return the link of a card; the official sheet too when that link is no more than a home page."""
    lines = [f"{card.link[0]} : {card.link[1]}"] if card.link else []
    if card.origin and card.origin.url and not (card.link and is_exact(card.link[1])):
        lines.append(f"La fiche officielle {card.origin.sheet} : {card.origin.url}")
    return lines


def origin_line(card: Card) -> str:
    """Return where the facts of a card come from, as a sentence; empty when it has none."""
    if card.origin is None or not card.facts:
        return ""
    if card.origin.checked:
        return f"Faits vérifiés le {french_date(card.origin.day)}."
    confirm = " et ".join(f.name.lower() for f in card.facts if f.to_confirm)
    return f"D'après la {card.origin.text}.{f' {_capital(confirm)} à confirmer.' if confirm else ''}"


def listed(title: str, items: Sequence[str]) -> list[str]:
    """Return a list in plain text: on one line, or one item a line when some hold a comma; nothing when it is empty."""
    if not items:
        return []
    if any("," in item for item in items):
        return [f"{title} :", *(f"- {item}" for item in items)]
    return [f"{title} : {', '.join(items)}."]


def contact_line(contact: Contact) -> str:
    """Return a desk as one line of plain text."""
    parts = [contact.name]
    if contact.phones:
        parts.append("téléphone " + " ou ".join(contact.phones))
    if contact.address:
        parts.append(", ".join(contact.address))
    parts.extend([*(contact.emails or contact.forms)[:1], *filter(None, [contact.distance])])
    line = f"{' – '.join(parts)}."
    return f"{line} {contact.dated or TO_CONFIRM}" if contact.to_confirm else line


def _where(contact: Contact) -> str:
    """Return a desk as the end of a line; nothing when only a sort of place is known."""
    known = contact.phones or contact.address or contact.emails or contact.to_confirm
    return f" {contact_line(contact)}" if known else ""


def _commune_of(decision: RoutingDecision) -> Commune | None:
    """Return the commune a message names, when it is in the Lot."""
    row = decision.commune or {}
    if row.get("departement") != "46" or not row.get("code_insee"):
        return None
    return Commune(row["nom"], row["code_insee"], row.get("arrondissement", ""))


def _contact_of(found: Nearby, commune: Commune | None = None) -> Contact:
    place = found.place
    town = f"{place.code_postal} {place.commune}".strip()
    home = commune.nom if commune else ""
    return Contact(
        name=place.nom,
        address=tuple(line for line in (*place.adresse.split(" - "), town) if line),
        phones=(place.telephone,) if place.telephone else (),
        emails=(place.courriel,) if place.courriel else (),
        websites=((place.site, place.site),) if place.site else (),
        hours=from_plain(place.horaires),
        to_confirm=place.to_confirm,
        nearby=found,
        commune=home,
        distance=DISTANCE.format(km=max(1, round(found.km)), place=of_place(home)) if home and found.km is not None else "",
        dated=OLD.format(date=place.checked) if place.to_confirm else "",
        source=f"{place.source}, {place.checked}",
    )


def _completed(contact: Contact, other: Contact) -> Contact:
    """Return a contact whose empty facts are those of another."""
    facts = ("address", "phones", "emails", "websites", "forms", "hours")
    return replace(contact, **{name: getattr(contact, name) or getattr(other, name) for name in facts})


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
    return ", ".join(rules) + PUBLIC_HOLIDAYS_OFF if rules else ""


def _address_lines(desk: EntryPoint) -> tuple[str, ...]:
    if not desk.adresse:
        return ()
    place = desk.adresse[0]
    town = f"{place.code_postal} {place.nom_commune}".strip()
    lines = (place.complement1, place.complement2, place.numero_voie, place.service_distribution, town)
    return tuple(line for line in lines if line)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
