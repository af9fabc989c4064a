"""Kills at random instants of saves, publications, undoings, going lives, roll backs and restorations: all or nothing, each time.

``BOT_TOURS=200 pytest -n 0 tests/staff/test_kills.py`` does two hundred; a few are part of every run. Half of the kills come
before a file operation drawn at random, half after a random time, in the middle of anything.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from test_killed import run_killed, writes
from trees import make_tree

from bot.base.errors import AssistantError
from bot.base.files import digest_of
from bot.base.paths import ProjectPaths
from bot.learning.loading import finish_saves
from bot.serving.first_aid import FirstAid
from bot.staff.accounts import audit
from bot.staff.candidates.registry import ModelCard, ModelRegistry
from bot.staff.editing.corpus_editor import CorpusEditor
from bot.staff.editing.drafts import Drafts
from bot.staff.editing.topic_editor import TopicEditor
from bot.staff.editing.workspace import Workspace
from bot.staff.schema import switches
from bot.staff.storage import Storage
from bot.staff.upkeep import backup

ROUNDS = int(os.environ.get("BOT_TOURS", "7"))
FIRST, SECOND = "a" * 16, "b" * 16
CRY = "mon fils ne respire plus"


def storage_of(tree: ProjectPaths) -> Storage:
    return Storage(f"sqlite:///{tree.root}/atelier.db")


def save(tree: ProjectPaths) -> None:
    CorpusEditor(tree).add_phrase("passeport", "le ragondin a emporté mon passeport dans la rivière", "Luc")


def edit_draft(tree: ProjectPaths) -> None:
    TopicEditor(Drafts(tree).open("Essai")).move("permis_construire", "titres", "Luc")


def publish(tree: ProjectPaths) -> None:
    Drafts(tree).publish("Ada", lambda *_: ())


def undo(tree: ProjectPaths) -> None:
    drafts = Drafts(tree)
    drafts.undo(drafts.batches()[0].id, "Ada")


def go_live(tree: ProjectPaths) -> None:
    ModelRegistry(tree).promote(SECOND, "zoe")


def roll_back(tree: ProjectPaths) -> None:
    ModelRegistry(tree).roll_back("zoe")


def restore(tree: ProjectPaths) -> None:
    storage = storage_of(tree)
    backup.restore(tree.root / "sauvegarde.tar.gz", storage, tree, replace=True)
    storage.close()


def state(tree: ProjectPaths) -> dict[str, Any]:
    """What people see: the files, the draft, the batches, the live model, the rows of the database, the lines of the journal."""
    data, drafts, storage = tree.root / "data", Drafts(tree), storage_of(tree)
    files = (p for p in sorted(data.rglob("*")) if p.is_file() and not any(x.startswith(".") for x in p.relative_to(data).parts))
    audit.deliver(storage, tree)
    audit.deliver(storage, tree)
    with storage.read() as connection:
        rows = [tuple(row) for row in connection.execute(select(switches))]
    journal = [entry.action for entry in audit.entries(storage, limit=500)[0]]
    assert audit.verify(storage).broken is None
    storage.close()
    live = ModelRegistry(tree).live()
    return {
        "fichiers": digest_of(files),
        "brouillon": [(e.author, e.action) for e in drafts.edits()],
        "arbre": digest_of(p for p in sorted((drafts.tree.root / "data" / "nlu").rglob("*.yml"))) if drafts.is_open else "",
        "lots": [(b.name, b.undone) for b in drafts.batches()],
        "modele": live.id if live else None,
        "historique": [e["action"] for e in ModelRegistry(tree).history()],
        "base": rows,
        "journal": sorted(journal),
    }


def repair(tree: ProjectPaths) -> None:
    """What a restart does by itself."""
    finish_saves(tree)
    storage = storage_of(tree)
    backup.finish_restore(storage, tree)
    storage.close()
    Workspace(tree).recover()
    Drafts(tree).recover()


@dataclass
class Gesture:
    """One thing that staff do, the tree it is done in, and how the tree is before and after.

    Args:
        name: for the report.
        work: does it.
        model: the tree before, copied for each kill.
    """

    name: str
    work: Callable[[ProjectPaths], None]
    model: Path
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    writes: int = 0


def copied(model: Path, folder: Path) -> ProjectPaths:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(model, folder, symlinks=True, copy_function=_linked)
    return ProjectPaths(folder, folder / "models")


def _linked(source: str, target: str) -> None:
    """The same file twice is quick, and safe where files are replaced and never written into: not in a database."""
    (shutil.copy2 if ".db" in source else os.link)(source, target)


def writes_of(work: Callable[[ProjectPaths], object], tree: ProjectPaths) -> int:
    """Return how many file operations ``work`` makes."""
    counted: list[int] = []
    reader, writer = os.pipe()
    if os.fork() == 0:
        sys.addaudithook(lambda event, arguments: counted.append(1) if writes(event, arguments, tree.root) else None)
        work(tree)
        os.write(writer, str(len(counted)).encode())
        os._exit(0)
    os.wait()
    return int(os.read(reader, 20))


def killed_after(work: Callable[[], object], seconds: float) -> None:
    """Run ``work`` in a process of its own, killed by the system after a time."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.fixture(scope="module")
