"""Take a picture of each state: ``python tests/web/captures.py [folder]``.

``--docs`` takes those of the documentation, with the real router and the real referential: no invented number there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]

from web_browser import CHROMIUM, FLAGS, STATES, open_widget, reach, send, serving
from web_fakes import FakeEngine
from web_hosts import CALM, HOSTILE, host_site

from bot.base.paths import project_paths
from bot.serving.engine import build_engine

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
SAID = {
    **STATES,
    "reponse": ("je veux refaire le toit de ma maison près d'un monument historique",),
    "question": ("j'ai besoin d'un papier",),
    "deux_cartes": ("je veux refaire ma carte grise et je veux aussi signaler un restaurant sale",),
    "urgence": ("il y a le feu dans ma cuisine",),
    "anglais": ("i lost my passport what do i do",),
}
"""What is typed for the documentation."""
REFERRAL = ("fiche/logement_dalo", "fiche/passeport")
"""A referral the fake engine knows, and a real one."""
OTHERS = ("erreur", "facile", "avis", "fiche", "accessibilite", "widget", "cadre")


def whole(page: Page, path: Path) -> None:
    """Take the whole page in a window as tall as it is: what sticks to the edges falls into place."""
    window = page.viewport_size or {"width": 1280, "height": 900}
    page.set_viewport_size({"width": window["width"], "height": max(window["height"], page.evaluate("document.body.scrollHeight"))})
    page.screenshot(path=path, full_page=True)
    page.set_viewport_size(window)


def show(page: Page, address: str, host: str, state: str, said: Any) -> None:
    """Bring a page to any state of :data:`STATES` or :data:`OTHERS`."""
    if state in STATES or state == "erreur":
        reach(page, address, state, said)
    elif state == "facile":
        reach(page, address, "reponse", said)
        page.click("#lecture")
    elif state == "avis":
        reach(page, address, "reponse", said)
        page.click(".al-avis summary")
    elif state in {"fiche", "accessibilite"}:
        page.goto(f"{address}/{REFERRAL[said is SAID] if state == 'fiche' else state}")
    elif state == "widget":
        open_widget(page, host)
        send(page, said["reponse"][0], "#al-message")
    elif state == "cadre":
        page.goto(f"{host}/cadre")
        page.frame_locator("iframe").locator("#message").wait_for()


def pictures(browser: Browser, address: str, host: str, folder: Path, docs: bool) -> None:
    """Write ``<state>-<width>-<scheme>.png`` files, or only the documented ones under their own names."""
    for width, scheme in ((320, "light"), (320, "dark"), (1280, "light"), (1280, "dark")):
        context = browser.new_context(
            viewport={"width": width, "height": 640 if width == 320 else 900}, color_scheme=scheme, locale="fr-FR", reduced_motion="reduce"
        )
        page = context.new_page()
        for state in (*STATES, *OTHERS):
            name = DOCUMENTED.get((state, width, scheme)) if docs else f"{state}-{width}-{scheme}"
            if name is None:
                continue
            context.clear_cookies()
            show(page, address, host, state, SAID if docs else STATES)
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
    engine = build_engine(project_paths(), 4.0, 60.0, with_agent=False) if docs else FakeEngine()
    with (
        host_site(CALM if docs else HOSTILE) as (host, known),
        serving(engine, hosts=(host,), router_seconds=60.0) as address,
        sync_playwright() as playwright,
    ):
        known[0] = address
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        pictures(browser, address, host, folder, docs)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
