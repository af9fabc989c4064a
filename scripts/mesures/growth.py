"""What more topics or more phrases would cost: training time and memory, size on disk, serving memory, latency: docs/croissance.md.

The extra topics and phrases are made up: they measure size, never accuracy. Topics are cut in parts that share their phrases;
phrases are written again as people type (:mod:`bot.measure.noise`). Each point is measured in processes of its own, and kept as soon
as it is made. Sentence vectors do not depend on the point: they are computed once for the corpus, a phrase made of another
lends its vector, and their time is measured on a sample and added.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from bot.base.errors import AssistantError
from bot.base.paths import ProjectPaths, project_paths
from bot.learning.corpus import Example, read_corpus
from bot.learning.freshness import model_config
from bot.measure.charts import BLACK, GREY, SERIES, chart
from bot.measure.noise import NOISES, typing_errors
from bot.measure.reports import table
from bot.staff.candidates.trainings import LONGEST_SECONDS
from scripts.mesures.goals import MEDIAN_MILLISECONDS, MEMORY_MEGABYTES
from scripts.mesures.processes import Results, memory

if TYPE_CHECKING:
    from bot.understanding.config import TopicModelConfig

TIMED = 512
"""Texts encoded to know how long one takes."""
READ = 300
"""Messages routed one by one to time them."""
MEMORY_SHARE = 0.9
"""Of the machine's memory: a point that goes past it is stopped, so that nothing else suffers."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Point:
    """One size to measure.

    Args:
        topics: how many times more topics.
        phrases: how many times more phrases.
        passes: share of the passes over the messages that are really made; what the others take is added (see :func:`whole_seconds`).
    """

    topics: int = 1
    phrases: int = 1
    passes: float = 1.0


POINTS = {
    "base": Point(),
    "sujets-2": Point(topics=2),
    "sujets-5": Point(topics=5, passes=1 / 3),
    "sujets-10": Point(topics=10, passes=1 / 10),
    "phrases-2": Point(phrases=2),
    "phrases-5": Point(phrases=5, passes=1 / 3),
    "phrases-10": Point(phrases=10, passes=1 / 10),
    "base-abrege": Point(passes=1 / 10),
    "sujets-2-abrege": Point(topics=2, passes=1 / 10),
}
"""The two last check that adding the passes left out gives what making them all takes."""
AXES = {"sujets": ("base", "sujets-2", "sujets-5", "sujets-10"), "phrases": ("base", "phrases-2", "phrases-5", "phrases-10")}
METRICS = {
    "apprentissage": "apprentissage (s)",
    "memoire_apprentissage": "mémoire pour apprendre (Mo)",
    "disque": "modèle sur le disque (Mo)",
    "memoire_service": "mémoire pour répondre (Mo)",
    "latence": "un message (ms, médiane)",
}


@dataclass(frozen=True)
class Limit:
    """What a figure should stay under, and what to do before it does not.

    Args:
        value: in the unit of the figure.
        why: where the limit comes from, in French.
        then: what to change, in French.
    """

    value: float
    why: str
    then: str


def limits(machine: float) -> dict[str, Limit]:
    """Return the limit of each figure that has one.

    Args:
        machine: bytes of memory where it was measured.
    """
    fewer_terms = "monter `min_word_count` et `min_character_count` dans `config.yml` : le vocabulaire fait l'essentiel de la taille"
    return {
        "apprentissage": Limit(
            LONGEST_SECONDS,
            "l'atelier arrête un entraînement après une heure",
            "moins de passes (`epochs`, `iterations`, `keyword_passes` dans `config.yml`) : avec plus de phrases, chacune apporte moins ; "
            "les vecteurs de phrases déjà calculés sont gardés d'un entraînement à l'autre (`models/cache`)",
        ),
        "memoire_apprentissage": Limit(
            machine / 1e6, "la mémoire de la machine d'essai", f"{fewer_terms} ; ou entraîner sur une autre machine, puis copier `models/`"
        ),
        "memoire_service": Limit(
            MEMORY_MEGABYTES, "l'objectif de [banc](banc.md) pour tout le serveur (ici, le routeur seul)", fewer_terms
        ),
        "latence": Limit(
            MEDIAN_MILLISECONDS,
            "l'objectif de [banc](banc.md)",
            "un processus de plus par cœur (`deploy/README.md`) : le débit suit, pas l'attente",
        ),
    }


