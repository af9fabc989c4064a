"""Take a picture of each state: ``python tests/web/captures.py [folder]``; ``--docs`` writes those of the documentation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]

from web_browser import CHROMIUM, FLAGS, STATES, open_widget, reach, send, serving
from web_fakes import FakeEngine
from web_hosts import host_site

DOCS = Path(__file__).resolve().parents[2] / "docs" / "captures"
DOCUMENTED = {
    ("vide", 1280, "light"): "accueil-bureau",
    ("reponse", 1280, "light"): "reponse-bureau",
    ("reponse", 320, "light"): "reponse-mobile",
    ("reponse", 1280, "dark"): "reponse-sombre",
    ("question", 320, "light"): "question-mobile",
    ("urgence", 320, "light"): "urgence-mobile",
    ("deux_cartes", 1280, "light"): "deux-portes",
    ("anglais", 320, "light"): "anglais-mobile",
    ("facile", 1280, "light"): "lecture-facile",
    ("fiche", 1280, "light"): "fiche",
    ("widget", 1280, "light"): "widget-bureau",
    ("cadre", 1280, "light"): "cadre",
}
"""State, width and colours → name of the picture in the documentation."""
OTHERS = ("erreur", "facile", "avis", "fiche", "accessibilite", "widget", "cadre")


def whole(page: Page, path: Path) -> None:
    """Take the whole page in a window as tall as it is: what sticks to the edges falls into place."""
    window = page.viewport_size or {"width": 1280, "height": 900}
    page.set_viewport_size({"width": window["width"], "height": max(window["height"], page.evaluate("document.body.scrollHeight"))})
    page.screenshot(path=path, full_page=True)
    page.set_viewport_size(window)


def show(page: Page, address: str, host: str, state: str) -> None:
    """Bring a page to any state of :data:`STATES` or :data:`OTHERS`."""
    if state in STATES or state == "erreur":
        reach(page, address, state)
    elif state == "facile":
        reach(page, address, "reponse")
        page.click("#lecture")
    elif state == "avis":
        reach(page, address, "reponse")
        page.click("summary")
    elif state in {"fiche", "accessibilite"}:
        page.goto(f"{address}/{'fiche/logement_dalo' if state == 'fiche' else state}")
    elif state == "widget":
        open_widget(page, host)
        send(page, "logement", "#al-message")
    elif state == "cadre":
        page.goto(f"{host}/cadre")
        page.frame_locator("iframe").locator("#message").wait_for()


def pictures(browser: Browser, address: str, host: str, folder: Path, names: dict[Any, str] | None) -> None:
    """Write ``<state>-<width>-<scheme>.png`` files, or only the documented ones under their own names."""
    for width, scheme in ((320, "light"), (320, "dark"), (1280, "light"), (1280, "dark")):
        context = browser.new_context(
            viewport={"width": width, "height": 640 if width == 320 else 900}, color_scheme=scheme, locale="fr-FR", reduced_motion="reduce"
        )
        page = context.new_page()
        for state in (*STATES, *OTHERS):
            name = f"{state}-{width}-{scheme}" if names is None else names.get((state, width, scheme))
            if name is None:
                continue
            context.clear_cookies()
            show(page, address, host, state)
            if state in {"widget", "cadre"}:
                page.screenshot(path=folder / f"{name}.png")
            else:
                whole(page, folder / f"{name}.png")
        context.close()


def main(arguments: list[str]) -> None:
    """Take the pictures."""
    docs = "--docs" in arguments
    folder = DOCS if docs else Path(arguments[0] if arguments else "captures")
    folder.mkdir(parents=True, exist_ok=True)
    with host_site() as (host, known), serving(FakeEngine(), hosts=(host,)) as address, sync_playwright() as playwright:
        known[0] = address
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        pictures(browser, address, host, folder, DOCUMENTED if docs else None)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
