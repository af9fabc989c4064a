"""Facts are said with their source and their day; what is unknown is not said; a person's check renews a sheet."""

from __future__ import annotations

from datetime import date

import pytest

from bot.dialogue.dialogue import ConversationState, Dialogue
from bot.dialogue.facts import Fact, Origin, link_origin, unknown_of
from bot.dialogue.wording import Card, Writer, listed
from bot.referential import Audience, Facts, Referential, Sheet
from bot.referential.models import Form, Link
from bot.routing.decision import Thresholds
from bot.routing.router import Router
from bot.routing.types import Destination

SHEET = Sheet(numero="F21091", titre="Renouvellement du passeport", date=date(2020, 7, 23))
FORM = Form(libelle="Demande de passeport", numero="cerfa 1*01", url="https://www.service-public.gouv.fr/formulaire")
FACTS = Facts(
    cout="86 euros pour un adulte.",
    delai="La mairie vous dit le délai.",
    qui="Venez vous-même. Un enfant vient avec un parent.",
    comment="En ligne, puis à la mairie.",
    formulaire=FORM,
)


def known(referential: Referential, **changes: object) -> Referential:
    topic = referential.topics["passeport"].copy(update={"fiche": SHEET, "faits": FACTS, "a_apporter": (), "precisions": (), **changes})
    return referential.copy(update={"topics": {**referential.topics, "passeport": topic}})


def card(referential: Referential, profile: str | None = None) -> Card:
    return Writer(referential).card(Destination("population", "titres", "passeport", 0.9), profile)


def answer(referential: Referential, router: Router, act: str) -> str:
    dialogue = Dialogue(Router(referential, router.gazetteer, router.detector, None, Thresholds()))
    return dialogue._follow_up(act, ConversationState(destination="passeport")).text


@pytest.fixture(scope="module")
def plain(make_router) -> Router:  # type: ignore[no-untyped-def]
    return make_router({})


def test_the_plain_text_says_price_delay_and_form_with_their_origin(referential: Referential) -> None:
    lines = card(known(referential)).details()
    assert "Prix : 86 euros pour un adulte." in lines
    assert f"Formulaire : Demande de passeport (cerfa 1*01) : {FORM.url}" in lines
    assert "D'après la fiche officielle F21091 du 23 juillet 2020. Prix et délai à confirmer." in lines
    assert not [line for line in lines if "Un enfant" in line]


def test_a_name_is_not_said_twice() -> None:
    origin = Origin("exemple", date(2026, 11, 1))
    assert Fact("recours", "En cas de refus, écrivez au juge.", origin).line == "En cas de refus : Écrivez au juge."
    assert Fact("recours", "Le refus est écrit.", origin).line == "En cas de refus : Le refus est écrit."


def test_a_check_by_a_person_is_said_instead_of_the_sheet(referential: Referential) -> None:
    checked = known(referential, faits=FACTS.copy(update={"verifie_le": date(2026, 11, 1)}))
    lines = card(checked).details()
    assert "Faits vérifiés le 1er novembre 2026." in lines
    assert not any("à confirmer" in line for line in lines if "oordonnées" not in line)


def test_without_facts_nothing_is_said_of_them(referential: Referential) -> None:
    lines = card(known(referential, faits=Facts(), fiche=None)).details()
    assert not any(word in line for line in lines for word in ("Prix", "D'après", "Faits"))


def test_what_nobody_knows_is_said_of_all_but_the_agents_own_matters(referential: Referential) -> None:
    bare = known(referential, faits=Facts(cout="86 euros."), fiche=None, lien=None, sans_page="Pas de page connue.").topics["passeport"]
    assert unknown_of(bare, ()) == "Pas de page connue. On ne sait pas encore : le délai, les papiers. Demandez-le à ce guichet."
    assert unknown_of(bare.copy(update={"fiche": SHEET}), ["une photo"]) == "On ne sait pas encore : le délai. Demandez-le à ce guichet."
    assert unknown_of(bare.copy(update={"public": (Audience.AGENT,)}), ()) == "Pas de page connue."
    assert unknown_of(known(referential).topics["passeport"], ["une photo"]) == ""


