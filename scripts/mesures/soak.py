"""The long run: does memory stay flat when conversations come, expire and are pushed out by others for tens of thousands of turns?

Conversations come in waves as fast as the server answers. In a wave, the bound on their number pushes the oldest out; between
two waves everybody leaves, and all that is left must expire by itself. What a process holds cannot be taken up again by another:
a run that stops keeps its samples, but the page only shows runs that went to their end.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import linregress, t

from bot.base.paths import ProjectPaths
from bot.measure.charts import BLACK, BLUE, ORANGE, chart
from bot.measure.reports import table
from scripts.mesures.conversations import Assistant, Visits, assistants, http_client
from scripts.mesures.processes import Redis, Results, memory

TOLERANCE = 0.02
"""Growth that still counts as flat, as a share of memory, over :data:`REFERENCE` turns."""
REFERENCE = 50_000
BLOCKS = 12
"""Samples that follow each other are alike: the trend is read on the means of this many blocks, not on each sample."""
POLL_SECONDS = 2.0
EXPIRY_LIMIT = 200.0
Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """How long, and how hard.

    Args:
        turns: in all.
        waves: the first one warms up; the trend is read on the others.
        every: turns between two samples of memory.
        clients: turns going on at once.
        kept: bound on conversations in a process (``BOT_SESSIONS_MAX``), low so that it bites.
        minutes: life of a conversation without a message (``BOT_SESSION_MINUTES``).
        agent: whether the Rasa agent answers, as in production.
    """

    turns: int = REFERENCE
    waves: int = 3
    every: int = 500
    clients: int = 16
    kept: int = 500
    minutes: int = 1
    agent: bool = True


QUICK = Plan(turns=240, waves=2, every=40, clients=4, kept=10, agent=False)


async def endure(
    paths: ProjectPaths, redis: Redis | None, texts: Sequence[str], plan: Plan, results: Results, say: Callable[[str], None]
) -> None:
    """Run, and keep each sample in ``results`` as soon as it is taken.

    Args:
        paths: the project tree.
        redis: with one, two processes share the conversations; without, one process.
        texts: what people ask.
        plan: how long, how hard.
        results: where samples go.
        say: receives French sentences.
    """
    count = 2 if redis else 1
    settings = {"BOT_SESSIONS_MAX": str(plan.kept), "BOT_SESSION_MINUTES": str(plan.minutes)}
    settings |= {"BOT_REDIS": redis.url} if redis else {}
    say(f"endurance : {plan.turns} tours, {count} processus")
    run_id = f"{time.time():.0f}"
    with assistants(paths, count, plan.agent, settings) as servers:
        begun = time.perf_counter()
        done = failures = 0
        talking = 0.0
        async with http_client() as client:
            visits = Visits(client, servers, texts, lively=True)
            for wave in range(plan.waves):
                goal = round(plan.turns * (wave + 1) / plan.waves)
                start = time.perf_counter()
                while done < goal:
                    size = min(plan.every, goal - done)
                    failures += await _batch(visits, size, plan.clients)
                    done += size
                    sample = _sample(servers, redis)
                    results.add({"essai": run_id, "phase": "charge", "vague": wave, "tours": done, "secondes": _since(begun), **sample})
                talking += time.perf_counter() - start
                say(f"  {done} tours, {done / talking:.0f} par seconde, {failures} échecs ; attente de l'expiration")
                visits.leave()
                waited = await _until_empty(servers)
                sample = _sample(servers, redis)
                row = {"phase": "pause", "vague": wave, "tours": done, "secondes": _since(begun), "attente": waited}
                results.add({"essai": run_id, **row, **sample})
    results.add(
        {
            "essai": run_id,
            "fin": date.today().isoformat(),
            "tours": done,
            "conversations_ouvertes": visits.opened,
            "echecs": failures,
            "debit": done / talking,
            "processus": count,
            "gardees": plan.kept,
            "minutes": plan.minutes,
            "agent": visits.engines.get("agent", 0) / max(1, done - failures) if plan.agent else None,
        }
    )


async def _batch(visits: Visits, turns: int, clients: int) -> int:
    """Hold ``turns`` turns, ``clients`` at once; returns the failures."""
    left = iter(range(turns))

    async def person() -> int:
        return sum([not await visits.turn() for _ in left])

    return sum(await asyncio.gather(*(person() for _ in range(clients))))


async def _until_empty(servers: Sequence[Assistant]) -> float | None:
    """Wait until no conversation is kept; returns the seconds it took, ``None`` when some stay."""
    start = time.monotonic()
    while time.monotonic() - start < EXPIRY_LIMIT:
        if not any(server.health().get("conversations", 0) for server in servers):
            return time.monotonic() - start
        await asyncio.sleep(POLL_SECONDS)
    return None


def _sample(servers: Sequence[Assistant], redis: Redis | None) -> Row:
    return {
        "octets": [memory(server.processes[0])["pss"] for server in servers],
        "conversations": [server.health().get("conversations") for server in servers],
        "redis": memory(redis.process)["rss"] if redis and redis.process else None,
    }


def _since(begun: float) -> float:
    return round(time.perf_counter() - begun, 1)


# Reading


@dataclass(frozen=True)
class Trend:
    """How memory moves with turns, by least squares on block means (Student's 95 % interval).

    Args:
        level: bytes, on average.
        start: bytes that the line gives at no turn.
        growth: bytes over :data:`REFERENCE` turns.
        low: lower end of its interval.
        high: upper end.
    """

    level: float
    start: float
    growth: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """``plate``, ``monte`` or ``indecis``: whether the interval tells."""
        if self.high <= TOLERANCE * self.level:
            return "plate"
        return "monte" if self.low > 0 else "indecis"


def trend(turns: Sequence[float], memories: Sequence[float]) -> Trend:
    """Return the :class:`Trend` of samples.

    Args:
        turns: (n_samples,) turns done, increasing; at least three.
        memories: (n_samples,) bytes.
    """
    blocks = max(3, min(BLOCKS, len(turns) // 3))
    x = [float(np.mean(part)) for part in np.array_split(np.asarray(turns, dtype=float), blocks)]
    y = [float(np.mean(part)) for part in np.array_split(np.asarray(memories, dtype=float), blocks)]
    line = linregress(x, y)
    margin = float(t.ppf(0.975, blocks - 2)) * line.stderr
    growth = [REFERENCE * float(slope) for slope in (line.slope, line.slope - margin, line.slope + margin)]
    return Trend(statistics.mean(y), float(line.intercept), *growth)


def last_run(rows: Sequence[Row]) -> tuple[list[Row], Row]:
    """Return the samples of the last run that went to its end, and its closing row; empty when there is none."""
    closing: Row = next((r for r in reversed(rows) if "fin" in r), {})
    return [r for r in rows if closing and r["essai"] == closing["essai"] and "fin" not in r], closing


def page(rows: Sequence[Row], image: Path) -> list[str]:
    """Return the section of the page, and draw its chart; empty when no run went to its end."""
    samples, closing = last_run(rows)
    if not closing:
        return []
    steady = [r for r in samples if r["phase"] == "charge" and r["vague"] > 0]
    found = trend([r["tours"] for r in steady], [sum(r["octets"]) for r in steady])
    pauses = [r for r in samples if r["phase"] == "pause"]
    draw(samples, found, image)
    day = date.fromisoformat(closing["fin"])
    agent = "" if closing["agent"] is None else f", {closing['agent']:.0%} par l'agent Rasa".replace("%", " %")
    return [
        "## Endurance",
        "",
        f"Le {day:%d/%m/%Y} : {_count(closing['tours'])} tours, {_count(closing['conversations_ouvertes'])} conversations, "
        f"{closing['processus']} processus, {closing['debit']:.0f} tours par seconde{agent}, {closing['echecs']} échecs.",
        "Les gens appuient sur les boutons, et n'écrivent presque jamais deux fois la même chose. "
        f"Les conversations arrivent par vagues. Pendant une vague, la borne ({closing['gardees']} par processus, "
        "`BOT_SESSIONS_MAX`) pousse les plus anciennes dehors. Après, tout le monde s'en va : ce qui reste doit expirer seul "
        f"(`BOT_SESSION_MINUTES={closing['minutes']}`).",
        "",
        f"**{_sentence(found)}**",
        "",
        f"La pente est lue après la première vague, par moindres carrés sur {BLOCKS} moyennes, avec l'intervalle de Student à 95 %. "
        f"« Plate » veut dire : au plus {100 * TOLERANCE:g} % de plus en {_count(REFERENCE)} tours, borne haute de l'intervalle.",
        "",
        "![Courbe : mémoire des processus selon le nombre de tours, avec la droite ajustée ; les valeurs sont dans le tableau.]"
        f"(images/{image.name})",
        "",
        *table(
            (
                "après la vague",
                "tours",
                "mémoire, fin de vague (Mo)",
                "conversations gardées",
                "expirées en (s)",
                "mémoire ensuite (Mo)",
                "Redis (Mo)",
            ),
            (_wave(samples, pause) for pause in pauses),
        ),
        "",
    ]


def _wave(samples: Sequence[Row], pause: Row) -> tuple[str, ...]:
    last = next(r for r in reversed(samples) if r["phase"] == "charge" and r["vague"] == pause["vague"])
    kept = " + ".join(str(n) for n in last["conversations"])
    waited = "**jamais**" if pause["attente"] is None else f"{pause['attente']:.0f}"
    redis = "–" if pause["redis"] is None else f"{pause['redis'] / 1e6:.0f}"
    return (str(pause["vague"] + 1), _count(pause["tours"]), _mega(last["octets"]), kept, waited, _mega(pause["octets"]), redis)


def _sentence(found: Trend) -> str:
    span = f"{_signed(found.growth)} Mo en {_count(REFERENCE)} tours (entre {_signed(found.low)} et {_signed(found.high)}), pour {found.level / 1e6:.0f} Mo"
    return {
        "plate": f"La mémoire est plate : {span}.",
        "monte": f"La mémoire monte : {span}. Quelque chose n'est pas rendu.",
        "indecis": f"On ne peut pas conclure : {span}. Il faut plus de tours.",
    }[found.verdict]


def draw(samples: Sequence[Row], found: Trend, target: Path) -> None:
    """Draw memory against turns: samples under load, after each expiry, and the fitted line."""
    with chart(target, "La mémoire au fil des tours", "tours", "mémoire des processus (Mo)", size=(8.0, 4.4)) as axes:
        load = [r for r in samples if r["phase"] == "charge"]
        rest = [r for r in samples if r["phase"] == "pause"]
        axes.plot([r["tours"] for r in load], [sum(r["octets"]) / 1e6 for r in load], color=BLUE, linewidth=1.6, label="pendant les vagues")
        axes.plot(
            [r["tours"] for r in rest],
            [sum(r["octets"]) / 1e6 for r in rest],
            color=ORANGE,
            marker="D",
            linestyle="none",
            label="quand tout a expiré",
        )
        ends = [r["tours"] for r in load if r["vague"] > 0]
        span = [ends[0], ends[-1]]
        line = [(found.start + found.growth * x / REFERENCE) / 1e6 for x in span]
        axes.plot(
            span, line, color=BLACK, linestyle="--", linewidth=1.4, label=f"pente : {_signed(found.growth)} Mo en {_count(REFERENCE)} tours"
        )
        axes.set_ylim(bottom=0, top=1.25 * max(sum(r["octets"]) for r in samples) / 1e6)
        axes.legend(loc="lower right", frameon=False)


def _mega(octets: Sequence[float]) -> str:
    return f"{sum(octets) / 1e6:.0f}"


def _signed(octets: float) -> str:
    return f"{octets / 1e6:+.1f}".replace(".", ",").replace("-", "−")


def _count(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")
