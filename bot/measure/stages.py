"""What each stage of a turn takes: the router as it is, a stopwatch around its steps."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from statistics import median
from typing import Any
from unittest.mock import patch

from bot.routing import router as flow
from bot.routing.router import Router
from bot.understanding.encoders import get_encoder

RUNS = 20
"""Times a message is read, after one that warms up."""
REST = "le reste"


def stages_of(router: Router) -> list[tuple[str, Any, str]]:
    """Return the name of each stage, in order, with the object and the method that take it; a stage may be in another."""
    found: list[tuple[str, Any, str]] = [
        ("urgence", router.detector, "detect"),
        ("langue", router, "_foreign"),
        ("masquage", flow, "mask"),
        ("nettoyage", flow, "clean"),
    ]
    if (model := router.model) is not None:
        found += [("mots et lettres", model.ngrams, "counts"), ("mots et lettres, réduits", model.ngrams, "reduce")]
        found += [("encodeur de phrases", get_encoder(name), "encode") for name in model.config.encoders]
        found += [("sens des mots", model, "read_words"), ("classement", model, "predict_features"), ("tableaux", router, "read")]
    return [*found, ("découpe en demandes", router, "split"), ("commune", router.gazetteer, "find"), ("décision", router, "decide")]


def time_stages(router: Router, text: str, profile: str | None = None, runs: int = RUNS) -> Mapping[str, float]:
    """Return the processor time of each stage of a message, and of the whole turn: medians, in milliseconds.

    What a stage takes inside another is counted once, for itself.

    Args:
        router: left as it was.
        text: any string.
        profile: who asks, ``None`` when unknown.
        runs: how many times it is read.
    """
    own: dict[str, float] = defaultdict(float)
    inside = [0.0]

    def watched(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **named: Any) -> Any:
            started = time.thread_time()
            inside.append(0.0)
            try:
                return step(*args, **named)
            finally:
                taken = time.thread_time() - started
                own[name] += taken - inside.pop()
                inside[-1] += taken

        return run

    router.route(text, profile)
    rows: list[dict[str, float]] = []
    stages = stages_of(router)
    with ExitStack() as watches:
        for name, holder, method in stages:
            watches.enter_context(patch.object(holder, method, watched(name, getattr(holder, method))))
        turn = watched(REST, router.route)
        for _ in range(runs):
            own.clear()
            turn(text, profile)
            rows.append(dict(own))
    found = {name: 1000 * median(row.get(name, 0.0) for row in rows) for name in [*(name for name, *_ in stages), REST]}
    return {**found, "en tout": 1000 * median(sum(row.values()) for row in rows)}
