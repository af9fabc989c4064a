"""Train the emergency detector, and set its levels on messages it has not seen: seconds, before the topic model."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from bot.base.errors import CorpusError, ModelError, Problem
from bot.base.files import drafting, put_in_place, sha256_of, write_json
from bot.base.paths import ProjectPaths
from bot.emergency.known import load_known
from bot.emergency.learnt import CALM, MANIFEST_FILE, MODEL_FILE, Alarm, LearntDetector, load_learnt, readings
from bot.emergency.situations import load_situations
from bot.language.cleaning import clean
from bot.learning.corpus import read_corpus, read_jsonl
from bot.learning.freshness import emergency_fingerprint, is_detector_current
from bot.referential import load_referential
from bot.understanding.config import NgramConfig
from bot.understanding.features import CompactMatrix, NgramEncoder

HELD_OUT = "urgences.jsonl"
"""In ``data/calage``: dangers (with a ``situation``) and look-alikes (without), never trained on."""
TURNS = "contexte"
"""In ``data/calage``: what people say in mid-conversation (« le maire ne bouge pas »), learnt from as harmless."""
NGRAMS = NgramConfig(words=(1, 2), characters=(3, 5), min_word_count=2, min_character_count=10)
SCALE, STRENGTH, ITERATIONS = 4.0, 20.0, 40
"""Scale of the counts, inverse penalty of the regression, and at most how many steps it takes."""
SHORT = 3
"""All ordinary messages of so few words are learnt from: one word seen in dangers must not be enough."""
ORDINARY = 3
"""One ordinary message in so many is learnt from, and all those that ask for nothing: they are the strangest."""
NEAR_TOPICS = frozenset(
    (
        "engin_guerre",
        "hebergement_urgence",
        "enfance_protection",
        "plainte_violences_menaces",
        "violences_femmes_orientation",
        "pollution_eau",
    )
)
"""Topics whose messages often tell a danger as well: they are not learnt as harmless."""
MAX_ALARMS, MAX_ALARMS_ON_LOOK_ALIKES = 0.03, 0.06
"""At most these shares of held-out requests (those marked ``danger`` apart), and of messages that speak of dangers and tell none, may
raise an alarm. A number shown for nothing costs a line on the screen; one that is not shown may cost a life."""
MAX_SURE, MAX_SURE_ON_LOOK_ALIKES = 0.001, 0.01
"""The same, for an alarm that hides the question."""
MAX_ALARMS_INSIDE = 0.01
"""The same, for one sentence of a message."""

NEVER = -100.0
"""Odds of a message that has no stretch."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class DangerMessage:
    """One message of ``data/urgences`` or of the held-out ones.

    Args:
        text: what a person typed.
        situation: "" when it tells no danger.
        numeros: first numbers that are right; those of the situation when empty.
        origin: which set it comes from.
    """

    text: str
    situation: str
    numeros: tuple[str, ...] = ()
    origin: str = ""


