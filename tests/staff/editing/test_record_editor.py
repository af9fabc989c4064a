"""One mechanism changes every kind of record; each kind says what is wrong in its own fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trees import ROOT, make_tree

from bot.base.errors import EditError
from bot.base.paths import ProjectPaths
from bot.language.foreign import load_languages
from bot.referential import load_referential
from bot.staff.editing import kinds
from bot.staff.editing.conflicts import field_of
from bot.staff.editing.drafts import Drafts
from bot.staff.editing.kinds import KINDS, editor_of
from bot.staff.editing.record_editor import Kind, Shape, record_changes


@pytest.fixture
def tree(tmp_path: Path) -> ProjectPaths:
    return make_tree(tmp_path, git=False)


@pytest.fixture(scope="module")
def shared_tree(tmp_path_factory: pytest.TempPathFactory) -> ProjectPaths:
    """For edits that do not meet: a copy takes longer than they do."""
    return make_tree(tmp_path_factory.mktemp("arbre"), git=False)


def edit(tree: ProjectPaths, kind: Kind, identifier: str, values: dict[str, Any]) -> Any:
    editor = editor_of(tree, kind)
    return editor.edit(identifier, values, editor.read(identifier).version, "Zoé")


CHANGES: list[tuple[Kind, str, dict[str, Any]]] = [
    (kinds.DELEGATIONS, "population", {"en_bref": "Papiers"}),
    (kinds.EVENTS, "evenement_mariage", {"portes": [{"sujet": "mariage_pacs"}, {"sujet": "passeport", "geste": "refaites-le."}]}),
    (kinds.MENUS, "permis", {"mots": ["on", "no", "permis"], "choix": ["permis_inscription", "titres"]}),
    (kinds.ANSWERS, "saluer", {"reponse": "Bonjour !"}),
    (kinds.WORDS, "AAH", {"clair": "Une aide.", "aussi": ["allocation"]}),
    (kinds.NEEDS, "lecture", {"note": "On lit avec vous."}),
    (kinds.LANGUAGES, "en", {"mots": ["the", "on", "i'm"], "aide": "Call {accueil_telephone}."}),
    (kinds.AROUND, "de", {"relu_par": "Frau Müller"}),
    (kinds.DOORS, "passeport", {"en.geste": "Book a time.", "en.mots": ["passport"]}),
    (kinds.AGES, "cout", {"mois": 8}),
    (kinds.DANGERS, "suicide", {"numeros": ["15", "3114"], "consigne": "Appelez."}),
]


@pytest.mark.parametrize(("kind", "identifier", "values"), CHANGES, ids=[kind.id for kind, _, _ in CHANGES])
def test_fields_of_each_kind_are_written_and_nothing_else_moves(
    shared_tree: ProjectPaths, kind: Kind, identifier: str, values: dict[str, Any]
) -> None:
    before = editor_of(shared_tree, kind).all()
    assert edit(shared_tree, kind, identifier, values) is not None
    after = {sheet.id: sheet.values for sheet in editor_of(shared_tree, kind).all()}
    assert [field_of(after[identifier], name) for name in values] == list(values.values())
    assert [after[s.id] for s in before if s.id != identifier] == [s.values for s in before if s.id != identifier]
    assert edit(shared_tree, kind, identifier, values) is None


WRONG: list[tuple[Kind, str, dict[str, Any], str]] = [
    (kinds.DELEGATIONS, "population", {"mission": ""}, "« Mission » manque"),
    (kinds.MENUS, "permis", {"choix": ["titres"]}, "deux à quatre"),
    (kinds.MENUS, "permis", {"choix": ["titres", "rien_de_tel"]}, "rien_de_tel"),
    (kinds.MENUS, "permis", {"mots": []}, "un menu sans"),
    (kinds.EVENTS, "evenement_mariage", {"reponse": "Appelez le 05 65 00 00 00."}, "pas de numéro"),
    (kinds.LANGUAGES, "en", {"danger_maintenant": "Call now."}, "doit garder"),
    (kinds.LANGUAGES, "en", {"danger_maintenant": "Call 911, {urgence}."}, "pas de numéro"),
    (kinds.DANGERS, "suicide", {"numeros": ["99"]}, "99"),
    (kinds.DANGERS, "suicide", {"numeros": []}, "« Numéros » manque"),
    (kinds.AGES, "cout", {"mois": 0}, "trop petit"),
]


@pytest.mark.parametrize(("kind", "identifier", "values", "said"), WRONG, ids=[f"{kind.id}-{said}" for kind, _, _, said in WRONG])
def test_what_is_wrong_is_refused_with_its_reason(
    shared_tree: ProjectPaths, kind: Kind, identifier: str, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(EditError, match=said):
        edit(shared_tree, kind, identifier, values)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.id for kind in KINDS])
def test_every_record_of_the_project_may_be_saved_as_it_is(kind: Kind) -> None:
    """Otherwise a person could not correct one word before what others left wrong."""
    for sheet in editor_of(ProjectPaths(ROOT), kind).all():
        fields = {f.name: field_of(sheet.values, f.name) for f in kind.fields}
        assert list(kind.check(fields)) == [], sheet.title
        for each in kind.fields:
            rows = fields[each.name] or []
            assert len(rows) <= each.most if each.shape in {Shape.ROWS, Shape.SOME} else True, (sheet.title, each.label)


def test_records_are_made_and_removed(tree: ProjectPaths) -> None:
    event = {"libelle": "Je prends ma retraite", "reponse": "Voici.", "portes": [{"sujet": "retraite"}], "phrases": ["la retraite arrive"]}
    with pytest.raises(EditError, match="« Porte » manque"):
        editor_of(tree, kinds.EVENTS).create({**event, "portes": []}, "Zoé")
    identifier, _ = editor_of(tree, kinds.EVENTS).create(event, "Zoé")
    assert load_referential(tree.referential).acts[identifier].portes[0].sujet == "retraite"
    assert f"- intent: {identifier}" in (tree.corpus / "evenements.yml").read_text(encoding="utf-8")
    menu, _ = editor_of(tree, kinds.MENUS).create({"mots": ["le ferroutage"], "choix": ["titres", "retraite"]}, "Zoé")
    assert menu in {m.id for m in load_referential(tree.referential).menus}
    editor_of(tree, kinds.MENUS).remove(menu, "Zoé")
    assert menu not in {m.id for m in load_referential(tree.referential).menus}
    with pytest.raises(EditError, match="retirer le danger"):
        editor_of(tree, kinds.DANGERS).remove("suicide", "Zoé")
    with pytest.raises(EditError, match="existe déjà"):
        editor_of(tree, kinds.WORDS).create({"terme": "AAH", "clair": "Encore."}, "Zoé")


def test_a_body_changes_its_name_in_each_of_its_topics(tree: ProjectPaths) -> None:
    before = [t.id for t in load_referential(tree.referential).topics.values() if t.organisme == "France Travail"]
    edit(tree, kinds.BODIES, "France Travail", {"organisme": "France Emploi"})
    topics = load_referential(tree.referential).topics.values()
    assert [t.id for t in topics if t.organisme == "France Emploi"] == before != []
    assert not [t for t in topics if t.organisme == "France Travail"]


def test_what_a_danger_shows_is_published_by_another_person_and_said_field_by_field(tree: ProjectPaths) -> None:
    drafts = Drafts(tree)
    edit(drafts.open("Lot"), kinds.DANGERS, "suicide", {"consigne": "Appelez. Restez ici."})
    edit(drafts.tree, kinds.LANGUAGES, "en", {"carte": ""})
    changed = {change.name: change.fields for change in record_changes(tree, drafts.tree, KINDS, {})}
    assert set(changed) == {"Le danger « Risque de suicide, maintenant »", "La langue « anglais »"}
    (told,) = changed["Le danger « Risque de suicide, maintenant »"]
    assert (told.name, told.mine) == ("Phrase dite avec les numéros", ("Appelez. Restez ici.",))
    with pytest.raises(EditError, match="autre personne"):
        drafts.publish("Zoé", lambda live, draft: ())
    drafts.publish("Luc", lambda live, draft: ())
    assert load_referential(tree.referential).emergency_situations["suicide"].consigne == "Appelez. Restez ici."
    assert not load_languages(tree.referential).takes_card("en")
