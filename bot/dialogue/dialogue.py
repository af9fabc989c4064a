"""The conversation, engine-free: one turn in, one reply and the next state out. Rasa and the plain server share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from bot.base.once import turn
from bot.dialogue.facts import with_origin
from bot.dialogue.foreign_doors import door_sentences, door_told
from bot.dialogue.needs import ACCESS, Bending, Told, needs_told
from bot.dialogue.wording import (
    ASK_COMMUNE,
    EMPTY,
    NONE_OF_THESE,
    OTHER_LANGUAGE,
    Card,
    Choice,
    Reply,
    Writer,
    contact_line,
    link_lines,
    listed,
)
from bot.language.cleaning import Script, abridged, clean
from bot.language.foreign import Courtesy, Foreign
from bot.language.privacy import mask
from bot.language.talk import GOES_ON
from bot.referential import ConversationAct, Referential
from bot.referential.communes import Commune
from bot.referential.hours import readable_hours
from bot.routing.context import Before, doors_before
from bot.routing.decision import AGENT_QUESTION, MAX_CHOICES
from bot.routing.router import SMALL_TALK, TELL_COMMUNE, Router, commune_as_json
from bot.routing.several import asks
from bot.routing.types import DecisionKind, Destination, RoutingDecision

MAX_FAILURES = 2
SURE_IN_ANOTHER_LANGUAGE = 0.9
"""The model learnt from French: a door read in another language is shown from this confidence only."""
DOORS = frozenset({DecisionKind.ORIENTER, DecisionKind.HORS_PERIMETRE})
ABOUT_DOOR = frozenset({GOES_ON, TELL_COMMUNE})
"""Acts that speak, in another language, of the door given before."""
TELL_NEED = "demander_accessibilite"
NONE_CHOICE = "aucun"
HUMAN_CHOICE = "personne"
WRONG_DOOR = "autre_porte"
"""Choice that opens the last door's question again: the feedback presses it."""
LIKELY = 0.3
"""Probability from which a door is given in a doubt that holds the last one: who is misled has the other under the thumb."""
MOST_EARLIER = 4
"""Doors given before the last that a conversation remembers: the person may go back to them."""
MAX_REQUEST = 400
"""Characters kept of a request: what comes next is read with them."""
WIDE_FACTS = frozenset({"qui", "comment"})
"""Facts that say several things: one answers a follow-up only if it holds one of its words."""
MOST_OTHERS = 3
"""Doors offered when the one given is said to be wrong."""
MOST_ALIKE = 6
"""Communes shown when several begin with the name told."""
MOVE_WORDS = 8
"""Longest message that only corrects the commune."""
OFFLINE = "demander_sans_internet"
CHOOSE_FIRST = "Dites-moi d'abord laquelle de ces demandes est la vôtre."
COMMUNE_NOTED = "C'est noté. Voici où aller."
STILL_ASKED = "C'est noté. Et de quoi s'agit-il ?"
WHICH_COMMUNE = "Laquelle ? {noms}."
SAME_DOOR = "C'est noté. Votre porte reste la même."
ASK_THERE = "Votre porte reste la même : posez-lui cette question."
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
        commune: name of the commune given by the person, "" once it was asked and not told, ``None`` before.
        failures: how many times in a row nothing was understood.
        request: the last request, personal data masked: what comes next is read with it.
        others: ids of the next best doors for it.
        rejected: ids of the doors said to be wrong.
        needs: ids of what the person said they cannot do (``data/referentiel/besoins.yml``).
        danger: numbers of a danger just told, and nothing else with it: they stay in sight for one more message.
        language: that of the last message (BCP 47), "" for French.
        earlier: id of each door given before the last, and the request it was given for; the newest first.
    """

    destination: str | None = None
    choices: tuple[str, ...] = ()
    pending: str | None = None
    profile: str | None = None
    commune: str | None = None
    failures: int = 0
    request: str | None = None
    others: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    danger: tuple[str, ...] = ()
    language: str = ""
    earlier: tuple[tuple[str, str], ...] = ()

    def as_mapping(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        return {**plain, "earlier": list(map(list, self.earlier))}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> ConversationState:
        """Build from plain values; what is unknown or absent takes its default."""
        known = {k: v for k, v in values.items() if k in cls.__dataclass_fields__ and v is not None}
        known.update({name: tuple(known.get(name) or ()) for name in ("choices", "others", "rejected", "needs", "danger")})
        known["earlier"] = doors_before(known.get("earlier"))
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


def before_of(state: ConversationState) -> Before | None:
    """Return what the next message is read with."""
    return Before.of(state.request, state.destination, state.choices, state.pending, state.rejected, state.earlier)


class Dialogue:
    """Conducts conversations, one turn at a time; holds no state of its own.

    Args:
        router: decides what a message asks for.
    """

    def __init__(self, router: Router) -> None:
        self.router = router
        self.referential: Referential = router.referential
        self.writer = Writer(router.referential)
        self.bending = Bending(router.referential, self.writer)
        self.doors = frozenset((*self.referential.topics, *self.referential.services, *self.referential.delegations))

    def reply(self, text: str, state: ConversationState, decision: RoutingDecision | None = None) -> Turn:
        """Answer a typed message.

        Args:
            text: what the person typed; any string.
            state: of the conversation so far.
            decision: when the router (or Rasa's pipeline) has already decided.
        """
        with turn():
            script = clean(text).script
            if script is Script.EMPTY:
                return Turn(Reply(EMPTY), state)
            decision = decision or self.router.route(text, state.profile, before_of(state))
            text = abridged(text)
            known = decision.foreign is not None and decision.foreign.language
            if script is Script.OTHER_ALPHABET and not known and decision.decision is not DecisionKind.URGENCE:
                return Turn(Reply(f"{OTHER_LANGUAGE} {self.writer.front_desk_phone}. {self.writer.in_danger}"), state)
            return self.answer(decision, text, state)

    def answer(self, decision: RoutingDecision, text: str, state: ConversationState) -> Turn:
        """Answer a message the router (or Rasa's pipeline) has already decided on."""
        decision = self._in_language(decision, text, state)
        spoken = decision.foreign.language if decision.foreign else ""
        turn = self._in_danger(self._heard(decision, text, _gone_back(decision.back, state)), decision, state)
        turn = self._bent(self._named(turn, decision.back))
        return replace(turn, state=replace(_remembering(state, turn), language=spoken))

    def _named(self, turn: Turn, back: str) -> Turn:
        """Say of which door the answer is, when the person went back to it."""
        if turn.state.destination != back or turn.reply.cards or back not in self.referential.topics:
            return turn
        named = f"« {self.referential.topics[back].libelle} » :"
        return replace(turn, reply=replace(turn.reply, text=f"{named}\n{turn.reply.text}"))

    def _in_language(self, decision: RoutingDecision, text: str, state: ConversationState) -> RoutingDecision:
        """Read a message in the language of the conversation when it is too short to tell its own, or when it is a French « ciao »."""
        foreign = decision.foreign
        if not state.language:
            in_french = foreign is not None and foreign.act and (state.destination or state.choices)
            return replace(decision, foreign=None) if in_french and clean(text).script is Script.LATIN else decision
        if decision.decision is DecisionKind.URGENCE or (foreign is not None and foreign.act):
            return decision
        if foreign is None and decision.acte == TELL_COMMUNE:  # a name alone is of no language
            return replace(decision, foreign=Foreign(state.language, TELL_COMMUNE))
        found = self.router.spoken(text, state.language)
        return replace(decision, foreign=found) if found is not None and (foreign is None or found.act) else decision

    def _in_danger(self, turn: Turn, decision: RoutingDecision, state: ConversationState) -> Turn:
        """Keep the numbers of a danger in sight: what is said next is most often about it (« il a 3 ans »)."""
        told = decision.decision is DecisionKind.URGENCE
        reply = turn.reply
        if state.danger:
            reply = replace(reply, calls=self.writer.calls(dict.fromkeys((*state.danger, *decision.urgence))))
        alone = told and not decision.destinations
        return replace(turn, reply=reply, state=replace(turn.state, danger=decision.urgence if alone else ()))

    def _heard(self, decision: RoutingDecision, text: str, state: ConversationState) -> Turn:
        """Answer what a message asks, what it says of the person's needs included."""
        told = needs_told(self.referential.needs, text, decision.acte)
        if not told.needs:
            return self._answer(decision, text, state)
        state = replace(state, needs=tuple(dict.fromkeys((*state.needs, *told.needs))))
        if self._is_need_alone(decision, told):
            return self._need(told.needs, state)
        if decision.decision not in DOORS and decision.decision is not DecisionKind.URGENCE:
            request = self.router.route(told.rest, state.profile, before_of(state))
            if request.decision in DOORS and not request.acte:
                return self._answer(request, told.rest, state)
            asked = self._is_follow_up(decision.acte) or request.decision is DecisionKind.CLARIFIER
            if decision.acte in ACCESS or not asked:
                return self._need(told.needs, state)
        return self._answer(decision, text, state)

    def _bent(self, turn: Turn) -> Turn:
        """Return the turn with a reply that bends to what the person cannot do."""
        return replace(turn, reply=self.bending.reply(turn.reply, turn.state.needs)) if turn.state.needs else turn

    def _is_need_alone(self, decision: RoutingDecision, told: Told) -> bool:
        """Whether a message tells a need and nothing else; a danger is never set aside for it."""
        unspoken = (self.referential.needs[need].sans_appel for need in told.needs)
        quiet = decision.situation in {u.situation for u in unspoken if u}
        return len(told.rest.split()) <= 1 and (decision.decision is not DecisionKind.URGENCE or quiet)

    def _need(self, told: tuple[str, ...], state: ConversationState) -> Turn:
        """Answer a need: what it changes to the door given before, else that it is noted; a pending question stays."""
        decision = RoutingDecision(DecisionKind.CONVERSATION, acte=TELL_NEED)
        needs = [self.referential.needs[need] for need in told]
        known = replace(state, failures=0)
        if state.choices and (state.pending or not state.destination):
            said = " ".join(need.reponse for need in needs)
            return Turn(Reply(said, choices=self._labels(state.choices)), known, decision)
        if not state.destination:
            return Turn(Reply(" ".join(need.reponse for need in needs)), known, decision)
        card = self._last_card(state.destination, state)
        said = " ".join(need.avec_porte for need in needs)
        if any(need.sans_appel for need in needs):
            return Turn(Reply(said, (card,)), known, decision)
        return Turn(Reply(f"{said}\n{contact_line(card.contact)}"), known, decision)

    def _answer(self, decision: RoutingDecision, text: str, state: ConversationState) -> Turn:
        if decision.foreign is not None and decision.foreign.language:
            return self._courteous(decision.foreign, decision, text, state)
        kind = decision.decision
        if kind is DecisionKind.INCOMPRIS:
            return self._not_understood(decision, state)
        if self._moves_elsewhere(decision, text, state):
            return self._commune(text, decision, state)
        follow_up = self._is_follow_up(decision.acte) and (state.destination or state.choices or decision.acte == "corriger")
        if decision.acte and (follow_up or kind in {DecisionKind.CONVERSATION, DecisionKind.HORS_SUJET}):
            return self._act(decision, text, state)
        decision = self._with_last_door(decision, text, state)
        reply, known = self._words(decision, state)
        known = replace(known, choices=tuple(c.id for c in reply.choices), pending=None, failures=0)
        if not decision.destinations and kind is not DecisionKind.URGENCE:
            return Turn(reply, known, decision)
        known = replace(
            known,
            request=mask((decision.read or text)[: 2 * MAX_REQUEST])[:MAX_REQUEST],
            others=tuple(map(_identifier, decision.alternatives)),
        )
        if not decision.destinations:  # a danger, and nothing else: what is said next is most often about it
            return Turn(reply, known, decision)
        if decision.question:
            return Turn(reply, replace(known, pending=text), decision)
        door = _identifier(decision.destinations[0])
        known = replace(known, destination=door)
        alone = len(reply.cards) == 1 and not reply.choices and not decision.back
        if decision.read and alone and kind in DOORS and door == state.destination and known.commune == state.commune:
            return self._same_door(known, decision, ASK_THERE if "?" in text or asks(clean(text).plain) else SAME_DOOR)
        return Turn(reply, known, decision)

    def _moves_elsewhere(self, decision: RoutingDecision, text: str, state: ConversationState) -> bool:
        """Whether a message only names a commune: in so many words, or to correct the one told before (« non pardon, à Cahors »)."""
        named = decision.commune["nom"] if decision.commune else None
        if not named or len(text.split()) > MOVE_WORDS or decision.decision in (*DOORS, DecisionKind.URGENCE):
            return False
        if decision.decision in SMALL_TALK:
            return bool(state.destination or state.choices) and not self._is_follow_up(decision.acte)
        return bool(state.commune and state.destination) and named != state.commune

    def _with_last_door(self, decision: RoutingDecision, text: str, state: ConversationState) -> RoutingDecision:
        """Settle a doubt in mid-conversation: the likelier door is given, the last one when none is likely; the others are buttons.

        When a likely one is not the last, and the last not among them, the last is first of a question: most often the person is still
        speaking of it. Not when the message names another thing, nor when what is asked is who speaks.
        """
        last = state.destination
        doubt = decision.question and decision.question != AGENT_QUESTION and self.router.menus.opening(clean(text)) is None
        if not doubt or not last or last in state.rejected or state.pending:
            return decision
        named = sorted(decision.destinations, key=lambda d: -d.confiance)
        likely = named[0].confiance >= LIKELY
        if likely and last not in map(_identifier, named):
            return replace(decision, destinations=(self.destination(last), *decision.destinations[: MAX_CHOICES - 1]))
        door = named[0] if likely else self.destination(last)
        others = tuple(other for other in named if _identifier(other) != _identifier(door))
        kind = DecisionKind.HORS_PERIMETRE if door.dis == "hors_perimetre" else DecisionKind.ORIENTER
        return replace(decision, decision=kind, destinations=(door,), niveau=door.level, question=None, offered=others[: MAX_CHOICES - 1])

    def _words(self, decision: RoutingDecision, state: ConversationState) -> tuple[Reply, ConversationState]:
        """Return the reply to a decision; the commune is asked once, then it is left to the person to tell it."""
        reply = self.writer.reply(decision, state.profile, self._place(state))
        if decision.commune:
            return reply, replace(state, commune=decision.commune["nom"])
        if state.commune is None:
            return reply, replace(state, commune="" if reply.invitation else None)
        return replace(reply, invitation=""), state

    def choose(self, choice: str, state: ConversationState) -> Turn:
        """Answer a pressed button, of this question or of an earlier one: a door is public. What names none is not understood."""
        turn = self._bent(self._choose(choice, state))
        return replace(turn, state=_remembering(state, turn))

    def _choose(self, choice: str, state: ConversationState) -> Turn:
        if choice == NONE_CHOICE:
            return self._human_or(TELL_MORE, replace(state, choices=(), pending=None))
        if choice == HUMAN_CHOICE:
            return self.human(state)
        if choice == WRONG_DOOR:
            return self._corrected(RoutingDecision(DecisionKind.CONVERSATION, acte="corriger"), state)
        try:
            destination = self.destination(choice)
        except KeyError:
            return self._not_understood(RoutingDecision(DecisionKind.INCOMPRIS), state)
        kind = DecisionKind.HORS_PERIMETRE if destination.dis == "hors_perimetre" else DecisionKind.ORIENTER
        decision = RoutingDecision(kind, (destination,), niveau=destination.level)
        reply, known = self._words(decision, state)
        ids = tuple(c.id for c in reply.choices)
        return Turn(reply, replace(known, destination=choice, choices=ids, pending=None, failures=0), decision)

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
        """Point to a person: the front desk and France services, the nearest one when the commune is known."""
        there = "".join(f"\n{line}" for line in self._helpers(state))
        return Turn(Reply(self.writer.act_text("parler_humain") + there), replace(state, failures=0, choices=(), pending=None))

    def _helpers(self, state: ConversationState) -> list[str]:
        """Return how to reach the nearest France services; nothing while the commune is unknown."""
        nearest = self.writer.contact(self.referential.entry_points["france_services"], self._place(state))
        return [contact_line(nearest)] if nearest.nearby else []

    def _courteous(self, foreign: Foreign, decision: RoutingDecision, text: str, state: ConversationState) -> Turn:
        """Answer in the person's language: the door too when it is one of the most asked; the card follows in French when it is sure.

        In danger, the numbers come first.
        """
        assert self.router.languages is not None
        phone = self.writer.front_desk_phone
        known = replace(state, choices=(), pending=None, failures=0)
        if decision.decision is DecisionKind.URGENCE:
            urgent = dict.fromkeys((self.router.languages.emergency_number, *decision.urgence))
            said = self.router.languages.courtesy(foreign.language, phone, danger=True)
            return Turn(Reply("", calls=self.writer.calls(urgent), courtesy=said), known, decision)
        language = foreign.language
        topic = door_told(self.referential, language, text)
        if topic is None and foreign.act in ABOUT_DOOR and state.destination in self.referential.foreign_doors:
            topic = state.destination
        if topic is None and foreign.act and foreign.act != GOES_ON:
            place = {"commune": decision.commune["nom"]} if decision.commune else {}
            said = self.router.languages.said(language, foreign.act, phone)
            return Turn(Reply("", courtesy=said), replace(state, failures=0, **place), decision)
        sure = (
            decision.decision in {DecisionKind.ORIENTER, DecisionKind.HORS_PERIMETRE}
            and all(d.confiance >= SURE_IN_ANOTHER_LANGUAGE for d in decision.destinations)
            and self.router.languages.takes_card(foreign.language)
        )
        read = decision.destinations[0].sujet if sure and len(decision.destinations) == 1 else None
        topic = topic or read
        if topic and topic in self.referential.foreign_doors and language in self.referential.foreign_languages:
            return self._told_abroad(foreign, self.destination(topic), decision, known)
        courtesy = self._doubting(self.router.languages.courtesy(language, phone, card=sure), foreign)
        if not sure:
            return Turn(Reply("", courtesy=courtesy), known, decision)
        reply = replace(self.writer.reply(decision, state.profile), courtesy=courtesy)
        return Turn(reply, replace(known, destination=_identifier(decision.destinations[0])), decision)

    def _doubting(self, courtesy: Courtesy, foreign: Foreign) -> Courtesy:
        """Put the number of all emergencies first when the message may tell a danger."""
        return replace(courtesy, sentences=(courtesy.sentences[-1], *courtesy.sentences[:-1])) if foreign.doubt else courtesy

    def _told_abroad(self, foreign: Foreign, door: Destination, decision: RoutingDecision, state: ConversationState) -> Turn:
        """Tell a door in the person's language, with the facts of the referential, then its card in French."""
        assert self.router.languages is not None
        language = foreign.language
        kind = DecisionKind.HORS_PERIMETRE if door.dis == "hors_perimetre" else DecisionKind.ORIENTER
        told = RoutingDecision(kind, (door,), niveau=door.level, commune=decision.commune, foreign=decision.foreign)
        reply, state = self._words(told, state)
        said = door_sentences(self.referential, language, self.bending.card(reply.cards[0], state.needs))
        closing = self.router.languages.closing(language, self.writer.front_desk_phone)
        direction = self.router.languages.courtesy(language, "").direction
        reply = replace(reply, courtesy=self._doubting(Courtesy(language, direction, (*said, *closing)), foreign))
        return Turn(reply, replace(state, destination=_identifier(door)), told)

    def _act(self, decision: RoutingDecision, text: str, state: ConversationState) -> Turn:
        act = decision.acte or ""
        if act == "corriger" or (act == "nier" and state.destination and not state.pending):
            return self._corrected(decision, state)
        if self._is_follow_up(act):
            return Turn(self._follow_up(act, state), replace(state, failures=0), decision)
        if act == "charabia":
            return self._not_understood(decision, state)
        if act == "parler_humain":
            return replace_decision(self.human(state), decision)
        if act == "autre_question":
            return Turn(Reply(NEXT_REQUEST), ConversationState(profile=state.profile, commune=state.commune, needs=state.needs), decision)
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
        known = replace(state, failures=0)
        beside = self.referential.acts[act].avec_porte if act in self.referential.acts else ""
        if beside and state.destination and not state.pending:
            card = self._last_card(state.destination, state)
            return Turn(Reply(f"{self.writer.fill(beside)}\n{contact_line(card.contact)}"), known, decision)
        return Turn(self.writer.reply(decision), known, decision)

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

    def _is_follow_up(self, act: str | None) -> bool:
        found = self.referential.acts.get(act or "")
        return found is not None and found.famille == "suite"

    def _follow_up(self, act: str, state: ConversationState) -> Reply:
        """Answer a question on the door given before: with a fact when the card holds one, else who knows."""
        if state.choices and (state.pending or not state.destination):  # the door is not chosen yet
            return Reply(CHOOSE_FIRST, choices=self._labels(state.choices))
        if not state.destination:
            return Reply(self.writer.act_text(act))
        asked = self.referential.acts[act]
        card = self._last_card(state.destination, state)
        link = link_lines(card)
        form = [f.line for f in card.facts if f.kind == "formulaire"]
        origin = [f"D'après la {card.bring_origin.text}."] if card.bring_origin and not card.bring_origin.checked else []
        known = {
            "contact": [contact_line(card.contact)],
            "horaires": [f"{card.contact.name} : {'. '.join(readable_hours(card.contact.hours))}."] if card.contact.hours else [],
            "pieces": [*listed("À apporter", card.bring), *form, *origin] if card.bring else [],
            "lien": [*form, *link],
        }.get(asked.fait) or _told(card, asked)
        helped = self._helpers(state) if act == OFFLINE else []
        said = "\n".join([*(known or [self.writer.fill(asked.avec_porte), contact_line(card.contact), *link]), *helped])
        elsewhere = not self._place(state) and (act == OFFLINE or self.writer.depends_on_commune(self.destination(state.destination)))
        return Reply(said, invitation=ASK_COMMUNE if elsewhere and (act == OFFLINE or asked.fait in {"contact", "horaires"}) else "")

    def _corrected(self, decision: RoutingDecision, state: ConversationState) -> Turn:
        """Move away from the door said to be wrong, or from the choices of a question: the next ones, then a person."""
        offered = tuple(c for c in state.choices if c in self.doors)
        wrong = offered if state.pending else tuple(filter(None, (state.destination,)))
        rejected = tuple(dict.fromkeys((*state.rejected, *wrong)))
        next_doors = (*offered, *state.others) or self._beside(wrong)
        others = tuple(dict.fromkeys(o for o in next_doors if o not in rejected))[:MOST_OTHERS]
        known = replace(state, destination=None, choices=(), rejected=rejected, others=(), pending=None)
        if not others:
            turn = replace_decision(self._human_or(self.writer.act_text("corriger"), known), decision)
            return turn if turn.state.failures == 0 else replace(turn, reply=replace(turn.reply, choices=self._labels((HUMAN_CHOICE,))))
        ids = (*others, HUMAN_CHOICE)
        text = self.referential.acts["corriger"].avec_porte
        return Turn(Reply(text, choices=self._labels(ids)), replace(known, choices=ids, pending=state.request), decision)

    def _beside(self, doors: tuple[str, ...]) -> tuple[str, ...]:
        """Return the doors that a menu offers beside these ones."""
        return next((menu.choix for menu in self.referential.menus if menu.mots and set(doors) & set(menu.choix)), ())

    def _yes_no(self, act: str, decision: RoutingDecision, state: ConversationState) -> Turn:
        offered = [c for c in state.choices if c not in {NONE_CHOICE, HUMAN_CHOICE}]
        if not offered:
            text = YES_WITHOUT_QUESTION if act == "affirmer" else TELL_MORE
            return Turn(Reply(text), replace(state, failures=0), decision)
        if act == "nier":
            return replace_decision(self._choose(NONE_CHOICE, state), decision)
        return Turn(Reply("Laquelle de ces demandes ?", choices=self._labels(state.choices)), state, decision)

    def _profile(self, text: str, decision: RoutingDecision, state: ConversationState) -> Turn:
        plain = f" {clean(text).plain} "
        profile = next((p for p, words in _PROFILE_WORDS if any(f" {w} " in plain for w in words)), "citoyen")
        return self._resume(replace(state, profile=profile), decision)

    def _commune(self, text: str, decision: RoutingDecision, state: ConversationState) -> Turn:
        places = self.router.gazetteer.find(text)
        if not places:
            alike = self.router.gazetteer.beginning_with(text)[:MOST_ALIKE]
            return Turn(Reply(WHICH_COMMUNE.format(noms=", ".join(c.nom for c in alike)) if alike else ASK_COMMUNE), state, decision)
        known = replace(state, commune=places[0].nom, failures=0)
        if not places[0].in_lot:
            said = RoutingDecision(DecisionKind.ORIENTER, commune=commune_as_json(places[0]))
            return Turn(Reply(" ".join(self.writer._place_notes(said))), known, decision)
        beside = (door for door, request in state.earlier if request == state.request)  # given for the same message
        given = (state.destination, *beside) if state.destination and not state.pending else ()
        moved = [door for door in given if self.writer.depends_on_commune(self.destination(door))]
        if moved:
            return Turn(Reply(COMMUNE_NOTED, tuple(self._last_card(door, known) for door in moved)), known, decision)
        if state.pending and state.choices:  # the place says nothing of what was asked
            return Turn(Reply(STILL_ASKED, choices=self._labels(state.choices)), known, decision)
        return self._resume(known, decision)

    def _last_card(self, destination: str, state: ConversationState) -> Card:
        return self.bending.card(self.writer.card(self.destination(destination), state.profile, self._place(state)), state.needs)

    def _place(self, state: ConversationState) -> Commune | None:
        place = self.router.gazetteer.lookup(state.commune) if state.commune else None
        return place if place and place.in_lot else None

    def _resume(self, state: ConversationState, decision: RoutingDecision) -> Turn:
        if state.pending and state.request:
            return self.reply(state.request, replace(state, pending=None, choices=(), request=None))
        if state.destination:
            return self._same_door(state, decision)
        return Turn(Reply("C'est noté. Que voulez-vous faire ?"), state, decision)

    def _same_door(self, state: ConversationState, decision: RoutingDecision, said: str = SAME_DOOR) -> Turn:
        """Say that the door just given is still the one: its card is on the screen already."""
        card = self._last_card(state.destination or "", state)
        return Turn(Reply(f"{said}\n{contact_line(card.contact)}"), state, decision)

    def _labels(self, choices: tuple[str, ...]) -> tuple[Choice, ...]:
        said = {NONE_CHOICE: NONE_OF_THESE, HUMAN_CHOICE: self.referential.acts["parler_humain"].libelle}
        return tuple(Choice(c, said[c]) if c in said else self.writer.choice(self.destination(c)) for c in choices)

    def _not_understood(self, decision: RoutingDecision, state: ConversationState) -> Turn:
        return replace_decision(self._human_or(self.writer.not_understood, state), decision)

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


def _gone_back(door: str, state: ConversationState) -> ConversationState:
    """Return the state in which the door given earlier is the last one again."""
    request = dict(state.earlier).get(door)
    return state if request is None else replace(state, destination=door, request=request, choices=(), pending=None, others=())


def _remembering(before: ConversationState, turn: Turn) -> ConversationState:
    """Return the state after a turn, with the doors given before the last and beside it; one said to be wrong is forgotten."""
    state, decision = turn.state, turn.decision
    beside = decision.destinations[1:] if decision is not None and decision.decision in DOORS and not decision.question else ()
    doors = [(_identifier(door), state.request) for door in beside]
    doors += [(before.destination or "", before.request), *before.earlier]
    kept = {d: asked for d, asked in reversed(doors) if d and asked and d != state.destination and d not in state.rejected}
    return replace(state, earlier=tuple(reversed(kept.items()))[:MOST_EARLIER])


def _told(card: Card, asked: ConversationAct) -> list[str]:
    """Return the fact that a follow-up asks for, with its origin, else the sentences of the card with its words; both may be unknown."""
    fact = next((f for f in card.facts if f.kind == asked.fait), None)
    if fact and (fact.kind not in WIDE_FACTS or _says(fact.text, asked)):
        return with_origin(fact).splitlines()
    said = " ".join(s for s in (card.step, *card.sentences[1:]) if _says(s, asked))
    return [said] if said else []


def _says(text: str, asked: ConversationAct) -> bool:
    return any(word in text.lower() for word in asked.indices)


def replace_decision(turn: Turn, decision: RoutingDecision) -> Turn:
    """Return ``turn`` with the decision that led to it."""
    return replace(turn, decision=decision)


def _identifier(destination: Destination) -> str:
    return destination.sujet or destination.service or destination.dis
