"""The workshop in a real Chromium: axe at 320 and 1280 pixels, the keyboard alone, without JavaScript, and the off switch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from atelier_demo import Demo, log_in, serving_workshop
from axe_playwright_python import sync_playwright as axe_api
from playwright import sync_api as playwright_api
from web_browser import CHROMIUM, FLAGS, serving
from web_fakes import FakeEngine

from bot.learning.corpus import read_corpus
from bot.staff.accounts import audit
from bot.staff.editing.topic_editor import TopicEditor

pytestmark = [
    pytest.mark.navigateur,
    pytest.mark.needs("chromium"),
]
PAGES = (
    "/atelier/connexion",
    "/atelier/",
    "/atelier/boite",
    "/atelier/boite?etat=ignore",
    "/atelier/boite?etat=controle",
    "/atelier/boite/1?q=passeport",
    "/atelier/tableau",
    "/atelier/fermetures",
    "/atelier/guichets/nouveau",
    "/atelier/guichets/dis_population",
    "/atelier/services",
    "/atelier/services/titres",
    "/atelier/fiches",
    "/atelier/fiches/evenements/evenement_mariage",
    "/atelier/fiches/menus?q=permis",
    "/atelier/fiches/langues/ar",
    "/atelier/urgences",
    "/atelier/urgences/suicide",
    "/atelier/mois",
    "/atelier/entrainement",
    "/atelier/interrupteur",
    "/atelier/journal?verifier=1",
    "/atelier/compte",
    "/atelier/brouillon",
    "/atelier/rien",
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with serving_workshop(tmp_path_factory.mktemp("atelier")) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Any]:
    """Open a page in a fresh context; fails when the page logs an error or breaks its own policy."""
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


def violations(page: Any) -> list[str]:
    results = axe_api.Axe().run(page)
    return [f"{v['id']}: {n['html'][:120]}" for v in results.response["violations"] for n in v["nodes"]]


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (1280, "light"), (1280, "dark")])
def test_every_page_is_free_of_known_faults_and_fits(open_page: Any, demo: Demo, width: int, scheme: str) -> None:
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    found: dict[str, list[str]] = {}
    for path in PAGES:
        page.goto(demo.address + path)
        if path == "/atelier/connexion":
            found[path] = violations(page)
            log_in(page, demo.address, "claire.martin", tour=True)
            found["visite"] = violations(page)
            continue
        while page.locator("details:not([open]) > summary").count():
            page.locator("details:not([open]) > summary").first.click()
        found[path] = violations(page)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} scrolls sideways by {wide}"
    assert {path: faults for path, faults in found.items() if faults} == {}


def tab_to(page: Any, selector: str, most: int = 60) -> None:
    """Press Tab until the element that matches has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_the_keyboard_alone_enters_labels_and_leaves(open_page: Any, demo: Demo) -> None:
    page = open_page()
    page.goto(f"{demo.address}/atelier/")
    tab_to(page, "#nom")
    page.keyboard.type("remi.costes")
    tab_to(page, "#mot_de_passe")
    page.keyboard.type("une phrase facile")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="L'atelier").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Aller au contenu"
    tab_to(page, 'a[href="/atelier/boite"]')
    page.keyboard.press("Enter")
    first = page.locator(".at-message").first
    words = first.locator(".at-citation").inner_text()
    tab_to(page, 'input[name="autre_sujet"]')
    page.keyboard.type("Déclarer des ruches, abeilles mortes")
    page.keyboard.press("Escape")  # the browser's list of suggestions
    tab_to(page, 'button[value="rattacher"]')
    page.keyboard.press("Enter")
    page.get_by_role("status").filter(has_text="Message rattaché à").wait_for()
    assert words not in page.locator(".at-messages").inner_text()
    tab_to(page, ".at-compte button")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Entrer dans l'atelier").wait_for()


def test_a_label_is_one_line_of_the_draft(open_page: Any, demo: Demo) -> None:
    corpus, drafts = demo.workshop.paths.corpus, demo.workshop.drafts
    drafts.discard()
    before = {path.name: path.read_text(encoding="utf-8").splitlines() for path in corpus.glob("*.yml")}
    page = open_page()
    log_in(page, demo.address)
    page.goto(f"{demo.address}/atelier/boite")
    message = page.locator(".at-message", has_text="brocante de l'école")
    message.get_by_label("sujet").fill("Fête, loto, marché, vide-grenier, terrasse")
    message.get_by_role("button", name="Rattacher", exact=True).click()
    page.get_by_role("status").filter(has_text="Message rattaché à").wait_for()
    for folder, expected in ((drafts.tree.corpus, ["- on veut faire une brocante de l'école sur la place"]), (corpus, [])):
        lines = {path.name: path.read_text(encoding="utf-8").splitlines() for path in folder.glob("*.yml")}
        assert [line.strip() for name, found in lines.items() for line in set(found) - set(before[name])] == expected
    drafts.discard()


