"""Real conversations over HTTP at increasing rates: our server, alone and several, and stock Rasa, in the same run: docs/charge.md.

Arrivals are open-loop: a turn starts when its time comes, whether or not those before are answered, and its latency counts
from that time. A closed loop would slow down with the server and hide the wait (« coordinated omission »).
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bot.base.errors import AssistantError
from bot.base.paths import ProjectPaths
from bot.learning.freshness import needs_training
from bot.measure.charts import BLACK, SERIES, chart
from bot.measure.reports import table
from scripts.mesures import soak
from scripts.mesures.conversations import Door, StockServer, Visits, assistants, http_client, memory_of, requests
from scripts.mesures.processes import Redis, Results, redis_server
from scripts.mesures.stock_rasa import SAMPLE, running, sample, trained_project

RATES = (5, 10, 15, 20, 30, 40, 60, 80, 120, 160)
SECONDS = 12.0
QUICK_SAMPLE = 60
WARM_TURNS = 60
EPOCHS = 10
"""Of DIET: they change what stock Rasa knows, not how fast it answers."""
FAILED_SHARE = 0.01
ANSWERED_SHARE = 0.9
"""A rate is too much with more failures, or fewer answers in time, than these: the higher ones are not tried."""
HELD_MILLISECONDS = 1000.0
"""A rate is held when 95 % of answers come sooner: a second is the limit past which a person loses the thread
(Nielsen, Usability Engineering, 1993)."""
STOCK = "Rasa d'origine"
Row = dict[str, Any]


@dataclass(frozen=True)
class Setup:
    """One thing to measure.

    Args:
        title: in French.
        agent: whether our Rasa agent answers.
        open: starts it; yields the doors and the processes whose memory counts.
    """

    title: str
    agent: bool
    open: Callable[[], AbstractContextManager[tuple[Sequence[Door], list[int]]]]


async def climb(doors: Sequence[Door], processes: Sequence[int], texts: Sequence[str], rates: Sequence[float], seconds: float) -> list[Row]:
    """Try each rate in turn, and stop at the first that is too much.

    Args:
        doors: servers taken in turn.
        processes: whose memory counts.
        texts: what people ask.
        rates: turns a second.
        seconds: length of each.

    Returns:
        One row a rate: ``demandes`` and ``repondus`` (a second), ``p50``, ``p95``, ``p99`` (milliseconds from the time each
        turn was due), ``echecs``, ``octets``, ``agent`` (share answered by the agent).
    """
    rows: list[Row] = []
    async with http_client() as client:
        visits = Visits(client, doors, texts)
        for _ in range(WARM_TURNS):
            await visits.turn()
        for rate in rates:
            row = await _level(visits, rate, seconds)
            rows.append({**row, "octets": memory_of(processes)})
            turns = int(rate * seconds)
            if row["echecs"] > FAILED_SHARE * turns or row["repondus"] < ANSWERED_SHARE * rate:
                break
    return rows


async def _level(visits: Visits, rate: float, seconds: float) -> Row:
    latencies: list[float] = []
    visits.engines.clear()

    async def one(due: float) -> None:
        if await visits.turn():
            latencies.append((time.perf_counter() - due) * 1000)

    begun = time.perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due)))
    await asyncio.gather(*tasks)
    done = len(latencies) / max(seconds, time.perf_counter() - begun)
    cuts = statistics.quantiles(latencies, n=100) if len(latencies) > 1 else [float("nan")] * 99
    share = visits.engines.get("agent", 0) / max(1, len(latencies))
    return {
        "demandes": rate,
        "repondus": done,
        "p50": cuts[49],
        "p95": cuts[94],
        "p99": cuts[98],
        "echecs": len(tasks) - len(latencies),
        "agent": share,
    }


def held(rows: Sequence[Row]) -> float:
    """Return the highest rate held: few failures, answered as they come, 95 % of them within a second; 0 when none is."""
    good = [
        row["demandes"]
        for row in rows
        if row["echecs"] <= FAILED_SHARE * row["repondus"] * SECONDS
        and row["repondus"] >= ANSWERED_SHARE * row["demandes"]
        and row["p95"] <= HELD_MILLISECONDS
    ]
    return float(max(good, default=0.0))


def setups(paths: ProjectPaths, redis: Redis | None, stock_sample: int) -> list[Setup]:
    """Return everything to measure, stock Rasa included; several processes need a Redis."""

    @contextmanager
    def ours(count: int, agent: bool) -> Iterator[tuple[Sequence[Door], list[int]]]:
        shared = {"BOT_REDIS": redis.url} if redis and count > 1 else {}
        with assistants(paths, count, agent, shared) as servers:
            processes = [p for server in servers for p in server.processes]
            yield servers, processes + ([redis.process] if redis and redis.process and count > 1 else [])

    @contextmanager
    def stock() -> Iterator[tuple[Sequence[Door], list[int]]]:
        folder = trained_project(paths.root / "results" / "rasa_origine", sample(paths.corpus, stock_sample), EPOCHS)
        with running(folder) as (url, processes):
            yield [StockServer(url, processes)], processes

    found = [
        Setup("un processus, routeur seul", False, lambda: ours(1, False)),
        Setup("un processus, agent Rasa", True, lambda: ours(1, True)),
        Setup(STOCK, False, stock),
    ]
    if redis:
        found += [
            Setup("deux processus, routeur seul, Redis", False, lambda: ours(2, False)),
            Setup("deux processus, agent Rasa, Redis", True, lambda: ours(2, True)),
        ]
    return found


def measure(
    found: Sequence[Setup], texts: Sequence[str], rates: Sequence[float], seconds: float, results: Results, stock_sample: int
) -> None:
    """Measure each setup, one after the other; the run is complete when its last line says so."""
    run_id = f"{time.time():.0f}"
    for setup in found:
        _say(f"charge : {setup.title}")
        with setup.open() as (doors, processes):
            rows = asyncio.run(climb(doors, processes, texts, rates, seconds))
        for row in rows:
            results.add({"essai": run_id, "titre": setup.title, "par_agent": setup.agent, **row})
        _say(f"  tient {held(rows):g} tours par seconde")
    results.add({"essai": run_id, "fin": date.today().isoformat(), "coeurs": os.cpu_count(), "echantillon": stock_sample})


def last_run(rows: Sequence[Row]) -> tuple[dict[str, list[Row]], Row]:
    """Return the rows of the last complete run by title, and its closing row; empty when there is none."""
    closing: Row = next((r for r in reversed(rows) if "fin" in r), {})
    by_title: dict[str, list[Row]] = {}
    for row in rows:
        if closing and row["essai"] == closing["essai"] and "fin" not in row:
            by_title.setdefault(row["titre"], []).append(row)
    return by_title, closing


def run(paths: ProjectPaths, quick: bool, redis_url: str, turns: int, step: str) -> None:
    """Measure, and write ``docs/charge.md`` with its charts; ``quick`` only prints.

    Args:
        paths: the project tree.
        quick: a few seconds only, nothing written.
        redis_url: of a Redis for the runs with several processes; empty: one is started when it is installed.
        turns: of the long run.
        step: "paliers" (increasing rates), "endurance" (the long run), "page" (write again what was measured), "" for all.

    Raises:
        AssistantError: the model is not up to date: the servers would train it while they are measured.
    """
    if step != "page" and needs_training(paths):
        raise AssistantError("Le modèle n'est pas à jour : lancez d'abord « bot train ».")
    texts = requests(paths)
    with tempfile.TemporaryDirectory() as place, redis_server(redis_url) as redis:
        folder = Path(place) if quick else paths.root / "results"
        levels, long_run = Results(folder / "charge.jsonl"), Results(folder / "endurance.jsonl")
        if redis is None and step != "page":
            _say(
                "redis-server n'est pas installé : rien à plusieurs processus. Installez-le (apt install redis-server), ou donnez --redis."
            )
        if step in {"", "paliers"}:
            rates, seconds = ((5, 10), 2.0) if quick else (RATES, SECONDS)
            learnt = QUICK_SAMPLE if quick else SAMPLE
            measure(setups(paths, redis, learnt), texts, rates, seconds, levels, learnt)
        if step in {"", "endurance"}:
            plan = soak.QUICK if quick else soak.Plan(turns=turns)
            asyncio.run(soak.endure(paths, redis, texts, plan, long_run, _say))
        docs = Path(place) if quick else paths.docs
        page = write_page(levels.rows(), long_run.rows(), docs)
    print(page)


def write_page(levels: Sequence[Row], long_run: Sequence[Row], docs: Path) -> str:
    """Write ``charge.md`` and its charts in ``docs``, from what was measured; returns the page."""
    by_title, closing = last_run(levels)
    lines = [
        "# Tenue à la charge",
        "",
        "Régénéré par `make charge` (ou `make load`). De vraies conversations par HTTP, de plusieurs tours chacune.",
        "Le générateur tourne sur la même machine : il prend aussi du processeur, à tous de la même façon.",
        "",
    ]
    if by_title:
        draw_levels(by_title, docs / "images" / "charge.svg")
        lines += _levels_text(by_title, closing)
    lines += soak.page(long_run, docs / "images" / "endurance.svg")
    if (docs / "croissance.md").exists():
        lines += ["Ce que deviennent ces chiffres avec plus de sujets ou plus de phrases : [croissance](croissance.md).", ""]
    text = "\n".join(lines)
    (docs / "charge.md").write_text(text, encoding="utf-8")
    return text


def _levels_text(by_title: Mapping[str, list[Row]], closing: Row) -> list[str]:
    day = date.fromisoformat(closing["fin"])
    summary = [
        (title, f"{held(rows):g}", _figure(rows, "p50"), _figure(rows, "p95"), f"{max(r['octets'] for r in rows) / 1e6:.0f}")
        for title, rows in by_title.items()
    ]
    lines = [
        "## Débits croissants",
        "",
        f"Le {day:%d/%m/%Y}, {closing['coeurs']} cœurs, tout dans la même exécution, l'un après l'autre. "
        "Chaque tour part à son heure, que les précédents soient répondus ou non ; sa durée compte depuis cette heure.",
        "",
        f"**Tenu** : le plus grand débit où 95 % des réponses arrivent en moins d'une seconde, avec au plus {100 * FAILED_SHARE:g} % d'échecs.",
        "",
        *table(("", "tenu (tours/s)", "p50 à ce débit (ms)", "p95 à ce débit (ms)", "mémoire au plus (Mo)"), summary),
        "",
        "![Courbes : 95e centile du temps de réponse selon le débit demandé, pour chaque montage ; les valeurs sont dans les tableaux.]"
        "(images/charge.svg)",
        "",
        *_reading(by_title),
        "",
        f"{STOCK} : `rasa run` et son canal REST, son serveur d'actions, SpacyNLP et DIET, MemoizationPolicy et RulePolicy "
        f"(`scripts/mesures/stock_rasa.py`). Il n'a appris que {closing['echantillon']} messages, le nôtre tout le corpus : cela l'avantage. "
        "Sa mémoire compte ses deux processus ; à plusieurs, la nôtre compte Redis.",
        "",
    ]
    head = ("demandés par seconde", "répondus par seconde", "p50 (ms)", "p95 (ms)", "p99 (ms)", "échecs", "mémoire (Mo)", "par l'agent")
    for title, rows in by_title.items():
        body = [
            (
                f"{r['demandes']:g}",
                f"{r['repondus']:.1f}".replace(".", ","),
                *(f"{r[k]:.0f}" for k in ("p50", "p95", "p99")),
                r["echecs"],
                f"{r['octets'] / 1e6:.0f}",
                f"{r['agent']:.0%}".replace("%", " %") if r["par_agent"] else "–",
            )
            for r in rows
        ]
        lines += [f"### {title[0].upper()}{title[1:]}", "", *table(head, body), ""]
    if any(r["par_agent"] for rows in by_title.values() for r in rows):
        lines += ["« Par l'agent » : quand l'agent est trop lent, le routeur répond à sa place. Personne n'attend en vain.", ""]
    return lines


def _reading(by_title: Mapping[str, list[Row]]) -> list[str]:
    """Compare with stock Rasa, when both hold something."""
    stock = held(by_title.get(STOCK, []))
    if not stock:
        return []
    ratios = [
        f"{title} : {held(rows) / stock:.1f} fois".replace(".", ",") for title, rows in by_title.items() if title != STOCK and held(rows)
    ]
    stock_memory = max(r["octets"] for r in by_title[STOCK])
    own = {title: max(r["octets"] for r in rows) for title, rows in by_title.items() if title.startswith("un processus")}
    memories = [f"{title} : {value / stock_memory:.0%} de la sienne".replace("%", " %") for title, value in own.items()]
    return [
        f"- Débit tenu, par rapport au {STOCK} ({stock:g} tours/s) : {' ; '.join(ratios)}.",
        f"- Mémoire : {' ; '.join(memories)}.",
    ]


def _figure(rows: Sequence[Row], name: str) -> str:
    rate = held(rows)
    return next((f"{r[name]:.0f}" for r in rows if r["demandes"] == rate), "–")


def draw_levels(by_title: Mapping[str, list[Row]], target: Path) -> None:
    """Draw the 95th percentile against the rate asked, for each setup."""
    title = "Jusqu'à quel débit répond-on en moins d'une seconde ?"
    with chart(target, title, "tours demandés par seconde", "95e centile (ms)", size=(8.0, 4.8)) as axes:
        axes.set_xscale("log")
        axes.set_yscale("log")
        for (name, rows), colour, marker in zip(by_title.items(), (*SERIES, BLACK), "osD^v", strict=False):
            axes.plot([r["demandes"] for r in rows], [r["p95"] for r in rows], color=colour, marker=marker, linewidth=1.8, label=name)
        axes.axhline(HELD_MILLISECONDS, color=BLACK, linestyle=":", linewidth=1.2)
        rates = sorted({r["demandes"] for rows in by_title.values() for r in rows})
        axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
        ticks = [10, 30, 100, 300, 1000, 3000, 10000, 30000]
        axes.set_yticks(ticks, [f"{t:,}".replace(",", " ") for t in ticks])
        axes.minorticks_off()
        axes.legend(loc="upper left", frameon=False, fontsize=9)


def _say(sentence: str) -> None:
    print(f"· {sentence}", file=sys.stderr, flush=True)
