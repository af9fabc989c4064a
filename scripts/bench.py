"""``make bench``: our turn next to that of stock Rasa, then our speed, memory and cold start; writes ``docs/banc.md``.

Stock Rasa is what its documentation recommends for French: SpacyNLP and DIET, RulePolicy, and custom actions behind a
real HTTP action server. Every engine has a process of its own; they take the same messages in turn, a few at a time, and
the whole is done several times over: of each message the median is kept. Ratios hold on a busy machine, absolute figures do
not. On the whole corpus DIET would train for hours: training is compared on a sample given to both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

os.environ["RASA_TELEMETRY_ENABLED"] = "false"
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from bot.base.paths import ProjectPaths, project_paths
from bot.learning.corpus import Example, read_jsonl
from bot.learning.freshness import is_current, model_config, read_manifest
from scripts.mesures.goals import MEDIAN_MILLISECONDS, MEMORY_ALONE, MEMORY_MEGABYTES
from scripts.mesures.processes import free_port, listens, memory, wait_for
from scripts.mesures.stock_rasa import action_server, sample, write_project

Figures = dict[str, float]

VISITORS = 10
ROUNDS, BLOCK = 5, 10
"""Times the messages are gone through, and messages that an engine takes before the others do."""
SIDE_BY_SIDE = ("stock", "agent", "routeur")


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Args:
        sample: training messages given to both.
        epochs: of DIET (300 by default in Rasa).
        turns: one after the other.
        exchanges: of each of the :data:`VISITORS` at once.
        lines: given to ``bot route --jsonl``.
    """

    sample: int
    epochs: int
    turns: int
    exchanges: int
    lines: int


WHOLE = Scale(sample=800, epochs=60, turns=300, exchanges=20, lines=1540)
QUICK = Scale(sample=100, epochs=2, turns=40, exchanges=4, lines=300)
PARTS = (*SIDE_BY_SIDE, "apprentissage")


