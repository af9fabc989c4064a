"""The workshop's pages over HTTP: inbox, dashboard, switch, guided session; without a browser."""

from __future__ import annotations

import csv
import io
import re
import time
from typing import Any

import pytest
from atelier_demo import fill
from markupsafe import Markup

from bot.base.errors import EditError
from bot.staff.accounts import audit
from bot.staff.inbox.events import FeedbackEvent, TurnEvent
from bot.staff.inbox.inbox import OPEN
from bot.staff.inbox.intake import Intake
from bot.staff.storage import civil_day
from bot.staff.upkeep.switch import read_notice
from bot.web.staff import charts, dashboard, inbox_page, tour
from bot.web.staff.topics import choices_of, resolve, search

DOOR = {"dis": "territoire", "service": "veterinaire", "sujet": "ruches_abeilles", "confiance": 0.3}


class Writer:
    """Takes phrases, or refuses them."""

    def __init__(self) -> None:
        self.held: list[tuple[str, str, str]] = []
        self.exam: list[tuple[str, str]] = []
        self.error: Exception | None = None

    def add_phrases(self, topic: str, texts: Any, author: str) -> None:
        if self.error:
            raise self.error
        self.held += [(topic, text, author) for text in texts]

    def keep_for_exam(self, text: str, wanted: str, author: str) -> None:
        self.exam.append((text, wanted))

    def remove_phrase(self, topic: str, text: str, author: str) -> None:
        self.held = [row for row in self.held if row[:2] != (topic, text)]

    def phrases(self, topic: str) -> tuple[str, ...]:
        return tuple(text for held, text, _ in self.held if held == topic)


@pytest.fixture
def writer(workshop: Any) -> Writer:
    found = Writer()
    workshop.__dict__["writer"] = found
    return found


def bring(workshop: Any, *texts: str, kind: str = "incompris") -> None:
    Intake(workshop.storage)([TurnEvent(f"{kind}{i}{hash(t)}", 1_790_000_000.0 + i, t, kind, (DOOR,)) for i, t in enumerate(texts)])


# --- inbox


async def test_the_empty_inbox_says_so(enter: Any) -> None:
    staff = await enter("lea")
    assert "Rien à traiter" in await staff.get("/atelier/boite")


async def test_one_button_attaches_a_message(enter: Any, workshop: Any, writer: Writer) -> None:
    topic = next(iter(workshop.referential().topics))
    bring(workshop, "des ruches <b>au fond</b> du pré")
    staff = await enter("remi")
    page = await staff.get("/atelier/boite")
    assert "des ruches &lt;b&gt;au fond&lt;/b&gt; du pré" in page and "À traiter" in page
    page = await staff.post("/atelier/boite/1", sujet=topic, retour="/atelier/boite?etat=ouvert&page=1")
    assert "Message rattaché à" in page and "Rien à traiter" in page
    assert writer.held == [(topic, "des ruches <b>au fond</b> du pré", "remi")]
    assert "Message rattaché à" not in await staff.get("/atelier/boite")  # shown once


async def test_a_message_is_kept_for_the_exam_and_no_page_shows_it_again(enter: Any, workshop: Any, writer: Writer) -> None:
    topic = next(iter(workshop.referential().topics))
    bring(workshop, "des ruches au fond du pré", "une voiture rouge feu")
    staff = await enter("remi")
    assert "Garder pour l'examen" in await staff.get("/atelier/boite/1")
    assert "aucune page ne le montre" in await staff.post("/atelier/boite/1", sujet=topic, examen="oui")
    await staff.get("/atelier/boite/2")
    await staff.post("/atelier/boite/2", geste="sans_urgence")
    assert writer.exam == [("des ruches au fond du pré", topic), ("une voiture rouge feu", "sans_urgence")] and not writer.held
    for path in ("/atelier/boite?etat=examen", "/atelier/boite/1", "/atelier/boite/2"):
        page = await staff.get(path)
        assert "ruches au fond" not in page and "rouge feu" not in page and "gardé à part" in page


