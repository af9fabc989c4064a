"""Several requests are told from one by what is understood of the parts and of the whole."""

from __future__ import annotations

import pytest

from bot.routing.decision import Reading
from bot.routing.several import Part, doors_of, features, parts_of, promising, smallest, worth_reading
from bot.understanding.segmentation import Joint, Segmentation, segmentations

SERVICES = {"passeport": "titres", "permis_perdu": "titres", "cantine": "mairie"}


def reading(**topics: float) -> Reading:
    services: dict[str, float] = {}
    for topic, probability in topics.items():
        services[SERVICES[topic]] = services.get(SERVICES[topic], 0.0) + probability
    return Reading(topics, services, {}, {})


CUT = Segmentation(("refaire mon passeport", "inscrire ma fille"), "", Joint.AND)


def parts(first: Reading, second: Reading) -> tuple[Part, ...]:
    return parts_of(CUT, doors_of(dict(zip(CUT.texts, (first, second), strict=True)), SERVICES))


def test_the_door_of_each_part() -> None:
    found = parts(reading(passeport=0.9), reading(cantine=0.8, passeport=0.2))
    assert [(p.service, p.topic, p.certainty) for p in found] == [("titres", "passeport", 0.9), ("mairie", "cantine", 0.8)]


@pytest.mark.parametrize("second", [reading(passeport=0.9), reading()])
def test_parts_that_ask_the_same_or_nothing_are_no_requests(second: Reading) -> None:
    assert parts(reading(passeport=1.0), second) == ()


def test_two_topics_of_one_service_are_two_requests() -> None:
    assert len(parts(reading(passeport=1.0), reading(permis_perdu=0.9))) == 2


def test_the_context_is_read_but_not_shown() -> None:
    cut = Segmentation(("Maire : la salle", "le toit"), "Maire :", Joint.AND)
    read = doors_of({"Maire : la salle": reading(passeport=1.0), "Maire : le toit": reading(cantine=1.0)}, SERVICES)
    assert [part.words for part in parts_of(cut, read)] == ["Maire : la salle", "le toit"]


@pytest.mark.parametrize("share", [0.5, 1e-3, 0.0])
def test_features_are_small_numbers(share: float) -> None:
    found = parts(reading(passeport=1.0), reading(cantine=0.9))
    values = features(CUT, found, reading(passeport=1 - share, cantine=share), "refaire mon passeport et inscrire ma fille")
    assert all(-2 <= v <= 2 for v in values)


def test_only_cuts_whose_small_parts_ask_for_different_things_are_read_further() -> None:
    cuts = segmentations("refaire mon passeport, inscrire ma fille, merci à vous")
    own = smallest(cuts)
    assert own == ("refaire mon passeport", "merci à vous", "inscrire ma fille")

    def kept(*found: Reading) -> list[tuple[str, ...]]:
        return [cut.texts for cut in promising(cuts, dict(zip(own, found, strict=True)))]

    assert kept(reading(passeport=0.9), reading(passeport=0.1), reading(cantine=0.4)) == [
        ("refaire mon passeport", "inscrire ma fille, merci à vous")
    ]
    assert kept(reading(passeport=0.9), reading(passeport=0.5), reading(cantine=0.05)) == []
    assert promising((), {}) == ()


@pytest.mark.parametrize(
    ("text", "share", "read"),
    [
        ("passeport cantine", 0.4, True),
        ("passeport cantine", 0.01, False),
        ("mon passeport, la cantine", 0.01, True),
        ("mon passeport, la cantine", 1e-6, False),
        ("mon passeport + la cantine", 1e-6, True),
    ],
)
def test_parts_are_read_only_when_something_speaks_for_a_second_request(text: str, share: float, read: bool) -> None:
    assert bool(worth_reading(text, reading(passeport=1 - share, cantine=share))) is read
