"""The referential and the corpus change together; two people on one topic see each other."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from trees import make_tree

from bot.base.errors import EditConflict, EditError
from bot.base.paths import ProjectPaths
from bot.learning.corpus import read_corpus
from bot.referential import load_referential
from bot.staff.editing.corpus_editor import CorpusEditor
from bot.staff.editing.topic_editor import TopicEditor, suggest_id

VALUES: dict[str, Any] = {
    "libelle": "Un drone au-dessus de ma maison",
    "public": ["citoyen"],
    "premier_geste": "écrivez à ce service.",
    "precisions": ["Notez l'heure : c'est utile."],
    "services_associes": [{"service": "police_gendarmerie", "raison": "agit tout de suite"}],
    "source": "Note du service du 3 mars",
    "verifie_le": date(2026, 11, 20),
}
PHRASES = ("un drone filme mon jardin", "qui règle les drones ?")


@pytest.fixture
def tree(tmp_path: Path) -> ProjectPaths:
    return make_tree(tmp_path)


@pytest.fixture
def editor(tree: ProjectPaths) -> TopicEditor:
    return TopicEditor(tree)


def snapshot(tree: ProjectPaths) -> dict[str, bytes]:
    return {str(p.relative_to(tree.root)): p.read_bytes() for p in (tree.root / "data").rglob("*") if p.is_file()}


def test_a_new_topic_is_in_the_referential_and_in_the_corpus(editor: TopicEditor, tree: ProjectPaths) -> None:
    change = editor.create("drone_voisin", "securite_publique", VALUES, PHRASES, "Zoé")
    topic = load_referential(tree.referential).topics["drone_voisin"]
    assert (topic.libelle, topic.service, topic.precisions) == (VALUES["libelle"], "securite_publique", ("Notez l'heure : c'est utile.",))
    assert [e.text for e in read_corpus(tree.corpus) if e.label == "drone_voisin"] == list(PHRASES)
    assert change.commit and not [line for line in change.diff.splitlines() if line.startswith("-") and not line.startswith("---")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"premier_geste": ""}, "Première étape"),
        ({"public": ["martien"]}, "valeur inconnue"),
        ({"verifie_le": date.today() + timedelta(days=1)}, "futur"),
        ({"guichet": "guichet_imaginaire"}, "guichet_imaginaire"),
        ({"lien": {"libelle": "x", "url": "http://pas-sur.fr"}}, "Adresse du lien"),
        ({"fiche": {"numero": "1342", "titre": "Une fiche", "date": date(2020, 7, 21)}}, "Numéro de la fiche"),
        ({"faits": {"cout": "C'est gratuit.", "verifie_le": date.today() + timedelta(days=1)}}, "futur"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_is_written(
    editor: TopicEditor, tree: ProjectPaths, change: dict[str, Any], said: str
) -> None:
    before = snapshot(tree)
    with pytest.raises(EditError, match=said):
        editor.create("drone_voisin", "securite_publique", {**VALUES, **change}, PHRASES, "Zoé")
    assert snapshot(tree) == before


def test_an_id_is_taken_once(editor: TopicEditor) -> None:
    with pytest.raises(EditError, match="déjà pris"):
        editor.create("passeport", "titres", VALUES, PHRASES, "Zoé")
    with pytest.raises(EditError, match="minuscules"):
        editor.create("Drône!", "titres", VALUES, PHRASES, "Zoé")


def test_an_edit_touches_its_own_lines_only(editor: TopicEditor, tree: ProjectPaths) -> None:
    sheet = editor.read("passeport")
    change = editor.edit("passeport", {"libelle": "Mon passeport"}, sheet.version, "Zoé")
    assert change is not None
    moved = [line for line in change.diff.splitlines() if line[:1] in "+-" and line[:3] not in {"+++", "---"}]
    assert moved == [f'-  libelle: "{sheet.values["libelle"]}"', '+  libelle: "Mon passeport"']
    assert editor.edit("passeport", {"libelle": "Mon passeport"}, editor.read("passeport").version, "Zoé") is None


def test_two_people_on_one_topic_the_second_sees_both_versions_and_chooses(editor: TopicEditor, tree: ProjectPaths) -> None:
    seen = editor.read("passeport")
    editor.edit("passeport", {"libelle": "Version de Zoé"}, seen.version, "Zoé")
    with pytest.raises(EditConflict) as raised:
        editor.edit("passeport", {"libelle": "Version de Luc"}, seen.version, "Luc")
    assert (raised.value.current, raised.value.proposed) == ({"libelle": "Version de Zoé"}, {"libelle": "Version de Luc"})
    assert load_referential(tree.referential).topics["passeport"].libelle == "Version de Zoé"
    editor.edit("passeport", {"libelle": "Version de Luc"}, raised.value.version, "Luc")
    assert load_referential(tree.referential).topics["passeport"].libelle == "Version de Luc"


def test_two_people_on_two_topics_of_one_file_do_not_meet(editor: TopicEditor, tree: ProjectPaths) -> None:
    first, second = editor.read("passeport"), editor.read("carte_identite")
    editor.edit("passeport", {"libelle": "De Zoé"}, first.version, "Zoé")
    editor.edit("carte_identite", {"libelle": "De Luc"}, second.version, "Luc")
    topics = load_referential(tree.referential).topics
    assert (topics["passeport"].libelle, topics["carte_identite"].libelle) == ("De Zoé", "De Luc")


def test_renaming_moves_the_messages_the_tuning_labels_and_keeps_an_alias(editor: TopicEditor, tree: ProjectPaths) -> None:
    (tree.tuning / "a.jsonl").write_text('{"texte": "x", "dis": "population", "sujet": "passeport"}\n{"texte": "sujet passeport"}\n')
    count = len(CorpusEditor(tree).phrases("passeport"))
    editor.rename("passeport", "passeport_neuf", "Zoé")
    referential = load_referential(tree.referential)
    assert referential.aliases == {"passeport": "passeport_neuf"} and "passeport" not in referential.topics
    assert len(CorpusEditor(tree).phrases("passeport_neuf")) == count and not CorpusEditor(tree).phrases("passeport")
    assert (
        '"sujet": "passeport_neuf"' in (tree.tuning / "a.jsonl").read_text()
        and '"sujet passeport"' in (tree.tuning / "a.jsonl").read_text()
    )
    editor.rename("passeport_neuf", "passeport", "Zoé")
    assert load_referential(tree.referential).aliases == {"passeport_neuf": "passeport"}


def test_merging_keeps_every_message_and_the_old_id(editor: TopicEditor, tree: ProjectPaths) -> None:
    corpus = CorpusEditor(tree)
    wanted = [*corpus.phrases("passeport"), *corpus.phrases("carte_identite")]
    editor.merge("carte_identite", "passeport", "Zoé")
    assert list(corpus.phrases("passeport")) == wanted
    assert load_referential(tree.referential).aliases["carte_identite"] == "passeport"
    with pytest.raises(EditError, match="différents"):
        editor.merge("passeport", "passeport", "Zoé")


def test_moving_to_another_service_moves_everything(editor: TopicEditor, tree: ProjectPaths) -> None:
    phrases = CorpusEditor(tree).phrases("passeport")
    editor.move("passeport", "accueil_general", "Zoé")
    assert load_referential(tree.referential).topics["passeport"].service == "accueil_general"
    assert CorpusEditor(tree).phrases("passeport") == phrases
    assert "- intent: passeport\n" not in (tree.corpus / "titres.yml").read_text(encoding="utf-8")


def test_a_retired_topic_leaves_the_routing_and_is_kept_whole(editor: TopicEditor, tree: ProjectPaths) -> None:
    sheet, phrases = editor.read("passeport"), CorpusEditor(tree).phrases("passeport")
    with pytest.raises(EditError, match="pourquoi"):
        editor.retire("passeport", "bof", "Zoé", date(2026, 11, 26))
    editor.retire("passeport", "La mairie répond désormais seule.", "Zoé", date(2026, 11, 26))
    assert "passeport" not in load_referential(tree.referential).topics
    kept = yaml.safe_load((tree.root / "data" / "retires" / "passeport.yml").read_text(encoding="utf-8"))
    assert kept["fiche"] == dict(sheet.values) and tuple(kept["phrases"]) == phrases and kept["par"] == "Zoé"


def test_menus_follow_their_topics(editor: TopicEditor, tree: ProjectPaths) -> None:
    def choices() -> dict[str, tuple[str, ...]]:
        return {m.id: m.choix for m in load_referential(tree.referential).menus}

    before = choices()
    holders = [menu for menu, offered in before.items() if "carte_identite" in offered]
    assert holders
    change = editor.rename("carte_identite", "carte_nationale", "Zoé")
    assert choices() == {m: tuple("carte_nationale" if c == "carte_identite" else c for c in offered) for m, offered in before.items()}
    menu_lines = change.diff.partition("+++ data/referentiel/menus.yml")[2].partition("+++")[0].splitlines()
    assert sum(line.startswith("+ ") for line in menu_lines) == len(holders)
    editor.retire("carte_nationale", "La mairie répond désormais seule.", "Zoé", date(2026, 11, 26))
    assert all("titres" in choices()[m] and "carte_nationale" not in choices()[m] for m in holders)


def test_foreign_doors_follow_their_topics(editor: TopicEditor, tree: ProjectPaths) -> None:
    before = load_referential(tree.referential).foreign_doors
    editor.rename("passeport", "passeport_neuf", "Zoé")
    renamed = load_referential(tree.referential).foreign_doors
    assert renamed["passeport_neuf"].words == before["passeport"].words and len(renamed) == len(before)
    editor.merge("carte_identite", "passeport_neuf", "Zoé")
    assert len(load_referential(tree.referential).foreign_doors) == len(before) - 1


def test_facts_are_written_changed_and_taken_away(editor: TopicEditor, tree: ProjectPaths) -> None:
    sheet = {"numero": "F14929", "titre": "Passeport", "date": date(2020, 9, 1)}
    form = {"libelle": "Demande de passeport", "numero": "cerfa 1", "url": "https://www.service-public.gouv.fr/f"}
    facts = {"cout": "C'est payant.", "qui": "Vous venez vous-même.", "formulaire": form}
    editor.edit("passeport", {"fiche": sheet, "faits": facts}, editor.read("passeport").version, "Zoé")
    read = load_referential(tree.referential).topics["passeport"]
    assert read.fiche is not None and read.fiche.date == date(2020, 9, 1)
    assert read.faits.said() == {"cout": "C'est payant.", "qui": "Vous venez vous-même."}
    fewer = {"cout": "C'est gratuit.", "formulaire": {k: v for k, v in form.items() if k != "numero"}}
    editor.edit("passeport", {"faits": fewer}, editor.read("passeport").version, "Zoé")
    read = load_referential(tree.referential).topics["passeport"]
    assert read.faits.said() == {"cout": "C'est gratuit."}
    assert read.faits.formulaire is not None and read.faits.formulaire.numero == ""
    editor.edit("passeport", {"faits": {}, "fiche": None}, editor.read("passeport").version, "Zoé")
    assert load_referential(tree.referential).topics["passeport"].fiche is None


def test_an_id_is_suggested_from_the_label() -> None:
    assert suggest_id("Un drone au-dessus de ma maison", ()) == "drone_dessus_maison"
    assert suggest_id("Un drone au-dessus de ma maison", ("drone_dessus_maison",)) == "drone_dessus_maison_2"
    assert suggest_id("112", ()) == "sujet_112"
