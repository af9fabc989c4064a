"""The flow of the design, step by step: a real message in, the right door out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from bot.base.once import once, turn
from bot.base.stopwatch import stage
from bot.emergency.detector import EmergencyDetector
from bot.emergency.situations import Emergency
from bot.language.cleaning import CleanText, Script, abridged, clean
from bot.language.foreign import Foreign, Languages
from bot.language.privacy import mask
from bot.referential import Referential
from bot.referential.communes import Commune, Gazetteer
from bot.referential.menus import Menus
from bot.referential.models import Menu
from bot.routing import context, several
from bot.routing.context import BACK, JOINED, KEPT, NEW, Before, Way, idle, mixed, opening, refuses
from bot.routing.decision import (
    AGENT_QUESTION,
    FIRST_STEPS,
    FOLLOW_UP,
    OPENING_WORDS,
    OUTSIDE,
    QUESTION,
    THE_REST,
    Decider,
    Reading,
    Thresholds,
)
from bot.routing.memory import Memory
from bot.routing.types import DecisionKind, Destination, Heard, RoutingDecision
from bot.understanding.outcome import Understanding
from bot.understanding.segmentation import Segmentation, segmentations

if TYPE_CHECKING:  # numpy is imported with the model: emergencies do not wait for it
    from bot.routing.doors import Doors
    from bot.understanding.model import TopicModel
    from bot.understanding.use import Fragments

_LINES = re.compile(r"[.;,\s]*\n\s*")

SMALL_TALK = frozenset({DecisionKind.CONVERSATION, DecisionKind.HORS_SUJET})
ANSWERS = frozenset({DecisionKind.ORIENTER, DecisionKind.HORS_PERIMETRE})
GREET, HELP, TELL_COMMUNE = "saluer", "aide", "dire_commune"
OFF_TOPIC = "hors_sujet"
"""Family of the messages that ask for nothing."""
TAUGHT = 0.99
"""Probability of the topic under which a message was taught word for word: the rest keeps the order of the other doors."""
TAUGHT_WORDS = 4
"""Words from which a message that was taught is read alone in the middle of a conversation: shorter, it may go on (« le prix »)."""
IDEA = 0.2
"""Probability of all topics together under which the model's choices for a vague message are guesses."""
BEHIND, BEHIND_SURE = 0.5, 0.9
"""Probability under which a door is not shown behind the numbers of an emergency: the message speaks of the danger alone.
When the danger is sure, the door must be too: a door beside the point hurts whoever needs help."""
GOES_ON = 0.5
"""Share from which a message is taken to go on with the last request: what comes next is read with both."""


