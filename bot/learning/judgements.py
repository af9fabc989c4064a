"""Learn the small judgements of the routing from held-out messages: does a message go on with the last, does it carry several requests?"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.language.cleaning import CleanText, clean
from bot.learning.corpus import read_jsonl
from bot.referential import Referential
from bot.routing import several
from bot.routing.context import BACK, FARTHEST, JOINED, KEPT, NEW, OWN, Before, Weights, about, features, idle, opening, wordings
from bot.routing.decision import Decider, Reading, Thresholds
from bot.routing.doors import Doors
from bot.routing.scorer import Layer, Scorer
from bot.understanding.model import TopicModel

CONTEXT = "contexte"
"""In ``data/calage``: messages with the request before them."""
SEVERAL = "plusieurs"
"""In ``data/calage``: messages with the services that they ask for, one or several."""
PENALTY, LEAST_RIGHT = 0.5, 1e-3
"""Of the weights of the ways to take a message; probability of the right door under which a way is not worse."""
NOTHING = "rien"
"""Kind of the messages that ask for nothing."""
APART = frozenset({NEW, NOTHING})
PARTS, SAME_START, LEANING = 5, 18, 0.3
"""Parts that judge each other's wordings; characters by which the turns of one conversation stay together; how freely words weigh."""
UNITS, DECAY, PASSES = 16, 1.0, 600
"""Of the network that tells several requests, and the most it goes through the cases."""


def fit_judgements(model: TopicModel, referential: Referential, thresholds: Thresholds, folder: Path) -> Thresholds:
    """Return the thresholds with what was learnt; what has no messages to learn from stays unlearnt.

    Args:
        model: calibrated.
        referential: who does what.
        thresholds: of the decision.
        folder: ``data/calage``.
    """
    decider = Decider(referential, thresholds)
    context, weights = fit_context(model, decider, _rows(folder / CONTEXT))
    cuts, asked = fit_several(model, decider, _rows(folder / SEVERAL))
    return replace(thresholds, contexte=context, tournures=weights, coupes=cuts, plusieurs=asked)


def fit_context(
    model: TopicModel, decider: Decider, rows: Sequence[Mapping[str, Any]]
) -> tuple[Weights, Mapping[str, Mapping[str, float]]]:
    """Return the weights of the ways to take a message with those before, and the wordings that open or resume a request.

    The weights are learnt with what the wordings of the other conversations say of each message.

    Args:
        model: calibrated.
        decider: tells what was answered to the requests before.
        rows: with ``avant``, ``texte``, its ``genre``, the ``service`` right after it, none when it asks for nothing; and maybe
            ``service_avant``, the one right before it, and ``fils``, the ``demande`` and the ``service`` of each door given earlier,
            the newest first.
    """
    if not rows:
        return {}, {}
    before = [Before(str(row["avant"])) for row in rows]
    messages = [str(row["texte"]) for row in rows]
    alone, joined = _read(model, decider, messages), _read(model, decider, [b.joined(t) for b, t in zip(before, messages, strict=True)])
    asked = [str(request) for row in rows for request in (row["avant"], *(thread["demande"] for thread in row.get("fils", ())))]
    read = _read_once(model, decider, asked)
    texts = [clean(message) for message in messages]
    part = np.array([zlib.crc32(b.request[:SAME_START].encode()) % PARTS for b in before])
    marks = {NEW: np.array([row.get("genre") in APART for row in rows]), BACK: np.array(list(map(_goes_back, rows)))}
    told = {mark: _told_apart(texts, flags, part) for mark, flags in marks.items()}
    cases = []
    for row, a, j, text, opens, resumes in zip(rows, alone, joined, texts, told[NEW], told[BACK], strict=True):
        request = str(row["avant"])
        decision = decider.decide(read[request])
        offered = {door.service for door in decision.destinations if door.service}
        values = features(text, a, j, offered, decision.question is not None, (opens, resumes), sum(idle(a, decider.acts).values()))
        ways: list[tuple[str, tuple[float, ...], float]] = [(JOINED, values, _right(j, row, decider))]
        doors = [(BACK, str(thread["demande"]), str(thread["service"])) for thread in row.get("fils", ())]
        given = decision.destinations[0].service if decision.destinations and decision.question is None else None
        if row.get("service_avant", given):
            doors.append((KEPT, request, str(row.get("service_avant", given))))
        for kind, asked_for, service in doors:
            own = about(text, a, service, _likeliest(read[asked_for], service, decider), asked_for)
            right = float(service == row["service"]) if row.get("genre") != NOTHING else 0.0
            ways.append((kind, (*values, *(own[name] for name in OWN[kind])), right))
        cases.append((_right(a, row, decider), ways))
    return _weights(cases), {mark: _wordings(texts, flags) for mark, flags in marks.items()}


