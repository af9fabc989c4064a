"""Several requests are told from one by what is understood of the parts and of the whole."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bot.language.cleaning import clean
from bot.referential import Referential
from bot.routing.decision import Decider, Reading, Thresholds
from bot.routing.doors import Doors
from bot.routing.scorer import Scorer
from bot.routing.several import Part, features, parts_of, promising, smallest, worth_reading
from bot.understanding.outcome import Understanding
from bot.understanding.segmentation import Joint, Segmentation, segmentations

SERVICES = {"passeport": "titres", "permis_perdu": "titres", "cantine": "mairie"}
LABELS = ("bonjour", "passeport", "ancien_passeport", "permis_perdu", "cantine", "vague")


def doors(aliases: Mapping[str, str] | None = None) -> Doors:
    acts = {"bonjour": SimpleNamespace(famille="salutation"), "vague": SimpleNamespace(famille="vague")}
    publics = {"passeport": 1.0, "permis_perdu": 0.1, "cantine": 1.0}
    decider: Any = SimpleNamespace(services=SERVICES, acts=acts, weight=lambda topic, _profile: publics[topic])
    return Doors(decider, LABELS, aliases)


def read(found: Mapping[str, Mapping[str, float]], **options: Any) -> dict[str, Part]:
    rows = np.array([[labels.get(label, 0.0) for label in LABELS] for labels in found.values()])
    aliases = options.pop("aliases", None)
    return {part.words: part for part in doors(aliases).parts([clean(text) for text in found], rows, **options)}


def reading(**topics: float) -> Reading:
    services: dict[str, float] = {}
    for topic, probability in topics.items():
        services[SERVICES[topic]] = services.get(SERVICES[topic], 0.0) + probability
    return Reading(topics, services, {}, {})


CUT = Segmentation(("refaire mon passeport", "inscrire ma fille"), "", Joint.AND)


def parts(first: Mapping[str, float], second: Mapping[str, float]) -> tuple[Part, ...]:
    return parts_of(CUT, read(dict(zip(CUT.texts, (first, second), strict=True))))


def test_the_door_of_each_part() -> None:
    found = parts({"passeport": 0.9, "vague": 0.1}, {"cantine": 0.6, "passeport": 0.1, "permis_perdu": 0.1, "bonjour": 0.2})
    assert [(p.service, p.topic, p.certainty, p.best) for p in found] == [
        ("titres", "passeport", 0.9, 0.9),
        ("mairie", "cantine", 0.6, 0.6),
    ]
    assert [(round(p.asking, 6), p.silent) for p in found] == [(0.9, 0.1), (0.8, 0.2)]


def test_a_service_of_several_topics_is_named_by_its_likeliest() -> None:
    (part,) = read({"mes papiers": {"cantine": 0.4, "passeport": 0.2, "permis_perdu": 0.3}}).values()
    assert (part.service, part.topic, part.certainty, part.topic_certainty, part.best) == ("titres", "permis_perdu", 0.5, 0.3, 0.4)


def test_a_topic_of_before_counts_for_that_of_today() -> None:
    found = read({"mon passeport": {"cantine": 0.4, "passeport": 0.3, "ancien_passeport": 0.3}}, aliases={"ancien_passeport": "passeport"})
    assert (found["mon passeport"].topic, found["mon passeport"].topic_certainty) == ("passeport", 0.6)


def test_what_is_for_others_weighs_less() -> None:
    (part,) = read({"mon permis": {"permis_perdu": 0.6, "cantine": 0.2}}, profile="citoyen").values()
    assert (part.topic, round(part.asking, 6)) == ("cantine", 0.8)
    assert part.certainty == pytest.approx(0.8 * 0.2 / 0.26)


def test_many_rows_say_what_the_table_of_one_says(referential: Referential) -> None:
    decider = Decider(referential, Thresholds())
    labels = (*referential.topics, *referential.acts)
    rows = np.random.default_rng(0).dirichlet(np.full(len(labels), 0.05), size=20)
    for profile in (None, "agent", "citoyen"):
        found = Doors(decider, labels).parts([clean(str(i)) for i in range(len(rows))], rows, profile)
        for part, row in zip(found, rows, strict=True):
            table = decider.read(Understanding(dict(zip(labels, row.tolist(), strict=True))), profile)
            service = max(table.services, key=table.services.__getitem__)
            assert part.service == service
            inside = [topic for topic in table.topics if decider.services[topic] == service]
            assert part.topic == max(inside, key=table.topics.__getitem__)
            told = (part.certainty, part.topic_certainty, part.best, part.asking, part.silent)
            best = max(table.topics.values())
            expected = (
                table.services[service],
                table.topics[part.topic],
                best,
                sum(table.topics.values()),
                table.vague + table.non_request,
            )
            assert told == pytest.approx(expected)


@pytest.mark.parametrize("second", [{"passeport": 0.9}, {"passeport": 0.1, "bonjour": 0.9}])
def test_parts_that_ask_the_same_are_no_requests(second: Mapping[str, float]) -> None:
    assert parts({"passeport": 1.0}, second) == ()


def test_nothing_is_read_without_topics() -> None:
    decider: Any = SimpleNamespace(services={}, acts={})
    assert Doors(decider, ("bonjour",)).parts([clean("bonjour")], np.ones((1, 1))) == []


def test_two_topics_of_one_service_are_two_requests() -> None:
    assert len(parts({"passeport": 1.0}, {"permis_perdu": 0.9})) == 2


def test_the_context_is_read_but_not_shown() -> None:
    cut = Segmentation(("Maire : la salle", "le toit"), "Maire :", Joint.AND)
    found = read({"Maire : la salle": {"passeport": 1.0}, "Maire : le toit": {"cantine": 1.0}})
    assert [part.words for part in parts_of(cut, found)] == ["Maire : la salle", "le toit"]


@pytest.mark.parametrize("share", [0.5, 1e-3, 0.0])
def test_features_are_small_numbers(share: float) -> None:
    found = parts({"passeport": 1.0}, {"cantine": 0.9})
    values = features(CUT, found, reading(passeport=1 - share, cantine=share), "refaire mon passeport et inscrire ma fille")
    assert all(-2 <= v <= 2 for v in values)


def test_only_cuts_likely_by_keywords_are_read_further() -> None:
    text = "refaire mon passeport, inscrire ma fille, merci à vous"
    cuts = segmentations(text)
    assert smallest(cuts) == ("refaire mon passeport", "merci à vous", "inscrire ma fille")
    asked = {text: {"cantine": 0.9} if "fille" in text else {"passeport": 0.9} for cut in cuts for text in cut.texts}
    whole = reading(passeport=0.6, cantine=0.4)
    count = len(features(cuts[0], [read(asked)[t] for t in cuts[0].texts], whole, text))
    # its first number: how sure the least sure part is
    weakest = Scorer(((((20.0, *(0.0,) * (count - 1)),), (-6.0,)),))
    assert promising(cuts, read(asked), whole, text, weakest) == tuple(cuts)
    asked["merci à vous"] = {"passeport": 0.02, "bonjour": 0.9}
    kept = promising(cuts, read(asked), whole, text, weakest)
    assert kept and all("merci à vous" not in cut.texts for cut in kept)
    assert promising(cuts, {}, whole, text, weakest) == ()
    assert promising(cuts, {}, whole, text, Scorer()) == tuple(cuts)  # nothing was learnt: all is read
    assert promising((), {}, whole, text, weakest) == ()


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