# Making the sizes


def grown(examples: Sequence[Example], point: Point, topics: frozenset[str]) -> tuple[list[str], list[str], list[int]]:
    """Return texts, labels, and for each the place in ``examples`` of the phrase it comes from.

    Args:
        examples: the corpus.
        point: the size.
        topics: labels to cut in parts; the others (conversation acts) stay whole.
    """
    seen: Counter[str] = Counter()
    labels = []
    for example in examples:
        part = seen[example.label] % point.topics if example.label in topics else 0
        seen[example.label] += 1
        labels.append(part_name(example.label, part))
    rounds = [lambda text: text, *(_as_typed(noise) for noise in NOISES.values())]
    if point.phrases > len(rounds):
        raise ValueError(f"at most {len(rounds)} times more phrases")
    texts = [say(e.text) for say in rounds[: point.phrases] for e in examples]
    return texts, labels * point.phrases, list(range(len(examples))) * point.phrases


def part_name(label: str, part: int) -> str:
    """Return the name of a part of a topic; the first keeps its own."""
    return f"{label}_partie{part}" if part else label


def _as_typed(noise: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: typing_errors(noise(text))


# Learning and serving, each in a process of its own


def learn(paths: ProjectPaths, point: Point, folder: Path, limit: int | None) -> Row:
    """Train on a size, save the model in ``folder``; returns what it took.

    Args:
        paths: the project tree.
        point: the size.
        folder: where the model and the vectors go.
        limit: at most this many phrases of the corpus, for a try.
    """
    from bot.language.cleaning import clean
    from bot.learning.store import save_model
    from bot.referential import load_referential
    from bot.understanding import encoders
    from bot.understanding.model import TopicModel

    config = model_config(paths.config)
    examples = corpus(paths, limit)
    vectors = {name: _corpus_vectors(name, [clean(e.text).unaccented for e in examples], folder.parent) for name in config.encoders}
    begun = time.perf_counter()
    phrases, labels, sources = grown(examples, point, frozenset(load_referential(paths.referential).topics))
    making = time.perf_counter() - begun
    begun = time.perf_counter()
    texts = [clean(text) for text in phrases]
    cleaning = time.perf_counter() - begun
    each = sum(_seconds_a_text(name, [t.unaccented for t in texts]) for name in config.encoders)
    place = {text.unaccented: source for text, source in zip(texts, sources, strict=True)}
    for name, table_ in vectors.items():  # the encoder itself stays loaded: it weighs on the memory as in a real training
        encoders._LOADED[name] = _Lent(encoders._LOADED[name], table_, place)
    model = TopicModel(abridged(config, point.passes))
    with _stages() as stages:
        begun = time.perf_counter()
        model.fit(texts, labels)
        fitting = time.perf_counter() - begun
    save_model(folder, model, {}, {})
    return {
        "messages": len(texts),
        "distincts": len({t.plain for t in texts}),
        "sujets": len(model.labels),
        "vocabulaire": len(model.ngrams.idf),
        "fabrication": making,
        "nettoyage": cleaning,
        "calcul": fitting,
        "etapes": stages,
        "passes": _passes(config, point.passes),
        "machine": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "encodage": each * len(texts),
        "memoire_apprentissage": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "disque": sum(file.stat().st_size for file in folder.iterdir()),
    }


def serve(paths: ProjectPaths, point: Point, folder: Path) -> Row:
    """Load the model of ``folder`` in a router and route messages one by one; returns memory and latency."""
    from bot.learning.loading import bare_router
    from bot.learning.store import load_model
    from scripts.mesures.conversations import requests

    bare = bare_router(paths)
    topics = bare.referential.topics
    parts = {
        part_name(name, part): topic.copy(update={"id": part_name(name, part), "anciens_identifiants": ()})
        for part in range(1, point.topics)
        for name, topic in topics.items()
    }
    bare.referential = bare.referential.copy(update={"topics": {**topics, **parts}})
    stored = load_model(folder)
    router = bare.with_model(stored.model, stored.thresholds)
    texts = requests(paths)
    chosen = texts[:: max(1, len(texts) // READ)][:READ]
    for text in chosen[:10]:
        router.route(text)
    times = []
    for text in chosen:
        begun = time.perf_counter()
        router.route(text)
        times.append(1000 * (time.perf_counter() - begun))
    cuts = statistics.quantiles(times, n=20)
    return {"latence": statistics.median(times), "latence_p95": cuts[18], "memoire_service": memory(os.getpid())["rss"]}


def corpus(paths: ProjectPaths, limit: int | None) -> list[Example]:
    """Return the training messages, at most ``limit`` drawn evenly."""
    examples = read_corpus(paths.corpus)
    return list(examples[:: max(1, len(examples) // limit)] if limit else examples)


def _passes(config: TopicModelConfig, share: float) -> dict[str, list[int]]:
    """Return, for each stage that goes over the messages again and again, the passes made and those of a whole training."""
    wanted = {"perceptron": config.epochs, "mots_cles": config.keyword_passes}
    return {name: [max(1, round(share * count)), count] for name, count in wanted.items()}


def abridged(config: TopicModelConfig, share: float) -> TopicModelConfig:
    """Return settings with a share of the passes, one of each at least."""
    made = {name: count for name, (count, _) in _passes(config, share).items()}
    return replace(config, epochs=made["perceptron"], keyword_passes=made["mots_cles"])


class _Lent:
    """An encoder that lends known vectors: a text has that of the phrase it comes from.

    Args:
        inner: the real one.
        vectors: (n_examples, dimensions).
        place: text → row.
    """

    def __init__(self, inner: Any, vectors: Any, place: Mapping[str, int]) -> None:
        self.inner, self.dimensions, self._vectors, self._place = inner, inner.dimensions, vectors, place

    def encode(self, texts: Sequence[str]) -> Any:
        return self._vectors[[self._place[text] for text in texts]]


def _corpus_vectors(name: str, texts: Sequence[str], folder: Path) -> Any:
    """Return the vectors of the corpus, computed once and kept in ``folder``."""
    import numpy as np

    digest = hashlib.sha256("\n".join([name, *texts]).encode()).hexdigest()[:12]
    file = folder / f"vecteurs-{digest}.npy"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".ecriture.npy")
        np.save(draft, _encode(name, texts))
        draft.replace(file)
    return np.load(file)


def _encode(name: str, texts: Sequence[str]) -> Any:
    """Encode as the training does: one piece of work a core, each on one thread."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    from bot.understanding.encoders import get_encoder

    encoder, cores = get_encoder(name), len(os.sched_getaffinity(0))
    with threadpool_limits(1), ThreadPoolExecutor(cores) as pool:
        size = max(1, min(1024, -(-len(texts) // cores)))
        return np.vstack(list(pool.map(encoder.encode, [texts[i : i + size] for i in range(0, len(texts), size)])))


def _seconds_a_text(name: str, texts: Sequence[str]) -> float:
    chosen = texts[:: max(1, len(texts) // TIMED)][:TIMED]
    _encode(name, chosen[:8])
    begun = time.perf_counter()
    _encode(name, chosen)
    return (time.perf_counter() - begun) / len(chosen)


@contextmanager
def _stages() -> Iterator[dict[str, float]]:
    """Time the stages of the training, as they run."""
    from bot.understanding import fitting
    from bot.understanding.features import NgramEncoder

    seconds: dict[str, float] = {}

    def timed(owner: Any, function: str, name: str) -> Any:
        inner = getattr(owner, function)

        def call(*arguments: Any, **options: Any) -> Any:
            begun = time.perf_counter()
            try:
                return inner(*arguments, **options)
            finally:
                seconds[name] = time.perf_counter() - begun

        return mock.patch.object(owner, function, call)

    with (
        timed(NgramEncoder, "fit_counts", "mots"),
        timed(fitting, "_fit_reduction", "reduction"),
        timed(fitting, "_read_words", "vecteurs"),
        timed(fitting, "_fit_keywords", "mots_cles"),
        timed(fitting, "_fit_perceptron", "perceptron"),
    ):
        yield seconds


def whole_seconds(row: Mapping[str, Any]) -> float:
    """Return how long a whole training takes: what was timed, the sentence vectors, and the passes left out, at the pace of those made.

    Those of the perceptron and of the keyword classifier are counted one after the other.
    """
    stages, passes = row["etapes"], row["passes"]
    missing = (stages[name] * (whole / made - 1) for name, (made, whole) in passes.items())
    return float(row["nettoyage"] + row["calcul"] + row["encodage"] + sum(missing))


# The whole run


def run(paths: ProjectPaths, quick: bool, minutes: float, names: Sequence[str]) -> None:
    """Measure what is missing, then write ``docs/croissance.md`` and its charts.

    Args:
        paths: the project tree.
        quick: a small part of the corpus, printed only.
        minutes: left to each point.
        names: of the points to measure again or for the first time; empty: those never measured on this corpus.

    Raises:
        AssistantError: an unknown point.
    """
    unknown = [name for name in names if name not in POINTS]
    if unknown:
        raise AssistantError(f"Point inconnu : {', '.join(unknown)}. Choix possibles : {', '.join(POINTS)}.")
    folder = paths.root / "results" / ("croissance-essai" if quick else "croissance")
    limit = 1500 if quick else None
    results = Results(folder / "croissance.jsonl")
    state = _state(paths, limit)
    known = {row["point"] for row in results.rows() if row["etat"] == state}
    for name in names or [p for p in POINTS if p not in known]:
        _say(f"croissance : {name}")
        row = _measure(paths, name, folder, minutes, limit)
        results.add({"point": name, "etat": state, "jour": date.today().isoformat(), **row})
        _say("  " + (row.get("arret") or f"{whole_seconds(row):.0f} s pour apprendre, {row['latence']:.1f} ms par message"))
    rows = {row["point"]: row for row in results.rows() if row["etat"] == state}
    docs = folder if quick else paths.docs
    print(write_page(rows, docs))


def _measure(paths: ProjectPaths, name: str, folder: Path, minutes: float, limit: int | None) -> Row:
    model = folder / name
    shutil.rmtree(model, ignore_errors=True)
    row: Row = {}
    try:
        for step in ("apprendre", "servir"):
            done = _child([step, name, str(model), str(limit or 0)], paths, 60 * minutes)
            row |= done
            if "arret" in done:
                break
    finally:
        shutil.rmtree(model, ignore_errors=True)
    return row


def _child(arguments: Sequence[str], paths: ProjectPaths, seconds: float) -> Row:
    """Run a step in a process of its own; stop it when it takes too long or too much memory, and tell."""
    command = [sys.executable, "-m", "scripts.mesures.growth", *arguments]
    process = subprocess.Popen(command, cwd=paths.root, stdout=subprocess.PIPE, text=True)
    end, most, reason = time.monotonic() + seconds, 0, ""
    allowed = MEMORY_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    while process.poll() is None and not reason:
        time.sleep(0.2)
        most = max(most, _resident(process.pid))
        if time.monotonic() > end:
            reason = f"arrêté après {seconds / 60:g} minutes ({arguments[0]})"
        elif most > allowed:
            reason = f"arrêté à {most / 1e9:.1f} Go de mémoire ({arguments[0]})"
    if reason:
        process.kill()
        process.wait()
        return {"arret": reason, "octets": most}
    said = process.stdout.read() if process.stdout else ""
    if process.returncode:
        return {"arret": f"échec (code {process.returncode}, {arguments[0]})", "octets": most}
    value: Row = json.loads(said.splitlines()[-1])
    return value


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _state(paths: ProjectPaths, limit: int | None) -> str:
    """Return a mark of all that the measures depend on: corpus, settings, code that learns and reads."""
    code = sorted((Path(__file__).resolve().parents[2] / "bot" / "understanding").glob("*.py"))
    files = [*sorted(paths.corpus.glob("*.yml")), paths.config, *code]
    digest = hashlib.sha256(repr((limit, [hashlib.sha256(f.read_bytes()).hexdigest() for f in files])).encode())
    return digest.hexdigest()[:16]


# Reading


def values(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the figures of :data:`METRICS` of a measured point, in the units of their names."""
    return {
        "apprentissage": whole_seconds(row),
        "memoire_apprentissage": row["memoire_apprentissage"] / 1e6,
        "disque": row["disque"] / 1e6,
        "memoire_service": row["memoire_service"] / 1e6,
        "latence": row["latence"],
    }


def exponent(factors: Sequence[float], found: Sequence[float]) -> float:
    """Return the slope of ``log(found)`` by ``log(factors)``, by least squares: 1 when it grows as the factor does, 0 when it does not."""
    x, y = [math.log(f) for f in factors], [math.log(v) for v in found]
    mean_x, mean_y = statistics.mean(x), statistics.mean(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)


def crossing(factors: Sequence[float], found: Sequence[float], limit: float) -> float:
    """Return the factor at which a figure passes ``limit``, along power laws between points, the last one carried on.

    Args:
        factors: increasing, 1 first.
        found: the figure at each.
        limit: to pass.

    Returns:
        1 when it is passed already, infinity when it never is.
    """
    if found[0] >= limit:
        return 1.0
    for (f1, f2), (v1, v2) in zip(zip(factors, factors[1:], strict=False), zip(found, found[1:], strict=False), strict=True):
        if v2 > v1 and (v2 >= limit or f2 == factors[-1]):
            return float(f1 * (limit / v1) ** (math.log(f2 / f1) / math.log(v2 / v1)))
    return math.inf


def pace(power: float) -> str:
    """Say in French how a figure grows, from its :func:`exponent`."""
    if power < 0.15:
        return "ne bouge presque pas"
    if power < 0.85:
        return "grandit moins vite"
    return "grandit d'autant" if power <= 1.15 else "grandit plus vite"


def write_page(rows: Mapping[str, Row], docs: Path) -> str:
    """Write ``croissance.md`` and its charts in ``docs``, from the points measured; returns the page."""
    lines = [
        "# Croissance : plus de sujets, plus de phrases",
        "",
        "Régénéré par `make croissance`. Une mesure interrompue reprend où elle s'est arrêtée.",
        "",
        "**Les sujets et les phrases en plus sont fabriqués. Ils mesurent la taille, jamais la justesse.** Un sujet est coupé en "
        "parts qui se partagent ses phrases (le nombre de phrases ne change pas). Une phrase est réécrite comme on tape : sans accents, "
        "en capitales, en langage SMS…, avec des fautes de frappe (`bot/measure/noise.py`). De vraies phrases nouvelles apporteraient "
        "d'autres mots : le vocabulaire grandirait autrement.",
        "",
        "Chaque point a ses propres processus : un pour apprendre (mémoire au plus haut), un pour répondre (routeur seul, "
        f"{READ} messages d'essai un par un).",
        "",
    ]
    for axis, names in AXES.items():
        measured = {_factor(name): rows[name] for name in names if name in rows and "arret" not in rows[name]}
        stopped = {name: rows[name] for name in names if name in rows and "arret" in rows[name]}
        if 1 not in measured:
            continue
        lines += _axis(axis, measured, stopped, docs / "images")
    lines += _check(rows)
    text = "\n".join(lines)
    docs.mkdir(parents=True, exist_ok=True)
    (docs / "croissance.md").write_text(text, encoding="utf-8")
    return text


def _factor(name: str) -> int:
    return 1 if name == "base" else int(name.rsplit("-", 1)[1])


def _axis(axis: str, measured: Mapping[int, Row], stopped: Mapping[str, Row], images: Path) -> list[str]:
    figures = {factor: values(row) for factor, row in measured.items()}
    abridged_ = [factor for factor, row in measured.items() if any(made < whole for made, whole in row["passes"].values())]
    head = (axis, "messages", "distincts", "étiquettes", "vocabulaire", *METRICS.values(), "au 95e centile (ms)")
    body = [
        (
            f"× {factor}",
            _count(row["messages"]),
            _count(row["distincts"]),
            _count(row["sujets"]),
            _count(row["vocabulaire"]),
            f"{figures[factor]['apprentissage']:.0f}{' *' if factor in abridged_ else ''}",
            *(_count(figures[factor][m]) for m in ("memoire_apprentissage", "disque", "memoire_service")),
            *(f"{value:.1f}".replace(".", ",") for value in (row["latence"], row["latence_p95"])),
        )
        for factor, row in measured.items()
    ]
    lines = [f"## Plus de {axis}", "", *table(head, body), ""]
    if abridged_:
        lines += ["\\* Une partie des passes seulement a été faite ; les autres sont ajoutées, au rythme de celles-là (voir plus bas).", ""]
    lines += [f"- × {_factor(name)} : {row['arret']}, {row['octets'] / 1e9:.1f} Go." for name, row in stopped.items()]
    if len(measured) < 2:
        return lines
    draw(axis, figures, images / f"croissance-{axis}.svg")
    lines += [
        "",
        f"![Courbes : ce que devient chaque mesure quand le nombre de {axis} est multiplié, par rapport à aujourd'hui ; "
        f"les valeurs sont dans le tableau.](images/croissance-{axis}.svg)",
        "",
    ]
    factors = sorted(figures)
    most = factors[-1]
    for name, title in METRICS.items():
        power = exponent(factors, [figures[f][name] for f in factors])
        ratio = f"{figures[most][name] / figures[1][name]:.1f}".replace(".", ",")
        lines.append(f"- {title.split(' (')[0].capitalize()} : {pace(power)} (× {ratio} pour {most} fois plus de {axis}).")
    stages = measured[most]["etapes"]
    whole = {name: seconds * _ratio(measured[most], name) for name, seconds in stages.items()}
    whole["encodage"] = measured[most]["encodage"]
    longest = sorted(whole, key=whole.__getitem__, reverse=True)[:3]
    lines += ["", *_first_limits(axis, factors, figures, measured[1]["machine"])]
    lines += ["", f"À × {most}, le plus long : {', '.join(f'{STAGES[name]} ({whole[name]:.0f} s)' for name in longest)}.", ""]
    return lines


def _first_limits(axis: str, factors: Sequence[int], figures: Mapping[int, Mapping[str, float]], machine: float) -> list[str]:
    """Return which limit is passed first, and what to change then."""
    found = limits(machine)
    at = {name: crossing(factors, [figures[f][name] for f in factors], limit.value) for name, limit in found.items()}
    rows = []
    for name in sorted(at, key=at.__getitem__):
        factor, limit = at[name], found[name]
        when = "déjà" if factor <= 1 else f"vers × {factor:.1f}".replace(".", ",") if factor <= FAR else f"au-delà de × {FAR}"
        beyond = " (prolongé)" if max(factors) < factor <= FAR else ""
        unit = METRICS[name].rsplit("(", 1)[1].split(",")[0].rstrip(")")
        rows.append((METRICS[name].split(" (")[0], f"{_count(limit.value)} {unit} : {limit.why}", when + beyond, limit.then))
    return [f"Ce qui lâche d'abord avec plus de {axis} :", "", *table(("mesure", "limite", "atteinte", "que changer alors"), rows)]


FAR = 100

STAGES = {
    "mots": "compter mots et lettres",
    "reduction": "réduire les n-grammes",
    "vecteurs": "les vecteurs de mots",
    "mots_cles": "le classifieur de mots-clés",
    "perceptron": "le perceptron",
    "encodage": "le sens des phrases",
}


def _ratio(row: Mapping[str, Any], stage: str) -> float:
    made, whole = row["passes"].get(stage, (1, 1))
    return float(whole / made)


def _check(rows: Mapping[str, Row]) -> list[str]:
    """Tell how well a part of the passes foretells the whole, where both were measured."""
    pairs = [(n, f"{n}-abrege") for n in ("base", "sujets-2")]
    both = [(n, rows[n], rows[a]) for n, a in pairs if n in rows and a in rows and "arret" not in rows[n] and "arret" not in rows[a]]
    if not both:
        return []
    words = [
        f"{name} : {whole_seconds(part):.0f} s annoncées, {whole_seconds(whole):.0f} s mesurées "
        f"({(whole_seconds(part) / whole_seconds(whole) - 1):+.0%})".replace("%", " %")
        for name, whole, part in both
    ]
    return [
        "## Les passes ajoutées",
        "",
        "Une passe sur les messages dure toujours autant. Pour les plus gros points, une partie des passes est faite, le reste ajouté. "
        f"Vérifié là où tout a été fait : {' ; '.join(words)}.",
        "",
    ]


def draw(axis: str, figures: Mapping[int, Mapping[str, float]], target: Path) -> None:
    """Draw each figure, as a multiple of today's, against how many times more there is."""
    factors = sorted(figures)
    with chart(target, f"Ce que coûtent plus de {axis}", f"{axis}, par rapport à aujourd'hui", "par rapport à aujourd'hui") as axes:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.plot(factors, factors, color=GREY, linestyle=":", linewidth=1.4, label="d'autant")
        for (name, title), colour, marker in zip(METRICS.items(), (*SERIES, BLACK), "osD^v", strict=True):
            ratios = [figures[f][name] / figures[1][name] for f in factors]
            axes.plot(factors, ratios, color=colour, marker=marker, linewidth=1.8, label=title.split(" (")[0])
        axes.set_xticks(factors, [f"× {f}" for f in factors])
        ticks = [1, 2, 5, 10, 20, 50]
        top = max(max(factors), *(figures[f][m] / figures[1][m] for f in factors for m in METRICS))
        axes.set_yticks([t for t in ticks if t <= 1.6 * top], [f"× {t}" for t in ticks if t <= 1.6 * top])
        axes.minorticks_off()
        axes.legend(loc="upper left", frameon=False, fontsize=9)


def _count(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")


def _say(sentence: str) -> None:
    print(f"· {sentence}", file=sys.stderr, flush=True)


def main() -> int:
    """Measure one step of one point and print it; called by :func:`run`, in a process of its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=("apprendre", "servir"))
    parser.add_argument("point", choices=POINTS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("limit", type=int)
    arguments = parser.parse_args()
    paths, point = project_paths(), POINTS[arguments.point]
    if arguments.step == "apprendre":
        row = learn(paths, point, arguments.folder, arguments.limit or None)
    else:
        row = serve(paths, point, arguments.folder)
    print(json.dumps(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
