"""The whole story in a real browser, on a real server over a small copy of the project.

A message is misunderstood; someone creates its topic, trains, compares, puts the model live; the same message gets its
door; they go back. Then two people at once, a worse model, a training killed in the middle.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from axe_playwright_python import sync_playwright as axe_api
from playwright import sync_api as playwright_api

from bot.base.paths import ProjectPaths
from bot.learning.emergencies import ensure_detector
from bot.learning.tuning import ensure_model
from bot.staff.accounts.accounts import Accounts
from bot.staff.candidates.registry import ModelRegistry
from bot.staff.editing.drafts import Drafts
from bot.staff.editing.topic_editor import TopicEditor
from bot.staff.storage import Storage

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "staff"), str(Path(__file__).resolve().parents[1])]
from atelier_demo import PASSWORD, log_in
from trees import ROOT, make_tree
from web_browser import CHROMIUM, FLAGS

pytestmark = [
    pytest.mark.navigateur,
    pytest.mark.needs("chromium"),
]

MESSAGE = "un drone survole mon terrain"
REWORDED = "que faire contre les drones qui passent au ras de chez moi"
"""Taught to nobody."""
MOST_CLICKS, MOST_WAITING, MOST_PUBLISHING = 15, 180.0, 10.0
"""To teach a request, fields entered included; seconds until the public gets it in other words; from the button to the answer."""
COUNTER = """
const more = e => e.isTrusted && sessionStorage.setItem("clics", 1 + Number(sessionStorage.getItem("clics")));
addEventListener("pointerdown", more, true);
"""
LABEL = "Un drone au-dessus de chez moi"
PHRASES = [
    "un drone au-dessus de ma maison",
    "drone du voisin qui filme",
    "interdire les drones chez moi",
    "quelqu'un pilote un drone au-dessus de mon jardin",
    "le drone vient tous les soirs survoler ma piscine",
    "a-t-on le droit de survoler les piscines avec un drone",
    "signaler un drone",
    "drone la nuit au-dessus du village",
    "autorisation de vol pour un drone",
    "drone qui tourne au-dessus de ma terrasse",
    "mon voisin s'amuse avec son drone et je n'ose plus me baigner dans ma piscine, qui dois-je prévenir pour que cela cesse",
    "depuis trois semaines un petit drone survole le lotissement chaque soir et "
    "reste longtemps au-dessus de notre piscine sans que nous sachions à qui il est",
    "je suis photographe, je voudrais faire voler mon drone au-dessus du marché dimanche, à qui faut-il demander l'autorisation avant",
    "il y a encore un drone qui survole la maison ce soir, les enfants ont peur et la mairie ne répond pas, que pouvons-nous faire",
    "survol de ma propriété par un drone",
    "le fils de la voisine a reçu un drone à Noël et le fait passer tous les jours au ras de nos fenêtres, est-ce permis",
    "hier encore un engin à quatre hélices est resté cinq minutes devant la fenêtre de ma chambre, je n'ose plus ouvrir les volets",
]
TESTS = {
    "demandes_1.jsonl": [
        ("mon passeport est périmé", "population", "titres"),
        ("refaire ma carte d'identité perdue", "population", "titres"),
        ("des cafards dans la cuisine du restaurant", "territoire", "veterinaire"),
        ("déposer un permis de construire pour un garage", "territoire", "equipement_agriculture"),
        ("je dors dehors, où trouver un hébergement d'urgence", "population", "action_sociale"),
    ],
    "hors_sujet_1.jsonl": [("bonjour", "", ""), ("merci beaucoup", "", "")],
    "urgences_aveugles_1.jsonl": [("au feu ma maison brûle", "", ""), ("mon père ne respire plus", "", "")],
}


@dataclass
class Site:
    """A running server.

    Args:
        public, inside: addresses.
        paths: of its tree.
        process: the server.
    """

    public: str
    inside: str
    paths: ProjectPaths
    process: subprocess.Popen[str]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> ProjectPaths:
    paths = make_tree(tmp_path_factory.mktemp("projet"))
    shutil.copy(ROOT / "data" / "calage" / "urgences.jsonl", paths.tuning)
    folder = paths.root / "tests" / "data"
    folder.mkdir(parents=True)
    for name, rows in TESTS.items():
        lines = [
            json.dumps({"id": f"{name[0]}{i}", "texte": t, "dis": d, "service": s, "urgence": "urgences" in name})
            for i, (t, d, s) in enumerate(rows)
        ]
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    ensure_detector(paths, lambda _s: None)
    ensure_model(paths, lambda _s: None)
    storage = Storage(f"sqlite:///{paths.variable / 'atelier.db'}")
    accounts = Accounts(storage, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    for name, role in (("ada", "administrateur"), ("remi.costes", "redacteur")):
        accounts.create(name, role, PASSWORD, "test")
    storage.close()
    return paths


@pytest.fixture
def site(prepared: ProjectPaths, tmp_path: Path) -> Iterator[Site]:
    shutil.copytree(prepared.root, tmp_path / "projet", symlinks=True)
    paths = ProjectPaths(tmp_path / "projet")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BOT_")}
    environment |= {"BOT_RACINE": str(paths.root), "PYTHONPATH": str(ROOT), "BOT_DEBIT_MINUTE": "0", "BOT_DEBIT_HEURE": "0"}
    command = [sys.executable, "-m", "bot", "serve", "--sans-agent", "--port", "0", "--interne", "127.0.0.1:0"]
    with (tmp_path / "journal").open("w") as journal:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=journal, text=True, cwd=ROOT)
    assert process.stdout is not None
    found: list[str] = []
    while len(found) < 2:
        line = process.stdout.readline()
        assert line, (tmp_path / "journal").read_text()
        found += re.findall(r"http://[\d.]+:\d+", line)
    yield Site(found[0], found[1], paths, process)
    process.terminate()
    process.wait(20)
    process.stdout.close()


@pytest.fixture
def open_page() -> Iterator[Callable[[], Any]]:
    """Open pages, each in a browser context of its own; errors of their scripts fail the test."""
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        errors: list[str] = []

        def start() -> Any:
            page = browser.new_context(locale="fr-FR").new_page()
            page.set_default_timeout(20_000)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("console", lambda m: errors.append(m.text) if m.type == "error" and "status of" not in m.text else None)
            return page

        yield start
        browser.close()
        assert errors == []


def answer_of(site: Site, page: Any, message: str = MESSAGE) -> str:
    """Ask the public page, once, and return what it says."""
    page.goto(site.public)
    page.fill("#message", message)
    page.press("#message", "Enter")
    page.locator(".al-message-assistant").last.wait_for()
    page.locator("#statut:empty").wait_for(state="attached")
    return str(page.locator(".al-message-assistant").last.inner_text())


def until(condition: Callable[[], bool], seconds: float, what: str) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, what
        time.sleep(0.1)
    return time.monotonic() - started


def clicks(page: Any) -> int:
    """How many times this person clicked since the last time it was asked."""
    return int(page.evaluate("Number(sessionStorage.getItem('clics')) + (sessionStorage.removeItem('clics') ?? 0)"))


def enter(page: Any, selector: str, text: str) -> None:
    """Click a field, then fill it: a person's way in costs a click."""
    page.click(selector)
    page.fill(selector, text)


