"""Several requests are told from one by what is understood of the parts and of the whole."""

from __future__ import annotations

import pytest

from bot.routing.decision import Reading
from bot.routing.several import differ, features, is_open, parts_of, smallest
from bot.understanding.segmentation import Joint, Segmentation, segmentations

SERVICES = {"passeport": "titres", "permis_perdu": "titres", "cantine": "mairie"}


def reading(**topics: float) -> Reading:
    services: dict[str, float] = {}
    for topic, probability in topics.items():
        services[SERVICES[topic]] = services.get(SERVICES[topic], 0.0) + probability
    return Reading(topics, services, {}, {})


CUT = Segmentation(("refaire mon passeport", "inscrire ma fille"), "", Joint.AND)


def test_the_door_of_each_part() -> None:
    parts = parts_of(CUT, {CUT.parts[0]: reading(passeport=0.9), CUT.parts[1]: reading(cantine=0.8, passeport=0.2)}, SERVICES)
    assert [(p.service, p.topic, p.certainty) for p in parts] == [("titres", "passeport", 0.9), ("mairie", "cantine", 0.8)]


@pytest.mark.parametrize("second", [reading(passeport=0.9), reading()])
def test_parts_that_ask_the_same_or_nothing_are_no_requests(second: Reading) -> None:
    assert parts_of(CUT, {CUT.parts[0]: reading(passeport=1.0), CUT.parts[1]: second}, SERVICES) == ()


def test_two_topics_of_one_service_are_two_requests() -> None:
    assert len(parts_of(CUT, {CUT.parts[0]: reading(passeport=1.0), CUT.parts[1]: reading(permis_perdu=0.9)}, SERVICES)) == 2


@pytest.mark.parametrize("share", [0.5, 1e-3, 0.0])
def test_features_are_small_numbers(share: float) -> None:
    parts = parts_of(CUT, {CUT.parts[0]: reading(passeport=1.0), CUT.parts[1]: reading(cantine=0.9)}, SERVICES)
    values = features(CUT, parts, reading(passeport=1 - share, cantine=share), "refaire mon passeport et inscrire ma fille")
    assert all(-2 <= v <= 2 for v in values)


def test_only_different_readings_of_the_smallest_parts_are_worth_more_reading() -> None:
    cut = segmentations("refaire mon passeport, inscrire ma fille, merci à vous")
    assert smallest(cut) == ("refaire mon passeport", "merci à vous", "inscrire ma fille")
    assert differ([reading(passeport=0.9), reading(cantine=0.4)])
    assert not differ([reading(passeport=0.9), reading(cantine=0.05), reading(passeport=0.5)])
    assert not differ([])


def test_a_sure_message_is_not_cut_where_nothing_joins() -> None:
    assert is_open(reading(passeport=0.6, cantine=0.4)) and not is_open(reading(passeport=0.99))
