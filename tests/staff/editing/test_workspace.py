"""One writer at a time, all or nothing, and commits that hold our change only."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from dulwich import porcelain
from dulwich.repo import Repo
from trees import make_tree

from bot.base.errors import EditError
from bot.base.paths import ProjectPaths
from bot.staff.editing.corpus_editor import CorpusEditor
from bot.staff.editing.workspace import Change, Workspace


@pytest.fixture
def tree(tmp_path: Path) -> ProjectPaths:
    return make_tree(tmp_path)


def last_commit(tree: ProjectPaths) -> tuple[str, str, dict[bytes, bytes]]:
    repository = Repo(str(tree.root))
    commit = repository[repository.head()]
    old, new = repository[commit.parents[0]].tree, commit.tree
    changes = {(c.new or c.old).path: repository[c.new.sha].data for c in _changes(repository, old, new)}
    return commit.author.decode(), commit.message.decode(), changes


def _changes(repository: Repo, old: bytes, new: bytes):  # type: ignore[no-untyped-def]
    from dulwich.diff_tree import tree_changes

    return list(tree_changes(repository.object_store, old, new))


def test_a_change_is_a_commit_of_its_author_and_git_sees_a_clean_tree(tree: ProjectPaths) -> None:
    change = CorpusEditor(tree).add_phrase("passeport", "mon passeport a fondu", "Zoé Durand")
    author, message, files = last_commit(tree)
    assert author == "Zoé Durand <zoe.durand@atelier.invalid>"
    assert message.startswith("Phrase ajoutée à « passeport »")
    assert list(files) == [b"data/nlu/titres.yml"]
    assert change.commit == Repo(str(tree.root)).head().decode()
    status = porcelain.status(str(tree.root))
    assert not any(status.staged.values()) and not status.unstaged


def test_what_others_staged_or_changed_is_not_recorded(tree: ProjectPaths) -> None:
    config = tree.root / "config.yml"
    config.write_text(config.read_text(encoding="utf-8") + "# en cours\n", encoding="utf-8")
    domain = tree.root / "domain.yml"
    domain.write_text(domain.read_text(encoding="utf-8") + "# mis de côté\n", encoding="utf-8")
    porcelain.add(str(tree.root), [str(domain)])
    CorpusEditor(tree).add_phrase("passeport", "mon passeport a fondu", "Zoé")
    assert list(last_commit(tree)[2]) == [b"data/nlu/titres.yml"]
    status = porcelain.status(str(tree.root))
    assert status.unstaged == [b"config.yml"] and status.staged["modify"] == [b"domain.yml"]


def test_a_developers_unsaved_change_in_the_same_file_stays_out_of_the_commit(tree: ProjectPaths) -> None:
    path = tree.corpus / "titres.yml"
    first = path.read_text(encoding="utf-8").splitlines()[4]
    path.write_text(path.read_text(encoding="utf-8").replace(first, first + " brouillon du développeur", 1), encoding="utf-8")
    CorpusEditor(tree).add_phrase("carte_identite", "ma carte a fondu au soleil", "Zoé")
    recorded = last_commit(tree)[2][b"data/nlu/titres.yml"].decode()
    assert "ma carte a fondu" in recorded and "brouillon du développeur" not in recorded
    assert "brouillon du développeur" in path.read_text(encoding="utf-8")


def test_a_developers_unsaved_change_at_the_same_place_is_told(tree: ProjectPaths) -> None:
    path = tree.corpus / "titres.yml"
    path.write_text(path.read_text(encoding="utf-8") + "    - phrase du développeur pas encore enregistrée\n", encoding="utf-8")
    head = Repo(str(tree.root)).head()
    topic = next(line for line in reversed(path.read_text(encoding="utf-8").splitlines()) if line.startswith("- intent")).split()[-1]
    change = CorpusEditor(tree).add_phrase(topic, "une phrase de Zoé juste après", "Zoé")
    assert change.commit is None and "non enregistrés" in change.note
    assert Repo(str(tree.root)).head() == head
    assert "phrase du développeur" in path.read_text(encoding="utf-8")


def test_a_mistake_in_any_file_writes_none(tree: ProjectPaths) -> None:
    path, corpus = tree.referential / "sujets" / "titres.yml", tree.corpus / "titres.yml"
    before = path.read_bytes(), corpus.read_bytes()
    done: list[Change] = []
    with pytest.raises(EditError, match="premier_geste"), Workspace(tree).editing("Zoé", "essai", done) as draft:
        draft.write(corpus, draft.read(corpus) + "    - une de plus\n")
        draft.write(
            path,
            draft.read(path) + '- id: faux_sujet\n  libelle: "x"\n  public: [citoyen]\n  source: "xyz"\n  verifie_le: 2026-01-01\n',
        )
    assert (path.read_bytes(), corpus.read_bytes()) == before and not done


def test_an_error_in_the_middle_writes_nothing(tree: ProjectPaths) -> None:
    path = tree.corpus / "titres.yml"
    before = path.read_bytes()
    with pytest.raises(ValueError, match="arrêt"), Workspace(tree).editing("Zoé", "essai", []) as draft:
        draft.write(path, "rien")
        raise ValueError("arrêt")
    assert path.read_bytes() == before


def test_twelve_people_at_once_lose_nothing(tree: ProjectPaths) -> None:
    texts = [
        f"mon passeport numéro {word} est perdu"
        for word in ["un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze"]
    ]
    failures: list[Exception] = []

    def work(text: str) -> None:
        try:
            CorpusEditor(tree).add_phrase("passeport", text, "Zoé")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(t,)) for t in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert set(texts) <= set(CorpusEditor(tree).phrases("passeport"))
    assert sum(1 for _ in Repo(str(tree.root)).get_walker()) == 13
