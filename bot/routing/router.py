"""The flow of the design, step by step: a real message in, the right door out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from bot.emergency.detector import EmergencyDetector
from bot.emergency.situations import Emergency
from bot.language.cleaning import CleanText, Script, clean
from bot.language.foreign import Languages
from bot.language.privacy import mask
from bot.referential import Referential
from bot.referential.communes import Commune, Gazetteer
from bot.referential.menus import Menus
from bot.routing.decision import AGENT_QUESTION, QUESTION, Decider, Reading, Thresholds
from bot.routing.several import ENOUGH, likely_segmentations, score
from bot.routing.types import DecisionKind, Destination, RoutingDecision
from bot.understanding.outcome import Understanding

if TYPE_CHECKING:  # numpy is imported with the model: emergencies do not wait for it
    from bot.understanding.model import TopicModel
    from bot.understanding.use import Fragments

_LINES = re.compile(r"[.;,\s]*\n\s*")

ANSWERS = frozenset({DecisionKind.ORIENTER, DecisionKind.HORS_PERIMETRE})
GREET, TELL_COMMUNE = "saluer", "dire_commune"
IDEA = 0.2
"""Probability of all topics together under which the model's choices for a vague message are guesses."""
BEHIND = 0.5
"""Probability under which a door is not shown behind the numbers of an emergency: the message speaks of the danger alone."""
READ_CHARACTERS = 5000
"""What is read of a message before cleaning: what a person needs is said well before."""