async def test_sure_answers_are_checked_one_by_one_or_together(enter: Any, workshop: Any, writer: Writer) -> None:
    topic = next(iter(workshop.referential().topics))
    sure = {**DOOR, "sujet": topic, "confiance": 0.97}
    names = ("une première demande", "un tout autre souci", "encore une question", "rien à voir ici")
    Intake(workshop.storage)([TurnEvent(f"s{i}", 1_790_000_000.0, t, "orienter", (sure,), drawn=True) for i, t in enumerate(names)])
    staff = await enter("remi")
    page = await staff.get("/atelier/boite?etat=controle")
    assert "sûr à 97 %" in page and workshop.referential().topics[topic].libelle in page
    await staff.post("/atelier/boite/1", geste="juste", examen="oui")
    assert writer.exam == [(names[0], topic)]
    await staff.post("/atelier/boite/2", geste="faux")
    assert names[1] in await staff.get("/atelier/boite")
    assert "Cochez d'abord" in await staff.post("/atelier/boite", geste="juste", retour="/atelier/boite?etat=controle")
    page = await staff.post("/atelier/boite", geste="juste", groupe=["3", "4", "1"], retour="/atelier/boite?etat=controle")
    assert "2 messages réglés" in page and "déjà traité" in page and "3 réponses justes sur 4 contrôlées" in page
    await staff.post("/atelier/boite", 422, geste="autre", groupe="2")
    reader = await enter("lea")
    await reader.get("/atelier/boite?etat=controle")
    await reader.post("/atelier/boite", 403, geste="juste", groupe="2")


async def test_the_inbox_is_searched_and_settled_by_the_lot(enter: Any, workshop: Any, writer: Writer) -> None:
    bring(workshop, "des ruches au pré", "une chanson paillarde", "un poème sur la pluie")
    staff = await enter("remi")
    assert "une chanson" not in await staff.get("/atelier/boite?q=RUCHES")
    known = next(iter(workshop.referential().topics.values()))
    doubt = TurnEvent("t9", 1_790_000_000.0, "une demande connue", "clarifier", ({**DOOR, "sujet": known.id},))
    Intake(workshop.storage)([doubt])
    page = await staff.get(f"/atelier/boite?service={known.service}")
    assert "une demande connue" in page and "des ruches au pré" not in page
    assert "Aucun message ici" in await staff.get("/atelier/boite?pourquoi=non")
    page = await staff.get("/atelier/boite?pourquoi=clarifier")
    assert "une demande connue" in page and "des ruches au pré" not in page
    await staff.get("/atelier/boite/2")
    await staff.post("/atelier/boite/2", geste="sans_demande")
    page = await staff.post("/atelier/boite", geste="sans_demande", groupe="3")
    assert "1 message réglé" in page and {row[0] for row in writer.held} == {"divers_sans_demande"}
    topic = next(iter(workshop.referential().topics.values()))
    await staff.post("/atelier/boite", geste="rattacher", groupe="1", sujet_lot=topic.libelle)
    assert writer.held[-1][:2] == (topic.id, "des ruches au pré")


