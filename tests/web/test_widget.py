"""The assistant inside other sites, in a real Chromium: widget and frame, strict policies, spoiling style sheets, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python import sync_playwright as axe_api
from playwright import sync_api as playwright_api
from web_browser import CHROMIUM, FLAGS, open_widget, send, serving
from web_fakes import FakeEngine
from web_hosts import CALM, host_site

pytestmark = [
    pytest.mark.navigateur,
    pytest.mark.needs("chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def sites() -> Iterator[tuple[str, str, str]]:
    """The assistant, a site it allows and one it does not."""
    with host_site() as (allowed, first), host_site() as (stranger, second), serving(FakeEngine(), hosts=(allowed,)) as assistant:
        first[0] = second[0] = assistant
        yield assistant, allowed, stranger


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    """Open a page; fails when it logs an error or goes against the host's policy, unless ``noise`` is true."""
    contexts: list[Any] = []
    errors: list[str] = []

    def start(noise: bool = False, **options: Any) -> Any:
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(locale="fr-FR", reduced_motion="reduce", **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        if not noise:
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        return page

    yield start
    for context in contexts:
        context.close()
    assert errors == []


def active(page: Any) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.className"))


def style(page: Any, selector: str, name: str) -> str:
    return str(page.evaluate("([s, n]) => getComputedStyle(document.querySelector(s))[n]", [selector, name]))


def test_a_conversation_in_the_widget_under_a_strict_policy(open_page: Any, sites: tuple[str, str, str]) -> None:
    assistant, allowed, _ = sites
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.startswith(assistant) else None)
    page.goto(f"{allowed}/widget")
    page.locator(".al-lanceur").wait_for()
    assert not [url for url in asked if "/api/" in url], "nothing is asked of the assistant before the person acts"
    page.locator(".al-lanceur").click()
    page.locator("#al-message").wait_for()
    assert active(page) == "al-message" and page.locator(".al-lanceur").get_attribute("aria-expanded") == "true"
    send(page, "question", "#al-message")
    page.click(".al-panneau button:has-text('Faire reconnaître')")
    page.locator(".al-carte").wait_for()
    assert page.locator(".al-lien-fiche").get_attribute("href") == f"{assistant}/fiche/logement_dalo"
    assert page.locator(".al-journal").get_attribute("role") == "log" and page.locator("[aria-live]").count() == 1
    page.click("button[name=avis][value=oui]")
    page.locator(".al-avis-merci").wait_for()
    assert page.context.cookies() == [] and page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert page.evaluate("scrollY") == 0, "the host's page does not move"
    page.click("button:has-text('Nouvelle conversation')")
    page.locator(".al-panneau .al-suggestions").wait_for()
    assert page.locator(".al-message").count() == 0 and active(page) == "al-message"


def test_the_keyboard_opens_closes_and_never_loses_the_focus(open_page: Any, sites: tuple[str, str, str]) -> None:
    page = open_page()
    page.goto(f"{sites[1]}/widget")
    page.locator(".al-lanceur").focus()
    page.keyboard.press("Enter")
    page.locator("#al-message").wait_for()
    page.keyboard.type("bonjour")
    page.keyboard.press("Enter")
    page.locator(".al-message-assistant").wait_for()
    assert active(page) == "al-message"
    page.keyboard.press("Escape")
    assert not page.locator(".al-panneau").is_visible() and active(page) == "al-lanceur"
    page.keyboard.press("Enter")
    assert page.locator(".al-message-assistant").is_visible() and active(page) == "al-message", "the thread is still there"
    page.locator("#bouton").focus()
    assert page.locator(".al-panneau").is_visible(), "not modal: the host's page stays usable"


def test_the_host_and_the_widget_do_not_spoil_each_other(open_page: Any, sites: tuple[str, str, str]) -> None:
    page = open_page()
    page.goto(f"{sites[1]}/cadre")
    names = ("color", "fontSize", "margin", "float", "backgroundColor", "textTransform")
    before = [style(page, selector, name) for selector in ("#texte", "#bouton", ".etiquette", "body") for name in names]
    open_widget(page, sites[1])
    send(page, "logement", "#al-message")
    after = [style(page, selector, name) for selector in ("#texte", "#bouton", ".etiquette", "body") for name in names]
    assert after == before, "nothing of ours reaches the host"
    button = ".al-panneau .al-bouton-envoi"
    assert [style(page, button, name) for name in ("float", "textTransform", "letterSpacing")] == ["none", "none", "normal"]
    assert style(page, ".al-carte-etape", "color") == "rgb(27, 36, 38)" and style(page, ".al-carte", "display") == "block"
    assert float(style(page, ".al-carte-etape", "fontSize")[:-2]) == 19, "sizes do not follow a host that shrinks the rem"
    assert style(page, ".al-carte-etape", "marginTop") == "0px" and style(page, ".al-panneau h2", "fontStyle") == "normal"


