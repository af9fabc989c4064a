"""A small map of the Lot, drawn from the positions of its town halls: nothing is asked of another site."""

from __future__ import annotations

import math
from functools import lru_cache

from bot.base.paths import project_paths
from bot.referential.directory import FOLDER, Directory

WIDTH, HEIGHT = 100, 97
_WEST, _NORTH = 0.96, 45.07
"""Degrees at the left and at the top."""
_SCALE = 110.0
"""Units of the drawing in a degree of latitude."""
_FLATTENED = math.cos(math.radians(44.6))
_WINDS = ("à l'est", "au nord-est", "au nord", "au nord-ouest", "à l'ouest", "au sud-ouest", "au sud", "au sud-est")


def on_map(position: tuple[float, float]) -> tuple[float, float]:
    """Return where a latitude and a longitude (degrees) are on the drawing, from its top left."""
    return round((position[1] - _WEST) * _FLATTENED * _SCALE, 1), round((_NORTH - position[0]) * _SCALE, 1)


def heading(start: tuple[float, float], end: tuple[float, float]) -> str:
    """Return in which direction ``end`` is from ``start``, in French: « au nord-est »."""
    angle = math.atan2(end[0] - start[0], (end[1] - start[1]) * _FLATTENED)
    return _WINDS[round(angle / (math.pi / 4)) % 8]


@lru_cache(maxsize=1)
def communes_path() -> str:
    """Return the communes of the Lot as one SVG path of dots."""
    places = Directory(project_paths().referential / FOLDER).homes.values()
    return "".join("M{} {}h0".format(*on_map(place)) for place in sorted(places))
