"""The conversation, engine-free: one turn in, one reply and the next state out. Rasa and the plain server share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.dialogue.wording import EMPTY, NONE_OF_THESE, NOT_UNDERSTOOD, OTHER_LANGUAGE, Card, Choice, Reply, Writer, contact_line
from bot.language.cleaning import Script, clean
from bot.language.foreign import Foreign
from bot.referential import Referential
from bot.referential.hours import readable_hours
from bot.routing.router import Router, commune_as_json
from bot.routing.types import DecisionKind, Destination, RoutingDecision

MAX_FAILURES = 2
SURE_IN_ANOTHER_LANGUAGE = 0.9
"""The model learnt from French: a door read in another language is shown from this confidence only."""
NONE_CHOICE = "aucun"
NO_DESTINATION = "De quelle démarche parlez-vous ? Dites-moi d'abord votre besoin."
NOTHING_TO_BRING = "Je ne connais pas la liste exacte. Demandez-la en appelant ce service."
NO_LINK = "Je n'ai pas de lien sûr pour cette démarche."
HOURS_UNKNOWN = "Je ne connais pas les horaires de ce guichet. Appelez avant de venir."
ASK_COMMUNE = "Dans quelle commune êtes-vous ?"
NEXT_REQUEST = "Je vous écoute. Que voulez-vous faire ?"
TELL_MORE = "D'accord. Dites-moi votre besoin avec d'autres mots."
YES_WITHOUT_QUESTION = "Bien. Avez-vous une autre question ?"


@dataclass(frozen=True)
class ConversationState:
    """What is remembered between two turns. Nothing else is.

    Args:
        destination: id of the topic (or service, or delegation) of the last door given.
        choices: ids of the choices of the question just asked.
        pending: the message to read again once the question is answered.
        profile: "citoyen", "partenaire", "agent", or ``None``.
        commune: name of the commune given by the person, or ``None``.
        failures: how many times in a row nothing was understood.
    """

    destination: str | None = None
    choices: tuple[str, ...] = ()
    pending: str | None = None
    profile: str | None = None
    commune: str | None = None
    failures: int = 0

    def as_mapping(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {**asdict(self), "choices": list(self.choices)}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> ConversationState:
        """Build from plain values; what is unknown or absent takes its default."""
        known = {k: v for k, v in values.items() if k in cls.__dataclass_fields__ and v is not None}
        known["choices"] = tuple(known.get("choices") or ())
        known["failures"] = int(known.get("failures") or 0)
        return cls(**known)


@dataclass(frozen=True)
class Turn:
    """The outcome of one turn.

    Args:
        reply: what to say.
        state: what to remember.
        decision: what the router decided, ``None`` when a button or a follow-up was resolved without it.
    """

    reply: Reply
    state: ConversationState
    decision: RoutingDecision | None = None


class Dialogue:
    """Conducts conversations, one turn at a time; holds no state of its own.

    Args:
        router: decides what a message asks for.
    """

    def __init__(self, router: Router) -> None:
        self.router = router
        self.referential: Referential = router.referential
        self.writer = Writer(router.referential)

    def reply(self, text: str, state: ConversationState) -> Turn:
        """Answer a typed message.

        Args:
            text: what the person typed; any string.
            state: of the conversation so far.
        """
        script = clean(text).script
        if script is Script.EMPTY:
            return Turn(Reply(EMPTY), state)
        decision = self.router.route(text, state.profile)
        known = decision.foreign is not None and decision.foreign.language
        if script is Script.OTHER_ALPHABET and not known and decision.decision is not DecisionKind.URGENCE:
            return Turn(Reply(f"{OTHER_LANGUAGE} {self.writer.front_desk_phone}."), state)
        return self.answer(decision, text, state)

    def answer(self, decision: RoutingDecision, text: str, state: ConversationState) -> Turn:
        """Answer a message the router (or Rasa's pipeline) has already decided on."""
        if decision.foreign is not None and decision.foreign.language:
            return self._courteous(decision.foreign, decision, state)
        kind = decision.decision
        if kind is DecisionKind.INCOMPRIS:
            return self._not_understood(decision, state)
        of_the_door_before = decision.acte in _FOLLOW_UPS and state.destination
        if decision.acte and (of_the_door_before or kind in {DecisionKind.CONVERSATION, DecisionKind.HORS_SUJET}):
            return self._act(decision, text, state)
        reply = self.writer.reply(decision, state.profile, self._arrondissement(state))
        commune = decision.commune["nom"] if decision.commune else state.commune
        if decision.question:
            ids = tuple(c.id for c in reply.choices)
            return Turn(reply, replace(state, choices=ids, pending=text, failures=0, commune=commune), decision)
        last = _identifier(decision.destinations[0]) if decision.destinations else state.destination
        return Turn(reply, replace(state, destination=last, choices=(), pending=None, failures=0, commune=commune), decision)

    def choose(self, choice: str, state: ConversationState) -> Turn:
        """Answer a pressed button. A choice that was not offered is treated as not understood."""
        if choice not in state.choices:
            return self._not_understood(RoutingDecision(DecisionKind.INCOMPRIS), state)
        if choice == NONE_CHOICE:
            return self._human_or(TELL_MORE, replace(state, choices=(), pending=None))
        destination = self.destination(choice)
        kind = DecisionKind.HORS_PERIMETRE if destination.dis == "hors_perimetre" else DecisionKind.ORIENTER
        decision = RoutingDecision(kind, (destination,), niveau=destination.level)
        reply = self.writer.reply(decision, state.profile, self._arrondissement(state))
        return Turn(reply, replace(state, destination=choice, choices=(), pending=None, failures=0), decision)

    def destination(self, identifier: str) -> Destination:
        """Return the destination of a topic, service or delegation id.

        Raises:
            KeyError: unknown id.
        """
        if identifier in self.referential.topics:
            service = self.referential.service_of(identifier)
            return Destination(service.delegation, service.id, identifier, 1.0)
        if identifier in self.referential.services:
            return Destination(self.referential.services[identifier].delegation, identifier, None, 1.0)
        return Destination(self.referential.delegations[identifier].id, None, None, 1.0)

    def human(self, state: ConversationState) -> Turn:
        """Point to a person: the front desk and France services."""
        return Turn(Reply(self.writer.act_text("parler_humain")), replace(state, failures=0, choices=(), pending=None))

    def _courteous(self, foreign: Foreign, decision: RoutingDecision, state: ConversationState) -> Turn:
        """Answer in the person's language; the door follows in French when it is sure, the numbers come first in danger."""
        assert self.router.languages is not None
        phone = self.writer.front_desk_phone
        known = replace(state, choices=(), pending=None, failures=0)
        if foreign.danger or decision.decision is DecisionKind.URGENCE:
            known_numbers = self.router.languages.emergency_numbers
            urgent = dict.fromkeys((known_numbers[0], *(decision.urgence or known_numbers)))
            said = self.router.languages.courtesy(foreign.language, phone, danger=True)
            return Turn(Reply("", calls=self.writer.calls(urgent), courtesy=said), known, decision)
        sure = (
            decision.decision in {DecisionKind.ORIENTER, DecisionKind.HORS_PERIMETRE}
            and all(d.confiance >= SURE_IN_ANOTHER_LANGUAGE for d in decision.destinations)
            and self.router.languages.takes_card(foreign.language)
        )
        courtesy = self.router.languages.courtesy(foreign.language, phone, card=sure)
        if not sure:
            return Turn(Reply("", courtesy=courtesy), known, decision)
        reply = replace(self.writer.reply(decision, state.profile), courtesy=courtesy)
        return Turn(reply, replace(known, destination=_identifier(decision.destinations[0])), decision)

    def _act(self, decision: RoutingDecision, text: str, state: ConversationState) -> Turn:
        act = decision.acte or ""
        if act in _FOLLOW_UPS:
            return Turn(Reply(self._follow_up(act, state)), replace(state, failures=0), decision)
        if act == "parler_humain":
            return replace_decision(self.human(state), decision)
        if act == "autre_question":
            return Turn(Reply(NEXT_REQUEST), ConversationState(profile=state.profile, commune=state.commune), decision)
        if act in {"affirmer", "nier"}:
            return self._yes_no(act, decision, state)
        if act == "dire_profil":
            return self._profile(text, decision, state)
        if act == "dire_commune":
            return self._commune(text, decision, state)
        if act in {"pas_compris", "repeter"} and state.destination:
            card = self._last_card(state.destination, state)
            return Turn(Reply("\n".join(card.sentences), (card,)), replace(state, failures=0), decision)
        if act == "question_organisation":
            return Turn(Reply(self.explain(text) or self.writer.act_text(act)), replace(state, failures=0), decision)
        return Turn(self.writer.reply(decision), replace(state, failures=0), decision)

    def explain(self, text: str) -> str | None:
        """Return what an acronym, an old name or a delegation named in ``text`` means, or ``None``."""
        padded = f" {clean(text).plain} "
        for delegation in self.referential.delegations.values():
            if f" {clean(delegation.nom).plain} " in padded:
                return f"{delegation.nom_clair[:1].upper()}{delegation.nom_clair[1:]} : {delegation.mission}"
        found: list[tuple[int, str]] = []
        for service in self.referential.services.values():
            for name in (service.sigle, *service.anciens_noms):
                plain = clean(name).plain
                if plain and f" {plain} " in padded:
                    today = f" Aujourd'hui : {service.nom_actuel}." if service.nom_actuel else ""
                    found.append((len(plain), f"« {name} » : {service.nom_clair[:1].lower()}{service.nom_clair[1:]}.{today}"))
        for entry in self.referential.glossary:
            for name in (entry.terme, *entry.aussi):
                for part in name.replace("/", ",").split(","):
                    plain = clean(part).plain
                    if plain and f" {plain} " in padded:
                        found.append((len(plain), f"{part.strip()} : {entry.clair}"))
        return max(found)[1] if found else None

    def _follow_up(self, act: str, state: ConversationState) -> str:
        if not state.destination:
            return NO_DESTINATION
        card = self._last_card(state.destination, state)
        if act == "demander_pieces":
            return "À apporter : " + ", ".join(card.bring) + "." if card.bring else NOTHING_TO_BRING
        if act == "demander_lien":
            return f"{card.link[0]} : {card.link[1]}" if card.link else NO_LINK
        if act == "demander_horaires":
            return HOURS_UNKNOWN if not card.contact.hours else f"{card.contact.name} : {'. '.join(readable_hours(card.contact.hours))}."
        return contact_line(card.contact)

    def _yes_no(self, act: str, decision: RoutingDecision, state: ConversationState) -> Turn:
        offered = [c for c in state.choices if c != NONE_CHOICE]
        if not offered:
            text = YES_WITHOUT_QUESTION if act == "affirmer" else TELL_MORE
            return Turn(Reply(text), replace(state, failures=0), decision)
        if act == "nier":
            return replace_decision(self.choose(NONE_CHOICE, state), decision)
        return Turn(Reply("Laquelle de ces demandes ?", choices=self._labels(state.choices)), state, decision)

    def _profile(self, text: str, decision: RoutingDecision, state: ConversationState) -> Turn:
        plain = f" {clean(text).plain} "
        profile = next((p for p, words in _PROFILE_WORDS if any(f" {w} " in plain for w in words)), "citoyen")
        return self._resume(replace(state, profile=profile), decision)

    def _commune(self, text: str, decision: RoutingDecision, state: ConversationState) -> Turn:
        places = self.router.gazetteer.find(text)
        if not places:
            return Turn(Reply(ASK_COMMUNE), state, decision)
        known = replace(state, commune=places[0].nom, failures=0)
        if not places[0].in_lot:
            said = RoutingDecision(DecisionKind.ORIENTER, commune=commune_as_json(places[0]))
            return Turn(Reply(" ".join(self.writer._place_notes(said))), known, decision)
        if state.destination and not state.pending and self.writer.depends_on_commune(self.destination(state.destination)):
            card = self._last_card(state.destination, known)
            return Turn(Reply(contact_line(card.contact), (card,)), known, decision)
        return self._resume(known, decision)

    def _last_card(self, destination: str, state: ConversationState) -> Card:
        return self.writer.card(self.destination(destination), state.profile, self._arrondissement(state))

    def _arrondissement(self, state: ConversationState) -> str:
        place = self.router.gazetteer.lookup(state.commune) if state.commune else None
        return place.arrondissement if place else ""

    def _resume(self, state: ConversationState, decision: RoutingDecision) -> Turn:
        if state.pending:
            pending = state.pending
            return self.reply(pending, replace(state, pending=None, choices=()))
        return Turn(Reply("C'est noté. Que voulez-vous faire ?"), state, decision)

    def _labels(self, choices: tuple[str, ...]) -> tuple[Choice, ...]:
        return tuple(Choice(c, NONE_OF_THESE) if c == NONE_CHOICE else self.writer.choice(self.destination(c)) for c in choices)

    def _not_understood(self, decision: RoutingDecision, state: ConversationState) -> Turn:
        return replace_decision(self._human_or(NOT_UNDERSTOOD, state), decision)

    def _human_or(self, text: str, state: ConversationState) -> Turn:
        failures = state.failures + 1
        if failures >= MAX_FAILURES:
            return self.human(state)
        return Turn(Reply(text), replace(state, failures=failures))


_PROFILE_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("citoyen", ("pas", "non", "ni", "particulier", "particuliere", "habitant", "habitante", "citoyen", "citoyenne")),
    ("agent", ("agent", "agente", "fonctionnaire", "prefecture", "l etat", "contractuel", "contractuelle", "ddea", "ddt", "ddsv")),
    (
        "partenaire",
        ("maire", "mairie", "notaire", "association", "entreprise", "patron", "employeur", "elu", "elue", "agriculteur", "architecte"),
    ),
)
"""Words that tell who speaks, read in this order: a denial comes first (« je ne suis pas agent »)."""

_FOLLOW_UPS = frozenset({"demander_contact", "demander_horaires", "demander_pieces", "demander_lien"})


def replace_decision(turn: Turn, decision: RoutingDecision) -> Turn:
    """Return ``turn`` with the decision that led to it."""
    return replace(turn, decision=decision)


def _identifier(destination: Destination) -> str:
    return destination.sujet or destination.service or destination.dis
