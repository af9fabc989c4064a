"""Several requests are told from one by what is understood of the parts and of the whole."""

from __future__ import annotations

import math

import pytest

from bot.routing.decision import Reading
from bot.routing.several import CLARITY, ENOUGH, likely_segmentations, score
from bot.understanding.segmentation import Segmentation

TEXT = "refaire mon passeport et inscrire ma fille"


def reading(**services: float) -> Reading:
    return Reading({}, services, {}, {})


def cut(clues: float = 0.0) -> Segmentation:
    return Segmentation(("refaire mon passeport", "inscrire ma fille"), "", clues)


def test_parts_of_one_service_are_one_request() -> None:
    assert score(cut(), [reading(titres=1.0), reading(titres=0.9)], reading(titres=1.0)) == -math.inf


def test_a_part_without_a_service_is_no_request() -> None:
    assert score(cut(), [reading(titres=1.0), reading()], reading(titres=1.0)) == -math.inf


@pytest.mark.parametrize("weaker", ["part", "trace", "clues"])
def test_each_piece_of_evidence_counts(weaker: str) -> None:
    best = score(cut(1.0), [reading(titres=0.99), reading(mairie=0.99)], reading(titres=0.5, mairie=0.5))
    part = reading(mairie=0.8 if weaker == "part" else 0.99)
    whole = reading(titres=0.99, mairie=0.01) if weaker == "trace" else reading(titres=0.5, mairie=0.5)
    assert score(cut(0.0 if weaker == "clues" else 1.0), [reading(titres=0.99), part], whole) < best


def test_clarity_has_a_ceiling() -> None:
    whole = reading(titres=0.5, mairie=0.5)
    assert score(cut(), [reading(titres=1.0), reading(mairie=1.0)], whole) < CLARITY


@pytest.mark.parametrize("share", [0.5, 0.1, 1e-3, 1e-6, 0.0])
def test_only_what_cannot_be_enough_is_left_unread(share: float) -> None:
    whole = reading(titres=1 - share, mairie=share)
    perfect = [reading(titres=1.0), reading(mairie=1.0)]
    kept = likely_segmentations(TEXT, whole)
    for segmentation in likely_segmentations(TEXT, reading(titres=0.5, mairie=0.5)):
        assert (score(segmentation, perfect, whole) >= ENOUGH) == (segmentation in kept)


def test_nothing_is_likely_when_nothing_was_understood() -> None:
    assert likely_segmentations(TEXT, reading()) == ()
