"""Decide: from calibrated probabilities to the most specific door that is safe, or a question."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from bot.referential import Referential
from bot.routing.scorer import Scorer
from bot.routing.types import DecisionKind, Destination, Level, RoutingDecision
from bot.understanding.outcome import Understanding

if TYPE_CHECKING:
    from bot.routing.several import Part

OUTSIDE = "hors_perimetre"
VAGUE, FOLLOW_UP, EVENT = "vague", "suite", "evenement"
SHORT_WORDS, OPENING_WORDS = 5, 3
"""Up to how many words a message names a thing more often than what is wanted of it, and nearly always."""
MAX_CHOICES = 4
MAX_ALTERNATIVES = 3
LEAST = 0.005
"""Probability under which a door is no alternative, except to a message of a word or two."""
LABELS_KEPT = 8
"""Lists of labels sorted out and kept: that of the model, and those of messages read with a door set aside."""

QUESTION = "Je veux être sûr de vous donner la bonne porte. De quoi s'agit-il ?"
FIRST_STEPS = "Que voulez-vous faire ?"
OR_ELSE = "Vous pensiez à autre chose ?"
THE_REST = "Et pour l'autre demande, est-ce cela ?"
AGENT_QUESTION = "Une question pour choisir la bonne porte : travaillez-vous pour l'État ?"


@dataclass(frozen=True)
class Thresholds:
    """Probabilities above which a destination is safe; read off a risk-coverage curve, kept with the model.

    Args:
        dis: below it for the best delegation, a question is asked rather than a door given.
        portes: stricter values of ``dis``, for the delegations that need one.
        dis_court: ``dis``, for the messages of :data:`SHORT_WORDS` words at most.
        sujet_court: ``sujet``, for the same messages.
        contexte: weights of each way to take a message with those before (:mod:`bot.routing.context`).
        tournures: weight of each word and pair of words that opens another request (``nouveau``), and of those that go back to an
            earlier one (``retour``); what they start from is under "".
        coupes: tells by keywords alone whether a way to cut a message is worth reading (:mod:`bot.routing.several`).
        plusieurs: tells whether a message carries several requests.
        evenement: probability of a life event from which its doors are given together.
        service: share of one service, among topics, from which the service is named.
        sujet: share of one topic, among topics, from which the topic is named.
        vague: probability that the message is too vague from which a question is asked.
        non_demande: for "this is no administrative request".
        segment: probability that a message carries several requests from which each gets its door.
        reste: the same, from which the other request is asked about.
        agent: share that State agents' topics and the others must each hold for the agent question.
    """

    dis: float = 0.7
    service: float = 0.5
    sujet: float = 0.4
    vague: float = 0.5
    non_demande: float = 0.6
    segment: float = 0.6
    reste: float = 0.4
    agent: float = 0.25
    portes: Mapping[str, float] = field(default_factory=dict)
    dis_court: float = 0.7
    sujet_court: float = 0.6
    evenement: float = 0.5
    contexte: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    tournures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    coupes: Scorer = field(default_factory=Scorer)
    plusieurs: Scorer = field(default_factory=Scorer)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Thresholds:
        """Build from the ``seuils`` of ``metrics.json``; unknown keys are ignored."""
        known = {k: v for k, v in values.items() if k in cls.__dataclass_fields__}
        doors = {k: float(v) for k, v in known.pop("portes", {}).items()}
        cuts, several = (Scorer.from_lists(known.pop(name, ())) for name in ("coupes", "plusieurs"))
        context, wordings = known.pop("contexte", {}), known.pop("tournures", {})
        learnt = isinstance(context, Mapping)  # lists in the models of before
        return cls(
            **{k: float(v) for k, v in known.items()},
            portes=doors,
            contexte={k: tuple(map(float, row)) for k, row in context.items()} if learnt else {},
            tournures={k: {w: float(v) for w, v in row.items()} for k, row in wordings.items()} if learnt else {},
            coupes=cuts,
            plusieurs=several,
        )

    def enough(self, delegation: str) -> float:
        """Return how certain the router must be of a delegation to name it."""
        return max(self.dis, self.portes.get(delegation, 0.0))

    def as_mapping(self) -> dict[str, Any]:
        """Return plain values."""
        scorers = {"coupes": self.coupes.as_lists(), "plusieurs": self.plusieurs.as_lists()}
        return {**asdict(self), "contexte": {k: list(row) for k, row in self.contexte.items()}, **scorers}


@dataclass(frozen=True)
class Reading:
    """Probabilities of one text, added up from topic to service to delegation.

    Args:
        topics: probability of each topic.
        services: of each service, the sum of its topics.
        delegations: of each delegation, the sum of its services.
        acts: of each conversation act or kind of non-request.
        events: of each life event.
        vague: that the text asks for something without saying what.
    """

    topics: Mapping[str, float]
    services: Mapping[str, float]
    delegations: Mapping[str, float]
    acts: Mapping[str, float]
    vague: float = 0.0
    events: Mapping[str, float] = field(default_factory=dict)

    @property
    def non_request(self) -> float:
        """Probability that the text asks for no service."""
        return sum(self.acts.values())

    @property
    def certainty(self) -> float:
        """Share of the best delegation among all that could be requested, in [0, 1]."""
        total = sum(self.delegations.values())
        return max(self.delegations.values()) / total if total else 0.0


class _Some:
    """Some labels, taken together out of what was read."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._take = itemgetter(*labels) if len(labels) > 1 else None

    def read(self, probabilities: Mapping[str, float]) -> dict[str, float]:
        if self._take is None:
            return {label: probabilities[label] for label in self._labels}
        return dict(zip(self._labels, self._take(probabilities), strict=True))


