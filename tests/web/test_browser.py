"""The page in a real Chromium: axe on every state, keyboard only, no JavaScript, lost network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from axe_playwright_python import sync_playwright as axe_api
from playwright import sync_api as playwright_api
from web_browser import CHROMIUM, FLAGS, STATES, WIDTHS, reach, send, serving
from web_fakes import BROKEN, HOUSING_CODE, Ear, FakeEngine

from bot.base.paths import project_paths
from bot.dialogue.dialogue import Dialogue
from bot.routing.router import Router
from bot.serving.engine import Engine
from bot.serving.first_aid import FirstAid
from bot.serving.takeover import Said, fragment

pytestmark = [
    pytest.mark.navigateur,
    pytest.mark.needs("chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for the module, closed at its end: Playwright's loop must not outlive it."""
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(FakeEngine()) as where:
        yield where


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    """Open a page in a fresh context; fails when the page logs an error."""
    contexts = []
    errors: list[str] = []

    def start(**options: Any) -> Any:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(locale="fr-FR", reduced_motion="reduce", **options)
        context.set_default_timeout(8_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None)
        return page

    yield start
    for context in contexts:
        context.close()
    assert errors == []


def words(page: Any, selector: str = "#journal") -> str:
    """Return the text of an element, spaces collapsed."""
    return re.sub(r"\s+", " ", page.locator(selector).inner_text())


CUT = """() => [...document.querySelectorAll('.al-message, .al-carte, .al-saisie, .al-urgence')].flatMap(box =>
  [...box.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > box.getBoundingClientRect().right + 1))
  .map(e => e.textContent)"""
"""What goes past the edge of its box, hidden or not."""


def violations(page: Any) -> list[str]:
    found = axe_api.Axe().run(page).response["violations"]
    return [f"{v['id']}: {[n['target'] for n in v['nodes']]}" for v in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_and_nothing_overflows(open_page: Any, address: str, width: int, scheme: str) -> None:
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for state in (*STATES, "erreur", "facile", "avis", "hors_ligne"):
        page.context.clear_cookies()
        reach(page, address, state)
        if state == "avis":
            send(page, "logement")
            page.click(".al-avis summary")
            page.click(".al-carte-savoir summary")
        if state == "facile":
            page.click("#lecture")
            send(page, "deux")
        if state == "hors_ligne":
            page.context.set_offline(True)
            page.locator("#erreur p").wait_for()
        assert violations(page) == [], state
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), f"{state} scrolls sideways"
        assert page.evaluate(CUT) == [], f"{state}: words are cut"
        page.context.set_offline(False)


@pytest.mark.parametrize("path", ["/accessibilite", "/donnees-personnelles", "/nulle-part", "/fiche/logement_dalo"])
def test_axe_finds_nothing_on_the_other_pages(open_page: Any, address: str, path: str) -> None:
    for width in (320, 1280):
        page = open_page(viewport={"width": width, "height": 800})
        page.goto(address + path)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_life_event_is_ticked_and_printed_without_a_script(open_page: Any, address: str) -> None:
    page = open_page(viewport={"width": 320, "height": 800}, java_script_enabled=False)
    page.goto(address)
    page.fill("#message", "deuil")
    page.click(".al-bouton-envoi")
    page.locator(".al-etapes").wait_for()
    boxes = page.get_by_role("checkbox")
    assert boxes.count() == 2 and page.locator(".al-etapes ol > li").count() == 2
    boxes.first.check()
    page.emulate_media(media="print")
    assert boxes.first.is_visible() and boxes.first.is_checked() and not page.locator(".al-etape-fiche").first.is_visible()


def test_axe_finds_nothing_without_javascript_states(open_page: Any, address: str) -> None:
    """Pages drawn by the server after a conversation, error included."""
    page = open_page(viewport={"width": 320, "height": 800})
    page.goto(address)
    for message in ("logement", "question", "deux", "feu"):
        send(page, message)
    page.reload()
    assert page.locator(".al-message-assistant").count() == 4
    assert violations(page) == []


