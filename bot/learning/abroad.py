"""Learn what notions weigh, from the messages of all languages at once: a second, always the same weights.

A logistic regression (L-BFGS) on notions and their pairs. The level is set on odds given by a regression that had not seen the
message: each fifth in turn.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from bot.base.paths import ProjectPaths
from bot.emergency.abroad import WEIGHTS, WORDS, Table, Weights, features, load_table
from bot.language.lexicon import tokens_of
from bot.language.talk import TABLE, pieces
from bot.language.talk import features as talk_features
from bot.learning.corpus import read_jsonl

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
MAX_DOUBTS, MAX_ALARMS, MAX_SURE = 0.08, 0.03, 0.005
"""Shares of messages without danger over each level."""
FOLDS = 5

Row = dict[str, Any]


def read_messages(paths: ProjectPaths) -> list[Row]:
    """Return the messages to learn from, in order.

    Raises:
        CorpusError: a line cannot be read.
    """
    return [row for path in sorted((paths.dangers / FOLDER).glob("*.jsonl")) for row in read_jsonl(path)]


def learn(table: Table, rows: Sequence[Row]) -> Weights:
    """Return the weights learnt from messages, with their levels.

    Args:
        table: words and notions.
        rows: with ``texte`` and ``situation``.
    """
    told = []
    for row in rows:
        sign = table.lexicon.read(tokens_of(row["texte"]))
        told.append(features(sign, table.neutral) if sign is not None and sign.notions else [])
    seen = Counter(feature for message in told for feature in message)
    names = sorted(name for name, count in seen.items() if "+" not in name or count >= PAIR_SEEN)
    column = {name: i for i, name in enumerate(names)}
    counts = np.zeros((len(rows), len(names)))
    for i, message in enumerate(told):
        for name in message:
            if name in column:
                counts[i, column[name]] = PAIR if "+" in name else 1.0
    dangers = np.array([bool(row["situation"]) for row in rows])
    fold = np.arange(len(rows)) % FOLDS
    odds = np.empty(len(rows))
    for k in range(FOLDS):
        weights = _regression(counts[fold != k], dangers[fold != k])
        odds[fold == k] = counts[fold == k] @ weights[:-1] + weights[-1]
    asks = ~dangers & np.array([not row.get("acte") for row in rows])  # « thanks » is too easy to set a level
    calm = odds[asks & np.array([bool(message) for message in told])]
    weights = _regression(counts, dangers)
    worth = {name: round(float(w) * (PAIR if "+" in name else 1.0), 2) for name, w in zip(names, weights, strict=False)}
    silent = int(asks.sum()) - len(calm)  # nothing is read in them: they never alarm
    levels = np.quantile(np.append(calm, np.full(silent, odds.min())), [1 - share for share in (MAX_DOUBTS, MAX_ALARMS, MAX_SURE)])
    return Weights({name: w for name, w in worth.items() if w}, round(float(weights[-1]), 2), *(round(float(x), 2) for x in levels))


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
    """Learn again, and write the weights beside the words.

    Raises:
        CorpusError: a message cannot be read.
        ReferentialError: the words have mistakes.
    """
    rows = read_messages(paths)
    weights = learn(load_table(paths.referential / WORDS), rows)
    for name, table in ((WEIGHTS, asdict(weights)), (TABLE, learn_talk(rows))):
        text = json.dumps(table, ensure_ascii=False, indent=1, sort_keys=True)
        (paths.referential / name).write_text(f"{text}\n", encoding="utf-8")
    return weights


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