async def test_messages_that_say_the_same_are_together_and_settled_together(
    enter: Any, workshop: Any, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(workshop, "des rats au ruisseau", "une chanson", "plein de rongeurs dans le fossé")
    monkeypatch.setattr(inbox_page, "shared_model", lambda _: None)
    monkeypatch.setattr(inbox_page, "gather", lambda texts, _: {3: [1], 2: []} if len(texts) == 3 else {i: [] for i in texts})
    staff = await enter("remi")
    page = await staff.get("/atelier/boite")
    assert page.count('class="at-message"') == 2 and page.count('name="voisin"') == 1 and "des rats au ruisseau" in page
    assert (await staff.get("/atelier/boite?reunir=non")).count('class="at-message"') == 3
    await staff.post("/atelier/boite/3", geste="sans_demande", voisin="1")
    assert {row[1] for row in writer.held} == {"des rats au ruisseau", "plein de rongeurs dans le fossé"}
    page = await staff.get("/atelier/boite")
    assert page.count('class="at-message"') == 1 and "une chanson" in page


async def test_the_list_says_what_was_answered_and_why_each_message_is_there(enter: Any, workshop: Any, writer: Writer) -> None:
    topic = workshop.referential().topics["passeport"]
    sure = {**DOOR, "sujet": topic.id, "confiance": 0.97}
    no = TurnEvent("n1", 1_790_000_000.0, "le chat de la voisine", "orienter", (sure,))
    Intake(workshop.storage)([no, FeedbackEvent("n1", 1_790_000_001.0, False, "mauvaise_porte", "je parlais du chat", no)])
    bring(workshop, "des ruches au pré", kind="hors_sujet")
    staff = await enter("lea")
    page = await staff.get("/atelier/boite")
    assert topic.libelle in page and "la personne a dit que la réponse n'a pas aidé (« Ce n'est pas la bonne porte »)" in page
    assert "je parlais du chat" in page and "l'assistant a cru que ce n'était pas une demande" in page
    assert "ici parce que la personne a dit" in await staff.get("/atelier/boite/1")


async def test_a_topic_is_attached_by_its_label(enter: Any, workshop: Any, writer: Writer) -> None:
    topic = next(iter(workshop.referential().topics.values()))
    bring(workshop, "une demande floue")
    staff = await enter("remi")
    await staff.get("/atelier/boite")
    assert "Choisissez un sujet" in await staff.post("/atelier/boite/1", geste="rattacher", autre_sujet=" ")
    assert "n'existe pas" in await staff.post("/atelier/boite/1", geste="rattacher", autre_sujet="rien de tel")
    await staff.post("/atelier/boite/1", geste="rattacher", autre_sujet=topic.libelle.upper())
    assert writer.held[0][0] == topic.id


async def test_a_phrase_refused_by_the_corpus_is_told_and_kept(enter: Any, workshop: Any, writer: Writer) -> None:
    writer.error = EditError("La phrase existe déjà dans un autre sujet.")
    bring(workshop, "une demande floue")
    staff = await enter("remi")
    await staff.get("/atelier/boite")
    page = await staff.post("/atelier/boite/1", sujet=next(iter(workshop.referential().topics)))
    assert "existe déjà dans un autre sujet" in page and "une demande floue" in page


async def test_ignoring_then_reading_again(enter: Any, workshop: Any, writer: Writer) -> None:
    bring(workshop, "vous êtes nuls")
    staff = await enter("remi")
    await staff.get("/atelier/boite")
    assert "ne reviendra pas" in await staff.post("/atelier/boite/1", geste="ignorer")
    bring(workshop, "VOUS ETES NULS !")
    assert "Rien à traiter" in await staff.get("/atelier/boite")
    assert "Écartés" in await staff.get("/atelier/boite?etat=ignore")
    await staff.post("/atelier/boite/1", geste="rouvrir")
    assert "vous êtes nuls" in await staff.get("/atelier/boite")
    assert "Ce geste" in await staff.post("/atelier/boite/1", geste="voler")


async def test_a_second_person_confirms_or_refuses(enter: Any, workshop: Any, writer: Writer) -> None:
    topic = next(iter(workshop.referential().topics))
    bring(workshop, "une demande floue")
    first = await enter("remi")
    await first.get("/atelier/boite")
    await first.post("/atelier/boite/1", sujet=topic)
    assert "Confirmer" not in await first.get("/atelier/boite/1")
    second = await enter("ada")
    assert "Confirmer" in await second.get("/atelier/boite?etat=rattache")
    page = await second.post("/atelier/boite/1", geste="confirmer", retour="/atelier/boite/1")
    assert "Rattachement confirmé" in page and "ada" in page
    assert "déjà traité" in await second.post("/atelier/boite/1", geste="confirmer")


async def test_readers_read_and_cannot_write(enter: Any, workshop: Any, writer: Writer) -> None:
    bring(workshop, "une demande floue")
    staff = await enter("lea")
    page = await staff.get("/atelier/boite")
    assert "Écarter" not in page and "Voir ce message" in page
    assert "Votre rôle" in await staff.post("/atelier/boite/1", 403, geste="ignorer")
    assert workshop.inbox().page(OPEN)[1] == 1


async def test_the_page_of_a_message_searches_and_adds_wordings(enter: Any, workshop: Any, writer: Writer) -> None:
    topic = next(iter(workshop.referential().topics.values()))
    bring(workshop, "vider mon étang", "vider étang", "Vider mon étang !")
    staff = await enter("remi")
    page = await staff.get(f"/atelier/boite/1?q={topic.libelle.split()[-1]}")
    assert topic.libelle in page and 'value="vider étang"' in page
    assert "Aucun sujet" in await staff.get("/atelier/boite/1?q=xyzzyx")
    await staff.post("/atelier/boite/1", sujet=topic.id, variante="vider étang")
    assert [row[1] for row in writer.held] == ["vider mon étang", "vider étang"]
    assert "Ce message n'existe pas" in await staff.get("/atelier/boite/99", 422)


@pytest.mark.parametrize("back", ["https://mal.example", "//mal.example", "/ailleurs", "/atelier/boite//x"])
async def test_a_gesture_never_leads_elsewhere(enter: Any, workshop: Any, writer: Writer, back: str) -> None:
    bring(workshop, "une demande floue")
    staff = await enter("remi")
    await staff.get("/atelier/boite")
    data = {"jeton": staff.token, "geste": "ignorer", "retour": back}
    async with staff.client.post("/atelier/boite/1", data=data, allow_redirects=False) as answer:
        assert answer.headers["Location"] == "/atelier/boite"


async def test_a_long_inbox_is_paged(enter: Any, workshop: Any, writer: Writer) -> None:
    bring(workshop, *(f"zorglub{chr(97 + i)} mirliton{chr(122 - i)} cacatoès{i}" for i in range(20)))
    staff = await enter("remi")
    assert "Page 1 sur 2" in await staff.get("/atelier/boite?reunir=non")
    assert "Page précédente" in await staff.get("/atelier/boite?page=2&etat=ouvert&reunir=non")
    for odd in ("0", "-1", "999999", "x", "9" * 40):
        await staff.get(f"/atelier/boite?page={odd}")


async def test_topics_are_found_by_any_of_their_words(workshop: Any) -> None:
    choices = choices_of(workshop.referential())
    assert "passeport" in {row.id for row in search(choices, "PASSEPORT renouvelér"[:9])}
    assert search(choices, "") == [] and resolve(choices, "rien") == "rien"
    assert resolve(choices, choices["passeport"].label) == "passeport"


# --- dashboard


async def test_the_empty_dashboard_divides_nothing(enter: Any) -> None:
    staff = await enter("lea")
    page = await staff.get("/atelier/tableau")
    assert "<dd>–</dd>" in page and "Rien encore" in page


async def test_the_sheet_of_a_month_says_what_each_figure_means(enter: Any, workshop: Any) -> None:
    Intake(workshop.storage)([TurnEvent("m1", time.time(), "le prix des nuages", "incompris")])
    staff = await enter("lea")
    shown = await staff.get(f"/atelier/mois?mois={civil_day(time.time())[:7]}")
    assert "le prix des nuages" in shown and "Ce mois n'est pas fini" in shown and "et aucun avis « non »" in shown
    assert "Aucun sujet n'a reculé" in await staff.get("/atelier/mois")
    for wrong in ("2999-01", "1999-01", "2026-13", "x"):
        assert "Un mois s'écrit ainsi" in await staff.get(f"/atelier/mois?mois={wrong}", 422)


async def test_the_dashboard_shows_a_month_without_any_text(enter: Any, workshop: Any) -> None:
    fill(Intake(workshop.storage))
    staff = await enter("lea")
    page = await staff.get("/atelier/tableau")
    assert "ruches" not in page and "Cahors" in page and "<svg" in page and "Faire ou renouveler un passeport" in page
    async with staff.client.get("/atelier/tableau.csv?jours=30") as answer:
        assert answer.headers["Content-Type"].startswith("text/csv") and "attachment" in answer.headers["Content-Disposition"]
        rows = list(csv.reader(io.StringIO((await answer.text()).lstrip("\ufeff")), delimiter=";"))
    assert len(rows) == 31 and rows[0][0] == "jour"
    shown = int(re.search(r"<dt>Demandes</dt><dd>(\d+)", page).group(1))  # type: ignore[union-attr]
    assert sum(int(row[3]) for row in rows[1:]) == shown
    async with staff.client.get("/atelier/donnees-ouvertes.csv") as answer:
        text = await answer.text()
    assert "ruches" not in text and "< 5" in text


async def test_a_topic_that_is_gone_is_never_shown_by_its_id(enter: Any, workshop: Any) -> None:
    named = dashboard._named({"ancien": 3, "nouveau": 4, "disparu": 1}, {"nouveau": "Un sujet"}, "Sujet retiré", {"ancien": "nouveau"})
    assert named == [("Un sujet", 7), ("Sujet retiré", 1)]
    gone = TurnEvent("p1", time.time(), "", "orienter", ({**DOOR, "sujet": "sujet_disparu", "confiance": 0.9},))
    Intake(workshop.storage)([gone])
    page = await (await enter("lea")).get("/atelier/tableau")
    assert "sujet_disparu" not in page and "Sujet retiré" in page


@pytest.mark.parametrize("query", ["du=hier", "du=2026-03-02&au=2026-03-01", "du=1900-01-01&au=2026-01-01", "jours=x"])
async def test_a_period_that_makes_no_sense_is_told(enter: Any, query: str) -> None:
    staff = await enter("lea")
    assert "Revenir à l'accueil" in await staff.get(f"/atelier/tableau?{query}", 422)


def test_the_axis_ends_on_a_number_that_divides_well() -> None:
    assert [charts.nice_top(n) for n in (0, 3, 5, 9, 17, 39, 41, 99, 101, 1234)] == [4, 4, 8, 20, 20, 40, 80, 200, 200, 2000]


def test_a_chart_escapes_and_stays_in_its_frame() -> None:
    drawn = charts.columns(["2026-03-01"], [("a", [3]), ("b", [0])], '<"x">')
    assert isinstance(drawn, Markup) and "&lt;" in drawn and drawn.count("<rect") == 1 and "style" not in drawn
    assert charts.columns([], [("a", [])], "vide").count("<rect") == 0
    assert charts.bar(0, 0).count("rect") == 2 and charts.short_day("2026-02-03") == "3 févr."


# --- switch


async def test_the_switch_works_at_once_and_is_journalled(enter: Any, workshop: Any) -> None:
    staff = await enter("remi")
    await staff.get("/atelier/interrupteur")
    page = await staff.post("/atelier/interrupteur", mode="telephone", bandeau="Panne ce matin.")
    assert "En pause" in page and "Panne ce matin." in page
    assert read_notice(workshop.storage).phone_only
    assert "L'assistant est en pause" in await staff.get("/atelier/")
    await staff.get("/atelier/interrupteur")
    await staff.post("/atelier/interrupteur", mode="normal", bandeau="")
    assert [e.action for e in audit.entries(workshop.storage, actor="remi")[0]] == ["bandeau", "mode", "bandeau", "mode", "connexion"]


async def test_a_bad_banner_keeps_what_was_typed(enter: Any, workshop: Any) -> None:
    staff = await enter("remi")
    await staff.get("/atelier/interrupteur")
    page = await staff.post("/atelier/interrupteur", 422, mode="telephone", bandeau="appelez le 05 65 00 00 00")
    assert "appelez le 05 65 00 00 00" in page and "donnée personnelle" in page
    assert not read_notice(workshop.storage).phone_only


async def test_readers_do_not_touch_the_switch(enter: Any, workshop: Any) -> None:
    staff = await enter("lea")
    assert "Appliquer" not in await staff.get("/atelier/interrupteur")
    await staff.post("/atelier/interrupteur", 403, mode="telephone")
    assert not read_notice(workshop.storage).phone_only


# --- the guided first session


async def test_the_guided_session_goes_through_every_page_once(enter: Any, workshop: Any) -> None:
    staff = await enter("lea")
    page = await staff.get("/atelier/")
    count = len(tour.steps())
    for number in range(1, count + 1):
        assert f"étape {number} sur {count}" in page
        page = await staff.post("/atelier/visite", geste="suivante" if number < count else "fermer")
    assert "Visite guidée, étape" not in page
    assert "Visite guidée, étape" not in await (await enter("lea")).get("/atelier/")
    staff = await enter("lea")
    assert "étape 1 sur" in await staff.post("/atelier/visite", geste="reprendre")
    assert "étape 2 sur" in await staff.post("/atelier/visite", geste="suivante")
    assert "étape 1 sur" in await staff.post("/atelier/visite", geste="precedente")
    page = await staff.post("/atelier/visite", geste="fermer", retour="//mal.example")
    assert "<h1>L'atelier</h1>" in page


async def test_every_step_leads_to_a_page_that_exists(enter: Any) -> None:
    staff = await enter("ada")
    for step in tour.steps():
        await staff.get(step.path)
