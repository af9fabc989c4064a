"""Take a picture of each state of the page: ``python tests/web/captures.py [folder]``."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]

from web_browser import CHROMIUM, FLAGS, STATES, reach, serving
from web_fakes import FakeEngine


def whole(page: Page, path: Path) -> None:
    """Take the whole page in a window as tall as it is: what sticks to the edges falls into place."""
    window = page.viewport_size or {"width": 1280, "height": 900}
    page.set_viewport_size({"width": window["width"], "height": max(window["height"], page.evaluate("document.body.scrollHeight"))})
    page.screenshot(path=path, full_page=True)
    page.set_viewport_size(window)


def main(folder: Path) -> None:
    """Write ``<state>-<width>-<scheme>.png`` files."""
    folder.mkdir(parents=True, exist_ok=True)
    with serving(FakeEngine()) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for width, scheme in ((320, "light"), (320, "dark"), (1280, "light"), (1280, "dark")):
            context = browser.new_context(
                viewport={"width": width, "height": 640 if width == 320 else 900},
                color_scheme=scheme,
                locale="fr-FR",
                reduced_motion="reduce",
            )
            page = context.new_page()
            for state in (*STATES, "erreur"):
                context.clear_cookies()
                reach(page, address, state)
                if state == "reponse":
                    page.screenshot(path=folder / f"ecran-{width}-{scheme}.png")
                whole(page, folder / f"{state}-{width}-{scheme}.png")
            context.clear_cookies()
            reach(page, address, "reponse")
            page.click("#lecture")
            whole(page, folder / f"facile-{width}-{scheme}.png")
            page.goto(f"{address}/accessibilite")
            whole(page, folder / f"accessibilite-{width}-{scheme}.png")
            context.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("/tmp/captures"))