def plain_registry() -> Iterator[None]:
    """Models made of nothing, and the files not read again at each save: what is tried here is the writing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelRegistry, "verify", lambda *_: None)
        patch.setattr(ModelRegistry, "get", lambda self, name: ModelCard(name, self.folder / name, {}, {}, False))
        patch.setattr(Workspace, "_check", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def gestures(tmp_path_factory: pytest.TempPathFactory, plain_registry: None) -> list[Gesture]:
    folder = tmp_path_factory.mktemp("gestes")
    make_tree(folder / "un")
    tree = ProjectPaths(folder / "un", folder / "un" / "models")
    for identifier in (FIRST, SECOND):
        (tree.models / "registre" / identifier).mkdir(parents=True)
    ModelRegistry(tree)._put_live("adopter", FIRST, "bot train")
    storage = storage_of(tree)
    backup.create(tree.root / "sauvegarde.tar.gz", storage, tree)
    CorpusEditor(tree).add_phrase("passeport", "écrite depuis la sauvegarde par quelqu'un", "Luc")
    with storage.write() as connection:
        audit.record(connection, "Ada", "connexion", "")
    storage.close()
    TopicEditor(Drafts(tree).open("Ranger les titres")).merge("carte_identite", "passeport", "Zoé")
    FirstAid(tree)  # as a server that ran: it keeps what it read
    state(tree)
    done = copied(tree.root, folder / "deux")
    publish(done)
    go_live(done)
    state(done)
    found = [Gesture(w.__name__, w, tree.root) for w in (save, edit_draft, publish, go_live, restore)]
    found += [Gesture(w.__name__, w, done.root) for w in (undo, roll_back)]
    for each in found:
        trial = copied(each.model, folder / "essai")
        each.before, start = state(trial), time.monotonic()
        each.work(trial)
        each.seconds, each.after = time.monotonic() - start, state(trial)
        assert each.before != each.after, each.name
        each.writes = writes_of(each.work, copied(each.model, folder / "essai"))
    return found


def test_a_kill_at_a_random_instant_leaves_all_or_nothing(gestures: list[Gesture], tmp_path: Path) -> None:
    chance = random.Random(int(os.environ.get("BOT_GRAINE", time.time_ns())))
    lost, half, silent = [], [], []
    outcomes: dict[str, list[int]] = {g.name: [0, 0] for g in gestures}
    for number in range(ROUNDS):
        gesture = gestures[number % len(gestures)]
        tree = copied(gesture.model, tmp_path / "essai")
        if chance.random() < 0.5:
            at = chance.randint(max(1, gesture.writes - chance.choice((20, gesture.writes))), gesture.writes)  # the end is where it changes
            run_killed(lambda: gesture.work(tree), tree.root, at)  # noqa: B023
        else:
            at = -chance.uniform(0, 1.2 * gesture.seconds)
            killed_after(lambda: gesture.work(tree), -at)  # noqa: B023
        where = f"{gesture.name} {at}"
        if (answer := FirstAid(tree).answer(CRY)) is None or "15" not in answer.decision.urgence:
            silent.append(where)
        repair(tree)
        found = state(tree)
        if found not in (gesture.before, gesture.after):
            half.append((where, found))
            continue
        outcomes[gesture.name][found == gesture.after] += 1
        if found == gesture.before:
            try:
                gesture.work(tree)
                again = state(tree) == gesture.after
            except AssistantError:
                again = False
            if not again:
                lost.append(where)
    print(f"{ROUNDS} arrêts : {outcomes}")
    assert (half, lost, silent) == ([], [], [])


@pytest.mark.parametrize("gone", ["urgences.yml", "urgences_mots.yml", "services.yml", "sujets", "*"])
def test_emergencies_are_answered_whatever_is_left_of_the_files(gestures: list[Gesture], tmp_path: Path, gone: str) -> None:
    tree = copied(gestures[0].model, tmp_path / "essai")
    if gone == "*":
        shutil.rmtree(tree.root / "data")
    elif (path := tree.referential / gone).is_dir():
        shutil.rmtree(path)
    else:
        path.write_bytes(path.read_bytes()[:100] + b"\x00\xff: [")
    answer = FirstAid(tree).answer(CRY)
    assert answer is not None and "15" in answer.decision.urgence
