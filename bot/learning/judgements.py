"""Learn the small judgements of the routing from held-out messages: does a message go on with the last, does it carry several requests?"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.language.cleaning import CleanText, clean
from bot.learning.corpus import read_jsonl
from bot.referential import Referential
from bot.routing import several
from bot.routing.context import Before, features, idle, opening, wordings
from bot.routing.decision import Decider, Reading, Thresholds
from bot.routing.scorer import Layer, Scorer
from bot.understanding.model import TopicModel

CONTEXT = "contexte"
"""In ``data/calage``: messages with the request before them."""
SEVERAL = "plusieurs"
"""In ``data/calage``: messages with the services that they ask for, one or several."""
STEPS, STEP, PENALTY = 8000, 0.5, 0.05
"""Of the ascent that fits the share of a message that goes on with the last."""
NEW, NOTHING = "nouveau", "rien"
"""Kinds of the messages that open another request, and of those that ask for nothing."""
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
    return replace(
        thresholds,
        contexte=context,
        tournures=weights,
        plusieurs=fit_several(model, decider, _rows(folder / SEVERAL)),
    )


def fit_context(model: TopicModel, decider: Decider, rows: Sequence[Mapping[str, Any]]) -> tuple[Scorer, Mapping[str, float]]:
    """Return what tells how much a message goes on with the last request, and the wordings that open another.

    The share is learnt with what the wordings of the other conversations say of each message.

    Args:
        model: calibrated.
        decider: tells what was answered to the first message of a pair.
        rows: with ``avant``, ``texte``, its ``genre``, and the ``service`` right after the second, none when it asks for nothing.
    """
    if not rows:
        return Scorer(), {}
    before = [Before(str(row["avant"])) for row in rows]
    messages = [str(row["texte"]) for row in rows]
    first, alone = _read(model, decider, [b.request for b in before]), _read(model, decider, messages)
    joined = _read(model, decider, [b.joined(text) for b, text in zip(before, messages, strict=True)])
    values, right_alone, right_joined = [], [], []
    texts, new = [clean(message) for message in messages], np.array([row.get("genre") in APART for row in rows])
    part = np.array([zlib.crc32(b.request[:SAME_START].encode()) % PARTS for b in before])
    apart = [_wordings([t for t, p in zip(texts, part, strict=True) if p != k], new[part != k]) for k in range(PARTS)]
    for row, request, a, j, text, k in zip(rows, first, alone, joined, texts, part, strict=True):
        decision = decider.decide(request)
        offered = {door.service for door in decision.destinations if door.service}
        nothing = sum(idle(a, decider.acts).values())
        values.append(features(text, a, j, offered, decision.question is not None, opening(text, apart[k]), nothing))
        right_alone.append(_right(a, row, decider))
        right_joined.append(_right(j, row, decider))
    return _share(np.array(values), np.array(right_alone), np.array(right_joined)), _wordings(texts, new)


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


def _share(rows: NDArray[np.float64], alone: NDArray[np.float64], joined: NDArray[np.float64]) -> Scorer:
    """Return the share that gives the right door the most probability, by gradient ascent on its mean logarithm.

    Args:
        rows: (n, features).
        alone, joined: (n,) probability of the right door in each reading.
    """
    weights = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        share = 1 / (1 + np.exp(-rows @ weights))
        right = (1 - share) * alone + share * joined + 1e-3
        weights += STEP * ((((joined - alone) / right * share * (1 - share))[:, None] * rows).mean(axis=0) - PENALTY * weights / len(rows))
    return Scorer(((((*map(float, weights.round(4)),),), (0.0,)),))


def fit_several(model: TopicModel, decider: Decider, rows: Sequence[Mapping[str, Any]]) -> Scorer:
    """Return what tells that a way to cut a message is right.

    Args:
        model: calibrated.
        decider: reads what was understood.
        rows: with ``texte`` and its ``services``: as many as it carries requests.
    """
    cases = several_cases(model, decider, [str(row["texte"]) for row in rows], [row["services"] for row in rows])
    if len({right for *_, right in cases}) < 2:
        return Scorer()
    return network(np.array([values for _, values, _ in cases]), np.array([right for *_, right in cases]))


def several_cases(
    model: TopicModel, decider: Decider, texts: Sequence[str], services: Sequence[Sequence[str]]
) -> list[tuple[int, tuple[float, ...], bool]]:
    """Return each way to cut each message that is worth judging: the index of the message, its features, whether it is right.

    It is right when each part asks for one of the services that the message asks for, and no two parts for the same one.

    Args:
        model, decider: as in :func:`fit_several`.
        texts: the messages.
        services: (n,) what each asks for.
    """
    cleaned = [clean(text) for text in texts]
    wholes = _read(model, decider, texts)
    cuts = [several.worth_reading(text.display, whole) for text, whole in zip(cleaned, wholes, strict=True)]
    smallest = [several.smallest(cut) for cut in cuts]
    readings = _read_once(model, decider, (text for own in smallest for text in own))
    kept = [several.promising(cut, {text: readings[text] for text in own}) for cut, own in zip(cuts, smallest, strict=True)]
    readings |= _read_once(model, decider, (t for cut in kept for s in cut for t in s.texts if t not in readings))
    read = several.doors_of(readings, decider.services)
    cases = []
    for index, (cut, whole) in enumerate(zip(kept, wholes, strict=True)):
        for segmentation in cut:
            parts = several.parts_of(segmentation, read)
            if parts:
                asked = Counter(part.service for part in parts) - Counter(services[index])
                cases.append((index, several.features(segmentation, parts, whole, cleaned[index].display), not asked))
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