def _goes_back(row: Mapping[str, Any]) -> bool:
    """Whether a message resumes a request made before the last."""
    return row.get("genre") != NEW and any(thread["service"] == row["service"] for thread in row.get("fils", ()))


def _told_apart(texts: Sequence[CleanText], marked: NDArray[np.bool_], part: NDArray[np.int64]) -> list[float]:
    """Return what the wordings of the other parts say of each message."""
    learnt = [_wordings([t for t, p in zip(texts, part, strict=True) if p != k], marked[part != k]) for k in range(PARTS)]
    return [opening(text, learnt[k]) for text, k in zip(texts, part, strict=True)]


def _likeliest(reading: Reading, service: str, decider: Decider) -> str:
    """Return the topic of a service that a request asks for, "" when none is read."""
    topics = {topic: p for topic, p in reading.topics.items() if decider.services[topic] == service}
    return max(topics, key=topics.__getitem__, default="")


def _right(reading: Reading, row: Mapping[str, Any], decider: Decider) -> float:
    """Return the probability of what a message of a conversation is: its service, an act that keeps the last door, or no request."""
    nothing = sum(idle(reading, decider.acts).values())
    if row.get("genre") == NOTHING:
        return nothing
    keeps = 0.0 if row.get("genre") == NEW else reading.non_request - nothing
    return reading.services.get(str(row["service"]), 0.0) + keeps


def _wordings(texts: Sequence[CleanText], new: NDArray[np.bool_]) -> dict[str, float]:
    """Return the weight of each wording seen twice in telling the messages that open another request; "" holds the start.

    Args:
        texts: the messages.
        new: (n,) which of them do.
    """
    from sklearn.feature_extraction import DictVectorizer  # only who trains loads it
    from sklearn.linear_model import LogisticRegression

    seen = Counter(w for text in texts for w in wordings(text))
    rows = [{w: 1.0 for w in sorted(wordings(text)) if seen[w] > 1} for text in texts]
    if len(set(new.tolist())) < 2 or not any(rows):
        return {}
    names = DictVectorizer()
    found = LogisticRegression(C=LEANING, class_weight="balanced", max_iter=PASSES).fit(names.fit_transform(rows), new)
    return {"": round(float(found.intercept_[0]), 4), **dict(zip(names.feature_names_, found.coef_[0].round(4).tolist(), strict=True))}


def _weights(cases: Sequence[tuple[float, Sequence[tuple[str, tuple[float, ...], float]]]]) -> Weights:
    """Return the weights that give the right doors the most probability: the mean logarithm, less a penalty.

    Args:
        cases: probability of the right door in the message read alone; then kind, values and the same probability of each other way.
    """
    from scipy.optimize import minimize  # only who trains loads it

    alone = np.array([right for right, _ in cases])
    kinds = [kind for kind in OWN if any(kind == way[0] for _, ways in cases for way in ways)]
    values, owner, right = {}, {}, {}
    for kind in kinds:
        own = [(row, v, r) for row, (_, ways) in enumerate(cases) for k, v, r in ways if k == kind]
        owner[kind], values[kind], right[kind] = np.array([o[0] for o in own]), np.array([o[1] for o in own]), np.array([o[2] for o in own])
    ends = np.cumsum([values[kind].shape[1] for kind in kinds])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds, found = np.ones(len(cases)), alone + LEAST_RIGHT
        raised = {}
        for kind, own in zip(kinds, np.split(weights, ends[:-1]), strict=True):
            raised[kind] = np.exp(np.clip(values[kind] @ own, -FARTHEST, FARTHEST))
            np.add.at(odds, owner[kind], raised[kind])
            np.add.at(found, owner[kind], raised[kind] * (right[kind] + LEAST_RIGHT))
        slopes = [values[k].T @ (raised[k] * ((right[k] + LEAST_RIGHT) / found[owner[k]] - 1 / odds[owner[k]])) for k in kinds]
        lost = float(np.log(odds).sum() - np.log(found).sum() + PENALTY / 2 * weights @ weights)
        return lost / len(cases), (PENALTY * weights - np.concatenate(slopes)) / len(cases)

    best = minimize(loss, np.zeros(ends[-1]), jac=True, method="L-BFGS-B", options={"maxiter": PASSES}).x
    return {kind: tuple(map(float, own.round(4))) for kind, own in zip(kinds, np.split(best, ends[:-1]), strict=True)}


