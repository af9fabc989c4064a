"""A small learnt judgement: a few numbers in, one probability out. Plain Python: it is asked a few times a message."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import Any

Layer = tuple[tuple[tuple[float, ...], ...], tuple[float, ...]]
"""Weights, one row a unit, and what is added to each unit."""
FARTHEST = 30.0
"""Log-odds beyond which a probability no longer moves."""


@dataclass(frozen=True)
class Scorer:
    """Layers of rectified units, the last of one unit alone.

    Args:
        layers: none when nothing was learnt.
    """

    layers: tuple[Layer, ...] = ()

    def probability(self, values: Sequence[float]) -> float:
        """Return the probability for one case.

        Args:
            values: as many as the weights of each unit of the first layer.
        """
        for weights, added in self.layers[:-1]:
            values = [max(0.0, sum(map(mul, row, values)) + a) for row, a in zip(weights, added, strict=True)]
        weights, added = self.layers[-1]
        odds = sum(map(mul, weights[0], values)) + added[0]
        return 1.0 / (1.0 + math.exp(-max(-FARTHEST, min(FARTHEST, odds))))

    def takes(self, count: int) -> bool:
        """Whether it was learnt for this many values."""
        return bool(self.layers) and len(self.layers[0][0][0]) == count

    @classmethod
    def from_lists(cls, layers: Any) -> Scorer:
        """Build again from :meth:`as_lists`.

        Raises:
            TypeError, ValueError: these are no layers.
        """
        return cls(tuple((tuple(tuple(map(float, row)) for row in weights), tuple(map(float, added))) for weights, added in layers))

    def as_lists(self) -> list[Any]:
        """Return plain values, ready for JSON."""
        return [[[list(row) for row in weights], list(added)] for weights, added in self.layers]
