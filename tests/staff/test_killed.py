"""A process killed before any of its file operations leaves the state before or the state after, and repairs alone."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dulwich import porcelain
from dulwich.repo import Repo
from trees import make_tree

from bot.base.errors import ReferentialError
from bot.base.paths import ProjectPaths
from bot.learning.loading import finish_saves, sound_paths
from bot.referential import load_referential
from bot.serving.first_aid import FirstAid
from bot.staff.accounts import audit
from bot.staff.candidates.registry import ModelCard, ModelRegistry
from bot.staff.editing.topic_editor import TopicEditor
from bot.staff.editing.workspace import Workspace
from bot.staff.storage import Storage

WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.chmod"}
KILLED = 137


def writes(event: str, arguments: tuple[object, ...], folder: Path) -> bool:
    """Whether an event that Python tells of changes something in a folder."""
    opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    return bool(opened or event in WRITES) and str(arguments[0]).startswith(str(folder))


def run_killed(work: Callable[[], object], folder: Path, at: int) -> bool:
    """Run ``work`` in a process of its own, killed before its write number ``at`` in ``folder``; whether it was killed.

    Nothing is cleaned up, as after « kill -9 ».
    """
    child = os.fork()
    if child == 0:
        left = at

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if writes(event, arguments, folder):
                left -= 1
                if left == 0:
                    os._exit(KILLED)

        sys.addaudithook(count)
        try:
            work()
            os._exit(0)
        except BaseException:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in {0, KILLED}
    return code == KILLED


def every_kill(work: Callable[[ProjectPaths], object], model: Path, folder: Path) -> Iterator[ProjectPaths]:
    """Yield a tree after each kill, at the first write, the second… until the work ends by itself."""
    at, killed = 1, True
    while killed:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(model, folder, symlinks=True)
        tree = ProjectPaths(folder, folder / "models")
        killed = run_killed(lambda tree=tree: work(tree), folder, at)  # type: ignore[misc]
        yield tree
        at += 1
    assert at > 20


def lines(tree: ProjectPaths, tmp_path: Path) -> list[str]:
    """Deliver what waits for the journal, twice, and return what it holds."""
    database = tmp_path / "journal.db"
    database.unlink(missing_ok=True)
    storage = Storage(f"sqlite:///{database}")
    audit.deliver(storage, tree)
    audit.deliver(storage, tree)
    found = [entry.action for entry in audit.entries(storage)[0]]
    storage.close()
    return found


def test_a_save_of_several_files_is_done_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("titres.yml", "veterinaire.yml", "nouveau.yml", "equipement_agriculture.yml")
    model = ProjectPaths(tmp_path / "modele")
    model.corpus.mkdir(parents=True)
    (model.root / ".gitignore").write_text("models/\ndata/.*\n", encoding="utf-8")
    for name in (names[0], names[1], names[3]):
        (model.corpus / name).write_text("    - une phrase\n", encoding="utf-8")
    repository = porcelain.init(str(model.root))
    porcelain.add(repository, [str(path) for path in (model.root / ".gitignore", *model.corpus.glob("*"))])
    porcelain.commit(repository, message=b"start", author=b"Dev <dev@example.org>", committer=b"Dev <dev@example.org>")
    repository.close()
    monkeypatch.setattr(Workspace, "_check", lambda *_: None)

    def save(tree: ProjectPaths) -> None:
        with Workspace(tree).editing("Zoé", "Trois fichiers", [], "sujet_confie", "passeport") as draft:
            for name in names[:2]:
                draft.write(tree.corpus / name, draft.read(tree.corpus / name) + "    - une phrase de plus\n")
            draft.write(tree.corpus / names[2], "neuf")
            draft.delete(tree.corpus / names[3])

    def texts(tree: ProjectPaths) -> list[bytes | None]:
        paths = [tree.corpus / name for name in names]
        return [path.read_bytes() if path.exists() else None for path in paths]

    before = texts(model)
    shutil.copytree(model.root, tmp_path / "fini")
    save(finished := ProjectPaths(tmp_path / "fini", tmp_path / "fini" / "models"))
    after = texts(finished)
    seen = set()
    for tree in every_kill(save, model.root, tmp_path / "essai"):
        Workspace(tree).recover()
        done = texts(tree) == after
        seen.add(done)
        assert done or texts(tree) == before
        assert lines(tree, tmp_path) == (["sujet_confie"] if done else [])
        with Repo(str(tree.root)) as repository:
            assert repository[repository.head()].message.startswith(b"Trois fichiers" if done else b"start")
        status = porcelain.status(str(tree.root))
        assert not any(status.staged.values()) and not status.unstaged and not status.untracked
        assert not tree.batch.exists()
        save(tree)  # nothing is stuck
        with Repo(str(tree.root)) as repository:
            assert repository[repository.head()].message.startswith(b"Trois fichiers")
    assert seen == {True, False}


def test_a_model_goes_live_with_its_history_and_its_line_in_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "modele"
    for identifier in ("a" * 16, "b" * 16):
        (model / "models" / "registre" / identifier).mkdir(parents=True)
    ModelRegistry(ProjectPaths(model, model / "models"))._put_live("adopter", "a" * 16, "bot train")
    monkeypatch.setattr(ModelRegistry, "verify", lambda *_: None)
    monkeypatch.setattr(ModelRegistry, "get", lambda self, name: ModelCard(name, self.folder / name, {}, {}, False))
    for tree in every_kill(lambda tree: ModelRegistry(tree).promote("b" * 16, "zoe"), model, tmp_path / "essai"):
        finish_saves(tree)
        registry = ModelRegistry(tree)
        live = registry.live()
        assert live is not None
        done = live.id == "b" * 16
        assert [e["action"] for e in registry.history()] == ["adopter", "activer"][: 1 + done]
        assert lines(tree, tmp_path) == ["modele_active"] * done


def test_emergencies_are_answered_after_the_kill_of_the_review(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, git=False)
    sound_paths(tree)
    child = os.fork()
    if child == 0:
        replace = os.replace
        os.replace = lambda a, b: os._exit(KILLED) if Path(b).name == "action_sociale.yml" else replace(a, b)  # type: ignore[assignment]
        TopicEditor(tree).move("carte_identite", "action_sociale", "Zoé")
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == KILLED
    with pytest.raises(ReferentialError):
        load_referential(tree.referential)
    assert FirstAid(tree).answer("mon fils ne respire plus") is not None
    assert load_referential(tree.referential).topics["carte_identite"].service == "action_sociale"


def test_a_referential_broken_by_hand_leaves_the_last_sound_one(tmp_path: Path) -> None:
    tree = make_tree(tmp_path, git=False)
    sound_paths(tree)
    (tree.referential / "urgences.yml").write_text("n'importe: [quoi", encoding="utf-8")
    (tree.referential / "services.yml").unlink()
    answers = FirstAid(tree)
    found = answers.answer("mon fils ne respire plus")
    assert found is not None and "15" in found.decision.urgence
    assert (tree.referential / "urgences.yml").read_text(encoding="utf-8").startswith("n'importe")  # nobody's work is overwritten
