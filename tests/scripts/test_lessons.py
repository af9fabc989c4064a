"""The measure of what fifteen phrases teach, on a table made by hand."""

from __future__ import annotations

from typing import Any

from bot.learning.corpus import Example
from bot.measure.evaluation import route_rows
from scripts.mesures.lessons import LEAST_TESTS, TAUGHT, chosen_topics, learnt, report, split

TABLE = {
    "cafard": {"hygiene_restaurant_signalement": 0.97},
    "chien": {"passeport": 0.97},
    "doute": {"hygiene_restaurant_signalement": 0.45, "passeport": 0.45},
    "voyage": {"passeport": 0.97},
}
CHOSEN = "hygiene_restaurant_signalement"


def row(text: str, topic: str, referential: Any) -> dict[str, Any]:
    service = referential.service_of(topic)
    return {"id": text, "texte": text, "sujet": topic, "service": service.id, "dis": service.delegation}


def test_one_topic_of_each_service_that_has_enough_of_both(make_router: Any) -> None:
    referential = make_router(TABLE).referential
    rows = [row(f"cafard {n}", CHOSEN, referential) for n in range(LEAST_TESTS)]
    rows += [row(f"chien {n}", "maladie_animale", referential) for n in range(LEAST_TESTS - 1)]
    rows += [row(f"voyage {n}", "passeport", referential) for n in range(LEAST_TESTS)]
    written = [Example(f"{t} {n}", t, "x.yml", n) for t in (CHOSEN, "maladie_animale") for n in range(3 * TAUGHT)]
    assert chosen_topics(referential, rows, [*written, Example("voyage", "passeport", "x.yml", 1)]) == [CHOSEN]


def test_fifteen_phrases_are_taught_whatever_their_order_and_the_others_hidden() -> None:
    examples = [Example(f"cafard {n}", CHOSEN, "x.yml", n) for n in range(40)] + [Example("autre", "passeport", "x.yml", 1)]
    taught, hidden = split(examples, [CHOSEN])
    assert len(taught[CHOSEN]) == TAUGHT and len(hidden[CHOSEN]) == 40 - TAUGHT and not {*taught[CHOSEN]} & {*hidden[CHOSEN]}
    assert split(examples[::-1], [CHOSEN]) == (taught, hidden)


def test_a_choice_of_a_question_is_found_and_not_given(make_router: Any) -> None:
    router = make_router(TABLE)
    rows = [row(text, CHOSEN, router.referential) for text in ("un cafard ici", "un doute ici", "un chien ici")]
    seen = learnt(router.referential, route_rows(router, rows))
    assert seen.given == [True, False, False] and seen.found == [True, True, False] and seen.service == [True, True, False]


def test_the_tables_tell_the_topic_and_what_it_takes_from_the_others(make_router: Any) -> None:
    before, after = make_router(TABLE), make_router({**TABLE, "voyage": {CHOSEN: 0.97}})
    rows = [row("un cafard ici", CHOSEN, before.referential), row("un voyage en vue", "passeport", before.referential)]
    lines = report(before, after, [CHOSEN], {CHOSEN: ["un cafard là", "un chien là"]}, rows)
    named = {line.split("|")[1].strip(): line for line in lines if line.count("|") > 2}
    assert "(1 / 2)" in named["phrases du corpus non apprises"] and "(1 / 1)" in named["messages d'essai"]
    assert "(1 / 1)" in named["bon service"].split("|")[2] and "(0 / 1)" in named["bon service"].split("|")[3]
    assert "(1 / 1)" in named["envoyées à tort vers un de ces sujets"]
    assert named[before.referential.topics[CHOSEN].libelle].endswith("| 1 / 2 | 1 / 1 |")