def main() -> int:
    """Measure, print and write the page; returns the exit code."""
    parser = argparse.ArgumentParser("bench", description="Compare l'assistant au Rasa d'origine et écrit docs/banc.md.")
    parser.add_argument("--rapide", action="store_true", help="un essai court, affiché sans rien écrire")
    parser.add_argument("--partie", choices=PARTS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    scale, paths = QUICK if arguments.rapide else WHOLE, project_paths()
    if arguments.partie:
        _part(arguments.partie, paths, scale)
        return 0
    if not is_current(paths):
        print("Le modèle n'est pas à jour : lancez d'abord « bot train ».", file=sys.stderr)
        return 2
    _say("mesure : apprentissage")
    found: dict[str, Figures] = {"apprentissage": _in_its_own_process("apprentissage", arguments.rapide)}
    found |= _side_by_side(SIDE_BY_SIDE, arguments.rapide, scale)
    _say("mesure : bot route --jsonl")
    found["lignes"] = _route_lines(paths, scale)
    for name, options in (("serveur_routeur", ["--sans-agent"]), ("serveur", [])):
        _say(f"mesure : bot serve {' '.join(options)}")
        found[name] = asyncio.run(_serve(paths, scale, options))
    page = _page(found, paths, scale)
    print(page)
    if not arguments.rapide:
        (paths.docs / "banc.md").write_text(page, encoding="utf-8")
    return 0


def _say(sentence: str) -> None:
    print(f"· {sentence}", file=sys.stderr, flush=True)


def _command(part: str, quick: bool) -> list[str]:
    return [sys.executable, "-m", "scripts.bench", "--partie", part, *(["--rapide"] if quick else [])]


def _in_its_own_process(part: str, quick: bool) -> Figures:
    done = subprocess.run(_command(part, quick), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def _side_by_side(parts: Sequence[str], quick: bool, scale: Scale) -> dict[str, Figures]:
    """Time the engines on the same messages, in turn; the first of them, which trains, is waited for before the next is started."""
    engines: dict[str, subprocess.Popen[str]] = {}
    try:
        figures: dict[str, Figures] = {}
        for part in parts:
            _say(f"mesure : {part}")
            engines[part] = subprocess.Popen(
                _command(part, quick), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            figures[part] = _answer(engines[part])
        times: dict[str, list[list[float]]] = {part: [[] for _ in range(scale.turns)] for part in parts}
        loads = []
        for number in range(ROUNDS):
            _say(f"mesure : tours entiers, {number + 1} fois sur {ROUNDS}")
            for start in range(0, scale.turns, BLOCK):
                for part, engine in engines.items():
                    print(start, min(start + BLOCK, scale.turns), file=engine.stdin, flush=True)
                    for place, seconds in enumerate(_answer(engine), start):
                        times[part][place].append(seconds)
                loads.append(os.getloadavg()[0])
        for part, found in times.items():
            medians = [statistics.median(seconds) for seconds in found]
            figures[part] |= {**_percentiles(medians), "debit": len(medians) / sum(medians), "charge": statistics.mean(loads)}
            print("fin", file=engines[part].stdin, flush=True)
            figures[part] |= _answer(engines[part])
        return figures
    finally:
        for engine in engines.values():
            engine.communicate()


def _answer(engine: subprocess.Popen[str]) -> Any:
    assert engine.stdout is not None
    for line in engine.stdout:  # engines may say other things
        if line.startswith(_MARK):
            return json.loads(line.removeprefix(_MARK))
    raise RuntimeError("an engine of the bench has stopped")


_MARK = "banc : "


def _tell(value: Any) -> None:
    print(_MARK + json.dumps(value), flush=True)


def _part(part: str, paths: ProjectPaths, scale: Scale) -> None:
    texts = _messages(paths)[: scale.turns]
    if part == "stock":
        _stock(sample(paths.corpus, scale.sample), texts, scale.epochs)
    elif part == "apprentissage":
        print(json.dumps(_learn(paths, sample(paths.corpus, scale.sample))))
    else:
        asyncio.run(_agent(texts) if part == "agent" else _plain(paths, texts))


def _messages(paths: ProjectPaths) -> list[str]:
    """Return real-size messages that no engine has learnt."""
    return [str(row["texte"]) for path in sorted(paths.test_sets.glob("demandes_*.jsonl")) for row in read_jsonl(path)]


def _learn(paths: ProjectPaths, messages: Sequence[Example]) -> Figures:
    from bot.language.cleaning import clean
    from bot.understanding.model import TopicModel

    start = time.perf_counter()
    TopicModel(model_config(paths.config)).fit([clean(e.text) for e in messages], [e.label for e in messages])
    return {"apprentissage": time.perf_counter() - start}


async def _agent(texts: Sequence[str]) -> None:
    """Whole turns of our Rasa agent: reading, policies, action, answer."""
    from bot.dialogue.dialogue import ConversationState
    from bot.rasa.agent import InProcessAgent

    agent = InProcessAgent(seconds=60)
    await agent.load()
    await _in_turn(lambda text, _conversation: agent.reply(text, ConversationState()), texts)


async def _plain(paths: ProjectPaths, texts: Sequence[str]) -> None:
    """Whole turns of the plain router."""
    from bot.dialogue.dialogue import ConversationState, Dialogue
    from bot.learning.loading import load_router

    dialogue = Dialogue(load_router(paths))

    async def say(text: str, _conversation: str) -> Any:
        return dialogue.reply(text, ConversationState())

    await _in_turn(say, texts)


def _stock(messages: Sequence[Example], texts: Sequence[str], epochs: int) -> None:
    """Train stock Rasa, start its action server, and time whole turns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder, messages, epochs)
        from rasa.core.agent import Agent
        from rasa.model_training import train
        from rasa.utils.endpoints import EndpointConfig

        start = time.perf_counter()
        inputs = [str(folder / "nlu.yml"), str(folder / "rules.yml")]
        archive = train(str(folder / "domain.yml"), str(folder / "config.yml"), inputs, str(folder)).model
        trained = time.perf_counter() - start
        with action_server(folder) as (_, port):
            agent = Agent.load(archive, action_endpoint=EndpointConfig(f"http://127.0.0.1:{port}/webhook"))

            async def measure() -> None:
                parses = await _timed(lambda text, _conversation: agent.parse_message(text), texts[:BLOCK], "l")
                said = {"apprentissage": trained, "lecture": 1000 * statistics.median(parses)}
                await _in_turn(lambda text, conversation: agent.handle_text(text, sender_id=conversation), texts, said)

            asyncio.run(measure())


async def _in_turn(say: Callable[[str, str], Awaitable[Any]], texts: Sequence[str], said: Figures | None = None) -> None:
    """Answer the messages asked for by their numbers, and tell how long each took; then what memory is held."""
    await _timed(say, texts[:BLOCK], "essai")
    _tell(said or {})
    for number, line in enumerate(sys.stdin):
        if not line[0].isdigit():
            break
        start, stop = map(int, line.split())
        _tell(await _timed(say, texts[start:stop], f"t{number}"))
    _tell({"memoire": memory(os.getpid())["pss"] / 1e6})


async def _timed(say: Callable[[str, str], Awaitable[Any]], texts: Sequence[str], conversation: str) -> list[float]:
    """Return the seconds that messages take, one after the other, one conversation each."""
    times = []
    for number, text in enumerate(texts):
        begin = time.perf_counter()
        await say(text, f"{conversation}-{number}")
        times.append(time.perf_counter() - begin)
    return times


def _percentiles(seconds: Sequence[float]) -> Figures:
    ordered = sorted(seconds)
    return {"p50": 1000 * statistics.median(ordered), "p95": 1000 * ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]}


def _route_lines(paths: ProjectPaths, scale: Scale) -> Figures:
    texts = _messages(paths)[: scale.lines]
    source = "".join(json.dumps({"id": str(i), "texte": t}, ensure_ascii=False) + "\n" for i, t in enumerate(texts)).encode()

    def seconds(data: bytes) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "bot", "route", "--jsonl"], input=data, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - start

    start, whole = seconds(source.splitlines()[0]), seconds(source)
    return {"demarrage": start, "debit": len(texts) / whole, "debit_sans_demarrage": len(texts) / max(0.001, whole - start)}


async def _serve(paths: ProjectPaths, scale: Scale, options: Sequence[str]) -> Figures:
    """Start the real server; time its first answer and its agent, then many visitors at once, over HTTP."""
    import aiohttp

    port, texts = free_port(), _messages(paths)
    environment = {**os.environ, "BOT_DEBIT_MINUTE": "0", "BOT_DEBIT_HEURE": "0"}
    command = [sys.executable, "-m", "bot", "serve", "--port", str(port), *options]
    start = time.perf_counter()
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    figures: Figures = {}
    try:
        base = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession(base, cookie_jar=aiohttp.DummyCookieJar()) as client:

            async def say(text: str, conversation: str | None = None) -> str:
                async with client.post("/api/chat", json={"texte": text, "conversation": conversation}) as response:
                    response.raise_for_status()
                    return str((await response.json())["conversation"])

            await asyncio.to_thread(wait_for, lambda: listens(port), 60, "Le serveur")
            figures["ecoute"] = time.perf_counter() - start
            await say("mon voisin est par terre, il ne respire plus")
            figures["urgence"] = time.perf_counter() - start
            await say("je dois refaire mon passeport")
            figures["premiere"] = time.perf_counter() - start
            if not options:
                while (await (await client.get("/health")).json())["agent"] != "pret":
                    if time.perf_counter() - start > 180:
                        raise RuntimeError("the agent is not ready")
                    await asyncio.sleep(0.05)
                figures["agent"] = time.perf_counter() - start
            for text in texts[:5]:
                await say(text)
            times: list[float] = []

            async def visit(number: int) -> None:
                conversation = None
                for turn in range(scale.exchanges):
                    begin = time.perf_counter()
                    conversation = await say(texts[(number * scale.exchanges + turn) % len(texts)], conversation)
                    times.append(time.perf_counter() - begin)

            begin = time.perf_counter()
            await asyncio.gather(*map(visit, range(VISITORS)))
            figures["debit"] = len(times) / (time.perf_counter() - begin)
            figures |= _percentiles(times)
        return {**figures, **{name: value / 1e6 for name, value in memory(server.pid).items()}}
    finally:
        server.terminate()
        server.wait(60)


def _page(found: dict[str, Figures], paths: ProjectPaths, scale: Scale) -> str:
    stock, agent, plain, lines = found["stock"], found["agent"], found["routeur"], found["lignes"]
    server, alone, manifest = found["serveur"], found["serveur_routeur"], read_manifest(paths.router_model)
    load = stock["charge"] / (os.cpu_count() or 1)
    goals = [
        ("Débit de tours entiers, agent contre Rasa d'origine", agent["debit"] / stock["debit"], 10, "×", True),
        ("Apprentissage sur le même échantillon", stock["apprentissage"] / found["apprentissage"]["apprentissage"], 10, "×", True),
        ("Apprentissage sur tout le corpus", float(manifest.get("duree_s", 0)), 60, "s", False),
        ("Tour médian de l'agent", agent["p50"], MEDIAN_MILLISECONDS, "ms", False),
        ("Tour médian du routeur seul", plain["p50"], 4, "ms", False),
        ("Tour du routeur seul, 95e centile", plain["p95"], 10, "ms", False),
        ("`bot route --jsonl`, démarrage compris", lines["debit"], 150, "messages/s", True),
        ("Mémoire du serveur, agent compris (PSS)", server["pss"], MEMORY_MEGABYTES, "Mo", False),
        ("Mémoire du serveur sans l'agent (PSS)", alone["pss"], MEMORY_ALONE, "Mo", False),
        ("Première urgence répondue après le lancement", server["urgence"], 0.4, "s", False),
        ("Première vraie réponse après le lancement", server["premiere"], 0.8, "s", False),
        ("Agent prêt après le lancement", server["agent"], 10, "s", False),
        (f"95e centile à {VISITORS} visiteurs, en HTTP", server["p95"], 60, "ms", False),
    ]
    rows = [
        ("Tours entiers par seconde", agent["debit"], plain["debit"], stock["debit"]),
        ("Tour médian (ms)", agent["p50"], plain["p50"], stock["p50"]),
        ("Tour au 95e centile (ms)", agent["p95"], plain["p95"], stock["p95"]),
    ]
    serving = [
        ("Écoute (s)", "ecoute"),
        ("Première urgence répondue (s)", "urgence"),
        ("Première vraie réponse (s)", "premiere"),
        ("Agent prêt (s)", "agent"),
        (f"Tours par seconde, {VISITORS} visiteurs", "debit"),
        ("Tour médian (ms)", "p50"),
        ("Tour au 95e centile (ms)", "p95"),
        ("Mémoire PSS (Mo)", "pss"),
        ("Mémoire RSS (Mo)", "rss"),
    ]
    text = [
        "# Banc d'essai",
        "",
        "Régénéré par `make bench`. Pour un tour, les trois moteurs prennent les mêmes messages à tour de rôle, "
        f"{BLOCK} par {BLOCK}, {ROUNDS} fois de suite ; de chaque message, la médiane est gardée. Le reste est mesuré l'un après l'autre, "
        "sur la même machine, dans la même exécution.",
        f"Mesuré le {date.today():%d/%m/%Y} : {os.cpu_count()} cœurs "
        f"({platform.machine()}), charge {_number(load)} par cœur pendant la mesure. "
        + (
            "**Au-dessus de 1, la machine faisait autre chose : les durées sont gonflées, les rapports restent justes.**"
            if load > 1.2
            else ""
        ),
        "",
        "## Objectifs",
        "",
        "| mesure | obtenu | objectif | |",
        "|---|---|---|---|",
        *(
            f"| {name} | {_number(value)} {sign} | {'≥' if more else '<'} {goal:g} "
            f"{sign} | {'atteint' if (value >= goal) is more else '**manqué**'} |"
            for name, value, goal, sign, more in goals
        ),
        "",
        "## Un tour, à côté du Rasa d'origine",
        "",
        "Le Rasa d'origine : SpacyNLP et DIET, RulePolicy, une action derrière "
        "un vrai serveur d'actions HTTP. Un tour va du message à la réponse.",
        f"Il ne connaît que les {scale.sample} messages de l'échantillon ; le "
        f"nôtre porte tout le corpus ({manifest.get('messages')} messages, "
        f"{manifest.get('sujets')} sujets), ce qui avantage Rasa. DIET : {scale.epochs} époques (300 par défaut).",
        "",
        "| mesure | agent | routeur seul | Rasa d'origine |",
        "|---|---|---|---|",
        *(f"| {name} | {_number(a)} | {_number(b)} | {_number(c)} |" for name, a, b, c in rows),
        f"| Apprentissage de l'échantillon (s) | {_number(found['apprentissage']['apprentissage'])} "
        f"| | {_number(stock['apprentissage'])} |",
        f"| Mémoire du processus (Mo, PSS) | | {_number(plain['memoire'])} | {_number(stock['memoire'])} |",
        "",
        f"Lecture seule par le Rasa d'origine, sans dialogue ni action : {_number(stock['lecture'])} ms.",
        "",
        "## Le serveur",
        "",
        "Compté depuis le lancement de `bot serve`, modules et fichiers déjà lus une fois par le système.",
        "",
        "| mesure | avec l'agent | `--sans-agent` |",
        "|---|---|---|",
        *(f"| {name} | {_number(server[key])} | {_number(alone[key]) if key in alone else '–'} |" for name, key in serving),
        "",
        f"`bot route --jsonl` : démarrage {_number(lines['demarrage'])} s, "
        f"puis {_number(lines['debit_sans_demarrage'])} messages par seconde.",
    ]
    return "\n".join(text) + "\n"


def _number(value: float) -> str:
    return (f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}").replace(".", ",")


if __name__ == "__main__":
    sys.exit(main())
