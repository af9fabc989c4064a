"""What the model read in one text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Understanding:
    """What the model read in one text.

    Args:
        probabilities: calibrated probability of each label (topics, acts, non-requests); sums to 1.
    """

    probabilities: Mapping[str, float]

    def best(self) -> tuple[str, float]:
        """Return the most probable label and its probability."""
        label = max(self.probabilities, key=self.probabilities.__getitem__)
        return label, self.probabilities[label]