def test_the_widget_stands_at_its_place_on_a_quiet_host(open_page: Any) -> None:
    with host_site(CALM) as (host, known), serving(FakeEngine(), hosts=(host,)) as assistant:
        known[0] = assistant
        page = open_page()
        open_widget(page, host)
        panel = page.locator(".al-panneau").bounding_box()
        assert panel is not None and panel["x"] + panel["width"] <= 1280 - 15 and panel["y"] + panel["height"] <= 900 - 70
        assert 400 <= panel["width"] <= 450 and panel["height"] > 600
        page.set_viewport_size({"width": 320, "height": 640})
        panel = page.locator(".al-panneau").bounding_box()
        assert panel == {"x": 0, "y": 0, "width": 320, "height": 640}, "the whole of a small screen"
        assert page.locator(".al-bouton-envoi").bounding_box()["y"] < 640 - 40


def test_a_site_that_is_not_allowed_is_told_so(open_page: Any, sites: tuple[str, str, str]) -> None:
    assistant, _, stranger = sites
    page = open_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{stranger}/widget")
    page.locator(".al-lanceur").click()
    page.locator(".al-panneau [role=alert]", has_text="n'est pas autorisé").wait_for()
    assert page.get_by_role("link", name="Ouvrir la page de l'assistant").get_attribute("href") == f"{assistant}/"
    assert any(stranger in line and "BOT_HOTES" in line for line in said), "the webmaster learns what to set"
    page.keyboard.press("Escape")
    assert active(page) == "al-lanceur"


def test_without_any_allowed_site_the_link_of_the_host_stays(open_page: Any) -> None:
    with host_site() as (host, known), serving(FakeEngine()) as assistant:
        known[0] = assistant
        page = open_page(noise=True)
        page.goto(f"{host}/widget")
        assert page.get_by_role("link", name="Ouvrir l’assistant").is_visible() and page.locator(".al-lanceur").count() == 0


def test_a_lost_network_in_the_widget_loses_no_word(open_page: Any, sites: tuple[str, str, str]) -> None:
    page = open_page(noise=True)
    open_widget(page, sites[1])
    page.context.set_offline(True)
    page.fill("#al-message", "ma demande de logement")
    page.press("#al-message", "Enter")
    page.locator("#al-erreur", has_text="réseau").wait_for()
    assert page.input_value("#al-message") == "ma demande de logement"
    page.context.set_offline(False)
    page.press("#al-message", "Enter")
    page.locator(".al-carte").wait_for()


@pytest.mark.parametrize("script", [True, False], ids=["script", "sans script"])
def test_the_frame_works_where_it_is_allowed(open_page: Any, sites: tuple[str, str, str], script: bool) -> None:
    """The browser sends no cookie from another site: the form carries the thread."""
    page = open_page(java_script_enabled=script)
    page.goto(f"{sites[1]}/cadre")
    frame = page.frame_locator("iframe")
    for count, words in enumerate(("question", "logement"), start=1):
        frame.locator("#message").fill(words)
        frame.locator(".al-bouton-envoi").click()
        frame.locator(".al-message-assistant").nth(count - 1).wait_for()
    assert frame.locator(".al-carte").count() == 1
    assert frame.locator("a[href='/accessibilite']").get_attribute("target") == "_blank"


def test_the_frame_is_refused_elsewhere(open_page: Any, sites: tuple[str, str, str]) -> None:
    page = open_page(noise=True)
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(f"{sites[2]}/cadre")
    page.wait_for_timeout(500)
    assert page.frame_locator("iframe").locator("#message").count() == 0
    assert any("frame-ancestors" in line for line in refused)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_widget_and_the_frame(open_page: Any, sites: tuple[str, str, str], scheme: str) -> None:
    """axe runs on our part only: the host's page is spoilt on purpose."""
    for width in (320, 1280):
        page = open_page(noise=True, color_scheme=scheme, viewport={"width": width, "height": 800})  # axe writes styles
        open_widget(page, sites[1])
        for words in ((), ("logement", "question", "feu")):
            for message in words:
                send(page, message, "#al-message")
            found = axe_api.Axe().run(page, context="assistant-lot").response["violations"]
            assert [f"{v['id']}: {[n['target'] for n in v['nodes']]}" for v in found] == [], words
        page.goto(f"{sites[0]}/cadre")
        found = axe_api.Axe().run(page).response["violations"]
        assert [v["id"] for v in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