def fit_several(model: TopicModel, decider: Decider, rows: Sequence[Mapping[str, Any]]) -> tuple[Scorer, Scorer]:
    """Return what tells by keywords alone that a way to cut a message is worth reading, and what tells, once it is, that it is right.

    The first learns what the second will say: it takes away what would not be answered anyway. Without calibrated keywords it is
    not learnt, and all is read.

    Args:
        model: calibrated.
        decider: reads what was understood.
        rows: with ``texte`` and its ``services``: as many as it carries requests.
    """
    cases = several_cases(model, decider, [str(row["texte"]) for row in rows], [row["services"] for row in rows])
    if len({case.right for case in cases if case.read}) < 2:
        return Scorer(), Scorer()
    asked = network(np.array([case.read for case in cases if case.read]), np.array([case.right for case in cases if case.read]))
    glimpsed = [case for case in cases if case.glimpsed]
    likely = np.array([bool(case.read) and asked.probability(case.read) >= decider.thresholds.reste for case in glimpsed])
    if len(set(likely.tolist())) < 2:
        return Scorer(), asked
    return network(np.array([case.glimpsed for case in glimpsed]), likely), asked


@dataclass(frozen=True)
class Cut:
    """One way to cut a message.

    Args:
        index: of the message.
        glimpsed: features by keywords alone, none when they are not calibrated.
        read: features of the parts read whole, none when two of them ask the same.
        right: whether each part asks for one of the services that the message asks for, and no two parts for the same one.
    """

    index: int
    glimpsed: tuple[float, ...]
    read: tuple[float, ...]
    right: bool


def several_cases(model: TopicModel, decider: Decider, texts: Sequence[str], services: Sequence[Sequence[str]]) -> list[Cut]:
    """Return each way to cut each message.

    Args:
        model, decider: as in :func:`fit_several`.
        texts: the messages.
        services: (n,) what each asks for.
    """
    cleaned = [clean(text) for text in texts]
    wholes = _read(model, decider, texts)
    cuts = [several.worth_reading(text.display, whole) for text, whole in zip(cleaned, wholes, strict=True)]
    parts = [clean(part) for part in dict.fromkeys(part for cut in cuts for segmentation in cut for part in segmentation.texts)]
    if not parts:
        return []
    doors, skimmed = Doors(decider, model.labels), model.skim(parts)
    glimpsed, read = (
        {part.words: part for part in doors.parts(parts, rows)} if rows is not None else {}
        for rows in (skimmed.told, model.read_on(skimmed, np.arange(len(parts))))
    )
    cases = []
    for index, (cut, whole) in enumerate(zip(cuts, wholes, strict=True)):
        for segmentation in cut:
            found = several.parts_of(segmentation, read)
            seen = [glimpsed[text] for text in segmentation.texts if text in glimpsed]
            asked = Counter(part.service for part in found) - Counter(services[index])
            display = cleaned[index].display
            cases.append(
                Cut(
                    index,
                    several.features(segmentation, seen, whole, display) if seen else (),
                    several.features(segmentation, found, whole, display) if found else (),
                    bool(found) and not asked,
                )
            )
    return cases


def network(rows: NDArray[np.float64], right: NDArray[np.bool_]) -> Scorer:
    """Return a small network that tells the right cases.

    Args:
        rows: (n, features).
        right: (n,).
    """
    from sklearn.neural_network import MLPClassifier  # only who trains loads it

    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale == 0] = 1.0
    found = MLPClassifier((UNITS,), alpha=DECAY, max_iter=PASSES, random_state=0).fit((rows - mean) / scale, right)
    (first, last), (added, end) = found.coefs_, found.intercepts_
    first = first / scale[:, None]
    return Scorer((_layer(first, added - mean @ first), _layer(last, end)))


def _layer(weights: NDArray[np.float64], added: NDArray[np.float64]) -> Layer:
    return tuple(tuple(float(w) for w in row.round(4)) for row in weights.T), tuple(float(a) for a in added.round(4))


def _rows(folder: Path) -> list[Mapping[str, Any]]:
    return [row for path in sorted(folder.glob("*.jsonl")) for row in read_jsonl(path)]


def _read(model: TopicModel, decider: Decider, texts: Sequence[str]) -> list[Reading]:
    return [decider.read(model.understanding(row)) for row in model.predict_proba([clean(text) for text in texts])] if texts else []


def _read_once(model: TopicModel, decider: Decider, texts: Iterable[str]) -> dict[str, Reading]:
    own = list(dict.fromkeys(texts))
    return dict(zip(own, _read(model, decider, own), strict=True))
