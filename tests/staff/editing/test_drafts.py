"""Edits wait in a draft: nothing is public before, one batch goes out, one gesture takes it back."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from trees import make_tree

from bot.base.errors import EditError, GateRefused
from bot.base.paths import ProjectPaths
from bot.referential import load_referential
from bot.staff.editing.corpus_editor import CorpusEditor
from bot.staff.editing.drafts import Drafts
from bot.staff.editing.topic_editor import TopicEditor
from bot.staff.witness import Signature


@pytest.fixture
def tree(tmp_path: Path) -> ProjectPaths:
    return make_tree(tmp_path)


def texts(tree: ProjectPaths) -> dict[str, bytes]:
    data = tree.root / "data"
    return {str(p): p.read_bytes() for p in sorted(data.rglob("*")) if p.is_file() and not any(x.startswith(".") for x in p.parts)}


def test_a_merge_waits_is_published_then_taken_back(tree: ProjectPaths) -> None:
    before = texts(tree)
    drafts = Drafts(tree)
    edited = TopicEditor(drafts.open("Ranger les titres"))
    edited.merge("carte_identite", "passeport", "Zoé")
    assert texts(tree) == before and drafts.name == "Ranger les titres"
    assert [(e.author, e.target) for e in drafts.edits()] == [("Zoé", "carte_identite")]
    with pytest.raises(GateRefused, match="fondu"):
        drafts.publish("Zoé", lambda _live, _draft: ["« Carte » est fondu dans « Passeport »."])
    with pytest.raises(EditError, match="autre personne"):
        drafts.publish("Zoé", lambda *_: (), signature=Signature(second_person=True))
    with pytest.raises(EditError, match="un autre administrateur que vous"):
        drafts.publish("Zoé", lambda *_: ["une objection"], reason="Décidé toute seule, un soir.", signature=Signature(witness=True))
    assert texts(tree) == before
    phrase = "le ragondin a emporté mon passeport dans la rivière"
    CorpusEditor(tree).add_phrase("passeport", phrase, "Luc")  # saved by another meanwhile: it stays
    drafts.publish(
        "Ada", lambda *_: ["une objection"], reason="Décidé avec le service des titres.", signature=Signature(second_person=True)
    )
    assert "carte_identite" not in load_referential(tree.referential).topics and not drafts.is_open
    assert phrase in CorpusEditor(tree).phrases("passeport")
    (batch,) = drafts.batches()
    drafts.undo(batch.id, "Ada")
    assert "carte_identite" in load_referential(tree.referential).topics
    assert phrase in CorpusEditor(tree).phrases("passeport")
    with pytest.raises(EditError, match="déjà annulé"):
        drafts.undo(batch.id, "Ada")


def test_a_draft_thrown_away_leaves_nothing(tree: ProjectPaths) -> None:
    before, drafts = texts(tree), Drafts(tree)
    TopicEditor(drafts.open("Essai")).retire("passeport", "Plus personne ne le demande ici.", "Zoé", date(2026, 11, 30))
    drafts.discard()
    assert texts(tree) == before and not drafts.is_open and drafts.edited is tree
    with pytest.raises(EditError, match="vide"):
        drafts.publish("Zoé", lambda *_: ())


def test_the_same_lines_changed_meanwhile_are_not_overwritten(tree: ProjectPaths) -> None:
    drafts = Drafts(tree)
    for paths, label in ((drafts.open("Essai"), "Un passeport"), (tree, "Mon passeport")):
        editor = TopicEditor(paths)
        editor.edit("passeport", {"libelle": label}, editor.read("passeport").version, "Zoé")
    with pytest.raises(EditError, match="autre personne"):
        drafts.publish("Zoé", lambda *_: ())
    assert load_referential(tree.referential).topics["passeport"].libelle == "Mon passeport" and drafts.is_open


def test_an_id_that_once_named_a_topic_is_never_given_again(tree: ProjectPaths) -> None:
    editor = TopicEditor(tree)
    editor.retire("passeport", "Plus personne ne le demande ici.", "Zoé", date(2026, 11, 30))
    editor.merge("carte_identite", "permis_construire", "Zoé")
    for used in ("passeport", "carte_identite"):
        with pytest.raises(EditError, match="déjà pris"):
            editor.rename("maltraitance_animale", used, "Zoé")
