"""What each stage of a turn takes: the router as it is, under the stopwatch."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from bot.base.stopwatch import timing
from bot.routing.router import Router

RUNS = 20
"""Times a message is read, after one that warms up."""
REST = "le reste"


def time_stages(router: Router, text: str, profile: str | None = None, runs: int = RUNS) -> Mapping[str, float]:
    """Return the processor time of each stage that a message goes through, and of the whole turn: medians, in milliseconds.

    What a stage takes inside another is counted once, for itself.

    Args:
        router: any.
        text: any string.
        profile: who asks, ``None`` when unknown.
        runs: how many times it is read.
    """
    router.route(text, profile)
    rows: list[Mapping[str, float]] = []
    for _ in range(runs):
        with timing() as watch, watch.around(REST):
            router.route(text, profile)
        rows.append(watch.own)
    found = {name: 1000 * median(row.get(name, 0.0) for row in rows) for name in rows[0]}
    found[REST] = found.pop(REST)
    return {**found, "en tout": 1000 * median(sum(row.values()) for row in rows)}
