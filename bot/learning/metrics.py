"""Figures with their uncertainty: proportions, differences, calibration, risk against coverage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z = 1.959964
"""Quantile of the normal law for a two-sided interval at 95 %."""
RESAMPLES = 1000


def expected_calibration_error(confidence: NDArray[np.float64], right: NDArray[np.float64], bins: int = 10) -> float:
    """Return the expected calibration error (Guo et al., 2017): mean gap between confidence and accuracy, in [0, 1].

    Args:
        confidence: (n,) values in [0, 1].
        right: (n,) 1.0 where the answer was right, else 0.0.
        bins: number of equal-width bins.
    """
    if not len(confidence):
        return 0.0
    cell = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[cell == b].mean() - right[cell == b].mean()) * (cell == b).mean() for b in range(bins) if (cell == b).any()]
    return float(sum(gaps))


def proportion(values: Sequence[bool]) -> dict[str, Any]:
    """Return a share and its 95 % interval (Wilson, 1927: sound for small samples and shares near 0 or 1).

    Args:
        values: one truth value a message.

    Returns:
        ``valeur``, ``bas``, ``haut`` in [0, 1] (``None`` without any message), ``nombre`` of true values, ``messages``.
    """
    total, count = len(values), sum(map(bool, values))
    if not total:
        return {"valeur": None, "bas": None, "haut": None, "nombre": 0, "messages": 0}
    share = count / total
    spread = Z * math.sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    low, high = ((share + Z * Z / (2 * total) + sign * spread) / (1 + Z * Z / total) for sign in (-1, 1))
    return {
        "valeur": round(share, 4),
        "bas": 0.0 if not count else round(low, 4),
        "haut": 1.0 if count == total else round(high, 4),
        "nombre": count,
        "messages": total,
    }


def paired_drop(before: Sequence[bool], after: Sequence[bool]) -> dict[str, Any]:
    """Return the loss of a share between two measures of the same messages, with its 95 % bootstrap interval.

    Args:
        before: truth values, one a message.
        after: truth values of the same messages, in the same order.
    """
    if not before:
        return {"valeur": None, "bas": None, "haut": None}
    gaps = np.array(before, dtype=float) - np.array(after, dtype=float)
    draws = np.random.default_rng(0).choice(gaps, (RESAMPLES, len(gaps))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"valeur": round(float(gaps.mean()), 4), "bas": round(float(low), 4), "haut": round(float(high), 4)}


def reliability(confidence: Sequence[float], right: Sequence[bool], bins: int = 10) -> dict[str, Any]:
    """Return the points of a reliability diagram and the expected calibration error (Guo et al., 2017).

    Args:
        confidence: values in [0, 1].
        right: whether each answer was right.
        bins: number of equal-width bins; empty ones are left out.
    """
    sure, truth = np.array(confidence, dtype=float), np.array(right, dtype=float)
    cell = np.minimum((sure * bins).astype(int), bins - 1)
    points = [
        {
            "bas": b / bins,
            "haut": (b + 1) / bins,
            "messages": int((cell == b).sum()),
            "confiance": round(float(sure[cell == b].mean()), 4),
            "justesse": proportion([bool(v) for v in truth[cell == b]]),
        }
        for b in range(bins)
        if (cell == b).any()
    ]
    return {"ece": round(expected_calibration_error(sure, truth, bins), 4), "classes": points}


def by_destination(destinations: Sequence[str], confidence: Sequence[float], right: Sequence[bool], risk: float) -> dict[str, Any]:
    """Return, for each destination, how far its confidence can be believed, and the threshold it would need for itself.

    Args:
        destinations: the most likely one of each message.
        confidence: values in [0, 1].
        right: whether each answer was right.
        risk: largest share of errors wanted among the answers given.

    Returns:
        destination → ``messages``, mean ``confiance``, ``justesse`` and ``seuil``: the lowest confidence from which answers
        hold that risk (``None`` when none does).
    """
    sure, truth = np.array(confidence, dtype=float), np.array(right, dtype=bool)
    names = np.array(destinations)
    table: dict[str, Any] = {}
    for name in sorted(set(destinations)):
        here = names == name
        points = risk_curve(sure[here].tolist(), truth[here].tolist(), int(here.sum()))["points"]
        held = [p["seuil"] for p in points if p["risque"] <= risk]
        table[name] = {
            "messages": int(here.sum()),
            "confiance": round(float(sure[here].mean()), 4),
            "justesse": proportion(truth[here].tolist()),
            "seuil": min(held, default=None),
        }
    return table


def risk_curve(confidence: Sequence[float], right: Sequence[bool], size: int = 200) -> dict[str, Any]:
    """Return the risk-coverage curve: share of errors among the most certain answers, as more are given.

    Args:
        confidence: one value a message; answers are given from the highest down, ties together.
        right: whether each answer was right.
        size: at most this many points are kept, evenly spread.

    Returns:
        ``points`` (threshold, coverage, risk) and ``aire``, the mean risk over every coverage (lower is better).
    """
    sure, wrong = np.round(np.array(confidence, dtype=float), 9), 1 - np.array(right, dtype=float)
    if not len(sure):
        return {"aire": None, "points": []}
    order = np.argsort(-sure, kind="stable")
    sure, wrong = sure[order], wrong[order]
    risks = np.cumsum(wrong) / np.arange(1, len(wrong) + 1)
    last_of_tie = np.append(sure[1:] != sure[:-1], True).nonzero()[0]
    kept = last_of_tie[np.unique(np.linspace(0, len(last_of_tie) - 1, size).round().astype(int))]
    points = [
        {"seuil": round(float(sure[i]), 4), "couverture": round((i + 1) / len(sure), 4), "risque": round(float(risks[i]), 4)} for i in kept
    ]
    return {"aire": round(float(risks.mean()), 4), "points": points}
