"""A workshop with a month of invented traffic, served for the browser tests and the pictures of the guide."""

from __future__ import annotations

import random
import shutil
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher

from bot.base.paths import ProjectPaths
from bot.base.settings import Settings
from bot.learning.loading import lessons_of
from bot.staff.accounts.accounts import Accounts
from bot.staff.inbox.events import FeedbackEvent, TurnEvent
from bot.staff.inbox.intake import Intake
from bot.staff.storage import Storage
from bot.staff.upkeep.notice import Switch
from bot.staff.upkeep.retention import DAY
from bot.staff.upkeep.switch import read_notice
from bot.web.internal import InternalServer, create_internal_app
from bot.web.staff.framework import Workshop

ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "une phrase facile"
ROLES = {"lea": "lecteur", "remi": "redacteur", "ada": "administrateur"}
PEOPLE = {"claire.martin": "administrateur", "remi.costes": "redacteur", "lea.vidal": "lecteur"}

DOORS = (
    ("population", "titres", "passeport"),
    ("population", "titres", "carte_grise_modification"),
    ("population", "action_sociale", "logement_social_demande"),
    ("territoire", "environnement", "travaux_riviere_etang"),
    ("territoire", "equipement_agriculture", "permis_construire"),
    ("territoire", "veterinaire", "hygiene_restaurant_signalement"),
    ("securite", "securite_publique", "permis_chasser"),
)
UNKNOWN = (
    ("je voudrais poser des ruches au fond de mon pré, il faut le dire à qui", 6, 2, ""),
    ("mon voisin a mis un mobil-home sur son terrain agricole", 4, 1, "permis_construire"),
    ("on veut faire une brocante de l'école sur la place", 3, 0, ""),
    ("le chien du camping fait peur aux gamins", 2, 0, ""),
    ("y a plus d'eau au robinet depuis hier", 2, 1, ""),
    ("trouver un grand-père adoptif", 1, 0, ""),
    ("vous êtes nuls", 3, 0, ""),
)


@dataclass
class Demo:
    """What is served.

    Args:
        address: of the internal pages.
        workshop: behind them.
        switch: that a public page would read.
        intake: to bring more events in.
    """

    address: str
    workshop: Workshop
    switch: Switch
    intake: Intake


def fill(intake: Intake, now: float | None = None) -> None:
    """Bring a month of invented traffic in; the same every time."""
    chance = random.Random(46)
    now = time.time() if now is None else now
    number = 0
    events: list[Any] = []
    for back in range(30):
        at = now - back * DAY
        weekend = time.gmtime(at).tm_wday >= 5
        for _ in range(chance.randint(4, 8) if weekend else chance.randint(16, 34)):
            number += 1
            dis, service, topic = chance.choices(DOORS, weights=(9, 7, 6, 2, 5, 3, 4))[0]
            kind = chance.choices(["orienter", "clarifier", "incompris", "conversation"], weights=(78, 12, 4, 6))[0]
            door = {"dis": dis, "service": service, "sujet": topic, "confiance": round(chance.uniform(0.7, 0.99), 3)}
            doors = () if kind in {"incompris", "conversation"} else (door,)
            place = chance.choice(["Cahors", "Figeac", "Gourdon", None, None, None])
            turn = TurnEvent(
                f"d{number}", at, "", kind, doors, arrondissement=place, engine="agent", conversation=f"v{number // 2}", seconds=0.02
            )
            events.append(turn)
            if chance.random() < 0.15:
                events.append(FeedbackEvent(turn.id, at, chance.random() < 0.82))
    for text, count, down, topic in UNKNOWN:
        for index in range(count):
            number += 1
            door = {"dis": "territoire", "service": "equipement_agriculture", "sujet": topic, "confiance": 0.32}
            doors = (door,) if topic else ()
            turn = TurnEvent(
                f"d{number}", now - index * 3600, text, "clarifier" if topic else "incompris", doors, conversation=f"v{number}"
            )
            events.append(turn)
            if index < down:
                events.append(FeedbackEvent(turn.id, now, False, "pas_compris", None, turn))
    door = {"dis": "population", "service": "titres", "sujet": "passeport", "confiance": 0.98}
    for index, text in enumerate(("mon passeport arrive quand", "papiers pour partir au Canada avec les enfants")):
        events.append(TurnEvent(f"tire{index}", now - 3600, text, "orienter", (door,), conversation=f"tire{index}", drawn=True))
    intake(events)


@contextmanager
def staffed(folder: Path, paths: ProjectPaths, people: Mapping[str, str] = ROLES, **settings: Any) -> Iterator[Workshop]:
    """Open a workshop on a tree, its database in a folder, with an account for each of some people."""
    storage = Storage(f"sqlite:///{folder}/atelier.db")
    accounts = Accounts(storage, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    for name, role in people.items():
        accounts.create(name, role, PASSWORD, "console (root)")
    try:
        yield Workshop(storage, accounts, Settings(**settings), paths)
    finally:
        storage.close()


@contextmanager
def serving_workshop(folder: Path, *, copy: bool = True, filled: bool = True, **settings: Any) -> Iterator[Demo]:
    """Serve a workshop from a thread, over a copy of the data so that nothing of the project changes.

    Args:
        folder: empty, for the copy and the database.
        copy: whether to copy the referential and the corpus, to be written to.
        filled: whether to invent traffic.
        settings: of the deployer.
    """
    tree = ROOT
    if copy:
        tree = folder / "projet"
        shutil.copytree(ROOT / "data", tree / "data")
        shutil.copy(ROOT / "config.yml", tree)
    lessons_of(ProjectPaths(tree).corpus).follow()  # the public pages of a real process have read them before staff come
    with staffed(folder, ProjectPaths(tree), PEOPLE, **settings) as opened:
        storage = opened.storage
        intake = Intake(storage)
        if filled:
            fill(intake)
        switch = Switch(lambda: read_notice(storage), 0.2)
        workshop = replace(opened, refresh_switch=switch.refresh)
        listener = socket.create_server(("127.0.0.1", 0))
        server = InternalServer(lambda: create_internal_app(workshop), listener)
        server.start()
        assert server.wait()
        try:
            yield Demo(f"http://127.0.0.1:{listener.getsockname()[1]}", workshop, switch, intake)
        finally:
            switch.stop()
            server.stop()


def log_in(page: Any, address: str, name: str = "remi.costes", tour: bool = False) -> None:
    """Enter by the form; leave the guided session unless asked."""
    page.goto(f"{address}/atelier/")
    page.fill("#nom", name)
    page.fill("#mot_de_passe", PASSWORD)
    page.get_by_role("button", name="Entrer").click()
    page.get_by_role("button", name="Se déconnecter").wait_for()
    if not tour and page.get_by_role("button", name="Fermer la visite").count():
        page.get_by_role("button", name="Fermer la visite").click()