def test_a_link_says_where_it_was_read(referential: Referential) -> None:
    read = Link(libelle="Un texte", url="https://www.legifrance.gouv.fr/x", source="Fiche F1", date=date(2019, 5, 2))
    page = Link(libelle="La page", url="https://www.service-public.gouv.fr/particuliers/vosdroits/R1")
    for link, said in (
        (read, ("Fiche F1", 2019)),
        (page, ("F21091", 2020)),
        (page.copy(update={"url": "https://www.caf.fr"}), ("Dossier", 2026)),
    ):
        origin = link_origin(known(referential, lien=link).topics["passeport"])
        assert origin and said[0] in origin.source and origin.day.year == said[1]
    assert link_origin(known(referential, lien=None).topics["passeport"]) is None


def test_the_desk_that_receives_comes_first_and_the_single_entry_stands_behind(referential: Referential) -> None:
    shown = card(known(referential))
    assert shown.contact.name == referential.entry_points["mairie_titres"].nom
    assert shown.behind is not None and shown.behind.name == referential.entry_points["dis_population"].nom
    lines = shown.details()
    assert lines[0].startswith(shown.contact.name)
    assert lines[1].startswith("Derrière ce guichet : le service des titres") and shown.behind.phones[0] in lines[1]
    file = card(known(referential), "partenaire").details()
    assert any(line.startswith(f"Premier guichet : {shown.contact.name}") for line in file)
    assert any(line.startswith(f"Entrée unique : {shown.behind.name}") for line in file)


def test_the_single_entry_has_nobody_else_behind(referential: Referential) -> None:
    assert card(known(referential, guichet="")).behind is None


@pytest.mark.parametrize(
    ("act", "said", "origin"),
    [
        ("demander_cout", "86 euros pour un adulte.", "D'après la fiche officielle F21091 du 23 juillet 2020, à confirmer."),
        ("demander_delai", "La mairie vous dit le délai.", "à confirmer."),
        ("demander_mandataire", "Venez vous-même.", "D'après la fiche officielle F21091 du 23 juillet 2020."),
        ("demander_mineur", "Un enfant vient avec un parent.", "D'après la fiche officielle F21091 du 23 juillet 2020."),
        ("demander_courrier", "En ligne, puis à la mairie.", "D'après la fiche officielle F21091 du 23 juillet 2020."),
        ("demander_lien", FORM.url, ""),
    ],
)
def test_a_fact_answers_a_follow_up(referential: Referential, plain: Router, act: str, said: str, origin: str) -> None:
    text = answer(known(referential), plain, act)
    assert said in text and text.endswith(origin)
    assert referential.acts[act].avec_porte not in text


@pytest.mark.parametrize("act", ["demander_recours", "demander_rdv", "demander_proche", "demander_pieces"])
def test_what_is_unknown_gets_the_honest_sentence_and_the_exact_link(referential: Referential, plain: Router, act: str) -> None:
    unknown = known(referential, premier_geste="allez à la mairie.")
    text = answer(unknown, plain, act)
    link = unknown.topics["passeport"].lien
    assert text.startswith(referential.acts[act].avec_porte) and link is not None and text.endswith(link.url)


def test_a_home_page_is_followed_by_the_official_sheet(referential: Referential, plain: Router) -> None:
    home = known(referential, lien=Link(libelle="Accueil", url="https://www.service-public.gouv.fr"))
    assert answer(home, plain, "demander_lien").endswith(SHEET.url)
    exact = known(referential, lien=Link(libelle="La page", url="https://passeport.ants.gouv.fr"))
    assert SHEET.url not in answer(exact, plain, "demander_lien")


def test_a_sentence_of_the_topic_answers_when_no_fact_does(referential: Referential, plain: Router) -> None:
    assert "prenez rendez-vous" in answer(known(referential), plain, "demander_rdv").lower()


def test_items_with_a_comma_stand_on_their_own_lines() -> None:
    assert listed("À apporter", ("une photo", "un timbre")) == ["À apporter : une photo, un timbre."]
    assert listed("À apporter", ("une photo", "un timbre, en ligne")) == ["À apporter :", "- une photo", "- un timbre, en ligne"]
    assert listed("À apporter", ()) == []