class Router:
    """Routes messages. Works without a model: emergencies are still caught, the rest is not understood.

    Args:
        referential: who does what.
        gazetteer: the communes.
        detector: recognises emergencies.
        model: the trained topic model, or ``None``.
        thresholds: the thresholds stored with the model.
        languages: tells the messages that are not in French, or ``None``.
    """

    def __init__(
        self,
        referential: Referential,
        gazetteer: Gazetteer,
        detector: EmergencyDetector,
        model: TopicModel | None = None,
        thresholds: Thresholds | None = None,
        languages: Languages | None = None,
    ) -> None:
        self.referential = referential
        self.gazetteer = gazetteer
        self.detector = detector
        self.model = model
        self.languages = languages
        self.decider = Decider(referential, thresholds or Thresholds())
        self.menus = Menus(referential)
        self._aliases = referential.aliases

    def with_model(self, model: TopicModel, thresholds: Thresholds) -> Router:
        """Return a router with the same tables that understands with a trained model, by the thresholds stored with it."""
        return Router(self.referential, self.gazetteer, self.detector, model, thresholds, self.languages)

    def route(self, text: str, profile: str | None = None) -> RoutingDecision:
        """Return the decision for one message.

        Args:
            text: what a person typed; any string.
            profile: "citoyen", "partenaire", "agent", or ``None`` when unknown.
        """
        return self.route_many([text], profile)[0]

    def route_many(self, texts: Sequence[str], profile: str | None = None) -> list[RoutingDecision]:
        """Route several messages at once, in order; the model works faster on a batch.

        Emergencies are looked for before anything is understood, whatever the model then makes of the message.
        """
        emergencies = [self.detector.detect(text) for text in texts]
        cleaned = [clean(mask(text[:READ_CHARACTERS])) for text in texts]
        readable = {i: c for i, c in enumerate(cleaned) if c.script is Script.LATIN}
        fragments: Fragments = {}
        understood = dict(zip(readable, self._understand(list(readable.values()), fragments), strict=False))
        parts = {i: self.clauses_of(readable[i], u, profile) for i, u in understood.items()}
        parts_understood = iter(self._understand([clean(p) for part in parts.values() for p in part], fragments))
        clauses = {i: dict(zip(part, islice(parts_understood, len(part)), strict=False)) for i, part in parts.items()}
        return [
            self.with_context(c, self._decision(c, understood.get(i), profile, clauses.get(i)), emergency)
            for i, (c, emergency) in enumerate(zip(cleaned, emergencies, strict=True))
        ]

    def read(self, understanding: Understanding, profile: str | None = None) -> Reading:
        """Add probabilities up; a label from before a topic was renamed or merged counts for the topic of today."""
        if self._aliases and any(label in self._aliases for label in understanding.probabilities):
            today: dict[str, float] = {}
            for label, probability in understanding.probabilities.items():
                name = self._aliases.get(label, label)
                today[name] = today.get(name, 0.0) + probability
            understanding = Understanding(today)
        return self.decider.read(understanding, profile)

    def decide(
        self,
        text: CleanText,
        understanding: Understanding,
        profile: str | None = None,
        clauses: Mapping[str, Understanding] | None = None,
        fragments: Fragments | None = None,
    ) -> RoutingDecision:
        """Decide for a cleaned message already understood, several requests included.

        Args:
            text: the message.
            understanding: of the whole message.
            profile: who asks, ``None`` when unknown.
            clauses: those of :meth:`clauses_of`, already understood; understood here when ``None``.
            fragments: left by the model when it read the whole message, for it to read the clauses faster.
        """
        if self.gazetteer.lookup(text.display) is not None:
            return RoutingDecision(DecisionKind.CONVERSATION, acte=TELL_COMMUNE)
        reading = self.read(understanding, profile)
        whole = self.decider.decide(reading, profile)
        if whole.acte == GREET and self.menus.find(text) is not None:
            return self._with_menu(text, RoutingDecision(DecisionKind.CLARIFIER, question=QUESTION), reading)
        if whole.acte is not None:
            return whole
        if clauses is None:
            parts = self.clauses_of(text, understanding, profile)
            clauses = dict(zip(parts, self._understand([clean(p) for p in parts], fragments), strict=False))
        several = self._several(text, reading, profile, clauses)
        if several is not None:
            return several
        vague = whole.decision is DecisionKind.CLARIFIER and whole.question != AGENT_QUESTION
        return self._with_menu(text, whole, reading) if vague and reading.vague >= self.decider.thresholds.vague else whole

    def _with_menu(self, text: CleanText, question: RoutingDecision, reading: Reading) -> RoutingDecision:
        """Replace the choices of a question by those of a menu, unless the model has an idea of its own."""
        menu = self.menus.find(text)
        if menu is None and sum(reading.topics.values()) < IDEA:
            menu = self.menus.general
        if menu is None:
            return question
        choices = tuple(self._choice(identifier, reading) for identifier in menu.choix)
        return replace(question, destinations=choices, niveau=choices[0].level)

    def _choice(self, identifier: str, reading: Reading) -> Destination:
        if identifier in self.referential.topics:
            service = self.referential.service_of(identifier)
            return Destination(service.delegation, service.id, identifier, reading.topics.get(identifier, 0.0))
        if identifier in self.referential.services:
            return Destination(self.referential.services[identifier].delegation, identifier, None, reading.services.get(identifier, 0.0))
        return Destination(identifier, None, None, reading.delegations.get(identifier, 0.0))

    def _understand(self, texts: Sequence[CleanText], fragments: Fragments | None) -> list[Understanding]:
        """Return what the model reads in each text; nothing without a model."""
        if self.model is None or not texts:
            return []
        return [self.model.understanding(row) for row in self.model.predict_proba(texts, fragments)]

    def _decision(
        self, text: CleanText, understanding: Understanding | None, profile: str | None, clauses: Mapping[str, Understanding] | None
    ) -> RoutingDecision:
        if understanding is None:
            return RoutingDecision(DecisionKind.INCOMPRIS)
        return self.decide(text, understanding, profile, clauses)

    def with_context(self, text: CleanText, decision: RoutingDecision, emergency: Emergency | None) -> RoutingDecision:
        """Put the emergency found in the message first, and add the commune named in it.

        The door stays behind the numbers when it is sure, and when the message speaks of something else than the danger. When
        the emergency is not sure, a question stays too.
        """
        places = self.gazetteer.find(text.display)
        commune = commune_as_json(places[0]) if places else None
        if emergency is None:
            return replace(decision, commune=commune)
        asked = decision.decision is DecisionKind.CLARIFIER and not emergency.sure
        follows = asked or (decision.decision in ANSWERS and decision.destinations[0].confiance >= BEHIND)
        return RoutingDecision(
            decision=DecisionKind.URGENCE,
            destinations=decision.destinations if follows else (),
            niveau=decision.niveau if follows else None,
            question=decision.question if asked else None,
            urgence=emergency.numeros,
            situation=emergency.situation,
            commune=commune,
        )

    def clauses_of(self, text: CleanText, understanding: Understanding, profile: str | None = None) -> tuple[str, ...]:
        """Return the parts of a message that are to be understood to know whether it carries several requests, each once.

        Args:
            text: the message.
            understanding: of the whole message.
            profile: who asks, ``None`` when unknown.
        """
        whole = self.read(understanding, profile)
        if whole.non_request >= self.decider.thresholds.non_demande:
            return ()
        return tuple(dict.fromkeys(part for s in likely_segmentations(_by_lines(text), whole) for part in s.texts))

    def _several(
        self, text: CleanText, whole: Reading, profile: str | None, clauses: Mapping[str, Understanding]
    ) -> RoutingDecision | None:
        """Return the decision for the requests of the message, from the most telling way to cut it; ``None`` for one request.

        Three requests are preferred to two. What the whole message speaks most of comes first.
        """
        if not clauses:
            return None
        readings = {words: self.read(understanding, profile) for words, understanding in clauses.items()}
        best, parts_of_best = (0, ENOUGH), None
        for segmentation in likely_segmentations(_by_lines(text), whole):
            parts = [readings[words] for words in segmentation.texts]
            telling = score(segmentation, parts, whole)
            rank = (len(parts), telling)
            if telling < ENOUGH or rank < best or not all(self._stands_alone(part, profile) for part in parts):
                continue
            best, parts_of_best = rank, [*zip(segmentation.parts, parts, strict=True)]
        if parts_of_best is None:
            return None
        decided = [(words, self.decider.decide(part, profile)) for words, part in parts_of_best]
        decided.sort(key=lambda p: -whole.services.get(p[1].destinations[0].service or "", 0.0))
        return self.decider.merge(decided)

    def _stands_alone(self, part: Reading, profile: str | None) -> bool:
        """Whether a part of a message is enough to name a service."""
        if not part.services or max(part.services.values()) < self.decider.thresholds.segment:
            return False
        decision = self.decider.decide(part, profile)
        return decision.decision in ANSWERS and decision.acte is None and decision.destinations[0].service is not None


def _by_lines(text: CleanText) -> str:
    """Return a message with its punctuation; a line break counts as some."""
    return clean(_LINES.sub(" ; ", text.original.strip())).display if "\n" in text.original.strip() else text.display


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
