"""Take the pictures of the guide for staff: ``python tests/web/staff/atelier_captures.py [folder]``.

Without a folder, writes ``docs/captures/atelier-*.png`` again. With one, writes every page at 320 and 1280 pixels, light and dark.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parents[2])]

from atelier_demo import ROOT, Demo, log_in, serving_workshop
from captures import whole
from web_browser import CHROMIUM, FLAGS

from bot.learning.corpus import read_corpus
from bot.staff.candidates.registry import ModelRegistry
from bot.staff.nearness import CorpusIndex
from bot.staff.schema import trainings

PAGES = {
    "accueil": "/atelier/",
    "boite": "/atelier/boite",
    "message": "/atelier/boite/1?q=abeilles",
    "sujets": "/atelier/sujets?q=ruches",
    "guichets": "/atelier/guichets",
    "guichet": "/atelier/guichets/prefecture_accueil",
    "fiches": "/atelier/fiches",
    "urgences": "/atelier/urgences",
    "mois": "/atelier/mois",
    "entrainement": "/atelier/entrainement",
    "tableau": "/atelier/tableau",
    "interrupteur": "/atelier/interrupteur",
    "journal": "/atelier/journal",
}
MESSAGES = {
    "d1": ("mes abeilles sont toutes mortes d'un coup", "veterinaire"),
    "d2": ("je peux nettoyer le ruisseau au bout du champ ?", "environnement"),
}
"""Invented messages of the comparison, with their right service."""
TALL = {"guichets", "urgences"}
"""Pages too long to be shown whole."""


def write_a_topic(page: Any, address: str) -> None:
    """Write most of a new topic, to show the advice and the card; nothing is saved."""
    page.goto(f"{address}/atelier/sujets/nouveau?message=2&phrase=mon+voisin+a+mis+un+mobil-home+sur+son+terrain+agricole")
    page.fill("#libelle", "Un mobil-home installé sur un terrain")
    page.select_option("#service", "equipement_agriculture")
    page.fill("#premier_geste", "demandez à votre mairie ce que permet le terrain.")
    page.fill("#source", "Note du service (exemple)")
    page.fill("#verifie_le", "2026-11-20")
    page.get_by_role("button", name="Vérifier et voir la carte").click()
    page.get_by_text("Ce que le public verra").wait_for()


def add_models(demo: Demo) -> str:
    """Put a live model and a candidate in the registry, with invented figures; returns the candidate, empty without a model."""
    source, target = ROOT / "models" / "routeur", demo.workshop.paths.router_model
    if not (source / "manifeste.json").exists():
        return ""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target)
    tests = demo.workshop.paths.test_sets
    tests.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"id": key, "texte": text, "service": service}) for key, (text, service) in MESSAGES.items()]
    (tests / "demandes_1.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    registry = ModelRegistry(demo.workshop.paths)
    live = registry.adopt("claire.martin")
    assert live is not None
    draft = demo.workshop.paths.models / ".brouillon"
    shutil.copytree(live.folder, draft)
    metrics = json.loads((draft / "metrics.json").read_text(encoding="utf-8"))
    metrics["seuils"]["dis"] += 0.001
    (draft / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    registry.keep_evaluation(live, evaluation(0.021, 0.842, False))
    card = registry.add(draft, {"auteur": "remi.costes", "parent": live.id}, evaluation(0.018, 0.851, True))
    now = time.time()
    with demo.workshop.storage.write() as connection:
        row = {"author": "remi.costes", "state": "termine", "part": 1.0, "message": "Le modèle est prêt à être comparé."}
        connection.execute(
            trainings.insert().values(**row, candidate=card.id, created_at=now - 400, started_at=now - 395, ended_at=now - 310)
        )
    return card.id


def evaluation(wrong_doors: float, right_service: float, better: bool) -> dict[str, Any]:
    """Return invented figures, in the form of :func:`bot.staff.candidates.comparison.evaluate_model`."""
    figures = {"demandes": 1200, "hors_sujet": 300, "urgences": 250, "bonne_delegation": 0.93, "bon_service": right_service}
    figures |= {"mauvaises_portes": wrong_doors, "questions": 0.11, "demandes_refusees": 0.02}
    figures |= {"hors_sujet_reconnus": 0.96, "urgences_reconnues": 0.99, "erreur_calibration": 0.03}
    first = "veterinaire" if better else "equipement_agriculture"
    rows = {
        "d1": {"porte": first, "sujet": None, "attendu": "veterinaire", "juste": better},
        "d2": {"porte": "equipement_agriculture", "sujet": None, "attendu": "environnement", "juste": False},
    }
    share = 0.9 if better else 0.84
    services = {"veterinaire": {"messages": 60, "rappel": share, "precision": 0.92}}
    return {"essais": "exemple", "chiffres": figures, "par_service": services, "messages": rows}


def pictures(demo: Demo, browser: Any, folder: Path, sizes: list[tuple[int, str]], suffix: bool, candidate: str) -> None:
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
            if name in TALL:
                page.screenshot(path=folder / f"atelier-{name}{end}.png")
            else:
                whole(page, folder / f"atelier-{name}{end}.png")
        write_a_topic(page, demo.address)
        whole(page, folder / f"atelier-nouveau-sujet{end}.png")
        if candidate:
            page.goto(f"{demo.address}/atelier/modeles/{candidate}")
            whole(page, folder / f"atelier-modele{end}.png")
            page.goto(f"{demo.address}/atelier/modeles")
            whole(page, folder / f"atelier-modeles{end}.png")
        demo.workshop.accounts.set_tour(demo.workshop.accounts.get("claire.martin"), 0)
        context.close()


def main(folder: Path | None) -> None:
    """Serve an invented workshop and take its pictures."""
    with tempfile.TemporaryDirectory() as scratch, serving_workshop(Path(scratch)) as demo, sync_playwright() as playwright:
        corpus = read_corpus(demo.workshop.paths.corpus)
        demo.workshop.inbox().measure_novelty(CorpusIndex([(e.text, e.label) for e in corpus]))
        candidate = add_models(demo)
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, "--lang=fr-FR"], env={**os.environ, "LANGUAGE": "fr_FR"}
        )
        if folder is None:
            pictures(demo, browser, ROOT / "docs" / "captures", [(1280, "light")], False, candidate)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            pictures(demo, browser, folder, [(320, "light"), (1280, "light"), (1280, "dark")], True, candidate)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
