"""What a page shows of a place: the way there, the map with its words, closures still to come."""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest

from bot.dialogue.wording import Reply, Writer
from bot.referential import Referential
from bot.referential.communes import Gazetteer
from bot.referential.hours import PARIS
from bot.referential.models import Closure
from bot.routing.decision import FIRST_STEPS, OR_ELSE
from bot.routing.types import DecisionKind, Destination, RoutingDecision
from bot.serving.lot_map import HEIGHT, WIDTH, communes_path, heading, on_map
from bot.serving.view import DeskView, desk_view, reply_view, typeset
from bot.web.assets import Pages, load_assets

MONDAY = datetime(2026, 12, 7, 10, tzinfo=PARIS)
CLOSED = Closure(id="travaux", lieu="mairie-46102-01", du=date(2026, 12, 7), au=date(2026, 12, 8), motif="travaux", source="appel")


@pytest.fixture
def seen(referential: Referential, gazetteer: Gazetteer):  # type: ignore[no-untyped-def]
    def see(desk: str, commune: str = "", now: datetime = MONDAY, closures: tuple[Closure, ...] = ()) -> DeskView:
        writer = Writer(referential.copy(update={"closures": closures}))
        return desk_view(writer.contact(referential.entry_points[desk], gazetteer.lookup(commune)), now)

    return see


def test_every_commune_is_on_the_map(referential: Referential) -> None:
    dots = re.findall(r"M([\d.]+) ([\d.]+)h0", communes_path())
    assert len(dots) == len(referential.directory.homes) == 312
    assert all(0 < float(x) < WIDTH and 0 < float(y) < HEIGHT for x, y in dots)
    north, south = on_map((45.0, 1.5)), on_map((44.3, 1.5))
    assert north[1] < south[1] and on_map((44.6, 2.0))[0] > on_map((44.6, 1.2))[0]


@pytest.mark.parametrize(
    ("end", "said"),
    [((45.0, 1.5), "au nord"), ((44.5, 2.0), "à l'est"), ((44.0, 1.5), "au sud"), ((44.5, 1.0), "à l'ouest"), ((45.0, 2.2), "au nord-est")],
)
def test_directions(end: tuple[float, float], said: str) -> None:
    assert heading((44.5, 1.5), end) == said


def test_a_place_elsewhere_is_told_in_words(seen) -> None:  # type: ignore[no-untyped-def]
    desk = seen("mairie_titres", "Martel")
    assert desk["nom"] == "Mairie de Souillac" and "12 km de Martel" in desk["distance"].replace("\u00a0", " ")
    assert desk["plan"]["texte"] == "Carte du Lot : Mairie de Souillac est à l'ouest de Martel."
    assert desk["itineraire"].startswith("geo:44.") and desk["itineraire"].endswith("(Mairie%20de%20Souillac)")
    assert "DILA" in desk["source"] and "octobre 2026" in desk["source"]


def test_one_s_own_town_hall_needs_no_distance(seen) -> None:  # type: ignore[no-untyped-def]
    desk = seen("mairie", "Figeac")
    assert not desk["distance"] and desk["plan"]["texte"] == "Carte du Lot : Mairie de Figeac dans le Lot."
    assert desk["ouverture"]["ouvert"] and desk["horaires"][-1] == "Fermé les jours fériés"


def test_nothing_is_drawn_without_a_commune(seen) -> None:  # type: ignore[no-untyped-def]
    assert seen("mairie")["plan"] is seen("ddt")["plan"] is None
    assert seen("ddt")["itineraire"] and not seen("mairie")["itineraire"] and not seen("mairie")["source"]


def test_a_closure_wins_over_the_hours_until_it_is_past(seen) -> None:  # type: ignore[no-untyped-def]
    during = seen("mairie", "Figeac", closures=(CLOSED,))
    assert not during["ouverture"]["ouvert"] and "mercredi" in during["ouverture"]["texte"]
    assert [f.replace("\u00a0", " ") for f in during["fermetures"]] == [
        "Fermeture exceptionnelle du 7 décembre au 8 décembre 2026 : travaux."
    ]
    later = seen("mairie", "Figeac", datetime(2026, 12, 9, 10, tzinfo=PARIS), (CLOSED,))
    assert later["ouverture"]["ouvert"] and not later["fermetures"]
    assert not seen("mairie", "Cahors", closures=(CLOSED,))["fermetures"], "another place"


def test_the_card_is_drawn_with_its_map(referential: Referential, gazetteer: Gazetteer) -> None:
    destination = Destination("population", "titres", "passeport", 1.0)
    reply = Writer(referential).reply(RoutingDecision(DecisionKind.ORIENTER, (destination,)), None, gazetteer.lookup("Martel"))
    html = Pages(load_assets(), "neutre").render("fragment.html", **_exchange(reply_view(reply, MONDAY)))
    assert 'role="img" aria-label="Carte du Lot' in html and communes_path() in html
    order = ('"al-carte-etape"', '"al-ouverture', '"al-bouton-appel"', 'role="img"', '"al-carte-apporter"', "<details", '"al-carte-faits"')
    assert sorted(order, key=html.index) == list(order), "the first step, where to go, then what to bring and to know"
    assert "Appelez avant d'y aller" in html.replace("&#39;", "'") and 'href="geo:' in html


@pytest.mark.parametrize(("question", "first"), [(FIRST_STEPS, True), (OR_ELSE, False)])
def test_first_steps_are_read_before_the_card_and_other_doors_after_it(referential: Referential, question: str, first: bool) -> None:
    door, offered = Destination("population", "titres", None, 1.0), Destination("population", "titres", "passeport", 0.2)
    reply = Writer(referential).reply(RoutingDecision(DecisionKind.ORIENTER, (door,), offered=(offered,), invitation=question))
    html = Pages(load_assets(), "neutre").render("fragment.html", **_exchange(reply_view(reply, MONDAY)))
    asked, card = html.index(question[:-2]), html.index('class="al-carte"')
    assert (asked < html.index('value="passeport"') < card) is first and ("al-choix-autres" in html) is not first
    assert html.count(question[:-2]) == 1 and html.count('value="passeport"') == 1
    text = reply.as_text()
    assert (text.index(question) < text.index("- ") < text.index(reply.cards[0].contact.name)) is first


def _exchange(reply: object) -> dict[str, object]:
    from types import SimpleNamespace

    said = SimpleNamespace(id="a", said="passeport", masked=False, voted=False, reply=reply)
    return {"echange": said, "conversation": "c", "adresse": "/", "raisons": {}}


def test_a_list_keeps_its_lines() -> None:
    shown = reply_view(
        Reply("À apporter :\n- une photo, récente\n- un justificatif\nFormulaire : cerfa."), datetime(2026, 12, 1, 10, tzinfo=PARIS)
    )
    assert ["".join(run["texte"] for run in phrase) for phrase in shown["phrases"]] == [
        typeset(line) for line in ("À apporter :", "- une photo, récente", "- un justificatif", "Formulaire : cerfa.")
    ]
