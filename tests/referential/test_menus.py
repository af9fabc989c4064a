"""The choices offered for a message that names a thing without saying what is wanted of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from bot.language.cleaning import clean
from bot.referential import Referential
from bot.referential.menus import SHORT_WORDS, Menus
from bot.routing.router import Router
from bot.routing.types import DecisionKind

MakeRouter = Callable[[Mapping[str, Mapping[str, float]]], Router]


@pytest.fixture(scope="module")
def menus(referential: Referential) -> Menus:
    return Menus(referential)


@pytest.mark.parametrize(
    ("text", "menu"),
    [
        ("un permis svp", "permis"),
        ("PAPIERS", "papiers"),
        ("j'ai perdu mes papiers", "papiers_perdus"),
        ("bonjour c'est pour une médaille", "medaille"),
        ("ma carte perdue", "carte_perdue"),
        ("le site ne marche pas", "site_internet"),
    ],
)
def test_the_longest_expression_gives_the_menu(menus: Menus, text: str, menu: str) -> None:
    found = menus.find(clean(text))
    assert found is not None and found.id == menu


@pytest.mark.parametrize("text", ["bonjour", "permission", "permis " + "mot " * SHORT_WORDS])
def test_no_menu(menus: Menus, text: str) -> None:
    assert menus.find(clean(text)) is None


def test_every_expression_leads_to_its_own_menu(menus: Menus, referential: Referential) -> None:
    wrong = [(menu.id, words) for menu in referential.menus for words in menu.mots if menus.find(clean(words)) is not menu]
    assert wrong == []


def test_a_vague_message_gets_the_choices_of_its_menu(make_router: MakeRouter) -> None:
    router = make_router({"permis": {"trop_vague": 0.97, "ruches": 0.01}, "renseignement": {"trop_vague": 0.99}})
    decision = router.route("un permis svp")
    assert decision.decision is DecisionKind.CLARIFIER
    assert [d.sujet for d in decision.destinations] == ["permis_inscription", "permis_construire", "permis_points", "permis_chasser"]
    general = router.route("je voudrais un renseignement")
    assert [(d.dis, d.service) for d in general.destinations] == [
        (dis, None) for dis in ("population", "territoire", "securite", "accueil")
    ]


def test_the_model_keeps_its_own_choices_when_it_has_an_idea(make_router: MakeRouter) -> None:
    router = make_router({"bourdonnement": {"trop_vague": 0.6, "ruches": 0.25, "animal_errant": 0.1}})
    assert [d.sujet for d in router.route("un bourdonnement perplexe").destinations][:2] == ["ruches", "animal_errant"]


def test_a_greeting_that_names_a_thing_is_a_question(make_router: MakeRouter) -> None:
    router = make_router({"bonjour": {"saluer": 0.95}})
    assert router.route("bonjour, retraite").decision is DecisionKind.CLARIFIER
    assert router.route("bonjour").decision is DecisionKind.CONVERSATION


def test_the_name_of_a_commune_alone_is_an_answer(make_router: MakeRouter) -> None:
    router = make_router({"figeac": {"insulte": 0.9}})
    assert router.route("Figeac").acte == "dire_commune"
