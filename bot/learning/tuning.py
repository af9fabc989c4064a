"""Train the topic model, set its temperature and thresholds on held-out messages, write ``metrics.json``."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.base.errors import CorpusError, ModelError, Problem
from bot.base.paths import ProjectPaths
from bot.language.cleaning import clean
from bot.learning.corpus import Example, read_corpus, read_jsonl
from bot.learning.emergencies import HELD_OUT
from bot.learning.freshness import fingerprint, model_config, read_manifest
from bot.learning.judgements import fit_judgements
from bot.learning.metrics import by_destination, expected_calibration_error
from bot.learning.store import StoredModel, load_model, save_model
from bot.learning.vector_cache import remembered_vectors
from bot.referential import Referential, load_referential
from bot.routing.decision import Decider, Reading, Thresholds
from bot.routing.types import DecisionKind
from bot.understanding.config import TopicModelConfig
from bot.understanding.model import TopicModel, at_temperature
from bot.understanding.outcome import Understanding

QUESTION_SHARE = 0.04
"""Share of held-out requests, the least certain, that get a question. The target is 12 % at most on real
messages, which are harder than the held-out ones: this leaves room."""
WANTED_RISK = 0.02
"""Share of wrong doors that none of the doors should go over: the target of the project."""
DOOR_QUESTION_SHARE = 0.1
"""At most this share of the requests that lead to one door gets a question, however often that door is wrong."""
MAX_REFUSED = 0.02
"""At most this share of requests may be taken for no request when the threshold is set."""
LEAST_DOUBT = 0.15
"""A message that is less likely than this to be no request is read as one, however few held-out requests are near."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Labelled:
    """One held-out message and the door it should get.

    Args:
        text: the message.
        dis: delegation id, or "" for a message that is no request.
        service: service id, or ``None`` when any service of the delegation is right.
    """

    text: str
    dis: str
    service: str | None


def ensure_model(paths: ProjectPaths, progress: Progress, force: bool = False) -> StoredModel:
    """Return the model of the tree, training it first when there is none or its inputs changed.

    Args:
        paths: the tree.
        progress: receives French sentences.
        force: train even when nothing changed.
    """
    config = model_config(paths.config)
    print_ = fingerprint(paths, config)
    if not force and read_manifest(paths.router_model).get("empreinte") == print_:
        try:
            return load_model(paths.router_model)
        except ModelError as error:
            progress(str(error))
    with remembered_vectors(paths.vectors, config.encoders):
        return train(paths, config, print_, progress)


def train(paths: ProjectPaths, config: TopicModelConfig, print_: str, progress: Progress) -> StoredModel:
    """Train, calibrate, choose thresholds, measure, and write the model of the tree."""
    started = time.perf_counter()
    referential = load_referential(paths.referential)
    examples = read_corpus(paths.corpus)
    _check_labels(examples, referential)
    progress(f"{len(examples)} messages, {len({e.label for e in examples})} sujets et actes")
    model = TopicModel(config)
    model.fit([clean(e.text) for e in examples], [e.label for e in examples], progress)
    held = read_held_out(paths.tuning)
    thresholds, metrics = tune(model, referential, held, progress)
    thresholds = fit_judgements(model, referential, thresholds, paths.tuning)
    metrics["seuils"] = thresholds.as_mapping()
    manifest = {
        "empreinte": print_,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "messages": len(examples),
        "sujets": len(model.labels),
        "duree_s": round(time.perf_counter() - started, 1),
        "reglages": config.as_mapping(),
    }
    save_model(paths.router_model, model, manifest, metrics)
    progress(f"modèle prêt en {manifest['duree_s']} s")
    return StoredModel(model, thresholds, manifest, metrics)


def read_held_out(folder: Path) -> tuple[Labelled, ...]:
    """Read the messages kept to set temperature and thresholds (``data/calage``): never trained on, never tested on."""
    rows: list[Labelled] = []
    for path in sorted(folder.glob("*.jsonl")):
        if path.name == HELD_OUT:
            continue
        for row in read_jsonl(path):
            service = row.get("service")
            rows.append(Labelled(str(row["texte"]), str(row.get("dis") or ""), str(service) if service else None))
    return tuple(rows)


