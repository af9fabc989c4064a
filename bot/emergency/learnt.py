"""The learnt detector: a linear reading of word and character n-grams, one class per situation and one for no danger.

Needs numpy only; learning is in :mod:`bot.learning.emergencies`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError  # type: ignore[attr-defined]

from bot.base.errors import ModelCorrupt, ModelMissing
from bot.base.files import sha256_of
from bot.emergency.rules import sentences
from bot.language.cleaning import MAX_CHARACTERS, clean
from bot.understanding.config import NgramConfig
from bot.understanding.features import CompactMatrix, NgramEncoder
from bot.understanding.tensors import Tensors, read_tensors

MODEL_FILE, MANIFEST_FILE = "modele.safetensors", "manifeste.json"
CALM = "sans_danger"
"""The class of messages that tell no danger."""
LEAST, STRETCH = 4, 40
"""Words of what is read apart in a message, at least and at most."""
LONGEST = 40
"""Letters of a word that the cut of a long message steps over."""


@dataclass(frozen=True)
class Alarm:
    """Levels of the logarithm of the odds of a danger, set on held-out messages (:mod:`bot.learning.emergencies`).

    Args:
        seuil: from which the numbers are shown.
        extrait: the same, for one sentence of a message.
        sur: from which nothing stays behind the numbers but a door that is sure.
    """

    seuil: float = 2.0
    extrait: float = 3.0
    sur: float = 4.0


@dataclass(frozen=True)
class Sensed:
    """What was read in a message.

    Args:
        situation: the most likely danger.
        odds: logarithm of the odds of any danger, less what a stretch must have more than a whole message.
        alarm: whether the numbers of the situation are shown.
        sure: whether nothing but a sure door stays behind them.
    """

    situation: str
    odds: float
    alarm: bool
    sure: bool


class LearntDetector:
    """Reads how likely a danger is, and which.

    Args:
        ngrams: counts words and letters.
        weights: (terms, labels).
        bias: (labels,).
        labels: situations and :data:`CALM`.
        alarm: see :class:`Alarm`.

    Raises:
        ValueError: the shapes do not fit together, or there is no :data:`CALM`.
    """

    def __init__(
        self, ngrams: NgramEncoder, weights: CompactMatrix, bias: NDArray[np.float32], labels: Sequence[str], alarm: Alarm | None = None
    ) -> None:
        if weights.values.shape != (len(ngrams.idf), len(labels)) or bias.shape != (len(labels),) or CALM not in labels:
            raise ValueError("the parts of the detector do not fit together")
        self.ngrams, self.weights, self.bias = ngrams, weights, bias
        self.labels = tuple(labels)
        self.alarm = alarm or Alarm()
        self._dangers = np.array([i for i, label in enumerate(self.labels) if label != CALM])
        self._calm = self.labels.index(CALM)

    def sense(self, text: str, spelt: Callable[[str], str] = str, told: Sequence[str] | None = None) -> Sensed | None:
        """Return the most worrying reading of a message; ``None`` when it has no word.

        Args:
            text: what the person typed, of any length: all of it is read.
            spelt: puts the spelling of plain words right.
            told: its sentences, when they are at hand.
        """
        wholes, stretches = readings(text, told)
        if not wholes:
            return None
        odds, situations = self.read([spelt(plain) for plain in (*wholes, *stretches)])
        odds[len(wholes) :] -= self.alarm.extrait - self.alarm.seuil
        best = int(odds.argmax())
        found = float(odds[best])
        return Sensed(situations[best], found, found >= self.alarm.seuil, found >= self.alarm.sur)

    def read(self, plain: Sequence[str]) -> tuple[NDArray[np.float64], list[str]]:
        """Return for each text (plain words) the logarithm of the odds of a danger, and the likeliest."""
        scores = (self.weights.left_multiply(self.ngrams.counts(plain)) + self.bias).astype(np.float64)
        dangers = scores[:, self._dangers]
        top = dangers.max(axis=1)
        odds = top + np.log(np.exp(dangers - top[:, None]).sum(axis=1)) - scores[:, self._calm]
        return odds, [self.labels[self._dangers[i]] for i in dangers.argmax(axis=1)]

    def as_tensors(self) -> tuple[Tensors, dict[str, str]]:
        """Return all that was learnt, as arrays and texts."""
        tensors: Tensors = {
            "idf": self.ngrams.idf,
            "poids": np.asarray(self.weights.values),
            "echelle": self.weights.scale,
            "biais": self.bias,
        }
        texts = {
            "reglages": json.dumps(asdict(self.ngrams.config)),
            "etiquettes": "\n".join(self.labels),
            "mots": "\n".join(self.ngrams.words),
            "lettres": "\n".join(self.ngrams.characters),
            "seuils": json.dumps(asdict(self.alarm)),
        }
        return tensors, texts

    @classmethod
    def from_tensors(cls, tensors: Tensors, texts: Mapping[str, str]) -> LearntDetector:
        """Build the detector again from what :meth:`as_tensors` returned.

        Raises:
            KeyError, TypeError, ValueError: something is missing, or shapes do not fit together.
        """
        settings: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(texts["reglages"]).items()
        }
        ngrams = NgramEncoder(NgramConfig(**settings))
        ngrams.set_terms(_lines(texts["mots"]), _lines(texts["lettres"]), tensors["idf"])
        weights = CompactMatrix(tensors["poids"], tensors["echelle"])
        return cls(ngrams, weights, tensors["biais"], texts["etiquettes"].split("\n"), Alarm(**json.loads(texts["seuils"])))


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def load_learnt(folder: Path) -> LearntDetector:
    """Read the detector in ``folder``.

    Raises:
        ModelMissing: there is none.
        ModelCorrupt: it cannot be read, or does not match its manifest.
    """
    try:
        manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        if manifest["sha256"] != sha256_of(folder / MODEL_FILE):
            raise ValueError("the file does not match its manifest")
        return LearntDetector.from_tensors(*read_tensors(folder / MODEL_FILE))
    except FileNotFoundError as error:
        raise ModelMissing("Le détecteur d'urgences n'est pas entraîné. Lancez « bot train ».") from error
    except (AttributeError, KeyError, OSError, SafetensorError, TypeError, ValueError) as error:
        raise ModelCorrupt("Le détecteur d'urgences est abîmé. Relancez « bot train ».") from error


def readings(text: str, told: Sequence[str] | None = None) -> tuple[list[str], list[str]]:
    """Return what is read of a message, as plain words: all of it, in one piece when it can be, then each of its sentences.

    A danger may stand in one sentence of a request. A long sentence is read by stretches, each word in two of them; a message of
    one short sentence is read once. The cost grows as the message.
    """
    wholes = [plain for piece in _pieces(text) if (plain := clean(piece).plain)]
    parts = [part for sentence in (sentences(text) if told is None else told) for part in _stretches(sentence.split())]
    return wholes, parts if len(parts) > 1 else []


def _pieces(text: str) -> Iterator[str]:
    """Cut a message in pieces that are cleaned whole, all of about the same size, between words where it can be."""
    count = 1 if len(text) <= MAX_CHARACTERS else -(-len(text) // (MAX_CHARACTERS - LONGEST))
    edges = (len(text) * i // count for i in range(count))
    starts = [text.rfind(" ", max(0, edge - LONGEST), edge) + 1 or edge for edge in edges]
    return (text[start:end] for start, end in pairwise([*starts, len(text)]))


def _stretches(words: Sequence[str]) -> Iterator[str]:
    if len(words) <= STRETCH:
        if len(words) >= LEAST:
            yield " ".join(words)
        return
    for start in range(0, len(words) - STRETCH // 2, STRETCH // 2):
        yield " ".join(words[start : start + STRETCH])
