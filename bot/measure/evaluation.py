"""Evaluate the router on messages it never saw: doors, questions, refusals, emergencies, traps, noise, with intervals."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.base.errors import MissingTestSets, Problem
from bot.dialogue.dialogue import Dialogue
from bot.emergency.detector import EmergencyDetector
from bot.emergency.situations import Emergency
from bot.language.cleaning import CleanText, Script, abridged, clean
from bot.language.privacy import mask
from bot.learning.corpus import read_jsonl
from bot.learning.metrics import by_destination, paired_drop, proportion, reliability, risk_curve
from bot.learning.tuning import WANTED_RISK
from bot.measure.conversations import conversations
from bot.measure.noise import NOISES
from bot.routing.router import Router
from bot.routing.types import DecisionKind, Destination, RoutingDecision
from bot.understanding.outcome import Understanding
from bot.understanding.use import Fragments

SILENT = frozenset({DecisionKind.CONVERSATION, DecisionKind.HORS_SUJET, DecisionKind.INCOMPRIS})
ANSWERED = frozenset({DecisionKind.ORIENTER, DecisionKind.HORS_PERIMETRE})
SWEEP = (0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)
"""Values tried for the threshold below which a question is asked."""
LENGTHS = ((12, "12 mots ou moins"), (30, "13 à 30 mots"), (10**6, "plus de 30 mots"))

TEST_SETS: Mapping[str, str] = {
    "demandes": "demandes_*.jsonl",
    "multi": "multi_*.jsonl",
    "flou": "flou_*.jsonl",
    "hors_sujet": "hors_sujet_*.jsonl",
    "pieges": "pieges*.jsonl",
    "partenaires": "partenaires*.jsonl",
}
OPTIONAL_SETS: Mapping[str, str] = {
    "paires": "paires*.jsonl",
    "urgences": "urgences_aveugles_*.jsonl",
    "conversations": "conversations/*.jsonl",
}
"""``urgences``: messages that nobody read to build the detector: ``urgence``, ``numeros``, ``genre`` (sosie, ordinaire…).
``conversations``: see :func:`bot.measure.conversations.hold`."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """One evaluated message.

    Args:
        row: the labelled message.
        decision: what the router decided.
    """

    row: Row
    decision: RoutingDecision

    @property
    def answered(self) -> bool:
        """Whether a door was given at once."""
        with_numbers = self.decision.decision is DecisionKind.URGENCE and bool(self.decision.destinations)
        return not self.asked and (self.decision.decision in ANSWERED or with_numbers)

    @property
    def asked(self) -> bool:
        """Whether a question was asked."""
        return self.decision.question is not None

    @property
    def refused(self) -> bool:
        """Whether the message was taken for no request, or not understood."""
        return self.decision.decision in SILENT

    @property
    def doors(self) -> tuple[Destination, ...]:
        """The choices of the question, or the first door given."""
        return self.decision.destinations if self.asked else self.decision.destinations[:1]

    @property
    def right_dis(self) -> bool:
        """Whether the right delegation was given first, or is among the choices."""
        return any(d.dis == self.row["dis"] for d in self.doors)

    @property
    def right_service(self) -> bool:
        """Whether the right service was given first, or is among the choices (any, when the label names none)."""
        return any(_opens(d, self.row) for d in self.doors)

    @property
    def wrong_door(self) -> bool:
        """Whether a door of another delegation was given."""
        return self.answered and not self.right_dis

    @property
    def acceptable(self) -> bool:
        """Whether a door that the row accepts (``attendus``) was given, or is among the choices."""
        return any(_opens(d, wanted) for d in self.decision.destinations for wanted in self.row["attendus"])


def evaluate(router: Router, folder: Path) -> dict[str, Any]:
    """Return every figure of the report on the test sets of ``folder`` (``tests/data``).

    Raises:
        MissingTestSets: a set of :data:`TEST_SETS` has no message.
    """
    sets = read_test_sets(folder)
    router = remembering(router)
    outcomes = route_rows(router, sets["demandes"])
    report: dict[str, Any] = {
        "demandes": summarise(outcomes),
        "longueurs": by_length(outcomes),
        "confiance": certainty(router, outcomes),
        "arbitrage": trade_off(router, sets["demandes"]),
        "pieges": acceptance(router, sets["pieges"]),
        "partenaires": acceptance(router, sets["partenaires"]),
        "urgences": emergencies(router, sets),
        "multi": _several(route_rows(router, sets["multi"])),
        "flou": _vague(route_rows(router, sets["flou"])),
        "hors_sujet": _no_request(route_rows(router, sets["hors_sujet"])),
    }
    if sets["paires"]:
        report["paires"] = pairs(route_rows(router, sets["paires"]))
    if sets["conversations"]:
        report["conversations"] = conversations(Dialogue(router), sets["conversations"])
    report["bruit"] = noise(router, sets)
    return report


def read_test_sets(folder: Path) -> dict[str, list[Row]]:
    """Return every test set by name; an optional set may be empty.

    Raises:
        MissingTestSets: a set of :data:`TEST_SETS` has no message.
    """
    sets = {
        name: labelled_rows(folder, pattern, "tours" if name == "conversations" else "texte")
        for name, pattern in {**TEST_SETS, **OPTIONAL_SETS}.items()
    }
    missing = [pattern for name, pattern in TEST_SETS.items() if not sets[name]]
    if missing:
        raise MissingTestSets([Problem(f"{folder}/{p}", 0, "aucun message. Remettez ce jeu d'essai (git checkout).") for p in missing])
    return sets


def labelled_rows(folder: Path, pattern: str, field: str = "texte") -> list[Row]:
    """Return the labelled messages of the files of ``folder`` that match ``pattern``, in order; each has a ``field``."""
    return [dict(row) for path in sorted(folder.glob(pattern)) for row in read_jsonl(path, field)]


class _RememberingModel:
    """Understands each text once: the sweep of a threshold then costs nothing."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._rows: dict[CleanText, NDArray[np.float64]] = {}
        self._glances: dict[CleanText, tuple[NDArray[np.float64], bool]] = {}

    def predict_proba(self, texts: Sequence[CleanText], fragments: Fragments | None = None) -> NDArray[np.float64]:
        new = list(dict.fromkeys(t for t in texts if t not in self._rows))
        if new:
            self._rows.update(zip(new, self._model.predict_proba(new, fragments), strict=True))
        return np.array([self._rows[t] for t in texts])

    def glance(self, texts: Sequence[CleanText], fragments: Fragments | None = None) -> tuple[NDArray[np.float64], list[bool]]:
        new = list(dict.fromkeys(t for t in texts if t not in self._glances))
        if new:
            self._glances.update(zip(new, zip(*self._model.glance(new, fragments), strict=True), strict=True))
        return np.array([self._glances[t][0] for t in texts]), [self._glances[t][1] for t in texts]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