def tune(model: TopicModel, referential: Referential, held: Sequence[Labelled], progress: Progress) -> tuple[Thresholds, dict[str, Any]]:
    """Set the model's temperature in place; return thresholds and what was measured on ``held``.

    Args:
        model: the fitted model.
        referential: who does what.
        held: messages with the door they should get.
        progress: receives French sentences.
    """
    if not held:
        return Thresholds(), {"seuils": Thresholds().as_mapping(), "avertissement": "aucun message de calage"}
    progress(f"calage sur {len(held)} messages mis de côté")
    texts = [clean(h.text) for h in held]
    features = model.features(texts)
    scores = model.scores(features)
    truth = _service_targets(model, referential, held)
    model.temperature = _best_temperature(scores, truth)
    if features.keywords is not None:
        model.keyword_temperature = _best_temperature(features.keywords, truth)
    probabilities = model.calibrate(scores)
    understandings = [model.understanding(row) for row in probabilities]
    thresholds = _choose_thresholds(referential, understandings, held)
    return thresholds, {
        "seuils": thresholds.as_mapping(),
        "temperature": round(model.temperature, 3),
        **measure(referential, thresholds, understandings, held),
    }


def measure(
    referential: Referential, thresholds: Thresholds, understandings: Sequence[Understanding], held: Sequence[Labelled]
) -> dict[str, Any]:
    """Return accuracy, calibration error, coverage, wrong doors and out-of-scope recall, in all and per service."""
    decider = Decider(referential, thresholds)
    rows = []
    for understanding, expected in zip(understandings, held, strict=True):
        reading = decider.read(understanding)
        decision = decider.decide(reading)
        best = max(reading.delegations, key=reading.delegations.__getitem__, default="")
        rows.append((expected, decision, best, reading))
    requests = [r for r in rows if r[0].dis]
    others = [r for r in rows if not r[0].dis]
    answered = [r for r in requests if r[1].decision in {DecisionKind.ORIENTER, DecisionKind.HORS_PERIMETRE}]
    asked = [r for r in requests if r[1].decision is DecisionKind.CLARIFIER]
    refused = len(requests) - len(answered) - len(asked)
    wrong = [r for r in answered if r[1].destinations[0].dis != r[0].dis]
    reached = len(answered) - len(wrong) + sum(any(d.dis == r[0].dis for d in r[1].destinations) for r in asked)
    confidence = np.array([r[3].certainty for r in requests])
    right = np.array([r[2] == r[0].dis for r in requests], dtype=float)
    silent = [r for r in others if r[1].decision in {DecisionKind.CONVERSATION, DecisionKind.HORS_SUJET, DecisionKind.INCOMPRIS}]
    return {
        "messages": len(rows),
        "exactitude_dis": _ratio(right.sum(), len(requests)),
        "atteinte_dis": _ratio(reached, len(requests)),
        "erreur_calibration": round(expected_calibration_error(confidence, right), 4),
        "couverture": _ratio(len(answered), len(requests)),
        "questions": _ratio(len(asked), len(requests)),
        "mauvaises_portes": _ratio(len(wrong), len(answered)),
        "demandes_refusees": _ratio(refused, len(requests)),
        "rappel_hors_sujet": _ratio(len(silent), len(others)),
        "courbe_risque_couverture": risk_coverage(confidence, right),
        "par_service": _per_service(requests),
    }


def risk_coverage(confidence: NDArray[np.float64], right: NDArray[np.float64]) -> list[dict[str, float]]:
    """Return points (threshold, coverage, risk) of the risk-coverage curve, from strict to lenient."""
    points = []
    for threshold in (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4, 0.35, 0.3, 0.0):
        kept = confidence >= threshold
        risk = float(1 - right[kept].mean()) if kept.any() else 0.0
        points.append({"seuil": threshold, "couverture": round(float(kept.mean()), 4), "risque": round(risk, 4)})
    return points