def read_danger_messages(path: Path) -> list[DangerMessage]:
    """Read dangers and look-alikes from a file, or from every ``*.jsonl`` of a folder.

    Raises:
        CorpusError: a line is not a JSON object with a ``texte``.
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path] if path.exists() else []
    rows: list[tuple[Path, dict[str, Any]]] = [(file, row) for file in files for row in read_jsonl(file)]
    return [
        DangerMessage(row["texte"], row.get("situation") or "", tuple(row.get("numeros") or ()), row.get("origine") or file.stem)
        for file, row in rows
    ]


def ensure_detector(paths: ProjectPaths, progress: Progress, force: bool = False) -> LearntDetector:
    """Return the detector of the tree, training it first when there is none or its inputs changed.

    Args:
        paths: the tree.
        progress: receives French sentences.
        force: train even when nothing changed.
    """
    if not force and is_detector_current(paths):
        try:
            return load_learnt(paths.emergency_model)
        except ModelError as error:
            progress(str(error))
    started = time.perf_counter()
    detector, figures = train(paths, progress)
    manifest = {
        "empreinte": emergency_fingerprint(paths),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "duree_s": round(time.perf_counter() - started, 1),
        "mesures": figures,
    }
    save(paths.emergency_model, detector, manifest)
    progress(f"détecteur d'urgences prêt en {manifest['duree_s']} s")
    return detector


def train(paths: ProjectPaths, progress: Progress) -> tuple[LearntDetector, dict[str, Any]]:
    """Return the detector learnt from the messages of the tree, its levels set, and what was measured on the held-out ones.

    Raises:
        CorpusError: there is no danger to learn, or a message names an unknown situation.
    """
    situations = load_situations(paths.referential / "urgences.yml")
    known = load_known(paths.referential, situations)
    dangers = read_danger_messages(paths.dangers) + [DangerMessage(words, situation) for words, situation in known.items()]
    held = read_danger_messages(paths.tuning / HELD_OUT)
    unknown = sorted({m.situation for m in (*dangers, *held) if m.situation} - set(situations))
    if unknown or not dangers:
        problem = f"la situation « {unknown[0]} » n'est pas dans urgences.yml." if unknown else "aucun message de danger."
        raise CorpusError([Problem("data/urgences", 0, problem)])
    topics = load_referential(paths.referential).topics
    corpus = read_corpus(paths.corpus)
    ordinary = [
        e.text for e in corpus if e.label not in topics or (e.label not in NEAR_TOPICS and (drawn(e.text) or len(e.text.split()) <= SHORT))
    ]
    turns = [row for path in sorted((paths.tuning / TURNS).glob("*.jsonl")) for row in read_jsonl(path)]
    ordinary += [str(row["texte"]) for row in turns if row.get("sujet") not in NEAR_TOPICS]
    progress(f"urgences : {len(dangers)} messages de danger ou qui y ressemblent, {len(ordinary)} ordinaires")
    calm = ordinary + calm_sentences(ordinary + [m.text for m in dangers if not m.situation])
    detector = fit([m.text for m in dangers] + calm, [m.situation or CALM for m in dangers] + [CALM] * len(calm))
    rows = [row for path in sorted(paths.tuning.glob("*.jsonl")) if path.name != HELD_OUT for row in read_jsonl(path)]
    requests = [str(row["texte"]) for row in rows if not row.get("danger")]
    detector.alarm = levels(detector, [m.text for m in held if not m.situation], requests)
    return detector, measure(detector, held, requests, situations)


def drawn(text: str) -> bool:
    """Whether an ordinary message is one of those learnt from: it does not depend on the others, so a new phrase moves nothing else."""
    return zlib.crc32(text.encode()) % ORDINARY == 0


def calm_sentences(texts: Sequence[str]) -> list[str]:
    """Return one sentence of each message that has several: read alone, an ordinary sentence must not look like a danger."""
    parts = [readings(text)[1] for text in texts]
    return [sentences[i % len(sentences)] for i, sentences in enumerate(parts) if sentences]


def fit(texts: Sequence[str], labels: Sequence[str]) -> LearntDetector:
    """Return a detector learnt from messages, one label each (a situation or :data:`~bot.emergency.learnt.CALM`).

    Multinomial logistic regression on TF-IDF counts, by L-BFGS: the same messages always give the same detector.
    """
    ngrams = NgramEncoder(NGRAMS)
    rows = ngrams.fit_counts([clean(text).plain for text in texts])
    names = sorted({*labels, CALM})
    index = {name: i for i, name in enumerate(names)}
    with threadpool_limits(1):
        counts = csr_matrix((rows.data * np.float32(SCALE), rows.indices, rows.indptr), shape=(len(rows), rows.columns))
        weights, bias = _regression(counts, np.array([index[label] for label in labels]), len(names))
    return LearntDetector(ngrams, CompactMatrix.of(weights * np.float32(SCALE)), bias, names)


def _regression(counts: csr_matrix, targets: NDArray[np.int64], labels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    shape, turned, rows = (counts.shape[1] + 1, labels), counts.T.tocsr(), np.arange(counts.shape[0])

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(shape).astype(np.float32)
        scores = counts @ weights[:-1] + weights[-1]
        scores -= scores.max(axis=1, keepdims=True)
        errors = np.exp(scores)
        total = errors.sum(axis=1, keepdims=True)
        entropy = float((np.log(total[:, 0]) - scores[rows, targets]).sum())
        errors /= total
        errors[rows, targets] -= 1
        gradient = np.vstack([turned @ errors + weights[:-1] / np.float32(STRENGTH), errors.sum(axis=0)])
        return entropy + 0.5 / STRENGTH * float((weights[:-1] ** 2).sum()), gradient.ravel().astype(np.float64)

    found = minimize(loss, np.zeros(shape[0] * labels), method="L-BFGS-B", jac=True, options={"maxiter": ITERATIONS, "maxcor": 5}).x
    learnt = found.reshape(shape).astype(np.float32)
    return learnt[:-1], learnt[-1].copy()


def levels(detector: LearntDetector, look_alikes: Sequence[str], requests: Sequence[str]) -> Alarm:
    """Return the lowest levels that few messages without danger go over."""
    if not look_alikes or not requests:
        return Alarm()
    alike, plain = whole_odds(detector, look_alikes), whole_odds(detector, requests)

    def least(share_alike: float, share_plain: float) -> float:
        return float(max(np.quantile(alike, 1 - share_alike), np.quantile(plain, 1 - share_plain)))

    stretches = stretch_odds(detector, [*requests, *look_alikes])
    return Alarm(
        seuil=round(least(MAX_ALARMS_ON_LOOK_ALIKES, MAX_ALARMS), 3),
        extrait=round(max(least(MAX_ALARMS_ON_LOOK_ALIKES, MAX_ALARMS), float(np.quantile(stretches, 1 - MAX_ALARMS_INSIDE))), 3),
        sur=round(least(MAX_SURE_ON_LOOK_ALIKES, MAX_SURE), 3),
    )


def whole_odds(detector: LearntDetector, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return how likely a danger is in each text read as a whole."""
    return detector.read([" ".join(readings(text)[0]) for text in texts])[0]