@dataclass(frozen=True)
class _Plan:
    """What the labels of a reading are, sorted out once.

    Args:
        topics: those that are topics.
        service_of: the service of each.
        services, delegations: in the order they come.
        delegations_of: of each service.
        acts, vague, events: the other labels, by family.
    """

    topics: _Some
    service_of: Sequence[str]
    services: Sequence[str]
    delegations_of: Mapping[str, str]
    delegations: Sequence[str]
    acts: _Some
    vague: _Some
    events: _Some


class Decider:
    """Applies the thresholds to what was understood.

    Args:
        referential: who does what.
        thresholds: see :class:`Thresholds`.
    """

    def __init__(self, referential: Referential, thresholds: Thresholds) -> None:
        self._referential = referential
        self.acts = referential.acts
        self.services = {topic.id: topic.service for topic in referential.topics.values()}
        self._delegations = {topic: referential.services[service].delegation for topic, service in self.services.items()}
        self._agents_only = tuple(t.id for t in referential.topics.values() if {a.value for a in t.public} == {"agent"})
        self.thresholds = thresholds
        self._plan = lru_cache(maxsize=LABELS_KEPT)(self._plan_of)

    def read(self, understanding: Understanding, profile: str | None = None) -> Reading:
        """Add probabilities up; a known ``profile`` ("agent", "citoyen", "partenaire") weighs the topics first."""
        probabilities = understanding.probabilities
        plan = self._plan(tuple(probabilities))
        topics = plan.topics.read(probabilities)
        if profile:
            topics = self._weigh(topics, profile)
        services = dict.fromkeys(plan.services, 0.0)
        for service, probability in zip(plan.service_of, topics.values(), strict=True):
            services[service] += probability
        delegations = dict.fromkeys(plan.delegations, 0.0)
        for service, probability in services.items():
            delegations[plan.delegations_of[service]] += probability
        vague = sum(plan.vague.read(probabilities).values(), 0.0)
        return Reading(topics, services, delegations, plan.acts.read(probabilities), vague, plan.events.read(probabilities))

    def _plan_of(self, labels: tuple[str, ...]) -> _Plan:
        """Sort labels out: a model always gives the same, in the same order."""
        topics = [label for label in labels if label in self.services]
        service_of = [self.services[topic] for topic in topics]
        delegation_of = {service: self._referential.services[service].delegation for service in service_of}
        given = set(labels) - set(topics)
        families = {label: act.famille for label, act in self.acts.items() if label in given}
        return _Plan(
            _Some(topics),
            service_of,
            tuple(delegation_of),
            delegation_of,
            tuple(dict.fromkeys(delegation_of.values())),
            acts=_Some([label for label, family in families.items() if family not in {VAGUE, EVENT}]),
            vague=_Some([label for label, family in families.items() if family == VAGUE]),
            events=_Some([label for label, family in families.items() if family == EVENT]),
        )

    def decide(self, reading: Reading, profile: str | None = None, words: int = SHORT_WORDS + 1) -> RoutingDecision:
        """Return the decision for one request.

        Args:
            reading: what was read.
            profile: who asks, ``None`` when unknown.
            words: how many the message has.
        """
        if not reading.topics and not reading.acts:
            return RoutingDecision(DecisionKind.INCOMPRIS)
        if reading.non_request >= self.thresholds.non_demande:
            return self._not_a_request(reading)
        event = _best(reading.events)
        if event is not None and reading.events[event] >= self.thresholds.evenement:
            return self._life_event(event, reading.events[event])
        if reading.vague >= self.thresholds.vague:
            return self._question(reading, profile)
        door = self.safe_destination(reading, words <= SHORT_WORDS)
        if door is not None and not (profile is None and self._agent_matters(reading)):
            kind = DecisionKind.HORS_PERIMETRE if door.dis == OUTSIDE else DecisionKind.ORIENTER
            others = self._alternatives(reading, door, least=0.0 if words <= OPENING_WORDS else LEAST)
            if door.sujet is None and len(others) > 1:
                return RoutingDecision(kind, (door,), others, niveau=door.level, offered=others, invitation=FIRST_STEPS)
            if words <= OPENING_WORDS:
                return RoutingDecision(kind, (door,), others, niveau=door.level, offered=others, invitation=OR_ELSE)
            return RoutingDecision(kind, (door,), others, niveau=door.level)
        return self._question(reading, profile)

    def safe_destination(self, reading: Reading, short: bool = False) -> Destination | None:
        """Return the most specific safe destination of ``reading``, or ``None`` when a question is safer."""
        total = sum(reading.topics.values())
        if not total:
            return None
        dis = max(reading.delegations, key=reading.delegations.__getitem__)
        if reading.certainty < max(self.thresholds.enough(dis), self.thresholds.dis_court if short else 0.0):
            return None
        inside = [t for t in reading.topics if self._delegations[t] == dis]
        topic = max(inside, key=reading.topics.__getitem__)
        if reading.topics[topic] >= (self.thresholds.sujet_court if short else self.thresholds.sujet) * total:
            return self._topic_destination(topic, reading)
        service = max({self.services[t] for t in inside}, key=reading.services.__getitem__)
        if reading.services[service] >= self.thresholds.service * total:
            if dis == OUTSIDE and not short:  # a body outside is named by its topic: "the mairie" for what?
                best = max((t for t in inside if self.services[t] == service), key=reading.topics.__getitem__)
                return self._topic_destination(best, reading)
            return Destination(dis, service, None, reading.services[service]) if dis != OUTSIDE else None
        return Destination(dis, None, None, reading.delegations[dis]) if dis != OUTSIDE else None

    def door_of(self, part: Part) -> Destination:
        """Return the door of one of several requests: its topic when it is sure enough, else its service."""
        delegation = self._delegations[part.topic]
        named = delegation == OUTSIDE or part.topic_certainty >= self.thresholds.sujet * part.asking
        return Destination(delegation, part.service, part.topic if named else None, part.certainty, part.words)

    def several(self, doors: Sequence[Destination]) -> RoutingDecision:
        """Return one decision for several requests of the same message, what it speaks most of first."""
        inside = any(door.dis != OUTSIDE for door in doors)
        return RoutingDecision(DecisionKind.ORIENTER if inside else DecisionKind.HORS_PERIMETRE, tuple(doors), niveau=doors[0].level)

    def _topic_destination(self, topic: str, reading: Reading) -> Destination:
        return Destination(self._delegations[topic], self.services[topic], topic, reading.topics[topic])

    def weight(self, topic: str, profile: str) -> float:
        """Return what a topic weighs for a profile: less when it is for others."""
        return 1.0 if profile in {audience.value for audience in self._referential.topics[topic].public} else 0.1

    def _weigh(self, topics: dict[str, float], profile: str) -> dict[str, float]:
        weighed = {topic: p * self.weight(topic, profile) for topic, p in topics.items()}
        before, after = sum(topics.values()), sum(weighed.values())
        return {t: p * before / after for t, p in weighed.items()} if after else topics

    def _agent_matters(self, reading: Reading) -> bool:
        agent = sum(reading.topics.get(topic, 0.0) for topic in self._agents_only)
        others = sum(reading.topics.values()) - agent
        return min(agent, others) >= self.thresholds.agent

    def _for_agents_only(self, topic: str) -> bool:
        return topic in self._agents_only

    def _not_a_request(self, reading: Reading) -> RoutingDecision:
        families: dict[str, float] = defaultdict(float)
        for act, probability in reading.acts.items():
            families[self.acts[act].famille] += probability
        family = _best(families)
        act = max((a for a in reading.acts if self.acts[a].famille == family), key=reading.acts.__getitem__)
        default = self.acts[act].sujet_par_defaut
        if default:
            door = Destination(self._delegations[default], self.services[default], default, reading.acts[act])
            return RoutingDecision(DecisionKind.ORIENTER, (door,), niveau=door.level, acte=act)
        kind = DecisionKind.HORS_SUJET if family == "hors_sujet" else DecisionKind.CONVERSATION
        return RoutingDecision(kind, acte=act)

    def _life_event(self, event: str, probability: float) -> RoutingDecision:
        doors = [door.sujet for door in self.acts[event].portes]
        destinations = tuple(Destination(self._delegations[t], self.services[t], t, probability) for t in doors)
        return RoutingDecision(DecisionKind.ORIENTER, destinations, niveau=Level.SUJET, acte=event)

    def _question(self, reading: Reading, profile: str | None) -> RoutingDecision:
        if profile is None and self._agent_matters(reading):
            agent = max(filter(self._for_agents_only, reading.topics), key=reading.topics.__getitem__)
            other = max((t for t in reading.topics if not self._for_agents_only(t)), key=reading.topics.__getitem__)
            choices = tuple(self._topic_destination(t, reading) for t in (agent, other))
            return RoutingDecision(DecisionKind.CLARIFIER, choices, niveau=Level.SUJET, question=AGENT_QUESTION)
        choices = self._choices(reading)
        if not choices:
            return RoutingDecision(DecisionKind.INCOMPRIS)
        rest = self._alternatives(reading, *choices)
        return RoutingDecision(DecisionKind.CLARIFIER, choices, rest, niveau=choices[0].level, question=QUESTION)

    def _choices(self, reading: Reading) -> tuple[Destination, ...]:
        """Pick two to four topics of different services, those that take away most of the doubt."""
        by_service: dict[str, str] = {}
        for topic in sorted(reading.topics, key=reading.topics.__getitem__, reverse=True):
            by_service.setdefault(self.services[topic], topic)
            if len(by_service) >= 8:
                break
        ranked = sorted(by_service, key=reading.services.__getitem__, reverse=True)
        kept: list[Destination] = []
        covered, total = 0.0, sum(reading.topics.values()) or 1.0
        for service in ranked[:MAX_CHOICES]:
            if len(kept) >= 2 and covered >= 0.93 * total:
                break
            kept.append(self._topic_destination(by_service[service], reading))
            covered += reading.services[service]
        if len(kept) == 1:  # every other topic is of the same service
            others = sorted(reading.topics, key=reading.topics.__getitem__, reverse=True)[1:2]
            kept.extend(self._topic_destination(t, reading) for t in others)
        return tuple(kept)

    def _alternatives(self, reading: Reading, *chosen: Destination, least: float = LEAST) -> tuple[Destination, ...]:
        """Return the next best doors; behind a service or a delegation alone, the first steps that it may be about."""
        door = chosen[0]
        if door.sujet is None:
            inside = [t for t in reading.topics if (self.services[t] == door.service if door.service else self._delegations[t] == door.dis)]
            best = sorted(inside, key=reading.topics.__getitem__, reverse=True)[:MAX_CHOICES]
            return tuple(self._topic_destination(t, reading) for t in best)
        taken = {d.sujet for d in chosen if d.sujet}
        ranked = sorted(reading.topics, key=reading.topics.__getitem__, reverse=True)
        others = [t for t in ranked[: MAX_ALTERNATIVES + MAX_CHOICES] if t not in taken and reading.topics[t] >= least]
        return tuple(self._topic_destination(t, reading) for t in others[:MAX_ALTERNATIVES])


def _best(probabilities: Mapping[str, float]) -> str | None:
    return max(probabilities, key=probabilities.__getitem__) if probabilities else None