def no_barrier(page: Any) -> None:
    """No accessibility mistake that axe can see."""
    found = axe_api.Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]}).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"][:120]) for v in found] == []


def test_a_misunderstood_message_gets_its_door_and_the_door_is_taken_back(site: Site, open_page: Callable[[], Any]) -> None:
    citizen, staff = open_page(), open_page()
    staff.add_init_script(COUNTER)
    assert LABEL not in answer_of(site, citizen, REWORDED)
    assert LABEL not in answer_of(site, citizen)
    if citizen.locator(".al-avis-non summary").count():  # a wrong door: the person says so; a question needs no vote
        citizen.locator(".al-avis-non summary").last.click()
        citizen.get_by_role("button", name="Envoyer mon avis").last.click()
        citizen.get_by_text("Merci pour votre avis").wait_for()

    log_in(staff, site.inside)
    inbox = f"{site.inside}/atelier/boite"

    def arrived() -> bool:
        staff.goto(inbox)
        return MESSAGE in staff.content()

    until(arrived, 20, "the message never reached the inbox")
    clicks(staff)
    began, spent = time.monotonic(), 1  # the entry of the menu that led here
    staff.get_by_role("link", name=re.compile("[Cc]réer un sujet|[Nn]ouveau sujet")).first.click()
    assert MESSAGE in staff.input_value("#phrases")
    enter(staff, "#libelle", LABEL)
    staff.select_option("#service", "securite_publique")
    spent += 1  # the list is chosen from without a pointer
    enter(staff, "#premier_geste", "écrivez à ce service.")
    enter(staff, "#source", "Note du service du 3 mars")
    enter(staff, "#verifie_le", "2026-11-20")
    staff.get_by_text("Encore 14 phrases").wait_for()
    staff.locator(".al-carte").wait_for()
    no_barrier(staff)
    enter(staff, "#phrases", "\n".join([MESSAGE, *PHRASES]))
    staff.get_by_text("L'assistant hésite avec").first.wait_for()  # the small model of the test; no mistake is left
    assert staff.get_by_text("À corriger").count() == 0
    staff.get_by_role("button", name="Enregistrer", exact=True).click()
    staff.get_by_text("Le sujet est enregistré").wait_for()
    assert LABEL not in answer_of(site, citizen)
    staff.get_by_role("link", name="Brouillon").click()
    no_barrier(staff)
    published = time.monotonic()
    staff.get_by_role("button", name=re.compile("Publier")).click()
    staff.get_by_text("Le brouillon est publié. Le public l'a.").wait_for()
    assert LABEL in answer_of(site, citizen)
    assert time.monotonic() - published < MOST_PUBLISHING

    no_barrier(staff)
    staff.get_by_role("button", name="Lancer un entraînement").click()
    staff.get_by_role("link", name="Comparer ce modèle").click(timeout=60_000)
    staff.get_by_text("Il peut être mis en service").wait_for()
    no_barrier(staff)
    assert staff.get_by_role("row", name=REWORDED).is_visible()
    staff.get_by_label("J'ai lu les").check()
    staff.get_by_role("button", name="Mettre en service").click()
    staff.get_by_text("Le modèle est en service. Le public l'a.").wait_for()
    assert LABEL in answer_of(site, citizen, REWORDED)
    spent += clicks(staff)
    assert 10 < spent <= MOST_CLICKS
    assert time.monotonic() - began < MOST_WAITING

    staff.get_by_role("button", name="Revenir au modèle précédent").click()
    staff.get_by_text("de nouveau en service").wait_for()
    staff.get_by_role("link", name="Brouillon").click()
    staff.get_by_role("button", name="Annuler").first.click()
    staff.get_by_text("Le lot est annulé. Le public l'a.").wait_for()
    assert LABEL not in answer_of(site, citizen)
    assert LABEL not in answer_of(site, citizen, REWORDED)
    assert site.process.poll() is None


