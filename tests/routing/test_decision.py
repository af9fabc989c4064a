"""From probabilities made by hand to a door or a question, on the real referential."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from bot.referential import Referential
from bot.routing.decision import AGENT_QUESTION, OPENING_WORDS, QUESTION, Decider, Reading, Thresholds
from bot.routing.types import DecisionKind, Destination, Level, RoutingDecision
from bot.understanding.outcome import Understanding

THRESHOLDS = Thresholds(dis=0.7, service=0.5, sujet=0.4, vague=0.5, non_demande=0.6, segment=0.7, agent=0.25)


@pytest.fixture(scope="module")
def decider(referential: Referential) -> Decider:
    return Decider(referential, THRESHOLDS)


def decide(decider: Decider, profile: str | None = None, **probabilities: float) -> RoutingDecision:
    return decider.decide(decider.read(Understanding(probabilities), profile), profile)


# Adding up


def test_probabilities_add_up_from_topic_to_service_to_delegation(decider: Decider) -> None:
    reading = decider.read(
        Understanding(
            {
                "hygiene_restaurant_signalement": 0.3,
                "nuisance_elevage": 0.2,
                "permis_construire": 0.1,
                "passeport": 0.2,
                "saluer": 0.15,
                "trop_vague": 0.05,
            }
        )
    )
    assert reading.services == pytest.approx({"veterinaire": 0.5, "equipement_agriculture": 0.1, "titres": 0.2})
    assert reading.delegations == pytest.approx({"territoire": 0.6, "population": 0.2})
    assert reading.acts == {"saluer": 0.15}
    assert (reading.vague, reading.non_request) == (0.05, 0.15)
    assert reading.certainty == pytest.approx(0.75)


def test_unknown_labels_are_left_out(decider: Decider) -> None:
    assert decider.read(Understanding({"sujet_supprime": 1.0})).topics == {}


def test_nothing_read_has_no_certainty() -> None:
    assert Reading({}, {}, {}, {}).certainty == 0.0


def test_everything_adds_up_to_one_whatever_is_understood(decider: Decider, referential: Referential) -> None:
    labels = [*referential.topics, *referential.acts]
    for row in np.random.default_rng(1).dirichlet(np.full(len(labels), 0.02), 200):
        for profile in (None, "citoyen", "partenaire", "agent"):
            reading = decider.read(Understanding(dict(zip(labels, row.tolist(), strict=True))), profile)
            topics = sum(reading.topics.values())
            assert sum(reading.services.values()) == pytest.approx(topics)
            assert sum(reading.delegations.values()) == pytest.approx(topics)
            assert topics + reading.non_request + reading.vague + sum(reading.events.values()) == pytest.approx(1.0)


def test_any_probabilities_give_a_decision_that_makes_sense(decider: Decider, referential: Referential) -> None:
    labels = [*referential.topics, *referential.acts]
    kinds = set()
    for strength in (0.005, 0.02, 0.2, 5):
        for row in np.random.default_rng(2).dirichlet(np.full(len(labels), strength), 400):
            decision = decide(decider, **dict(zip(labels, row.tolist(), strict=True)))
            kinds.add(decision.decision)
            for door in (*decision.destinations, *decision.alternatives):
                assert door.dis in referential.delegations
                assert 0 <= door.confiance <= 1 + 1e-9
                assert door.service is None or referential.services[door.service].delegation == door.dis
            if decision.decision is DecisionKind.CLARIFIER:
                assert 2 <= len(decision.destinations) <= 4
                assert decision.question
            elif decision.decision in {DecisionKind.ORIENTER, DecisionKind.HORS_PERIMETRE}:
                assert len(decision.destinations) == 1 or (decision.acte and referential.acts[decision.acte].portes)
                assert decision.niveau is decision.destinations[0].level
                assert decision.acte or (decision.destinations[0].dis == "hors_perimetre") == (
                    decision.decision is DecisionKind.HORS_PERIMETRE
                )
            else:
                assert decision.acte in referential.acts
                assert decision.destinations == ()
    assert kinds == {
        DecisionKind.ORIENTER,
        DecisionKind.HORS_PERIMETRE,
        DecisionKind.CLARIFIER,
        DecisionKind.CONVERSATION,
        DecisionKind.HORS_SUJET,
    }


# The most specific door that is safe


def test_one_safe_topic(decider: Decider) -> None:
    decision = decide(decider, hygiene_restaurant_signalement=0.8, nuisance_elevage=0.1, passeport=0.1)
    assert decision.decision is DecisionKind.ORIENTER
    assert decision.destinations == (Destination("territoire", "veterinaire", "hygiene_restaurant_signalement", 0.8),)
    assert decision.niveau is Level.SUJET
    assert [d.sujet for d in decision.alternatives] == ["nuisance_elevage", "passeport"]


def test_topics_disagree_but_one_service_is_safe(decider: Decider) -> None:
    decision = decide(decider, carte_identite=0.3, passeport=0.3, sortie_territoire_mineur=0.3, permis_construire=0.1)
    assert decision.niveau is Level.SERVICE
    (door,) = decision.destinations
    assert (door.dis, door.service, door.sujet) == ("population", "titres", None)
    assert door.confiance == pytest.approx(0.9)


def test_services_disagree_but_one_delegation_is_safe(decider: Decider) -> None:
    decision = decide(decider, permis_construire=0.3, hygiene_restaurant_signalement=0.3, secteur_sauvegarde=0.3, passeport=0.1)
    assert decision.niveau is Level.DIS
    (door,) = decision.destinations
    assert (door.dis, door.service, door.sujet) == ("territoire", None, None)
    assert door.confiance == pytest.approx(0.9)


def test_delegations_disagree_so_a_question_is_asked(decider: Decider) -> None:
    decision = decide(decider, passeport=0.4, permis_construire=0.35, medaille_travail=0.25)
    assert decision.decision is DecisionKind.CLARIFIER
    assert decision.question == QUESTION
    assert [d.service for d in decision.destinations] == ["titres", "equipement_agriculture", "accueil_general"]
    assert decision.niveau is Level.SUJET


def test_a_question_has_four_choices_at_most_of_different_services(decider: Decider) -> None:
    decision = decide(
        decider,
        passeport=0.2,
        carte_identite=0.1,
        permis_construire=0.15,
        hygiene_restaurant_signalement=0.15,
        medaille_travail=0.15,
        marche_public=0.15,
        secteur_sauvegarde=0.1,
    )
    services = [d.service for d in decision.destinations]
    assert len(services) == len(set(services)) == 4
    assert services[0] == "titres"


def test_alternatives_leave_out_the_choices(decider: Decider) -> None:
    decision = decide(decider, passeport=0.3, carte_identite=0.2, permis_construire=0.3, certificat_urbanisme=0.2)
    chosen = {d.sujet for d in decision.destinations}
    assert chosen.isdisjoint(d.sujet for d in decision.alternatives)
    assert len(decision.alternatives) <= 3


def test_the_threshold_is_inclusive(decider: Decider) -> None:
    assert decide(decider, passeport=0.7, permis_construire=0.3).decision is DecisionKind.ORIENTER
    assert decide(decider, passeport=0.69, permis_construire=0.31).decision is DecisionKind.CLARIFIER


def test_shares_are_among_topics_only(decider: Decider) -> None:
    """A greeting before the request takes probability, and must not hide the topic."""
    decision = decide(decider, passeport=0.45, saluer=0.5, permis_construire=0.05)
    assert decision.decision is DecisionKind.ORIENTER
    assert decision.destinations[0].sujet == "passeport"


# Outside the perimeter


def test_outside_with_one_topic(decider: Decider, referential: Referential) -> None:
    topic = referential.topics_of("finances")[0].id
    decision = decide(decider, **{topic: 0.9, "passeport": 0.1})
    assert decision.decision is DecisionKind.HORS_PERIMETRE
    assert decision.destinations[0].sujet == topic


def test_outside_a_body_is_named_by_its_best_topic(decider: Decider, referential: Referential) -> None:
    first, second, third = (t.id for t in referential.topics_of("mairie")[:3])
    decision = decide(decider, **{first: 0.35, second: 0.3, third: 0.3, "passeport": 0.05})
    assert decision.decision is DecisionKind.HORS_PERIMETRE
    assert decision.destinations[0].sujet == first


def test_outside_there_is_no_single_entry_point(decider: Decider, referential: Referential) -> None:
    bodies = ("mairie", "finances", "justice", "education")
    decision = decide(decider, **{referential.topics_of(s)[0].id: 0.25 for s in bodies})
    assert decision.decision is DecisionKind.CLARIFIER
    assert {d.service for d in decision.destinations} == set(bodies)


# Not a request


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        ("saluer", DecisionKind.CONVERSATION),
        ("demander_pieces", DecisionKind.CONVERSATION),
        ("bavardage", DecisionKind.HORS_SUJET),
        ("injection", DecisionKind.HORS_SUJET),
    ],
)
def test_acts_and_non_requests(decider: Decider, act: str, kind: DecisionKind) -> None:
    decision = decide(decider, **{act: 0.9, "passeport": 0.1})
    assert (decision.decision, decision.acte, decision.destinations) == (kind, act, ())


def test_an_act_may_have_a_door_of_its_own(decider: Decider) -> None:
    decision = decide(decider, demander_horaires=0.9, passeport=0.1)
    assert (decision.decision, decision.acte) == (DecisionKind.ORIENTER, "demander_horaires")
    assert [d.sujet for d in decision.destinations] == ["accueil_horaires"]


def test_families_are_added_before_the_act_is_chosen(decider: Decider) -> None:
    decision = decide(decider, saluer=0.35, bavardage=0.25, blague_jeu=0.25, passeport=0.15)
    assert (decision.decision, decision.acte) == (DecisionKind.HORS_SUJET, "bavardage")


def test_a_doubtful_non_request_is_a_request(decider: Decider) -> None:
    assert decide(decider, bavardage=0.59, passeport=0.41).decision is DecisionKind.ORIENTER


def test_too_vague_asks_a_question(decider: Decider) -> None:
    decision = decide(decider, trop_vague=0.6, passeport=0.39, permis_construire=0.01)
    assert decision.decision is DecisionKind.CLARIFIER
    assert decision.destinations[0].sujet == "passeport"
    assert len(decision.destinations) == 2


@pytest.mark.parametrize("probabilities", [{}, {"sujet_supprime": 1.0}])
def test_nothing_known_is_not_understood(decider: Decider, probabilities: dict[str, float]) -> None:
    assert decide(decider, **probabilities).decision is DecisionKind.INCOMPRIS


@pytest.mark.parametrize("probabilities", [{"trop_vague": 0.8, "saluer": 0.2}, {"saluer": 0.5, "sujet_supprime": 0.5}])
def test_acts_without_any_topic_never_crash(decider: Decider, probabilities: dict[str, float]) -> None:
    decision = decide(decider, **probabilities)
    assert decision.decision in {DecisionKind.INCOMPRIS, DecisionKind.CONVERSATION}


# Agents of the State


def test_the_agent_question(decider: Decider) -> None:
    decision = decide(decider, garde_enfants_agent=0.5, hebergement_urgence=0.5)
    assert decision.decision is DecisionKind.CLARIFIER
    assert decision.question == AGENT_QUESTION
    assert [d.sujet for d in decision.destinations] == ["garde_enfants_agent", "hebergement_urgence"]


def test_the_agent_question_comes_before_a_door(decider: Decider) -> None:
    decision = decide(decider, garde_enfants_agent=0.72, hebergement_urgence=0.28)
    assert decision.question == AGENT_QUESTION


@pytest.mark.parametrize(("profile", "topic"), [("agent", "garde_enfants_agent"), ("citoyen", "hebergement_urgence"), ("partenaire", None)])
def test_a_known_profile_settles_it(decider: Decider, profile: str, topic: str | None) -> None:
    decision = decide(decider, profile, garde_enfants_agent=0.5, hebergement_urgence=0.5)
    assert decision.question != AGENT_QUESTION
    if topic:
        assert decision.decision is DecisionKind.ORIENTER
        assert decision.destinations[0].sujet == topic


def test_a_profile_never_changes_what_is_certain(decider: Decider) -> None:
    for profile in ("citoyen", "partenaire", "agent"):
        assert decide(decider, profile, permis_construire=1.0).destinations[0].sujet == "permis_construire"


# Several requests


def door(referential: Referential, service: str) -> Destination:
    return Destination(referential.services[service].delegation, service, referential.topics_of(service)[0].id, 0.9)


def test_several_doors_are_outside_only_when_all_are(decider: Decider, referential: Referential) -> None:
    titres, mairie, justice = (door(referential, service) for service in ("titres", "mairie", "justice"))
    assert decider.several([mairie, titres]).decision is DecisionKind.ORIENTER
    assert decider.several([mairie, justice]).decision is DecisionKind.HORS_PERIMETRE


@pytest.mark.parametrize(("words", "offered"), [(2, True), (OPENING_WORDS + 1, False)])
def test_a_message_of_a_word_or_two_gets_other_doors_beside_its_own(decider: Decider, words: int, offered: bool) -> None:
    reading = decider.read(Understanding({"passeport": 0.9, "carte_identite": 0.1}))
    decision = decider.decide(reading, words=words)
    assert (decision.destinations[0].sujet, bool(decision.offered)) == ("passeport", offered)


# Thresholds


def test_thresholds_survive_a_round_trip_and_ignore_what_is_unknown() -> None:
    assert Thresholds.from_mapping({**THRESHOLDS.as_mapping(), "inconnu": 3}) == THRESHOLDS
    assert Thresholds.from_mapping({}) == Thresholds()
    stricter = replace(THRESHOLDS, portes={"territoire": 0.9})
    assert Thresholds.from_mapping(json.loads(json.dumps(stricter.as_mapping()))) == stricter


def test_a_door_may_need_more_certainty_than_the_others(referential: Referential) -> None:
    decider = Decider(referential, replace(THRESHOLDS, portes={"territoire": 0.9}))
    assert decide(decider, permis_construire=0.8, passeport=0.2).decision is DecisionKind.CLARIFIER
    assert decide(decider, permis_construire=0.95, passeport=0.05).decision is DecisionKind.ORIENTER
    assert decide(decider, passeport=0.8, permis_construire=0.2).decision is DecisionKind.ORIENTER


def test_the_public_object(decider: Decider) -> None:
    row = decide(decider, passeport=0.876543, permis_construire=0.1).as_json("m1", "mon passeport")
    assert row == {
        "id": "m1",
        "texte": "mon passeport",
        "decision": "orienter",
        "destinations": [{"dis": "population", "service": "titres", "sujet": "passeport", "confiance": 0.8765}],
        "alternatives": [{"dis": "territoire", "service": "equipement_agriculture", "sujet": "permis_construire", "confiance": 0.1}],
        "niveau": "sujet",
        "urgence": [],
        "question": None,
        "commune": None,
    }