def test_without_javascript_a_message_is_ignored_for_ever(open_page: Any, demo: Demo) -> None:
    page = open_page(java_script_enabled=False)
    log_in(page, demo.address)
    page.goto(f"{demo.address}/atelier/boite")
    message = page.locator(".at-message", has_text="vous êtes nuls")
    message.get_by_role("button", name="Écarter pour toujours").click()
    assert page.get_by_role("status").inner_text().startswith("Message écarté")
    assert page.locator(".at-message", has_text="vous êtes nuls").count() == 0
    page.goto(f"{demo.address}/atelier/boite?etat=ignore")
    assert page.locator(".at-message", has_text="vous êtes nuls").count() == 1


def test_the_dashboard_reads_as_a_table_and_gives_files(open_page: Any, demo: Demo) -> None:
    page = open_page()
    log_in(page, demo.address, "lea.vidal")
    page.goto(f"{demo.address}/atelier/tableau?jours=7")
    assert page.get_by_role("img", name="Demandes par jour").is_visible()
    page.get_by_text("Lire en tableau").click()
    table = page.get_by_role("table", name="Demandes par jour")
    assert table.get_by_role("row").count() == 8
    total = sum(int(cell.inner_text()) for cell in table.locator("tbody td:nth-of-type(1)").all())
    assert str(total) == page.locator(".at-mesures div", has_text="Demandes").locator("dd").inner_text()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Données ouvertes").click()
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    assert text.startswith("mois;arrondissement") and "ruches" not in text


def test_the_switch_reaches_the_public_page(open_page: Any, demo: Demo) -> None:
    with serving(FakeEngine(switch=demo.switch)) as public:
        staff, citizen = open_page(), open_page()
        log_in(staff, demo.address)
        citizen.goto(public)
        assert citizen.get_by_role("region", name="Annonce").count() == 0
        staff.goto(f"{demo.address}/atelier/interrupteur")
        staff.get_by_label("En pause").check()
        staff.get_by_label("Bandeau").fill("Guichet fermé lundi matin.")
        staff.get_by_role("button", name="Appliquer").click()
        staff.get_by_text("En pause : téléphone seulement").wait_for()
        citizen.fill("#message", "logement")
        citizen.press("#message", "Enter")
        citizen.locator(".al-message-assistant").get_by_text("L'assistant est en pause").wait_for()
        citizen.reload()
        assert "Guichet fermé lundi matin." in citizen.get_by_role("region", name="Annonce").inner_text()
        assert violations(citizen) == []
        staff.get_by_label("L'assistant répond").check()
        staff.get_by_label("Bandeau").fill("")
        staff.get_by_role("button", name="Appliquer").click()
        staff.get_by_role("status").filter(has_text="L'assistant répond normalement.").wait_for()
        citizen.reload()
        assert citizen.get_by_role("region", name="Annonce").count() == 0
    assert audit.entries(demo.workshop.storage, action="mode")[1] == 2


def test_the_guided_session_walks_through_the_pages(open_page: Any, demo: Demo) -> None:
    demo.workshop.accounts.set_tour(demo.workshop.accounts.get("lea.vidal"), 0)
    page = open_page(java_script_enabled=False)
    log_in(page, demo.address, "lea.vidal", tour=True)
    seen = []
    while page.get_by_role("button", name="Étape suivante").count():
        seen.append(page.locator("h1").inner_text())
        page.get_by_role("button", name="Étape suivante").click()
    page.get_by_role("button", name="Finir la visite").click()
    assert seen[:2] == ["L'atelier", "Boîte de réception"] and len(seen) == len(set(seen))
    assert page.locator(".at-visite").count() == 0


@pytest.mark.parametrize("width", [320, 1280])
def test_the_draft_is_talked_to_beside_the_public_answer(open_page: Any, demo: Demo, width: int) -> None:
    paths, drafts = demo.workshop.paths, demo.workshop.drafts
    phrase = next(e.text for e in read_corpus(paths.corpus) if e.label == "passeport")
    before = {path: path.read_bytes() for path in (paths.root / "data").rglob("*") if path.is_file()}
    drafts.discard()
    editor = TopicEditor(drafts.open("Passeports"))
    editor.edit("passeport", {"premier_geste": "prenez le bac à Douelle."}, editor.read("passeport").version, "remi.costes")
    try:
        page = open_page(viewport={"width": width, "height": 800})
        log_in(page, demo.address, "lea.vidal")
        page.goto(f"{demo.address}/atelier/brouillon")
        page.get_by_role("link", name="Parler à cette version").click()
        for words in (phrase, "mon fils ne respire plus"):
            page.get_by_label("Écrivez comme le public").or_(page.get_by_label("Message suivant")).fill(words)
            page.get_by_role("button", name="Envoyer aux deux").click()
            page.locator(".at-essai-dit", has_text=words).wait_for()
        passport, danger = page.locator(".at-essai > section").all()
        public, tried = passport.locator(".at-essai-version").all()
        assert "ne répondent pas de même" in passport.inner_text() and "répondent de même" in danger.inner_text()
        assert "bac à Douelle" in tried.inner_text() and "bac à Douelle" not in public.inner_text()
        assert danger.locator(".al-appel").count() and "Passeports" in tried.get_by_role("heading").first.inner_text()
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        page.get_by_role("link", name="Recommencer").click()
        assert page.locator(".at-essai-dit").count() == 0
    finally:
        drafts.discard()
    assert {path: path.read_bytes() for path in before} == before  # nothing was public, and nothing was learnt