class _RememberingDetector:
    """Looks for an emergency once in each text."""

    def __init__(self, detector: EmergencyDetector) -> None:
        self._detector = detector
        self._found: dict[str, Emergency | None] = {}

    def detect(self, texte: str) -> Emergency | None:
        if texte not in self._found:
            self._found[texte] = self._detector.detect(texte)
        return self._found[texte]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._detector, name)


def remembering(router: Router) -> Router:
    """Return the same router, with a model and a detector that remember what they read."""
    if router.model is None or isinstance(router.model, _RememberingModel):
        return router
    model: Any = _RememberingModel(router.model)
    detector: Any = _RememberingDetector(router.detector)
    return Router(router.referential, router.gazetteer, detector, model, router.decider.thresholds)


def route_rows(router: Router, rows: Sequence[Row], change: Callable[[str], str] = str) -> list[Outcome]:
    """Route labelled rows, in batches, after an optional change of their text."""
    decisions: list[RoutingDecision] = []
    for start in range(0, len(rows), 64):
        decisions.extend(router.route_many([change(r["texte"]) for r in rows[start : start + 64]]))
    return [Outcome(row, decision) for row, decision in zip(rows, decisions, strict=True)]


def summarise(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the main figures, a line per service and the most frequent confusions."""
    answered = [o for o in outcomes if o.answered]
    named = [o for o in answered if o.row.get("sujet") and o.decision.destinations[0].sujet]
    return {
        "messages": len(outcomes),
        "dis_juste": proportion([o.right_dis for o in outcomes]),
        "dis_juste_d_emblee": proportion([o.answered and o.right_dis for o in outcomes]),
        "service_juste": proportion([o.right_service for o in outcomes]),
        "service_juste_d_emblee": proportion([o.answered and o.right_service for o in outcomes]),
        "sujet_juste": proportion([o.decision.destinations[0].sujet == o.row["sujet"] for o in named]),
        "questions": proportion([o.asked for o in outcomes]),
        "mauvaises_portes": proportion([o.wrong_door for o in answered]),
        "portes_en_trop": proportion([len(o.decision.destinations) > 1 for o in answered]),
        "demandes_refusees": proportion([o.refused for o in outcomes]),
        "fausses_urgences": proportion([o.decision.decision is DecisionKind.URGENCE for o in outcomes]),
        "par_service": per_service(outcomes),
        "confusions": _confusions(outcomes),
    }


def per_service(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """Return a line per expected service: doors, services, questions, wrong doors, and messages of others it received."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    received: Counter[str] = Counter()
    for outcome in outcomes:
        groups[expected_service(outcome.row)].append(outcome)
        if outcome.answered and not outcome.right_service:
            received[given_service(outcome)] += 1
    return {
        name: {
            "messages": len(group),
            "dis_juste": proportion([o.right_dis for o in group]),
            "service_juste": proportion([o.right_service for o in group]),
            "questions": sum(o.asked for o in group),
            "mauvaises_portes": sum(o.wrong_door for o in group),
            "recus_a_tort": received[name],
        }
        for name, group in sorted(groups.items())
    }


def by_length(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the main figures for short messages, middling ones and stories."""
    table: dict[str, Any] = {}
    floor = 0
    for ceiling, name in LENGTHS:
        group = [o for o in outcomes if floor < len(o.row["texte"].split()) <= ceiling]
        floor = ceiling
        if group:
            summary = summarise(group)
            table[name] = {k: summary[k] for k in ("messages", "dis_juste", "service_juste", "questions", "mauvaises_portes")}
    return table


def certainty(router: Router, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return calibration and the risk-coverage curve of the best delegation, and the point where the router stands.

    Args:
        router: its model gives the probabilities.
        outcomes: messages with a ``dis``, and what the router decided.
    """
    readings = [
        (o, router.decider.read(u))
        for o, u in zip(outcomes, understand(router, [o.row["texte"] for o in outcomes]), strict=True)
        if u is not None
    ]
    readings = [(o, r) for o, r in readings if r.delegations]
    best = [max(r.delegations, key=r.delegations.__getitem__) for _, r in readings]
    right = [dis == o.row["dis"] for dis, (o, _) in zip(best, readings, strict=True)]
    sure = [r.certainty for _, r in readings]
    services = [max(r.services, key=r.services.__getitem__) for _, r in readings]
    right_service = [o.row.get("service") in {None, s} and ok for s, ok, (o, _) in zip(services, right, readings, strict=True)]
    sure_service = [r.services[s] / sum(r.services.values()) for s, (_, r) in zip(services, readings, strict=True)]
    answered = [o for o in outcomes if o.answered]
    return {
        "delegation": reliability(sure, right),
        "service": reliability(sure_service, right_service),
        "par_delegation": {
            door: {**row, "livre": router.decider.thresholds.enough(door)}
            for door, row in by_destination(best, sure, right, WANTED_RISK).items()
        },
        "courbe": risk_curve(sure, right),
        "courbe_service": risk_curve(sure_service, right_service),
        "point": {
            "seuil": router.decider.thresholds.dis,
            "couverture": proportion([o.answered for o in outcomes])["valeur"],
            "risque": proportion([o.wrong_door for o in answered])["valeur"],
        },
    }


def understand(router: Router, messages: Iterable[str]) -> list[Understanding | None]:
    """Return what the model read in each message, ``None`` when it cannot be read."""
    texts = [clean(mask(abridged(message))) for message in messages]
    if router.model is None:
        return [None] * len(texts)
    readable = [t for t in texts if t.script is Script.LATIN]
    rows = iter(router.model.glance(readable)[0] if readable else ())
    return [router.model.understanding(next(rows)) if t.script is Script.LATIN else None for t in texts]


def trade_off(router: Router, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return, for several thresholds, what asking more or less changes; the shipped threshold is marked."""
    router = remembering(router)
    shipped = router.decider.thresholds
    table = []
    for value in sorted({*SWEEP, shipped.dis}):
        swept = Router(
            router.referential,
            router.gazetteer,
            router.detector,
            router.model,
            replace(shipped, dis=value, portes=shipped.portes if value == shipped.dis else {}),
        )
        outcomes = route_rows(swept, rows)
        table.append(
            {
                "seuil": value,
                "livre": value == shipped.dis,
                "questions": proportion([o.asked for o in outcomes]),
                "juste_d_emblee": proportion([o.answered and o.right_dis for o in outcomes]),
                "juste_parmi_les_choix": proportion([o.right_dis for o in outcomes if o.asked]),
                "juste": proportion([o.right_dis for o in outcomes]),
                "mauvaises_portes": proportion([o.wrong_door for o in outcomes if o.answered]),
            }
        )
    return table


def acceptance(router: Router, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the figures of a set whose rows accept several doors (``attendus``), emergencies apart."""
    outcomes = route_rows(router, [r for r in rows if not r["urgence"]])
    urgent = route_rows(router, [r for r in rows if r["urgence"]])
    answered = [o for o in outcomes if o.answered]
    return {
        "messages": len(rows),
        "porte_acceptable": proportion([o.acceptable for o in outcomes]),
        "questions": proportion([o.asked for o in outcomes]),
        "mauvaises_portes": proportion([all(o.doors[0].dis != w["dis"] for w in o.row["attendus"]) for o in answered]),
        "urgences_vues": proportion([_right_number(o.row, o.decision.urgence) for o in urgent]),
        "fausses_urgences": proportion([o.decision.decision is DecisionKind.URGENCE for o in outcomes]),
        "manques": [{"id": o.row["id"], "texte": o.row["texte"]} for o in outcomes if not o.acceptable],
    }


def emergencies(router: Router, sets: Mapping[str, Sequence[Row]], change: Callable[[str], str] = str) -> dict[str, Any]:
    """Return what is caught of dangers never seen, and the alarms raised for nothing, after an optional change of the texts."""
    rows = sets["urgences"]
    found = [router.detector.detect(change(r["texte"])) for r in rows]
    true = [(r, f) for r, f in zip(rows, found, strict=True) if r["urgence"]]
    by_situation: dict[str, list[bool]] = defaultdict(list)
    for row, emergency in true:
        by_situation[str(row.get("situation", "?"))].append(emergency is not None)
    false: dict[str, list[bool]] = defaultdict(list)
    for row, emergency in zip(rows, found, strict=True):
        if not row["urgence"]:
            false[str(row.get("genre", "?"))].append(emergency is not None)
    requests = [router.detector.detect(change(r["texte"])) is not None for r in sets["demandes"]]
    return {
        "vues": proportion([f is not None for _, f in true]),
        "bon_numero": proportion([_right_number(r, f.numeros) for r, f in true if f is not None]),
        "fausses_alertes": {genre: proportion(alarms) for genre, alarms in sorted(false.items())},
        "fausses_alertes_demandes": proportion(requests),
        "par_situation": {k: proportion(v) for k, v in sorted(by_situation.items())},
        "manquees": [r["id"] for r, f in true if f is None],  # not their words: who reads them wears the set out
    }


def pairs(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return, for each pair of services that look alike (``paire``), the share that got the right service, per side."""
    groups: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        groups[str(outcome.row["paire"])].append(outcome)
    return {
        name: {
            "service_juste": proportion([o.right_service for o in group]),
            "service_juste_d_emblee": proportion([o.answered and o.right_service for o in group]),
            "questions": proportion([o.asked for o in group]),
            "cotes": {
                side: proportion([o.right_service for o in group if expected_service(o.row) == side])
                for side in sorted({expected_service(o.row) for o in group})
            },
        }
        for name, group in sorted(groups.items())
    }


def noise(router: Router, sets: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """Return, under each kind of noise, the share of right delegations, the drop from the clean text, and emergencies."""
    rows = sets["demandes"]
    clean_text = [o.right_dis for o in route_rows(router, rows)]
    result: dict[str, Any] = {"propre": {"dis_juste": proportion(clean_text), "urgences_vues": emergencies(router, sets)["vues"]}}
    for name, change in NOISES.items():
        outcomes = route_rows(router, rows, change)
        noisy = [o.right_dis for o in outcomes]
        found = emergencies(router, sets, change)
        result[name] = {
            "dis_juste": proportion(noisy),
            "baisse": paired_drop(clean_text, noisy),
            "questions": proportion([o.asked for o in outcomes]),
            "mauvaises_portes": proportion([o.wrong_door for o in outcomes if o.answered]),
            "urgences_vues": found["vues"],
            "fausses_alertes": found["fausses_alertes_demandes"],
        }
    return result


def expected_service(row: Mapping[str, Any]) -> str:
    """Return the service a row expects, or its delegation when any service is right."""
    return str(row.get("service") or f"{row['dis']} (tous)")


def given_service(outcome: Outcome) -> str:
    """Return the service given first, or its delegation when no service was safe."""
    door = outcome.decision.destinations[0]
    return door.service or f"{door.dis} (tous)"


def _several(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    wanted = [{e["dis"] for e in o.row["attendus"]} for o in outcomes]
    given = [{d.dis for d in o.decision.destinations} for o in outcomes]
    return {
        "messages": len(outcomes),
        "deux_portes": proportion([w <= g for w, g in zip(wanted, given, strict=True)]),
        "deux_services": proportion([all(any(_opens(d, w) for d in o.decision.destinations) for w in o.row["attendus"]) for o in outcomes]),
        "au_moins_une": proportion([bool(w & g) for w, g in zip(wanted, given, strict=True)]),
    }


def _vague(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """A question leaves the choice open; so does a door that comes with others."""
    asked = [o for o in outcomes if o.asked or o.decision.offered]
    named = [({*o.doors, *o.decision.offered}, o.row["plausibles"]) for o in asked if o.row.get("plausibles")]
    return {
        "messages": len(outcomes),
        "question_posee": proportion([o in asked or o.decision.decision is DecisionKind.INCOMPRIS for o in outcomes]),
        "choix_plausible": proportion([any(_leads(d, p) for d in doors for p in plausible) for doors, plausible in named]),
    }


def _no_request(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    kinds: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        kinds[str(outcome.row.get("type", "?"))].append(outcome.refused)
    return {
        "messages": len(outcomes),
        "reconnus": proportion([o.refused for o in outcomes]),
        "par_type": {k: proportion(v) for k, v in sorted(kinds.items())},
        "manques": [o.row["texte"] for o in outcomes if not o.refused][:20],
    }


def _confusions(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    counts = Counter((expected_service(o.row), given_service(o)) for o in outcomes if o.answered and not o.right_service)
    return [{"attendu": a, "donne": b, "messages": n} for (a, b), n in counts.most_common(25)]


def _opens(door: Destination, wanted: Mapping[str, Any]) -> bool:
    return door.dis == wanted["dis"] and wanted.get("service") in {None, door.service}


def _leads(door: Destination, plausible: str) -> bool:
    """Whether a choice leads to ``delegation/service``: the service itself, or its delegation as a whole."""
    dis, _, service = plausible.partition("/")
    return door.dis == dis and door.service in {None, service}


def _right_number(row: Mapping[str, Any], numbers: Sequence[str]) -> bool:
    """Whether the first number shown is one that the row accepts (any, when it names none)."""
    return bool(numbers) and (not row.get("numeros") or numbers[0] in row["numeros"])