def stretch_odds(detector: LearntDetector, texts: Sequence[str]) -> NDArray[np.float64]:
    """Return how likely a danger is in the worst sentence of each text, :data:`NEVER` for a short one."""
    parts = [readings(text)[1] for text in texts]
    odds = iter(detector.read([part for stretches in parts for part in stretches] or [""])[0])
    return np.array([max((next(odds) for _ in stretches), default=NEVER) for stretches in parts])


def measure(
    detector: LearntDetector, held: Sequence[DangerMessage], requests: Sequence[str], situations: dict[str, tuple[str, ...]]
) -> dict[str, Any]:
    """Return the shares of dangers seen, of right numbers first, and of false alarms, on held-out messages."""
    sensed = {text: detector.sense(text) for text in {*requests, *(m.text for m in held)}}

    def seen(text: str) -> bool:
        found = sensed[text]
        return found is not None and found.alarm

    def right(message: DangerMessage) -> bool:
        found = sensed[message.text]
        return found is not None and situations[found.situation][0] in (message.numeros or situations[message.situation])

    dangers, alike = [m for m in held if m.situation], [m for m in held if not m.situation]
    return {
        "seuils": asdict(detector.alarm),
        "dangers": len(dangers),
        "vus": _share([seen(m.text) for m in dangers]),
        "bon_numero": _share([right(m) for m in dangers if seen(m.text)]),
        "sosies": len(alike),
        "fausses_alertes_sosies": _share([seen(m.text) for m in alike]),
        "demandes": len(requests),
        "fausses_alertes_demandes": _share([seen(text) for text in requests]),
        "par_origine": {
            origin: _share([seen(m.text) for m in held if m.origin == origin and m.situation])
            for origin in sorted({m.origin for m in dangers})
        },
    }


def save(folder: Path, detector: LearntDetector, manifest: dict[str, Any]) -> None:
    """Write the detector to ``folder``, all or nothing: a crash in the middle leaves the old one, or none."""
    tensors, texts = detector.as_tensors()
    with drafting(folder) as draft:
        save_file(dict(tensors), draft / MODEL_FILE, texts)
        write_json(draft / MANIFEST_FILE, {**manifest, "sha256": sha256_of(draft / MODEL_FILE)})
        put_in_place(draft, folder)


def _share(seen: Sequence[bool]) -> float | None:
    return round(sum(seen) / len(seen), 4) if seen else None
