"""Take the pictures of the guide for staff: ``python tests/web/atelier/atelier_captures.py [folder]``.

Without a folder, writes ``docs/captures/atelier-*.png`` again. With one, writes every page at 320 and 1280 pixels, light and dark.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[2])]

from atelier_demo import ROOT, Demo, log_in, serving_workshop
from captures import whole
from web_browser import CHROMIUM, FLAGS

from bot.atelier.similarity import CorpusIndex
from bot.corpus import read_corpus

PAGES = {
    "accueil": "/atelier/",
    "boite": "/atelier/boite",
    "message": "/atelier/boite/1?q=abeilles",
    "tableau": "/atelier/tableau",
    "interrupteur": "/atelier/interrupteur",
    "journal": "/atelier/journal",
}


def pictures(demo: Demo, browser: Any, folder: Path, sizes: list[tuple[int, str]], suffix: bool) -> None:
    """Take each page at each size."""
    for width, scheme in sizes:
        context = browser.new_context(
            viewport={"width": width, "height": 640 if width == 320 else 800}, color_scheme=scheme, locale="fr-FR", reduced_motion="reduce"
        )
        page = context.new_page()
        end = f"-{width}-{scheme}" if suffix else ""
        page.goto(f"{demo.address}/atelier/connexion")
        whole(page, folder / f"atelier-connexion{end}.png")
        log_in(page, demo.address, "claire.martin", tour=True)
        page.screenshot(path=folder / f"atelier-visite{end}.png")
        page.get_by_role("button", name="Fermer la visite").click()
        for name, path in PAGES.items():
            page.goto(demo.address + path)
            whole(page, folder / f"atelier-{name}{end}.png")
        demo.workshop.accounts.set_tour(demo.workshop.accounts.get("claire.martin"), 0)
        context.close()


def main(folder: Path | None) -> None:
    """Serve an invented workshop and take its pictures."""
    with tempfile.TemporaryDirectory() as scratch, serving_workshop(Path(scratch)) as demo, sync_playwright() as playwright:
        corpus = read_corpus(demo.workshop.paths.corpus)
        demo.workshop.inbox().measure_novelty(CorpusIndex([(e.text, e.label) for e in corpus]))
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, "--lang=fr-FR"], env={**os.environ, "LANGUAGE": "fr_FR"}
        )
        if folder is None:
            pictures(demo, browser, ROOT / "docs" / "captures", [(1280, "light")], suffix=False)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            pictures(demo, browser, folder, [(320, "light"), (1280, "light"), (1280, "dark")], suffix=True)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
