"""The two pages for people in a real Chromium: axe, no sideways scroll, keyboard, no JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python import sync_playwright as axe_api
from playwright import sync_api as playwright_api
from web_browser import CHROMIUM, FLAGS, serving

from bot.dialogue.dialogue import Dialogue
from bot.serving.engine import Engine
from bot.serving.first_aid import FirstAid

pytestmark = [
    pytest.mark.navigateur,
    pytest.mark.needs("chromium"),
]


@pytest.fixture(scope="module")
def address(api_dialogue: Dialogue, first_aid: FirstAid) -> Iterator[str]:
    with serving(Engine(lambda: api_dialogue, lambda: first_aid)) as where:
        yield where


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for the module, closed at its end: Playwright's loop must not outlive it."""
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_pages_are_accessible_and_fit(browser: Any, address: str, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, locale="fr-FR")
    page = context.new_page()
    for state in ("/api", "/partenaires", "erreur"):
        if state == "erreur":
            page.click("text=Recevoir la liste orientée")
            page.wait_for_selector("#erreur p")
        else:
            page.goto(address + state)
        found = [f"{v['id']}: {[n['target'] for n in v['nodes']]}" for v in axe_api.Axe().run(page).response["violations"]]
        assert found == [], state
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), state
    context.close()


def test_a_list_is_pasted_and_downloaded_by_keyboard_without_javascript(browser: Any, address: str, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False, accept_downloads=True)
    page = context.new_page()
    page.goto(f"{address}/partenaires")
    page.focus("#liste")
    page.keyboard.type("refaire le toit\nle PLU\n")
    page.keyboard.press("Tab")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    waiting.value.save_as(tmp_path / "orientations.csv")
    text = (tmp_path / "orientations.csv").read_text(encoding="utf-8-sig")
    assert waiting.value.suggested_filename == "orientations.csv"
    assert len(text.splitlines()) == 3 and text.splitlines()[1].startswith("refaire le toit;porte trouvée;")
    context.close()
