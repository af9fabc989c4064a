"""Learn how the two voices weigh a message of another language, from those of all languages at once: always the same weights.

Two logistic regressions (L-BFGS): on notions and their pairs, and on the vector of the message. Levels are set on odds given by
regressions that had not seen the message: each fifth in turn.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bot.base.paths import ProjectPaths
from bot.emergency.abroad import WEIGHTS, WORDS, Weights, features, load_table
from bot.language.lexicon import UNSPACED, tokens_of
from bot.language.talk import TABLE, pieces
from bot.language.talk import features as talk_features
from bot.learning.corpus import read_jsonl
from bot.learning.vector_cache import remembered_vectors
from bot.understanding.encoders import MEANING, meaning

FOLDER = "langues"
"""In ``data/urgences``: one message a line, with its ``langue`` and a ``situation``, empty when it tells no danger; an ``acte`` when
it only greets, thanks…"""
STRENGTH = 1.0
"""Inverse penalty of the regression."""
TALK_STRENGTH = 10.0
"""The same, for small talk: a word is seen once or twice."""
LIGHT = 0.3
"""Weight under which a piece tells nothing of an act."""
PAIR_SEEN = 4
"""Times two notions must be told together to weigh as a pair."""
PAIR = 0.7
"""Value of a pair, a notion being 1: a pair is learnt more slowly."""
SPREAD = 9.0
"""Vectors of the encoder are close to one another: their distance to the middle one, times this, is about 4."""
WORD_SEEN = 2
"""Messages that must hold a word for it to tell their language."""
MAX_DOUBTS, MAX_ALARMS, MAX_SURE = 0.08, (0.03, 0.02), 0.005
"""Shares of messages without danger over each level; of alarms, for the first voice alone, then for both."""
FOLDS = 5

Row = dict[str, Any]


@dataclass(frozen=True)
class SecondVoice:
    """What was learnt of the meaning of messages.

    Args:
        weights: of the numbers of a vector, then the bias.
        odds: of messages, each given by weights not learnt from it.
    """

    weights: Sequence[float]
    odds: NDArray[np.float64]


def read_messages(paths: ProjectPaths) -> list[Row]:
    """Return the messages to learn from, in order.

    Raises:
        CorpusError: a line cannot be read.
    """
    return [row for path in sorted((paths.dangers / FOLDER).glob("*.jsonl")) for row in read_jsonl(path)]


def learn(words: Path, rows: Sequence[Row], second: SecondVoice | None = None) -> Weights:
    """Return the weights of the two voices, with their levels; those of the first alone when nothing is told of the second.

    Args:
        words: the file of words and notions.
        rows: with ``texte``, ``langue`` and ``situation``.
        second: its odds are those of ``rows``, in the same order.
    """
    spoken = words_of_languages(rows)
    table = load_table(words, spoken)
    signs = (table.lexicon.read(tokens_of(row["texte"])) for row in rows)
    told = [features(sign, table.neutral) if sign is not None else [] for sign in signs]
    seen = Counter(feature for message in told for feature in message)
    names = sorted(name for name, count in seen.items() if "+" not in name or count >= PAIR_SEEN)
    worth = np.array([PAIR if "+" in name else 1.0 for name in names])
    column = {name: i for i, name in enumerate(names)}
    counts = np.zeros((len(rows), len(names)))
    for i, message in enumerate(told):
        for name in message:
            if name in column:
                counts[i, column[name]] = worth[column[name]]
    dangers = np.array([bool(row["situation"]) for row in rows])
    weights, odds = _learnt(counts, dangers)
    asks = ~dangers & np.array([not row.get("acte") for row in rows])  # « thanks » is too easy to set a level
    poids = {name: w for name, v in zip(names, weights[:-1] * worth, strict=True) if (w := round(float(v), 2))}
    together = _levels((odds + second.odds)[asks], MAX_ALARMS[1]) if second else ()
    mots = {language: " ".join(said) for language, said in spoken.items()}
    return Weights(
        poids, round(float(weights[-1]), 2), _levels(odds[asks], MAX_ALARMS[0]), second.weights if second else (), together, mots
    )


def learn_second(rows: Sequence[Row], vectors: NDArray[np.float32], count: int) -> SecondVoice:
    """Return the weights of the second voice, learnt from messages of all languages, French too.

    Args:
        rows: with ``situation``.
        vectors: what each means, (n_rows, dimensions).
        count: rows, from the first, whose odds are wanted.
    """
    middle = vectors.mean(axis=0)
    weights, odds = _learnt((vectors - middle) * SPREAD, np.array([bool(row["situation"]) for row in rows]))
    weights[-1] -= weights[:-1] @ middle * SPREAD
    weights[:-1] *= SPREAD
    return SecondVoice([round(float(w), 2) for w in weights], odds[:count])


def words_of_languages(rows: Iterable[Row]) -> dict[str, list[str]]:
    """Return the words that two messages of a language hold, or more."""
    said: dict[str, Counter[str]] = {}
    for row in rows:
        if row["langue"] != UNSPACED:
            said.setdefault(row["langue"], Counter()).update(set(tokens_of(row["texte"])))
    return {lang: sorted(w for w, n in count.items() if n >= WORD_SEEN and not w.isdigit()) for lang, count in sorted(said.items())}


def learn_talk(rows: Sequence[Row]) -> dict[str, Any]:
    """Return what the pieces of short messages weigh for each act, against all the other messages, and the languages that use them.

    Args:
        rows: with ``texte``, ``langue`` and, for some, ``acte``; the only words in capitals of those are places, of no language.
    """
    told = [pieces(tokens_of(row["texte"])) for row in rows]
    acts = sorted({row["acte"] for row in rows if row.get("acte")})
    spoken: dict[str, list[str]] = {}
    for row, message in zip(rows, told, strict=True):
        if row.get("acte"):
            for piece in message:
                if row["langue"] not in (codes := spoken.setdefault(piece, [])):
                    codes.append(row["langue"])
    places = {token for row in rows for word in row["texte"].split() if word.istitle() and row.get("acte") for token in tokens_of(word)}
    spoken = {piece: codes for piece, codes in spoken.items() if piece not in places}
    read = [talk_features(message, spoken) for message in told]
    column = {name: i for i, name in enumerate(sorted({name for message in read for name in message} - {"_biais"}))}
    counts = np.zeros((len(rows), len(column)))
    for i, message in enumerate(read):
        counts[i, [column[name] for name in message if name != "_biais"]] = 1.0
    poids = {}
    for act in acts:
        weights = _regression(counts, np.array([row.get("acte") == act for row in rows]), TALK_STRENGTH)
        found = {name: round(float(weights[i]), 1) for name, i in column.items()} | {"_biais": round(float(weights[-1]), 1)}
        poids[act] = {name: w for name, w in found.items() if abs(w) >= LIGHT}
    return {"langues": {piece: " ".join(codes) for piece, codes in sorted(spoken.items())}, "poids": poids}


def write_weights(paths: ProjectPaths) -> Weights:
    """Learn again, and write the weights beside the words; the vectors of messages are kept beside the models.

    Raises:
        CorpusError: a message cannot be read.
        ReferentialError: the words have mistakes.
        SettingsError: the encoder is not installed.
    """
    rows = read_messages(paths)
    french = [row for path in sorted(paths.dangers.glob("*.jsonl")) for row in read_jsonl(path)]
    with remembered_vectors(paths.vectors, [MEANING]):
        vectors = np.vstack([meaning(row["texte"]) for row in (*rows, *french)])
    weights = learn(paths.referential / WORDS, rows, learn_second([*rows, *french], vectors, len(rows)))
    for name, table in ((WEIGHTS, asdict(weights)), (TABLE, learn_talk(rows))):
        text = json.dumps(table, ensure_ascii=False, indent=1, sort_keys=True)
        (paths.referential / name).write_text(f"{text}\n", encoding="utf-8")
    return weights


def _learnt(values: NDArray[Any], dangers: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what is learnt from all messages, and the odds of each given by what was not learnt from it."""
    odds = np.empty(len(values))
    for fold in (np.arange(len(values)) % FOLDS == k for k in range(FOLDS)):
        weights = _regression(values[~fold], dangers[~fold])
        odds[fold] = values[fold] @ weights[:-1] + weights[-1]
    return _regression(values, dangers), odds


def _levels(calm: NDArray[np.float64], alarms: float) -> list[float]:
    """Return the three levels, from the odds of messages without danger."""
    return [round(float(x), 2) for x in np.quantile(calm, [1 - share for share in (MAX_DOUBTS, alarms, MAX_SURE)])]


def _regression(counts: NDArray[np.float64], dangers: NDArray[np.bool_], strength: float = STRENGTH) -> NDArray[np.float64]:
    """Return the weights, then the bias, which is not penalised."""
    signs = np.where(dangers, 1.0, -1.0)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = signs * (counts @ flat[:-1] + flat[-1])
        slope = -signs / (1 + np.exp(np.minimum(margins, 500)))
        gradient = np.append(counts.T @ slope + flat[:-1] / strength, slope.sum())
        return float(np.logaddexp(0, -margins).sum() + 0.5 / strength * (flat[:-1] ** 2).sum()), gradient

    start = np.zeros(counts.shape[1] + 1)
    return np.asarray(minimize(loss, start, method="L-BFGS-B", jac=True, options={"maxiter": 500}).x, dtype=np.float64)
