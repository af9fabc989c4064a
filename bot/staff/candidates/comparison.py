"""Compare a candidate with the live model, message by message, on the frozen test set that neither has seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot.base.files import digest_of
from bot.base.settings import Settings
from bot.language.cleaning import abridged, clean
from bot.language.privacy import mask
from bot.learning.corpus import Example
from bot.learning.metrics import expected_calibration_error
from bot.measure.evaluation import SILENT, Outcome, labelled_rows, route_rows
from bot.referential import Referential
from bot.routing.router import Router
from bot.staff.candidates.exam import NO_REQUEST, exam_reasons, sit_exam
from bot.staff.candidates.gate import Figures, Margins, Verdict, judge
from bot.understanding.encoders import get_encoder

REQUESTS, OFF_TOPIC, EMERGENCIES = "demandes_*.jsonl", "hors_sujet_*.jsonl", "urgences_aveugles_*.jsonl"
QUESTION = "question"
FOLDS = 5
NO_TESTS = "Aucun message d'essai n'est installé : rien ne montre ce que ce modèle change. Voyez BOT_ESSAIS."
NOT_COMPARED = "Le modèle en service et celui-ci n'ont pas été mesurés sur les mêmes messages. Relancez un entraînement."

Progress = Callable[[str], None]


FIGURE_NAMES = {
    "urgences_reconnues": "Urgences reconnues",
    "mauvaises_portes": "Mauvaises portes",
    "bonne_delegation": "Bonne délégation",
    "bon_service": "Bon service",
    "questions": "Questions posées",
    "demandes_refusees": "Vraies demandes refusées",
    "hors_sujet_reconnus": "Messages sans demande reconnus",
    "erreur_calibration": "Erreur de calibration",
    "validation_croisee": "Contrôle croisé du corpus (repère)",
}
"""Figures by the name a person reads, in the order they are shown."""


def margins_of(settings: Settings) -> Margins:
    """Return the margins of the gate as set by the deployer."""
    return Margins(settings.gate_wrong_doors, settings.gate_worst_service, settings.gate_out_of_scope)


def digest_of_tests(folder: Path) -> str:
    """Return a hash of the frozen test set: figures are only compared when it is the same."""
    return digest_of(path for pattern in (REQUESTS, OFF_TOPIC, EMERGENCIES) for path in sorted(folder.glob(pattern)))[:20]


def evaluate_model(
    router: Router, test_sets: Path, progress: Progress = lambda _s: None, held_out: Path | None = None, exam: Path | None = None
) -> dict[str, Any]:
    """Return what a model answers to each message of the frozen test set, and its figures.

    Args:
        router: with the model.
        test_sets: folder of the labelled messages.
        progress: receives French sentences.
        held_out: folder of the messages kept apart for tuning: they tell the topic, and what is no emergency.
        exam: file of the messages of the public kept to judge models.
    """
    requests = labelled_rows(test_sets, REQUESTS)
    silent = labelled_rows(test_sets, OFF_TOPIC)
    urgent = [row for row in labelled_rows(test_sets, EMERGENCIES) if row["urgence"]]
    progress(f"mesure sur {len(requests) + len(silent) + len(urgent)} messages d'essai")
    outcomes = route_rows(router, requests)
    others = route_rows(router, silent)
    found = [router.detector.detect(row["texte"]) is not None for row in urgent]
    rows: dict[str, dict[str, Any]] = {}
    for outcome in outcomes:
        rows[outcome.row["id"]] = {**_given(outcome), "attendu": expected(outcome.row), "juste": outcome.right_service}
    for outcome in others:
        rows[outcome.row["id"]] = {**_given(outcome), "attendu": NO_REQUEST, "juste": outcome.decision.decision in SILENT}
    for row, seen in zip(urgent, found, strict=True):
        rows[row["id"]] = {"porte": "urgence" if seen else "sans_urgence", "attendu": "urgence", "juste": seen}
    answered = [o for o in outcomes if o.answered]
    return {
        "essais": digest_of_tests(test_sets),
        "chiffres": {
            "demandes": len(outcomes),
            "hors_sujet": len(others),
            "urgences": len(urgent),
            "bonne_delegation": _mean([o.right_dis for o in outcomes]),
            "bon_service": _mean([o.right_service for o in outcomes]),
            "mauvaises_portes": _mean([not o.right_dis for o in answered]),
            "questions": _mean([o.asked for o in outcomes]),
            "demandes_refusees": _mean([o.decision.decision in SILENT for o in outcomes]),
            "hors_sujet_reconnus": _mean([o.decision.decision in SILENT for o in others]),
            "urgences_reconnues": _mean(found),
            "erreur_calibration": _calibration(router, requests),
        },
        "par_service": _per_service(outcomes),
        "messages": rows,
        **(_kept_apart(router, held_out) if held_out is not None else {}),
        **({"examen": sit_exam(router, exam)} if exam is not None else {}),
    }


def _kept_apart(router: Router, folder: Path) -> dict[str, Any]:
    """Return topic → [found, messages], the false alarms and the missed emergencies, on the messages kept apart."""
    topics: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for outcome in route_rows(router, [r for r in labelled_rows(folder, "demandes.jsonl") if r.get("sujet")]):
        count = topics[router.referential.aliases.get(outcome.row["sujet"], outcome.row["sujet"])]
        count[0] += any(door.sujet == outcome.row["sujet"] for door in outcome.decision.destinations)
        count[1] += 1
    alarms = [(row.get("situation"), router.detector.detect(row["texte"])) for row in labelled_rows(folder, "urgences.jsonl")]
    return {
        "par_sujet": dict(topics),
        "fausses_alertes": sum(not situation and found is not None for situation, found in alarms),
        "urgences_manquees": sum(bool(situation) and found is None for situation, found in alarms),
    }


def lessons_learnt(router: Router, taught: Mapping[str, Sequence[str]], held_back: frozenset[str]) -> dict[str, dict[str, Any]]:
    """Return, for each label taught since the live model, how many of its new phrases are recognised, and where the others go.

    Args:
        router: with the candidate, without the memory: what it has learnt is measured, not what it repeats.
        taught: label → its new phrases.
        held_back: those that the training did not read.
    """
    found = {}
    for label, phrases in taught.items():
        if not phrases:
            continue
        decisions = router.route_many(phrases)
        right = [any(d.sujet == label for d in x.destinations) or x.acte == label for x in decisions]
        aside = [ok for phrase, ok in zip(phrases, right, strict=True) if phrase in held_back]
        elsewhere = [
            (phrase, (x.destinations[0].sujet or x.destinations[0].service or x.destinations[0].dis) if x.destinations else NO_REQUEST)
            for phrase, x, ok in zip(phrases, decisions, right, strict=True)
            if not ok
        ]
        found[label] = {
            "phrases": len(phrases),
            "reconnues": sum(right),
            "a_part": len(aside),
            "devinees": sum(aside),
            "ailleurs": elsewhere,
        }
    return found


def cross_validate(examples: Sequence[Example], referential: Referential, encoders: Sequence[str]) -> dict[str, Any] | None:
    """Return how well each service is found in its own corpus by a simple linear classifier, learnt on the other folds.

    It is not the model: it is quick (closed-form ridge regression on the sentence vectors), and shows corpora that
    contradict each other. ``None`` without a sentence encoder.

    Args:
        examples: the training messages.
        referential: to know the service of each topic.
        encoders: names, as in ``config.yml``; the first is used.
    """
    if not encoders or len(examples) < 2 * FOLDS:
        return None
    vectors = get_encoder(encoders[0]).encode([clean(e.text).unaccented for e in examples]).astype(np.float64)
    names = [referential.topics[e.label].service if e.label in referential.topics else NO_REQUEST for e in examples]
    classes = sorted(set(names))
    index = {name: i for i, name in enumerate(classes)}
    targets = np.array([index[n] for n in names])
    inputs = np.hstack([vectors, np.ones((len(vectors), 1))])
    fold = np.random.default_rng(0).permutation(len(inputs)) % FOLDS
    wanted = -np.ones((len(inputs), len(classes)))
    wanted[np.arange(len(inputs)), targets] = 1
    gram, cross = inputs.T @ inputs, inputs.T @ wanted
    given = np.zeros(len(inputs), dtype=int)
    for k in range(FOLDS):
        out = fold == k
        part = gram - inputs[out].T @ inputs[out] + 1.0 * np.eye(inputs.shape[1])
        weights = np.linalg.solve(part, cross - inputs[out].T @ wanted[out])
        given[out] = (inputs[out] @ weights).argmax(axis=1)
    right = given == targets
    return {
        "exactitude": round(float(right.mean()), 4),
        "par_service": {name: round(float(right[targets == i].mean()), 4) for name, i in index.items()},
    }


@dataclass(frozen=True)
class Change:
    """A test message whose door changes.

    Args:
        id: of the message.
        text: the message.
        expected, before, after: services, or :data:`QUESTION`, :data:`NO_REQUEST`…
        was_right, is_right: whether each answer is the expected one.
    """

    id: str
    text: str
    expected: str
    before: str
    after: str
    was_right: bool
    is_right: bool


@dataclass(frozen=True)
class ServiceLine:
    """A service side by side: (recall, precision) of the live model and of the candidate; ``None`` when it has no message."""

    service: str
    messages: int
    recall_before: float | None
    recall_after: float | None
    precision_before: float | None
    precision_after: float | None
    check_before: float | None
    check_after: float | None


@dataclass(frozen=True)
class Comparison:
    """Two models side by side.

    Args:
        figures: name → (live, candidate).
        services: one line each.
        changes: messages whose door changes, those that become wrong first.
        verdict: of the gate.
    """

    figures: Mapping[str, tuple[float | None, float | None]]
    services: tuple[ServiceLine, ...]
    changes: tuple[Change, ...]
    verdict: Verdict


def compare(
    live: Mapping[str, Any] | None,
    candidate: Mapping[str, Any],
    test_sets: Path,
    margins: Margins,
    names: Mapping[str, str] | None = None,
) -> Comparison:
    """Return a candidate beside the live model.

    Args:
        live: what :func:`evaluate_model` returned for it; ``None`` when nothing is live yet, empty when it was not measured.
        candidate: the same, for the candidate.
        test_sets: folder of the labelled messages, for their texts.
        margins: of the gate.
        names: service → plain name, for the reasons.
    """
    texts = {r["id"]: r["texte"] for p in (REQUESTS, OFF_TOPIC, EMERGENCIES) for r in labelled_rows(test_sets, p)}
    before: Mapping[str, Any] = live or {"chiffres": {}, "par_service": {}, "messages": {}}
    changes = [
        Change(i, texts.get(i, ""), now["attendu"], old["porte"], now["porte"], old["juste"], now["juste"])
        for i, now in candidate["messages"].items()
        if (old := before["messages"].get(i)) is not None and old["porte"] != now["porte"]
    ]
    changes.sort(key=lambda c: (not (c.was_right and not c.is_right), c.is_right == c.was_right, c.expected))
    figures: dict[str, tuple[float | None, float | None]] = {
        name: (before["chiffres"].get(name), value) for name, value in candidate["chiffres"].items()
    }
    checks = [(e.get("validation_croisee") or {}) for e in (before, candidate)]
    if any(checks):
        figures["validation_croisee"] = (checks[0].get("exactitude"), checks[1].get("exactitude"))
    return Comparison(figures, _side_by_side(before, candidate, checks), tuple(changes), verdict_of(live, candidate, margins, names))


def verdict_of(
    live: Mapping[str, Any] | None, candidate: Mapping[str, Any] | None, margins: Margins, names: Mapping[str, str] | None = None
) -> Verdict:
    """Return what the gate says of a candidate; ``live`` as for :func:`compare`."""
    if candidate is None or not candidate["chiffres"].get("demandes"):
        return Verdict((NO_TESTS,))
    if live is None:
        return Verdict()
    if live.get("essais") != candidate["essais"]:
        return Verdict((NOT_COMPARED,))
    verdict = judge(figures_of(live), figures_of(candidate), margins, names)
    exam = exam_reasons(live.get("examen", {}), candidate.get("examen", {}), names or {})
    return Verdict((*candidate.get("objections", ()), *verdict.reasons, *exam))


def figures_of(evaluation: Mapping[str, Any]) -> Figures:
    """Return what the gate looks at."""
    values = evaluation["chiffres"]
    services = {name: (line["rappel"], line["messages"]) for name, line in evaluation["par_service"].items() if line["messages"]}
    topics = {name: (found, messages) for name, (found, messages) in evaluation.get("par_sujet", {}).items()}
    return Figures(
        values["urgences_reconnues"],
        values["mauvaises_portes"],
        values["hors_sujet_reconnus"],
        services,
        topics,
        evaluation.get("fausses_alertes"),
        evaluation.get("urgences_manquees"),
    )


def confusions(evaluation: Mapping[str, Any]) -> dict[tuple[str, str], int]:
    """Return how many messages of one service were answered with another: (expected, given) → count, requests only."""
    counts: Counter[tuple[str, str]] = Counter(
        (row["attendu"], row["porte"]) for row in evaluation["messages"].values() if not row["juste"] and row["attendu"] != "urgence"
    )
    return dict(counts.most_common())


def messages_behind(evaluation: Mapping[str, Any], test_sets: Path, wanted: str, given: str) -> list[tuple[str, str]]:
    """Return (id, text) of the test messages behind one cell of the confusion table."""
    texts = {r["id"]: r["texte"] for p in (REQUESTS, OFF_TOPIC) for r in labelled_rows(test_sets, p)}
    return [(i, texts.get(i, "")) for i, row in evaluation["messages"].items() if row["attendu"] == wanted and row["porte"] == given]


def expected(row: Mapping[str, Any]) -> str:
    """Return the service a labelled message should reach, or its delegation when any of its services will do."""
    return str(row.get("service") or row["dis"])


def _given(outcome: Outcome) -> dict[str, Any]:
    decision = outcome.decision
    if outcome.answered:
        door = decision.destinations[0]
        return {"porte": door.service or door.dis, "sujet": door.sujet}
    return {"porte": QUESTION if outcome.asked else NO_REQUEST if decision.decision in SILENT else decision.decision.value}


def _per_service(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Any]]:
    """Recall counts a question that offers the right service; precision looks at the doors given at once."""
    wanted: dict[str, list[bool]] = defaultdict(list)
    given: dict[str, list[bool]] = defaultdict(list)
    for outcome in outcomes:
        wanted[expected(outcome.row)].append(outcome.right_service)
        if outcome.answered:
            door = outcome.decision.destinations[0]
            given[door.service or door.dis].append(outcome.right_service)
    return {
        name: {
            "messages": len(wanted.get(name, ())),
            "rappel": _mean(wanted[name]) if name in wanted else None,
            "precision": _mean(given[name]) if name in given else None,
        }
        for name in sorted({*wanted, *given})
    }


def _calibration(router: Router, rows: Sequence[Mapping[str, Any]]) -> float:
    if router.model is None or not rows:
        return 0.0
    confidence, right = [], []
    for start in range(0, len(rows), 256):
        part = rows[start : start + 256]
        for row, probabilities in zip(part, router.model.predict_proba([clean(mask(abridged(r["texte"]))) for r in part]), strict=True):
            reading = router.read(router.model.understanding(probabilities))
            confidence.append(reading.certainty)
            right.append(max(reading.delegations, key=reading.delegations.__getitem__, default="") == row["dis"])
    return round(expected_calibration_error(np.array(confidence), np.array(right, dtype=float)), 4)


def _side_by_side(before: Mapping[str, Any], after: Mapping[str, Any], checks: Sequence[Mapping[str, Any]]) -> tuple[ServiceLine, ...]:
    old_checks, new_checks = ((c.get("par_service") or {}) for c in checks)
    lines = []
    for name in sorted({*before["par_service"], *after["par_service"]}):
        old, new = before["par_service"].get(name) or {}, after["par_service"].get(name) or {}
        lines.append(
            ServiceLine(
                name,
                new.get("messages") or old.get("messages") or 0,
                old.get("rappel"),
                new.get("rappel"),
                old.get("precision"),
                new.get("precision"),
                old_checks.get(name),
                new_checks.get(name),
            )
        )
    return tuple(lines)


def _mean(values: Sequence[bool]) -> float:
    return round(float(np.mean(values)), 4) if len(values) else 0.0