def _check_labels(examples: Sequence[Example], referential: Referential) -> None:
    known = referential.labels
    unknown = [e for e in examples if e.label not in known]
    if unknown:
        raise CorpusError([Problem(e.fichier, e.ligne, f"le sujet « {e.label} » n'existe pas dans le référentiel.") for e in unknown[:50]])


def _service_targets(model: TopicModel, referential: Referential, held: Sequence[Labelled]) -> NDArray[np.bool_]:
    """Return a mask (n_held, n_labels) of the labels that would be right for each message."""
    mask = np.zeros((len(held), len(model.labels)), dtype=bool)
    for column, label in enumerate(model.labels):
        topic = referential.topics.get(label)
        for row, expected in enumerate(held):
            if topic is None:
                mask[row, column] = not expected.dis
            elif expected.dis:
                same = referential.services[topic.service].delegation == expected.dis
                mask[row, column] = same and expected.service in {None, topic.service}
    return mask


def _best_temperature(scores: NDArray[np.floating[Any]], truth: NDArray[np.bool_]) -> float:
    def loss(temperature: float) -> float:
        mass = (at_temperature(scores, temperature) * truth).sum(axis=1)
        return float(-np.log(np.maximum(mass, 1e-9)).mean())

    return min((float(t) for t in np.linspace(0.4, 3.0, 53)), key=loss)


def _choose_thresholds(referential: Referential, understandings: Sequence[Understanding], held: Sequence[Labelled]) -> Thresholds:
    """Read thresholds off the curves: few refusals first, then the safest split between answering and asking."""
    decider = Decider(referential, Thresholds())
    readings = [decider.read(u) for u in understandings]
    requests = [(r, h) for r, h in zip(readings, held, strict=True) if h.dis]
    refusal = np.array([r.non_request for r, _ in requests])
    floor = float(np.quantile(refusal, 1 - MAX_REFUSED)) if len(refusal) else 0.5
    non_request = min(0.9, max(LEAST_DOUBT, floor))
    certainty = np.array([r.certainty for r, _ in requests])
    dis = float(np.quantile(certainty, QUESTION_SHARE)) if len(certainty) else 0.7
    dis = round(min(0.95, max(0.3, dis)), 3)
    return replace(Thresholds(), non_demande=round(non_request, 3), dis=dis, portes=stricter_doors(requests, dis))


def stricter_doors(requests: Sequence[tuple[Reading, Labelled]], common: float) -> dict[str, float]:
    """Return the delegations that need more than the common threshold to be wrong as seldom as :data:`WANTED_RISK`.

    Args:
        requests: what was read in held-out requests, and what they ask.
        common: threshold of all.
    """
    requests = [(reading, held) for reading, held in requests if reading.delegations]
    best = [max(reading.delegations, key=reading.delegations.__getitem__) for reading, _ in requests]
    certainty = [reading.certainty for reading, _ in requests]
    table = by_destination(best, certainty, [door == held.dis for door, (_, held) in zip(best, requests, strict=True)], WANTED_RISK)
    stricter = {}
    for door, row in table.items():
        if 1 - row["justesse"]["valeur"] <= WANTED_RISK:
            continue
        most = float(np.quantile([c for c, b in zip(certainty, best, strict=True) if b == door], DOOR_QUESTION_SHARE))
        needed = round(min(most, 1.0 if row["seuil"] is None else row["seuil"]), 3)
        if needed > common:
            stricter[door] = needed
    return stricter


def _per_service(requests: Sequence[Any]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for expected, decision, _, _ in requests:
        name = expected.service or f"{expected.dis} (tous)"
        row = table.setdefault(name, {"messages": 0, "justes": 0, "questions": 0, "mauvaises_portes": 0})
        row["messages"] += 1
        if decision.decision is DecisionKind.CLARIFIER:
            row["questions"] += 1
        elif decision.destinations and decision.destinations[0].dis == expected.dis:
            row["justes"] += decision.destinations[0].service in {expected.service, None} or expected.service is None
        elif decision.destinations:
            row["mauvaises_portes"] += 1
    return dict(sorted(table.items()))


def _ratio(part: float, whole: int) -> float:
    return round(float(part) / whole, 4) if whole else 0.0