def test_two_people_on_one_topic_the_second_compares_and_chooses(site: Site, open_page: Callable[[], Any]) -> None:
    first, second = open_page(), open_page()
    log_in(first, site.inside)
    log_in(second, site.inside, "ada")
    for page in (first, second):
        page.goto(f"{site.inside}/atelier/sujets/passeport")
    for page, label in ((first, "Version de Rémi"), (second, "Version d'Ada")):
        page.fill("#libelle", label)
        page.get_by_role("button", name="Enregistrer", exact=True).click()
    first.get_by_text("Le sujet est enregistré").wait_for()
    second.get_by_text("Une autre personne a changé la même chose").wait_for()
    no_barrier(second)
    shown = second.get_by_role("group", name="Nom du sujet").inner_text()
    assert "Version de Rémi" in shown and "Version d'Ada" in shown
    assert TopicEditor(Drafts(site.paths).edited).read("passeport").values["libelle"] == "Version de Rémi"
    second.get_by_role("button", name="Enregistrer", exact=True).click()
    second.get_by_text("Le sujet est enregistré").wait_for()
    assert TopicEditor(Drafts(site.paths).edited).read("passeport").values["libelle"] == "Version d'Ada"


def test_a_worse_model_is_refused_and_the_old_one_goes_on(site: Site, open_page: Callable[[], Any]) -> None:
    """Someone moves the phrases of a topic to another: the training sees it, the gate holds."""
    ModelRegistry(site.paths).adopt()
    corpus = site.paths.corpus
    (corpus / "veterinaire.yml").write_text(
        (corpus / "veterinaire.yml")
        .read_text(encoding="utf-8")
        .replace("intent: hygiene_restaurant_signalement", "intent: hebergement_urgence"),
        encoding="utf-8",
    )
    staff = open_page()
    log_in(staff, site.inside)
    staff.goto(f"{site.inside}/atelier/entrainement")
    staff.get_by_role("button", name="Lancer un entraînement").click()
    staff.get_by_role("link", name="Comparer ce modèle").click(timeout=60_000)
    staff.get_by_text("Il ne peut pas être mis en service").wait_for()
    assert staff.get_by_text("Plus de mauvaises portes").count() == 1
    assert staff.get_by_role("button", name="Mettre en service").count() == 0
    assert staff.get_by_role("cell", name="des cafards dans la cuisine du restaurant").count() == 1
    no_barrier(staff)
    live = ModelRegistry(site.paths).live()
    assert live is not None and live.id not in staff.url


def test_a_training_killed_in_the_middle_leaves_the_service_as_it_was(site: Site, open_page: Callable[[], Any]) -> None:
    staff = open_page()
    log_in(staff, site.inside)
    before = ModelRegistry(site.paths).adopt()
    staff.goto(f"{site.inside}/atelier/entrainement")
    staff.get_by_role("button", name="Lancer un entraînement").click()
    children = Path(f"/proc/{site.process.pid}/task")

    def trainings() -> list[int]:
        return [int(p) for task in children.iterdir() for p in (task / "children").read_text().split()]

    until(lambda: bool(trainings()), 20, "no training started")
    for child in trainings():
        os.kill(child, signal.SIGKILL)
    staff.get_by_text("rien n'a changé").wait_for()
    staff.get_by_role("heading", name=re.compile("échec")).wait_for()
    assert ModelRegistry(site.paths).live() == before
    staff.get_by_role("button", name="Lancer un entraînement").click()
    staff.get_by_role("button", name=re.compile("Arrêter")).click()
    staff.get_by_role("heading", name=re.compile("annulé")).wait_for()
    assert ModelRegistry(site.paths).live() == before and not list(site.paths.models.glob(".travail-*"))
