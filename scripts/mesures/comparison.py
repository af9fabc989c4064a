"""Compare ways to understand a message and draw the learning curve; writes docs/comparaison.md and its charts."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bot.base.paths import ProjectPaths
from bot.language.cleaning import CleanText
from bot.learning.corpus import Example, read_corpus
from bot.learning.freshness import model_config
from bot.learning.metrics import paired_drop, proportion
from bot.learning.store import load_model
from bot.measure.charts import BLUE, GREY, ORANGE, chart
from bot.measure.evaluation import TEST_SETS, labelled_rows, read_test_sets
from bot.measure.reports import percent, table, write_figures
from bot.referential import Referential, load_referential
from bot.understanding import fitting
from bot.understanding import model as topic_model
from bot.understanding.config import TopicModelConfig
from scripts.mesures import blocks as b
from scripts.mesures import pipelines as p
from scripts.mesures.corpora import Messages, Score, cleaned, messages, sample, score
from scripts.mesures.stock_rasa import StockRasa

MARK = "<!-- chiffres : écrits par « make comparaison », ne pas modifier à la main -->"
STORY_WORDS = 30
OURS = "notre modèle (n-grammes + USE + spaCy, trois classifieurs)"
RASA = "Rasa d'origine (SpacyNLP + DIET + tables)"


@dataclass(frozen=True)
class Plan:
    """How far a run goes.

    Args:
        share: part of the corpus that every pipeline learns.
        parts: parts of the corpus on the learning curve, the whole (1) last.
        seeds: draws of each part.
        epochs: DIET's passes; 0 leaves stock Rasa out.
        timed: test messages read one by one to time them.
        tests: at most this many test messages; ``None`` for all.
        slow: whether the slow encoders and the whole corpus are measured too.
        minutes: past this time no new measure starts; what is missing is named, and measured by the next run.
    """

    share: float = 1 / 16
    parts: tuple[float, ...] = (1 / 8, 1 / 4, 1 / 2, 1.0)
    seeds: int = 2
    epochs: int = 15
    timed: int = 40
    tests: int | None = None
    slow: bool = True
    minutes: float = 25.0


QUICK = Plan(share=1 / 40, parts=(1 / 40, 1 / 20), seeds=1, epochs=0, timed=5, tests=200, slow=False)


def scaled(config: TopicModelConfig, part: float) -> TopicModelConfig:
    """Return settings fit for a part of the corpus: its messages are read twice as many times, as settings are for the whole."""
    times = min(2.0, 1 / part)
    return replace(
        config,
        epochs=round(times * config.epochs),
        keyword_passes=round(times * config.keyword_passes),
    )


@dataclass(frozen=True)
class Line:
    """One measured pipeline.

    Args:
        name: in French.
        messages: how many it learnt.
        score: what was right.
        seconds: training time.
        milliseconds: median time to read one message.
    """

    name: str
    messages: int
    score: Score
    seconds: float
    milliseconds: float


def compare(
    paths: ProjectPaths,
    plan: Plan,
    say: Callable[[str], None],
    examples: Sequence[Example] | None = None,
    store: Path | None = None,
) -> dict[str, Any]:
    """Measure everything of ``plan``.

    Args:
        paths: the tree.
        plan: how far to go.
        say: receives French sentences.
        examples: training messages, instead of those of the tree.
        store: file that keeps each measure as soon as it is made, so that a run that stops can be taken up again.

    Returns:
        ``echantillon`` and ``tout`` (lists of :class:`Line`), ``courbe`` (points), ``lignes`` (test rows).
    """
    examples = examples if examples is not None else read_corpus(paths.corpus)
    referential = load_referential(paths.referential)
    rows = labelled_rows(paths.test_sets, TEST_SETS["demandes"]) or read_test_sets(paths.test_sets)["demandes"]
    rows = rows[:: max(1, len(rows) // plan.tests)][: plan.tests] if plan.tests else rows
    texts = cleaned(rows)
    whole = model_config(paths.config)
    config = scaled(whole, plan.share)
    bench = _Bench(rows, texts, referential, plan, whole, say, store)
    encoders = {name: b.EncoderBlock(name) for name in config.encoders}
    small = messages(sample(examples, plan.share))
    say(f"{len(small)} messages d'apprentissage, {len(rows)} messages d'essai")
    ours = p.Ours(config, encoders)
    pipelines = [
        *_cheap(config, encoders),
        (OURS, ours),
        *((f"notre modèle, proposition par proposition ({name})", p.ByClause(ours, combine)) for name, combine in p.CLAUSES.items()),
        *_syntactic(config, encoders),
    ]
    lines = [bench.run(name, pipeline, small) for name, pipeline in pipelines]
    curve = _learning_curve(bench, paths, whole, encoders, examples, plan)
    everything: list[Line | None] = []
    if plan.slow:
        lines += [bench.run(name, pipeline, small) for name, pipeline in _with_e5(config, encoders)]
        everything = _whole_corpus(bench, paths, whole, encoders, messages(examples))
    if plan.epochs:  # by far the slowest: last
        lines.append(bench.run(RASA, StockRasa(plan.epochs, lookups(paths, referential)), small))
    return {
        "echantillon": [line for line in lines if line is not None],
        "tout": [line for line in everything if line is not None],
        "courbe": curve,
        "manquent": bench.missing,
        "lignes": rows,
        "plan": plan,
        "corpus": len(examples),
    }


class _Bench:
    """Trains, times and scores pipelines on the same test messages; a measure already in the store is not made again."""

    def __init__(
        self,
        rows: Sequence[dict[str, Any]],
        texts: Sequence[CleanText],
        referential: Referential,
        plan: Plan,
        config: TopicModelConfig,
        say: Callable[[str], None],
        store: Path | None,
    ) -> None:
        self.rows, self.texts, self.referential, self.plan, self.say, self._store = rows, texts, referential, plan, say, store
        self._settings = config.as_mapping()
        self._end = time.monotonic() + 60 * plan.minutes
        self.missing: list[str] = []
        self._known: dict[str, Line] = {}
        if store is not None and store.exists():
            for row in map(json.loads, store.read_text(encoding="utf-8").splitlines()):
                values = (np.array(row[k], dtype=bool) for k in ("dis", "service", "topic"))
                self._known[row["cle"]] = Line(row["nom"], row["messages"], Score(*values), row["secondes"], row["millisecondes"])

    def run(self, name: str, pipeline: Any, data: Messages, timed: bool = True) -> Line | None:
        """Train when it is needed, then measure; ``None`` when the time is over."""
        key = self._key(name, data)
        if key in self._known:
            return self._known[key]
        if time.monotonic() > self._end:
            self.missing.append(f"{name} ({len(data)} messages)")
            return None
        pipeline.fit(data)
        return self._measure(key, name, pipeline, len(data), timed)

    def _measure(self, key: str, name: str, pipeline: Any, learnt: int, timed: bool) -> Line:
        result = score(pipeline.probabilities(self.texts), pipeline.labels, self.rows, self.referential)
        line = Line(name, learnt, result, pipeline.seconds, self._milliseconds(pipeline) if timed else float("nan"))
        self.say(f"{name} ({learnt}) : {100 * result.dis.mean():.1f} % ; {pipeline.seconds:.0f} s ; {line.milliseconds:.1f} ms")
        self._known[key] = line
        if self._store is not None:
            bits = {k: getattr(result, k).astype(int).tolist() for k in ("dis", "service", "topic")}
            row = {"cle": key, "nom": name, "messages": learnt, "secondes": line.seconds, "millisecondes": line.milliseconds, **bits}
            self._store.parent.mkdir(parents=True, exist_ok=True)
            with self._store.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(row, ensure_ascii=False) + "\n")
        return line

    def _key(self, name: str, data: Messages) -> str:
        """Return what a measure depends on, code of the pipelines included."""
        code = [Path(module.__file__).read_bytes() for module in (b, p, topic_model, fitting) if module.__file__]
        plan = {k: v for k, v in asdict(self.plan).items() if k in {"epochs", "timed", "tests"}}
        digest = hashlib.sha256(
            json.dumps([name, data.labels, [t.plain for t in (*data.texts, *self.texts)], plan, self._settings]).encode()
        )
        for part in code:
            digest.update(part)
        return digest.hexdigest()

    def _milliseconds(self, pipeline: Any) -> float:
        step = max(1, len(self.texts) // max(1, self.plan.timed))
        chosen = list(self.texts[::step][: self.plan.timed])
        pipeline.forget(chosen)
        times = []
        for text in chosen:
            start = time.perf_counter()
            pipeline.probabilities([text])
            times.append(1000 * (time.perf_counter() - start))
        return float(np.median(times))


def _cheap(config: TopicModelConfig, encoders: dict[str, b.EncoderBlock]) -> list[tuple[str, Any]]:
    return [
        ("réponse la plus fréquente", p.Majority()),
        ("n-grammes seuls (linéaire)", p.Linear([b.CountsBlock(config.ngrams)], config)),
        *((f"{name.upper()} seul", p.Linear([block], config)) for name, block in encoders.items()),
        (
            f"n-grammes + {' + '.join(encoders).upper()}",
            p.Linear([b.ReducedNgramsBlock(config.ngrams), *encoders.values()], config),
        ),
    ]


def _syntactic(config: TopicModelConfig, encoders: dict[str, b.EncoderBlock]) -> list[tuple[str, Any]]:
    memory = b.spacy_memory()
    ngrams = b.ReducedNgramsBlock(config.ngrams)
    return [
        ("spaCy, moyenne des mots", p.Linear([b.MeanVectorBlock(memory)], config)),
        ("spaCy, mots pleins pondérés (idf)", p.Linear([b.ContentVectorBlock(memory)], config)),
        ("lemmes et syntaxe (linéaire)", p.Linear([b.SyntaxBlock(memory)], config)),
        (
            f"n-grammes + {' + '.join(encoders).upper()} + spaCy pondéré",
            p.Linear([ngrams, *encoders.values(), b.ContentVectorBlock(memory)], config),
        ),
        ("notre modèle sans les vecteurs de mots", p.Ours(replace(config, word_vectors=""), encoders)),
        ("notre modèle + lemmes et syntaxe", p.Averaged([p.Ours(config, encoders), p.Linear([b.SyntaxBlock(memory)], config)])),
    ]


def _with_e5(config: TopicModelConfig, encoders: dict[str, b.EncoderBlock]) -> list[tuple[str, Any]]:
    e5 = b.EncoderBlock("e5")
    both = {**encoders, "e5": e5}
    return [
        ("E5 seul", p.Linear([e5], config)),
        ("n-grammes + USE + E5", p.Linear([b.ReducedNgramsBlock(config.ngrams), *both.values()], config)),
        ("notre modèle avec USE + E5", p.Ours(replace(config, encoders=tuple(both)), both)),
    ]


def _whole_corpus(
    bench: _Bench, paths: ProjectPaths, config: TopicModelConfig, encoders: dict[str, b.EncoderBlock], data: Messages
) -> list[Line | None]:
    stored = (OURS, _Stored(load_model(paths.router_model)))
    return [bench.run(name, pipeline, data) for name, pipeline in (stored, *_cheap(config, encoders))]


class _Stored:
    """The model of the tree, as a pipeline already fitted."""

    def __init__(self, stored: Any) -> None:
        self.labels = stored.model.labels
        self.seconds = float(stored.manifest["duree_s"])
        self.probabilities = stored.model.predict_proba

    def fit(self, data: Messages) -> None:
        """It has learnt."""

    def forget(self, texts: Sequence[CleanText]) -> None:
        """Nothing is remembered."""


def _learning_curve(
    bench: _Bench,
    paths: ProjectPaths,
    config: TopicModelConfig,
    encoders: dict[str, b.EncoderBlock],
    examples: Sequence[Example],
    plan: Plan,
) -> list[dict[str, Any]]:
    points = []
    tasks = [(part, seed) for part in plan.parts for seed in range(plan.seeds if part < 1 / 2 else 1)]
    for part, seed in sorted(tasks, key=lambda task: (task[0] < 1, task)):  # the quickest first: the whole is already learnt
        data = messages(sample(examples, part, seed) if part < 1 else examples)
        name = f"courbe, {part:.3g} du corpus, tirage {seed + 1}"
        stored = part == 1 and plan.slow
        pipeline = _Stored(load_model(paths.router_model)) if stored else p.Ours(scaled(config, part), encoders)
        line = bench.run(name, pipeline, data, timed=False)
        if line is not None:
            points.append({"part": part, "tirage": seed, "messages": len(data), "score": line.score})
    return sorted(points, key=lambda q: (q["part"], q["tirage"]))


def lookups(paths: ProjectPaths, referential: Referential) -> dict[str, list[str]]:
    """Return name → words of each lookup table that stock Rasa is given."""
    with (paths.referential / "communes_lot.csv").open(encoding="utf-8", newline="") as stream:
        communes = sorted({row["nom"] for row in csv.DictReader(stream)})
    return {"commune": communes, "service": sorted({s.nom for s in referential.services.values()})}


# Writing


def write_page(result: dict[str, Any], target: Path) -> None:
    """Write the figures of :func:`compare` under :data:`MARK` of ``target``, and its charts in ``images`` next to it."""
    images = target.parent / "images"
    _draw_bars(result["echantillon"], images / "comparaison.svg")
    _draw_curve(result["courbe"], images / "apprentissage.svg")
    write_figures(target, _body(result), MARK, "# Comparer les façons de comprendre")


def _body(result: dict[str, Any]) -> str:
    lines, rows, plan = result["echantillon"], result["lignes"], result["plan"]
    best = max(lines, key=lambda line: line.score.dis.mean())
    out = [
        f"{len(rows)} messages d'essai. Corpus : {result['corpus']} messages.",
        "",
        f"### Sur le même échantillon : {lines[0].messages} messages d'apprentissage",
        "",
        f"![Barres : bonne délégation de chaque façon de comprendre, de {_pc(min(x.score.dis.mean() for x in lines))} "
        f"(la plus basse) à {_pc(best.score.dis.mean())} ({best.name}) ; les valeurs sont dans le tableau.](images/comparaison.svg)",
        "",
        *_comparison_table(lines, rows),
        "",
        "« Écart » : points de bonne délégation de plus (ou de moins) que notre modèle, sur les mêmes messages, intervalle à 95 %. "
        "« Apprentissage » : temps, rapporté à celui de notre modèle. « Récits » : messages de plus de 30 mots.",
    ]
    if any(line.name == RASA for line in lines):
        out += ["", f"DIET a appris {plan.epochs} époques (300 par défaut dans Rasa), faute de temps."]
    out += [
        "",
        "Les réglages de notre modèle valent pour tout le corpus. Sur une petite part, il repasse plus souvent sur les messages "
        "(deux fois plus), sans quoi on mesurerait un apprentissage inachevé.",
    ]
    if result["tout"]:
        out += ["", f"### Sur tout le corpus : {result['tout'][0].messages} messages", "", *_comparison_table(result["tout"], rows)]
    if result["manquent"]:
        out += ["", f"Pas encore mesuré, faute de temps (une nouvelle exécution reprend là) : {' ; '.join(result['manquent'])}."]
    return "\n".join([*out, "", "### La courbe d'apprentissage", "", *_curve_text(result)])


def _comparison_table(lines: Sequence[Line], rows: Sequence[dict[str, Any]]) -> list[str]:
    stories = np.array([len(r["texte"].split()) > STORY_WORDS for r in rows])
    ours = next(line for line in lines if line.name == OURS)
    body = []
    for line in lines:
        gap = paired_drop(line.score.dis.tolist(), ours.score.dis.tolist())
        words = f"{100 * gap['valeur']:+.1f} ({100 * gap['bas']:+.1f} à {100 * gap['haut']:+.1f})"
        body.append(
            (
                f"**{line.name}**" if line is ours else line.name,
                percent(proportion(line.score.dis.tolist())),
                "–" if line is ours else words.replace(".", ",").replace("-", "−"),
                _pc(line.score.service.mean()),
                _pc(line.score.topic.mean()),
                _pc(line.score.dis[stories].mean()) if stories.any() else "–",
                f"{line.seconds / ours.seconds:.2f}".replace(".", ","),
                f"{line.milliseconds:.1f}".replace(".", ","),
            )
        )
    head = (
        "façon de comprendre",
        "bonne délégation",
        "écart (points)",
        "bon service",
        "bon sujet",
        "délégation, récits",
        "apprentissage",
        "ms par message",
    )
    return table(head, body)


def _curve_text(result: dict[str, Any]) -> list[str]:
    points, rows = result["courbe"], result["lignes"]
    lines = [
        "![Courbe d'apprentissage : bonne délégation et bon service de notre modèle selon le nombre de messages appris ; "
        "les valeurs sont dans le tableau.](images/apprentissage.svg)",
        "",
        *table(
            ("part du corpus", "tirage", "messages appris", "bonne délégation", "bon service", "bon sujet"),
            (
                (
                    f"1/{round(1 / q['part'])}" if q["part"] < 1 else "tout",
                    q["tirage"] + 1,
                    q["messages"],
                    percent(proportion(q["score"].dis.tolist())),
                    _pc(q["score"].service.mean()),
                    _pc(q["score"].topic.mean()),
                )
                for q in points
            ),
        ),
    ]
    parts = sorted({q["part"] for q in points})
    mean = {part: np.mean([q["score"].dis.mean() for q in points if q["part"] == part]) for part in parts}
    service = {part: np.mean([q["score"].service.mean() for q in points if q["part"] == part]) for part in parts}
    others = [x for x in result["echantillon"] if x.name != OURS]
    ours = next(x for x in result["echantillon"] if x.name == OURS)
    best = max(others, key=lambda x: x.score.dis.mean())
    gains = ", ".join(_points(mean[after] - mean[before]) for before, after in itertools.pairwise(parts))
    gains_service = ", ".join(_points(service[after] - service[before]) for before, after in itertools.pairwise(parts))
    lines += [
        "",
        f"À chaque pas, la bonne délégation gagne {gains} ; le bon service gagne {gains_service} (sur {len(rows)} messages, "
        "moyenne des tirages).",
        "",
        f"La meilleure autre façon de comprendre, sur l'échantillon, est « {best.name} » : "
        f"{_points(best.score.dis.mean() - ours.score.dis.mean())} de bonne délégation par rapport à notre modèle.",
    ]
    return lines


def _draw_bars(lines: Sequence[Line], target: Path) -> None:
    ordered = sorted(lines, key=lambda line: line.score.dis.mean())
    title = f"{ordered[0].messages} messages appris"
    with chart(target, title, "bonne délégation, premier choix (%)", "", size=(9.0, 0.42 * len(ordered) + 1.4)) as axes:
        figures = [proportion(line.score.dis.tolist()) for line in ordered]
        values = [100 * f["valeur"] for f in figures]
        spread = [
            [v - 100 * f["bas"] for v, f in zip(values, figures, strict=True)],
            [100 * f["haut"] - v for v, f in zip(values, figures, strict=True)],
        ]
        colours = [BLUE if line.name == OURS else ORANGE if line.name == RASA else GREY for line in ordered]
        axes.barh(range(len(ordered)), values, xerr=spread, color=colours, height=0.65, error_kw={"capsize": 2, "linewidth": 1})
        axes.set_yticks(range(len(ordered)), [line.name for line in ordered])
        for i, figure in enumerate(figures):
            axes.text(100 * figure["haut"] + 1, i, f"{100 * figure['valeur']:.1f}".replace(".", ","), va="center", fontsize=9)
        axes.set_xlim(0, 108)


def _draw_curve(points: Sequence[dict[str, Any]], target: Path) -> None:
    with chart(target, "Plus de messages appris, meilleures réponses", "messages appris (échelle doublée)", "réponses justes (%)") as axes:
        axes.set_xscale("log", base=2)
        for key, label, colour, marker in (("dis", "délégation", BLUE, "o"), ("service", "service", ORANGE, "s")):
            values = [(q["messages"], 100 * getattr(q["score"], key).mean()) for q in points]
            axes.scatter(*zip(*values, strict=True), color=colour, marker=marker, zorder=3)
            sizes = sorted({q["part"] for q in points})
            means = [
                np.mean([[q["messages"], 100 * getattr(q["score"], key).mean()] for q in points if q["part"] == part], axis=0)
                for part in sizes
            ]
            axes.plot(*zip(*means, strict=True), color=colour, linewidth=1.8, label=label)
        counts = sorted({q["messages"] for q in points if q["tirage"] == 0})
        axes.set_xticks(counts, [f"{n:,}".replace(",", " ") for n in counts])
        axes.minorticks_off()
        axes.legend(loc="lower right", frameon=False)


def _pc(share: float) -> str:
    return f"{100 * float(share):.1f} %".replace(".", ",")


def _points(gap: float) -> str:
    return f"{100 * float(gap):+.1f} point{'s' if abs(gap) >= 0.02 else ''}".replace(".", ",").replace("-", "−")


def run(paths: ProjectPaths, quick: bool) -> None:
    """Measure and write ``docs/comparaison.md``; a quick run only prints, so that it never replaces real figures."""
    start = time.perf_counter()
    store = None if quick else paths.root / "results" / "comparaison.jsonl"
    result = compare(paths, QUICK if quick else Plan(), lambda s: print(f"· {s}", file=sys.stderr, flush=True), store=store)
    if quick:
        print(_body(result))
    else:
        write_page(result, paths.docs / "comparaison.md")
    print(f"· terminé en {time.perf_counter() - start:.0f} s", file=sys.stderr)