def test_text_at_200_percent_does_not_overflow(open_page: Any, address: str) -> None:
    page = open_page(viewport={"width": 640, "height": 450}, device_scale_factor=2)
    reach(page, address, "deux_cartes")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_conversation_without_javascript(open_page: Any, address: str) -> None:
    page = open_page(java_script_enabled=False, viewport={"width": 320, "height": 640})
    page.goto(address)
    page.fill("#message", "question")
    page.click(".al-bouton-envoi")
    page.locator(".al-message-assistant").wait_for()
    assert page.url.endswith("#reponse")
    page.click("button:has-text('Faire reconnaître')")
    page.locator(".al-carte-etape", has_text="Remplissez le formulaire de recours").wait_for()
    page.fill("#message", "au feu")
    page.click(".al-bouton-envoi")
    page.locator(".al-message-assistant").nth(2).wait_for()
    page.click("#lecture")
    page.locator("html[data-lecture=facile]").wait_for()
    page.click(".al-bouton-envoi")
    page.locator("#erreur", has_text="Votre message est vide").wait_for()
    page.click("#nouvelle")
    page.locator(".al-message").first.wait_for(state="detached")
    assert page.locator(".bienvenue").is_visible()


def test_without_javascript_nor_cookies_the_thread_is_kept(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    page.fill("#message", "question")
    page.click(".al-bouton-envoi")
    context.clear_cookies()
    page.click("button:has-text('Signaler')")
    page.locator(".al-carte", has_text="SignalConso").wait_for()
    context.close()


def test_the_script_and_the_server_draw_the_same_thing(open_page: Any, address: str) -> None:
    for message in ("logement", "question", "deux", "feu", "bonjour", "hello", "مرحبا"):
        page = open_page()
        page.goto(address)
        send(page, message)
        by_script = words(page)
        links = "Array.from(document.querySelectorAll('#journal a, #journal button'), e => e.href || e.value)"
        links_by_script = page.evaluate(links)
        page.reload()
        assert words(page) == by_script, message
        assert page.evaluate(links) == links_by_script


def test_a_whole_conversation_with_the_keyboard_alone(open_page: Any, address: str) -> None:
    page = open_page()
    page.goto(address)
    focused = "document.activeElement.id || document.activeElement.value || document.activeElement.textContent.trim()"

    def tab_to(wanted: str, limit: int = 40) -> None:
        for _ in range(limit):
            page.keyboard.press("Tab")
            if wanted in str(page.evaluate(focused)):
                outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert outline == "solid", f"no visible focus on {wanted}"
                return
        raise AssertionError(f"{wanted} cannot be reached with Tab")

    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Aller au contenu"
    tab_to("message")
    page.keyboard.type("question")
    page.keyboard.press("Enter")
    page.locator(".al-message-assistant .al-bouton-choix").first.wait_for()
    assert page.evaluate(focused) == "message", "focus stays in the field"
    for _ in range(8):
        page.keyboard.press("Shift+Tab")
        if page.evaluate(focused) == "veterinaire":
            break
    assert page.evaluate(focused) == "veterinaire"
    page.keyboard.press("Enter")
    page.locator(".al-carte").wait_for()
    assert page.evaluate(focused) == "message"
    page.keyboard.type("deux lignes")
    page.keyboard.press("Shift+Enter")
    assert page.input_value("#message") == "deux lignes\n"
    page.keyboard.press("Enter")
    page.locator(".al-carte").nth(2).wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    tab_to("lecture")
    page.keyboard.press("Enter")
    assert page.locator("html").get_attribute("data-lecture") == "facile" and page.evaluate(focused) == "lecture"
    tab_to("nouvelle")
    page.keyboard.press("Space")
    page.locator(".bienvenue").wait_for()
    assert page.locator(".al-message").count() == 0 and page.evaluate(focused) == "message"


def test_a_lost_network_loses_no_word(open_page: Any, address: str) -> None:
    page = open_page()
    page.goto(address)
    send(page, "bonjour")
    page.context.set_offline(True)
    assert "plus connecté" in words(page, "#erreur")
    page.fill("#message", "ma longue histoire de logement")
    page.press("#message", "Enter")
    page.locator("#erreur", has_text="réseau").wait_for()
    assert page.input_value("#message") == "ma longue histoire de logement"
    assert page.locator(".al-message-personne").count() == 1, "what was not sent is not shown as said"
    assert page.evaluate("document.activeElement.id") == "message"
    page.context.set_offline(False)
    page.locator("#statut", has_text="revenue").wait_for()
    page.press("#message", "Enter")
    page.locator(".al-carte").wait_for()
    assert page.input_value("#message") == "" and words(page, "#erreur").strip() == ""


def test_a_lost_network_on_a_button_and_on_a_new_conversation(open_page: Any, address: str) -> None:
    page = open_page()
    reach(page, address, "question")
    page.context.set_offline(True)
    page.click("button:has-text('Signaler')")
    page.locator("#erreur", has_text="bouton").wait_for()
    page.click("#nouvelle")
    page.locator("#erreur", has_text="réseau").wait_for()
    assert page.locator(".al-message").count() == 2, "nothing is cleared when the server was not told"
    page.context.set_offline(False)
    page.click("button:has-text('Signaler')")
    page.locator(".al-carte").wait_for()


def test_an_answer_lost_on_the_way_is_not_asked_twice(open_page: Any) -> None:
    engine = FakeEngine()
    with serving(engine) as where:
        page = open_page()
        page.goto(where)
        send(page, "bonjour")
        dropped = []

        def drop_first(route: Any) -> None:
            if not dropped:
                dropped.append(route.fetch())
                route.abort()
            else:
                route.continue_()

        page.route("**/api/chat", drop_first)
        page.fill("#message", "logement")
        page.press("#message", "Enter")
        page.locator("#erreur", has_text="réseau").wait_for()
        page.press("#message", "Enter")
        page.locator(".al-carte").wait_for()
        assert [heard for heard, _ in engine.heard] == ["bonjour", "logement"]
        page.reload()
        assert page.locator(".al-message-personne").count() == 2


def test_a_slow_answer_shows_that_it_is_coming_and_a_double_send_is_one(open_page: Any) -> None:
    engine = FakeEngine(delay=0.6)
    with serving(engine) as where:
        page = open_page()
        page.goto(where)
        page.fill("#message", "logement")
        page.press("#message", "Enter")
        assert words(page, "#statut") == "L'assistant écrit…"
        page.fill("#message", "la suite")
        page.press("#message", "Enter")
        page.locator(".al-bouton-envoi").dispatch_event("click")
        page.locator(".al-carte").wait_for()
        assert page.input_value("#message") == "la suite", "typed meanwhile: kept"
        assert words(page, "#statut").strip() == "" and len(engine.heard) == 1


def test_a_server_that_fails_or_restarts_loses_no_word(open_page: Any) -> None:
    engine = FakeEngine(error=BROKEN)
    with serving(engine) as where:
        page = open_page()
        page.goto(where)
        page.fill("#message", "ma demande")
        page.press("#message", "Enter")
        page.locator("#erreur p").wait_for()
        assert "Votre texte est gardé" in words(page, "#erreur") and page.input_value("#message") == "ma demande"
        assert page.locator(".bienvenue").is_visible()
        engine.error = None
        send(page, "logement")


def port_of(address: str) -> int:
    return int(address.rsplit(":", 1)[1])


def test_a_server_that_restarts_says_so_and_keeps_the_text(open_page: Any) -> None:
    """The conversation dies with the server: one button sends the same words to a new one."""
    page = open_page()
    with serving(FakeEngine()) as where:
        page.goto(where)
        send(page, "question")
    page.fill("#message", "ma longue demande de logement")
    page.press("#message", "Enter")
    page.locator("#erreur", has_text="réseau").wait_for()
    fresh = FakeEngine()
    with serving(fresh, port=port_of(where)):
        page.press("#message", "Enter")
        page.locator("#erreur", has_text="oublié cette conversation").wait_for()
        assert page.input_value("#message") == "ma longue demande de logement" and fresh.heard == []
        page.fill("#message", "ma longue demande de logement, complétée")
        page.click("#erreur button")
        page.locator(".al-carte").wait_for()
        assert [heard for heard, _ in fresh.heard] == ["ma longue demande de logement, complétée"]
        assert page.input_value("#message") == "" and page.evaluate("document.activeElement.id") == "message"
        assert page.locator(".al-journal .al-choix").count() == 0, "buttons of before mean nothing any more"
        send(page, "bonjour")


def test_a_button_of_a_forgotten_conversation_is_sent_as_words(open_page: Any) -> None:
    page = open_page()
    with serving(FakeEngine()) as where:
        reach(page, where, "question")
    fresh = FakeEngine()
    with serving(fresh, port=port_of(where)):
        page.click("button:has-text('Faire reconnaître')")
        page.locator("#erreur", has_text="oublié cette conversation").wait_for()
        page.click("#erreur button")
        page.locator(".al-carte").wait_for()
        assert [heard for heard, _ in fresh.heard] == ["Faire reconnaître mon droit au logement"]


def test_a_server_that_restarts_says_so_without_javascript(open_page: Any) -> None:
    page = open_page(java_script_enabled=False)
    with serving(FakeEngine()) as where:
        page.goto(where)
        page.fill("#message", "bonjour")
        page.click(".al-bouton-envoi")
        page.locator(".al-message-assistant").wait_for()
    with serving(FakeEngine(), port=port_of(where)):
        page.fill("#message", "ma demande de logement")
        page.click(".al-bouton-envoi")
        page.locator("#erreur", has_text="oublié cette conversation").wait_for()
        assert page.input_value("#message") == "ma demande de logement"
        page.click(".al-bouton-envoi")
        page.locator(".al-carte").wait_for()


def test_too_many_messages_keep_the_text(open_page: Any) -> None:
    with serving(FakeEngine(), per_minute=1) as where:
        page = open_page()
        page.goto(where)
        send(page, "bonjour")
        page.fill("#message", "encore une demande")
        page.press("#message", "Enter")
        page.locator("#erreur p").wait_for()
        assert "Attendez" in words(page, "#erreur") and page.input_value("#message") == "encore une demande"


def test_markup_is_shown_as_text(open_page: Any, address: str) -> None:
    page = open_page()
    page.goto(address)
    send(page, "<img src=x onerror=document.title='pris'> & <b>gras</b>")
    assert "<b>gras</b>" in words(page) and page.locator("#journal img, #journal b").count() == 0
    page.reload()
    assert "<b>gras</b>" in words(page) and "pris" not in page.title()


def test_nothing_is_stored_before_writing(open_page: Any, address: str) -> None:
    page = open_page()
    page.goto(address)
    page.fill("#message", "pas encore envoyé")
    page.click("#lecture")
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    send(page, "bonjour")
    (cookie,) = page.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    assert page.evaluate("document.cookie") == ""


def test_going_back_and_reloading_send_nothing_again(open_page: Any) -> None:
    engine = FakeEngine()
    with serving(engine) as where:
        page = open_page(java_script_enabled=False)
        page.goto(where)
        for count, message in enumerate(("bonjour", "logement"), start=1):
            page.fill("#message", message)
            page.click(".al-bouton-envoi")
            page.wait_for_function("n => document.querySelectorAll('.al-message-personne').length === n", arg=count)
            page.wait_for_load_state()
        page.reload()
        page.click("a:has-text('Accessibilité')")
        page.go_back()
        assert page.locator(".al-message-personne").count() == 2 and len(engine.heard) == 2


def test_easy_reading_puts_one_sentence_a_line(open_page: Any, address: str) -> None:
    page = open_page()
    reach(page, address, "reponse")
    shown = "getComputedStyle(document.querySelector('.al-carte-precisions .al-phrase')).display"
    assert page.evaluate(shown) == "inline"
    before = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
    page.click("#lecture")
    assert page.evaluate(shown) == "block"
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") > before * 1.2
    page.reload()
    assert page.evaluate(shown) == "block", "the mode is kept in the address"


def test_the_card_prints_without_the_rest(open_page: Any, address: str) -> None:
    page = open_page()
    reach(page, address, "reponse")
    page.emulate_media(media="print")
    assert page.locator(".al-carte").is_visible() and page.locator(".bandeau").is_visible()
    ink = "e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor]"
    assert page.locator(".al-bouton-appel").evaluate(ink) == ["rgb(0, 0, 0)", "rgba(0, 0, 0, 0)"], "readable with backgrounds printed"
    assert not page.locator(".al-ouverture").is_visible(), "true now, not on paper"
    for hidden in (".al-saisie", ".outils", ".bienvenue", ".al-avis", ".al-carte-outils"):
        assert not page.locator(hidden).first.is_visible()
    assert page.locator(".al-carte-faits").is_visible(), "what was folded is printed"
    columns = "getComputedStyle(document.querySelector('.al-carte-corps')).gridTemplateColumns.split(' ').length"
    assert page.evaluate(columns) == 1
    page.emulate_media(media="screen")
    assert page.evaluate(columns) == 2 and not page.locator(".al-carte-faits").is_visible()
    assert len(page.pdf()) > 5_000


def test_a_vote_is_taken_once_with_its_reason(open_page: Any) -> None:
    ear = Ear()
    with serving(FakeEngine(), observer=ear) as where:
        page = open_page()
        reach(page, where, "reponse")
        page.get_by_role("button", name="Copier").click()
        page.locator("#statut", has_text="copiée").wait_for()
        page.click(".al-avis summary")
        page.check("input[value=coordonnees_fausses]")
        page.fill(".al-avis-phrase", "rappelez le 06 12 34 56 78")
        page.click("button:has-text('Envoyer mon avis')")
        page.locator(".al-avis-merci").wait_for()
        assert page.evaluate("document.activeElement.className") == "al-avis-merci", "focus is not lost"
        assert page.locator("#statut").inner_text() == "", "what was said of a copy is not said of the vote"
        page.reload()
        assert page.locator(".al-avis").count() == 0 and page.locator(".al-avis-merci").count() == 1
        assert [(v.helpful, v.reason, v.comment) for v in ear.votes] == [(False, "coordonnees_fausses", "rappelez le <telephone>")]


def test_a_vote_without_javascript(open_page: Any) -> None:
    ear = Ear()
    with serving(FakeEngine(), observer=ear) as where:
        page = open_page(java_script_enabled=False, viewport={"width": 320, "height": 640})
        for vote in ("Oui", "Non"):
            page.goto(where)
            page.fill("#message", "logement")
            page.click(".al-bouton-envoi")
            page.locator(".al-avis").wait_for()
            if vote == "Non":
                page.click(".al-avis summary")
                page.check("input[value=mauvaise_porte]")
            page.click("button[name=avis][value=oui]" if vote == "Oui" else "button[name=avis][value=non]")
            page.locator(".al-avis-merci").nth(0 if vote == "Oui" else 1).wait_for()
        assert [(v.helpful, v.reason) for v in ear.votes] == [(True, None), (False, "mauvaise_porte")]


def test_a_referral_is_copied_shared_printed_and_linked(open_page: Any, address: str) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.add_init_script(
        "window.printed = 0; window.print = () => { window.printed = document.querySelectorAll('.al-a-imprimer').length; };"
    )
    page.add_init_script("navigator.share = async (what) => { window.shared = what; };")
    reach(page, address, "deux_cartes")
    card = page.locator(".al-carte").first
    card.get_by_role("button", name="Copier").click()
    page.locator("#statut", has_text="copiée").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "En cas de refus : Écrivez au tribunal." in copied, "folded facts too"
    assert "Votre porte : Le service regroupé Population" in copied and "05 65 11 11 11" in copied
    assert f"{address}/fiche/logement_dalo" in copied and "https://www.service-public.gouv.fr" in copied
    card.get_by_role("button", name="Partager").click()
    assert page.evaluate("window.shared.url") == f"{address}/fiche/logement_dalo"
    card.get_by_role("button", name="Imprimer").click()
    assert page.evaluate("window.printed") == 1, "only the chosen card"
    card.get_by_role("link", name="Ouvrir la fiche").click()
    page.wait_for_url("**/fiche/logement_dalo")
    assert "Remplissez le formulaire de recours" in words(page, ".al-carte")


def test_an_answer_is_read_aloud_on_demand_and_stops(open_page: Any, address: str) -> None:
    page = open_page()
    page.add_init_script(
        "window.said = []; speechSynthesis.speak = (u) => window.said.push([u.lang, "
        "u.text]); speechSynthesis.cancel = () => { window.stopped = true; };"
    )
    reach(page, address, "anglais")
    assert page.evaluate("window.said.length") == 0, "never by itself"
    page.click(".al-ecouter")
    said = page.evaluate("window.said")
    assert said[0][0] == "en" and any(language == "fr-FR" and "Remplissez" in text for language, text in said)
    page.click("button:has-text('Arrêter la lecture')")
    assert page.evaluate("window.stopped") is True and page.locator(".al-ecouter").inner_text() == "Écouter"


def test_nothing_is_offered_that_the_browser_cannot_do(open_page: Any, address: str) -> None:
    page = open_page()
    page.add_init_script("delete window.speechSynthesis; Object.defineProperty(window, 'speechSynthesis', { value: undefined });")
    page.add_init_script("Object.defineProperty(navigator, 'share', { value: undefined });")
    reach(page, address, "reponse")
    assert page.locator(".al-ecouter").count() == 0 and page.locator("button:has-text('Partager')").count() == 0


def test_a_very_long_message_is_answered_and_never_lost(open_page: Any, address: str) -> None:
    page = open_page()
    page.goto(address)
    story = "je cherche un logement pour ma famille. " * 600
    send(page, story)
    assert "Votre message est long" in words(page)
    page.fill("#message", "logement " * 30_000)
    page.press("#message", "Enter")
    page.locator("#erreur", has_text="trop long").wait_for()
    assert len(page.input_value("#message")) > 250_000


@pytest.mark.modele
def test_real_answers_of_the_real_router(open_page: Any, router: Router) -> None:
    """A citizen, a question, two requests, an emergency and a foreigner, with the shipped referential and model."""
    engine = Engine(lambda: Dialogue(router), lambda: FirstAid(project_paths()), seconds=60.0)
    with serving(engine, router_seconds=60.0) as where:
        page = open_page(viewport={"width": 320, "height": 640})
        page.goto(where)
        send(page, "je veux refaire mon passeport")
        assert "passeport" in words(page, ".al-carte").lower() and page.locator(".al-avis").count() == 1
        address = page.locator(".al-lien-fiche").get_attribute("href")
        send(page, "il y a le feu dans ma maison")
        assert words(page, ".al-appel >> nth=0").startswith("18")
        send(page, "do you know where I can renew my driving licence please")
        assert page.locator(".al-courtoisie").get_attribute("lang") == "en"
        assert violations(page) == [] and page.evaluate(CUT) == []
        other = open_page(viewport={"width": 320, "height": 640})  # nothing said before: in a conversation, it would be of the last door
        other.goto(where)
        send(other, "j'ai besoin d'un papier")
        other.locator(".al-message-assistant .al-choix .al-bouton-choix").first.click()
        other.locator(".al-message-assistant").nth(1).wait_for()
        assert violations(other) == [] and other.evaluate(CUT) == []
        page.goto(where + str(address))
        assert "passeport" in words(page, "main").lower()


@pytest.mark.parametrize("width", [320, 1280])
def test_a_door_is_taken_over_with_its_words_and_they_reach_no_server(open_page: Any, width: int) -> None:
    words = fragment([Said("", "un logement <b>sec</b>"), Said("Où ?", "à Gramat")], date(2026, 12, 2))
    with serving(FakeEngine()) as where:
        page = open_page(viewport={"width": width, "height": 800})
        page.goto(where)
        send(page, "logement")
        page.locator(".al-emporter summary").click()
        page.locator(".al-dessin").evaluate("image => image.decode()")
        assert violations(page) == [] and page.evaluate(CUT) == []
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        for path in ("/fiche/logement_dalo", f"/reprise?code={HOUSING_CODE}#{words}"):
            page.goto(where + path)
            page.wait_for_load_state("networkidle")
            assert violations(page) == [] and page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        said = page.locator("#paroles")
        assert "2 décembre 2026" in said.inner_text() and said.locator("q").all_inner_texts() == ["un logement <b>sec</b>", "à Gramat"]
        assert "#" not in page.url, "they stay out of the browser's history"
        assert asked and not any(words[9:20] in url.partition("#")[0] for url in asked)
        page.goto(f"{where}/reprise?code={HOUSING_CODE}#{words[:-1]}0")
        said.wait_for()
        assert "mal lu" in said.inner_text() and said.locator("q").count() == 0