class Router:
    """Routes messages. Works without a model: emergencies are still caught, the rest is not understood.

    Args:
        referential: who does what.
        gazetteer: the communes.
        detector: recognises emergencies.
        model: the trained topic model, or ``None``.
        thresholds: the thresholds stored with the model.
        languages: tells the messages that are not in French, or ``None``.
        memory: what was taught word for word: it is answered so, whatever the model reads.
    """

    def __init__(
        self,
        referential: Referential,
        gazetteer: Gazetteer,
        detector: EmergencyDetector,
        model: TopicModel | None = None,
        thresholds: Thresholds | None = None,
        languages: Languages | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.referential = referential
        self.gazetteer = gazetteer
        self.detector = detector
        self.model = model
        self.languages = languages
        self.memory = memory or Memory()
        self.decider = Decider(referential, thresholds or Thresholds())
        self.menus = Menus(referential)
        self._aliases = referential.aliases
        self._doors: Doors | None = None
        if model is not None:
            from bot.routing.doors import Doors

            self._doors = Doors(self.decider, model.labels, self._aliases)

    def with_model(self, model: TopicModel, thresholds: Thresholds) -> Router:
        """Return a router with the same tables that understands with a trained model, by the thresholds stored with it."""
        return Router(self.referential, self.gazetteer, self.detector, model, thresholds, self.languages, self.memory)

    def route(self, text: str, profile: str | None = None, before: Before | None = None) -> RoutingDecision:
        """Return the decision for one message.

        Args:
            text: what a person typed; any string.
            profile: "citoyen", "partenaire", "agent", or ``None`` when unknown.
            before: what the conversation already knows, ``None`` to read the message alone.
        """
        with turn():
            (heard,) = self.understand([self.hear(text)])
            (heard,) = self.split([self.in_context(heard, before)], profile)
            return self.decide(heard, profile)

    def route_many(self, texts: Sequence[str], profile: str | None = None) -> list[RoutingDecision]:
        """Route several messages at once, in order; the model works faster on a batch.

        This is the whole flow. Rasa's components take the same steps, one each.
        """
        with turn():
            heard = self.understand([self.hear(text) for text in texts])
            return [self.decide(message, profile) for message in self.split(heard, profile)]

    def hear(self, text: str) -> Heard:
        """Look for an emergency and for another language in what was typed, then mask and clean it.

        Nothing is understood yet: an emergency is found whatever the model then makes of the message, and wherever it stands in it.

        Args:
            text: what a person typed; any string.
        """
        emergency = self.detector.detect(text)
        text = abridged(text)
        masked = mask(text)
        read = clean(masked)
        taught = self._taught(read) or (self._taught(clean(text)) if masked != text else "")
        return Heard(read, emergency, self._foreign(text, emergency), taught)

    def _taught(self, text: CleanText) -> str:
        """Return the topic, or the kind of non-request, under which a message was taught; "" when it was not."""
        label = self.memory.find(text) or ""
        act = self.referential.acts.get(label)
        known = act.famille == OFF_TOPIC if act else self._aliases.get(label, label) in self.referential.topics
        return label if known else ""

    @stage("langue")
    def _foreign(self, text: str, emergency: Emergency | None) -> Foreign | None:
        """Return the language of a message that is not French: that of its danger first."""
        if self.languages is None:
            return None
        known = self.languages.ids
        told = emergency.language if emergency is not None else ""
        if told in known:
            return Foreign(told)
        doubt = emergency is None and self.detector.doubts(text)
        said = None if doubt or emergency is not None else self.spoken(text)
        if said is not None:
            return said
        guess = self.detector.language(text)
        found = Foreign(guess) if guess in known else self.languages.detect(text)
        return found and replace(found, doubt=doubt)

    def spoken(self, text: str, language: str = "") -> Foreign | None:
        """Return the language of a message too short to tell it otherwise (« gracias », « how much? »), and what it does.

        Args:
            text: what was typed.
            language: of the conversation so far, "" when it is French or not told.
        """
        if self.languages is None:
            return None
        told = self.languages.talk.read(text, language)
        french = self.detector.is_french(text)
        known = told is not None and told[0] in self.languages.ids
        ours = french and self.memory.find(clean(text)) is not None  # « salut » is of two languages, and taught in French
        if told is not None and known and (told[0] == language or not french or (not ours and self.detector.knows(text, told[0]))):
            return Foreign(told[0]) if told[1] == TELL_COMMUNE and not self.gazetteer.find(text) else Foreign(*told)
        return Foreign(language) if language and (not french or self.detector.knows(text, language)) else None

    def understand(self, heard: Sequence[Heard]) -> list[Heard]:
        """Add what the model reads in each whole message, in one call; nothing in what is not made of words.

        Keywords alone read the messages of which they are sure.
        """
        readable = [h.text for h in heard if h.text.script is Script.LATIN]
        if self.model is None or not readable:
            return list(heard)
        fragments: Fragments = {}
        rows = zip(*self.model.glance(readable, fragments), strict=True)
        found = []
        for h in heard:
            if h.text.script is Script.LATIN:
                row, settled = next(rows)
                h = replace(h, understanding=self.model.understanding(row), glanced=bool(settled), fragments=fragments)
            found.append(h)
        return found

    def in_context(self, heard: Heard, before: Before | None) -> Heard:
        """Weigh the ways to take the message: alone, with the last request, of the last door, of a door given earlier.

        A follow-up question is read alone: only the door it is about is looked for. With no door yet, it answers our question (« permis »,
        then « on me l'a volé »): it is read with the request when both make one that was not proposed. A message that was taught is
        read alone too. So is one that asks for nothing (« merci »), unless the shares say that it goes on: « il recommence » is no chat.

        Args:
            heard: a message already understood.
            before: what the conversation already knows.
        """
        weights = self.decider.thresholds.contexte
        if before is None or heard.understanding is None or not context.fits(weights):
            return heard
        asking = self.decider.thresholds.non_demande
        alone = self.read(heard.understanding)
        if heard.taught and len(heard.text.plain.split()) >= TAUGHT_WORDS:
            return heard
        doorless = not before.destination and bool(before.choices)
        if not (before.earlier or doorless) and alone.non_request - sum(idle(alone, self.referential.acts).values()) >= asking:
            return heard
        together = clean(before.joined(heard.text.display))
        *own, joined = self._read_all([[heard.text, together] if heard.glanced else [together]], {})[0]
        understanding = own[0] if own else heard.understanding
        heard, alone = replace(heard, understanding=understanding, glanced=False), self.read(understanding)
        nothing = idle(alone, self.referential.acts)
        silent = sum(nothing.values())
        ways = self._ways(heard.text, alone, silent, before, Way(JOINED, (), joined.probabilities, together.display))
        mine, *theirs = context.shares(weights, [(way.kind, way.values) for way in ways])
        share, best = max(zip(theirs, ways, strict=True), key=lambda told: told[0])
        back = best.door if best.kind == BACK and share >= GOES_ON else ""
        if alone.non_request - silent >= asking:
            likeliest, sure = max(self.read(joined).topics.items(), key=lambda told: told[1], default=("", 0.0))
            if doorless and not back and sure >= self.decider.thresholds.service and likeliest not in before.choices:
                return replace(heard, understanding=joined, read=together.display, fragments={})
            return replace(heard, back=back)
        chat = silent >= asking
        if chat and 1 - mine < GOES_ON:
            return heard
        refused = refuses(heard.text)
        last = self.referential.topics.get(before.destination)
        away = refused and (best.kind != KEPT or (last is not None and context.sets_aside(heard.text, last.libelle)))
        doors = (before.destination, *before.rejected) if away else before.rejected
        out = [*(d for d in doors if d in self.referential.topics and d != back), *(nothing if chat else ())]
        both = mixed([(mine, understanding.probabilities), *zip(theirs, (way.read for way in ways), strict=True)], out)
        goes_on = best.request if 1 - mine >= GOES_ON else ""
        left = clean(context.kept(heard.text.display)) if refused else heard.text  # what is set aside is no request of its own
        return replace(heard, text=left, understanding=Understanding(both), read=goes_on, back=back, fragments={})

    def _ways(self, text: CleanText, alone: Reading, silent: float, before: Before, joined: Way) -> list[Way]:
        """Return the ways to take a message: with the last request, of its door, of each door given earlier.

        Args:
            text: the message.
            alone: its reading.
            silent: probability that it asks for nothing.
            before: what the conversation already knows.
            joined: the message with the last request, its values still missing.
        """
        offered = {self.service_of(door) for door in (before.destination, *before.choices)} - {""}
        wordings = self.decider.thresholds.tournures
        told = opening(text, wordings.get(NEW, {})), opening(text, wordings.get(BACK, {}))
        together = self.read(Understanding(joined.read))
        values = context.features(text, alone, together, offered, bool(before.choices), told, silent)
        ways = [replace(joined, values=values)]
        doors = [(BACK, *earlier) for earlier in before.earlier]
        if not before.choices:
            doors.insert(0, (KEPT, before.destination, before.request))
        for kind, door, request in doors:
            if door in self.referential.topics:
                own = context.about(text, alone, self.service_of(door), door, request)
                ways.append(Way(kind, (*values, *(own[name] for name in context.OWN[kind])), {door: 1.0}, request, door))
        return ways

    def service_of(self, door: str) -> str:
        """Return the service of a topic or of a service, "" for anything else."""
        if door in self.referential.topics:
            return self.referential.topics[door].service
        return door if door in self.referential.services else ""

    @stage("découpe en demandes")
    def split(self, heard: Sequence[Heard], profile: str | None = None) -> list[Heard]:
        """Add the ways to cut each message in several requests, and what the model reads in their parts.

        Keywords alone tell the cuts worth reading; the parts of these are read in one call.

        Args:
            heard: messages already understood, by one call of :meth:`understand`.
            profile: who asks, ``None`` when unknown.
        """
        cut = self._well_read([replace(h, segmentations=self._segmentations(h, profile)) for h in heard], profile)
        return self._with_parts(cut, profile) if any(h.segmentations for h in cut) else cut

    def _well_read(self, cut: Sequence[Heard], profile: str | None) -> list[Heard]:
        """Read whole, in one call, messages only glanced at of which more than the likeliest door is told.

        Keywords miss the second request of those that may be cut, and the other doors behind those of a few words.
        """
        doubt = [h.glanced and bool(h.segmentations or len(h.text.plain.split()) <= OPENING_WORDS) for h in cut]
        read = self._read_all(
            [[h.text] if again else [] for h, again in zip(cut, doubt, strict=True)], next((h.fragments for h in cut), {})
        )
        found = [replace(h, understanding=own[0], glanced=False) if own else h for h, own in zip(cut, read, strict=True)]
        return [replace(h, segmentations=self._segmentations(h, profile)) if own else h for h, own in zip(found, read, strict=True)]

    def _with_parts(self, cut: Sequence[Heard], profile: str | None) -> list[Heard]:
        """Keep the ways to cut each message that are worth reading, and add what the model reads in their parts."""
        if self.model is None or self._doors is None:
            return list(cut)
        import numpy as np  # it is there: it comes with the model

        own = [list(dict.fromkeys(text for s in h.segmentations for text in s.texts)) for h in cut]
        texts = [clean(text) for some in own for text in some]
        skimmed = self.model.skim(texts)
        glimpsed = iter(self._doors.parts(texts, skimmed.told, profile) if skimmed.told is not None else ())
        kept = []
        for h, some in zip(cut, own, strict=True):
            parts = dict(zip(some, islice(glimpsed, len(some)), strict=False))
            if parts and h.understanding is not None:
                whole = self.read(h.understanding, profile)
                found = several.promising(h.segmentations, parts, whole, h.text.display, self.decider.thresholds.coupes)
                h = replace(h, segmentations=found)
            kept.append(h)
        wanted = [{text for s in h.segmentations for text in s.texts} for h in kept]
        some_read = np.flatnonzero([text in asked for asked, some in zip(wanted, own, strict=True) for text in some])
        rows = self.model.read_on(skimmed, some_read, next((h.fragments for h in kept), {}))
        read = iter(self._doors.parts([texts[i] for i in some_read], rows, profile))
        return [replace(h, parts={part.words: part for part in islice(read, len(asked))}) for h, asked in zip(kept, wanted, strict=True)]

    @stage("décision")
    def decide(self, heard: Heard, profile: str | None = None) -> RoutingDecision:
        """Decide for a message understood and split: the emergency first, then the place and the language it is written in.

        Args:
            heard: the message.
            profile: who asks, ``None`` when unknown.
        """
        decision = self._decision(self._recalled(heard), profile)
        places = self.gazetteer.find(heard.text.display)
        commune = commune_as_json(places[0]) if places else None
        decision = self._after(heard, heard.emergency, decision) if heard.emergency else decision
        if heard.foreign is not None and heard.foreign.act in self.referential.acts:
            decision = RoutingDecision(DecisionKind.CONVERSATION, acte=heard.foreign.act)
        if decision.decision in SMALL_TALK and heard.foreign is None and self.detector.is_strange(heard.text.display):
            decision = RoutingDecision(DecisionKind.INCOMPRIS)  # a smile may be the worst answer to what nobody reads
        return replace(decision, commune=commune, foreign=heard.foreign, read=heard.read, back=heard.back)

    def _after(self, heard: Heard, emergency: Emergency, decision: RoutingDecision) -> RoutingDecision:
        """Put the numbers of an emergency before a decision.

        When the emergency is sure, a door stays behind them only if it makes sense after this danger (a complaint after a burglary), or
        if the rest of the message asks for it. When it is not sure, a likely door stays, and a question too.
        """
        asked = decision.decision is DecisionKind.CLARIFIER and not emergency.sure
        door = decision.destinations[0] if decision.decision in ANSWERS else None
        follows = asked or (door is not None and (self._besides(heard, emergency, door) if emergency.sure else door.confiance >= BEHIND))
        return RoutingDecision(
            decision=DecisionKind.URGENCE,
            destinations=decision.destinations if follows else (),
            niveau=decision.niveau if follows else None,
            question=decision.question if asked else None,
            urgence=emergency.numeros,
            situation=emergency.situation,
        )

    def _besides(self, heard: Heard, emergency: Emergency, door: Destination) -> bool:
        """Whether a door has a place behind a sure danger."""
        situation = self.referential.emergency_situations.get(emergency.situation)
        if door.confiance < BEHIND_SURE or door.sujet is None or (situation and situation.seule):
            return False
        if emergency.situation in self.referential.topics[door.sujet].apres_urgence:
            return True
        rest = [part for part in several.smallest(segmentations(_by_lines(heard), bare=False)) if self.detector.detect(part) is None]
        (read,) = self._read_all([[clean(part) for part in rest]], {})
        return any(self.read(understanding).topics.get(door.sujet, 0.0) >= BEHIND_SURE for understanding in read)

    @once
    @stage("tableaux")
    def read(self, understanding: Understanding, profile: str | None = None) -> Reading:
        """Add probabilities up; a label from before a topic was renamed or merged counts for the topic of today."""
        if not self._aliases.keys().isdisjoint(understanding.probabilities):
            today: dict[str, float] = {}
            for label, probability in understanding.probabilities.items():
                name = self._aliases.get(label, label)
                today[name] = today.get(name, 0.0) + probability
            understanding = Understanding(today)
        return self.decider.read(understanding, profile)

    def _recalled(self, heard: Heard) -> Heard:
        """Read a message that was taught word for word as it was taught; any other, or one that goes on with the last, as it is."""
        if not heard.taught or heard.read:
            return heard
        read = heard.understanding.probabilities if heard.understanding else {}
        left = 1 - TAUGHT if read else 0.0
        blended = {name: left * probability for name, probability in read.items()}
        blended[heard.taught] = blended.get(heard.taught, 0.0) + 1 - left
        return replace(heard, understanding=Understanding(blended), segmentations=())

    def _decision(self, heard: Heard, profile: str | None) -> RoutingDecision:
        """Decide what a message asks for, several requests included, danger apart."""
        if heard.understanding is None:
            return RoutingDecision(DecisionKind.INCOMPRIS)
        if self.gazetteer.lookup(heard.text.display) is not None:
            return RoutingDecision(DecisionKind.CONVERSATION, acte=TELL_COMMUNE)
        reading = self.read(heard.understanding, profile)
        whole = self.decider.decide(reading, profile, len(heard.text.plain.split()))
        opening = None if heard.read else self.menus.opening(heard.text)
        act = self.referential.acts.get(whole.acte or "")
        menu = opening or self.menus.general
        if act is not None and act.famille == FOLLOW_UP and not act.sujet_par_defaut and menu is not None:
            return replace(self._menu_question(menu, reading, act.reponse), acte=act.id)
        if opening is not None:
            return self._opening(opening, reading)
        if act is not None and act.id == HELP and self.menus.general is not None:  # « un renseignement svp »: help, and where to begin
            return replace(self._menu_question(self.menus.general, reading, act.reponse), acte=HELP)
        if whole.acte == GREET and self.menus.find(heard.text) is not None:
            return self._with_menu(heard.text, RoutingDecision(DecisionKind.CLARIFIER, question=QUESTION), reading)
        if whole.acte is not None:
            return whole
        whole = self._several(heard, whole, reading)
        vague = whole.decision is DecisionKind.CLARIFIER and whole.question != AGENT_QUESTION
        return self._with_menu(heard.text, whole, reading) if vague and reading.vague >= self.decider.thresholds.vague else whole

    def _opening(self, menu: Menu, reading: Reading) -> RoutingDecision:
        """Answer a message that only names a thing: the door and its first steps when they are of one service, else a question."""
        question = self._menu_question(menu, reading, QUESTION)
        services = {choice.service for choice in question.destinations}
        if len(services) != 1 or question.destinations[0].service is None or question.destinations[0].dis == OUTSIDE:
            return question
        first = question.destinations[0]
        door = Destination(first.dis, first.service, None, reading.services.get(first.service or "", 0.0))
        steps = question.destinations
        return RoutingDecision(DecisionKind.ORIENTER, (door,), steps, niveau=door.level, offered=steps, invitation=FIRST_STEPS)

    def _menu_question(self, menu: Menu, reading: Reading, question: str) -> RoutingDecision:
        choices = tuple(self._choice(identifier, reading) for identifier in menu.choix)
        return RoutingDecision(DecisionKind.CLARIFIER, choices, niveau=choices[0].level, question=question)

    def _with_menu(self, text: CleanText, question: RoutingDecision, reading: Reading) -> RoutingDecision:
        """Replace the choices of a question by those of a menu, unless the model has an idea of its own."""
        menu = self.menus.find(text)
        if menu is None and sum(reading.topics.values()) < IDEA:
            menu = self.menus.general
        if menu is None:
            return question
        return self._menu_question(menu, reading, question.question or QUESTION)

    def _choice(self, identifier: str, reading: Reading) -> Destination:
        if identifier in self.referential.topics:
            service = self.referential.service_of(identifier)
            return Destination(service.delegation, service.id, identifier, reading.topics.get(identifier, 0.0))
        if identifier in self.referential.services:
            return Destination(self.referential.services[identifier].delegation, identifier, None, reading.services.get(identifier, 0.0))
        return Destination(identifier, None, None, reading.delegations.get(identifier, 0.0))

    def _read_all(self, groups: Sequence[Sequence[CleanText]], fragments: Fragments) -> list[list[Understanding]]:
        """Return what the model reads in each text of each group, in one call; nothing without a model."""
        texts = [text for group in groups for text in group]
        if self.model is None or not texts:
            return [[] for _ in groups]
        rows = iter(self.model.predict_proba(texts, fragments))
        return [[self.model.understanding(row) for row in islice(rows, len(group))] for group in groups]

    def _segmentations(self, heard: Heard, profile: str | None) -> tuple[Segmentation, ...]:
        """Return the ways to cut a message that may carry several requests."""
        if heard.understanding is None or not self.decider.thresholds.plusieurs.layers:
            return ()
        whole = self.read(heard.understanding, profile)
        if whole.non_request >= self.decider.thresholds.non_demande:
            return ()
        return several.worth_reading(_by_lines(heard), whole)

    def _several(self, heard: Heard, whole: RoutingDecision, reading: Reading) -> RoutingDecision:
        """Return the decision for the requests of the message, from the most telling way to cut it.

        More requests are preferred to fewer. When several are not likely enough, the door of the message stands and the other
        request is asked about.

        Args:
            heard: the message, split.
            whole: the decision for one request.
            reading: of the whole message.
        """
        thresholds = self.decider.thresholds
        best: tuple[int, float, tuple[several.Part, ...]] = (0, 0.0, ())
        for segmentation in heard.segmentations:
            parts = several.parts_of(segmentation, heard.parts)
            if parts:
                values = several.features(segmentation, parts, reading, heard.text.display)
                probability = thresholds.plusieurs.probability(values)
                sure = len(parts) if probability >= thresholds.segment else 0
                best = max(best, (sure, probability, parts), key=lambda b: b[:2])
        sure, probability, parts = best
        doors = [self.decider.door_of(part) for part in parts]
        doors.sort(key=lambda door: -reading.services.get(door.service or "", 0.0))
        if sure:
            return self.decider.several(doors)
        first = whole.destinations[0] if whole.decision in ANSWERS else None
        others = tuple(door for door in doors if first is None or door.service != first.service)
        if first is None or first.service is None or probability < thresholds.reste or not others:
            return whole
        return replace(whole, offered=others, invitation=THE_REST)


def _by_lines(heard: Heard) -> str:
    """Return a message with its punctuation; a line break counts as some."""
    typed = heard.text.original.strip()
    return clean(_LINES.sub(" ; ", typed)).display if "\n" in typed else heard.text.display


def commune_as_json(commune: Commune) -> dict[str, Any]:
    """Return the public form of a place."""
    row: dict[str, Any] = {"nom": commune.nom, "code_insee": commune.code_insee, "departement": commune.departement}
    if commune.arrondissement:
        row["arrondissement"] = commune.arrondissement
    if commune.ancien_nom:
        row["ancien_nom"] = commune.ancien_nom
    if commune.departements_homonymes:
        row["homonymes"] = list(commune.departements_homonymes)
    return row
