"""The pages of every kind of record: read, changed, fought over, published; and the dangers, tried and written down."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from atelier_demo import staffed

from bot.base.paths import ProjectPaths
from bot.learning.loading import load_detector
from bot.referential import load_referential
from bot.staff.editing.corpus_editor import CorpusEditor
from bot.staff.editing.kinds import ABROAD, CRIES, KINDS, editor_of
from bot.web.staff.framework import Workshop

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "staff"))
from trees import make_tree


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> ProjectPaths:
    return make_tree(tmp_path_factory.mktemp("arbre"), git=False)


@pytest.fixture
def workshop(tree: ProjectPaths, tmp_path: Path) -> Iterator[Workshop]:
    with staffed(tmp_path, tree) as found:
        yield found


def version(text: str) -> str:
    return text.partition('name="version" value="')[2].partition('"')[0]


async def test_every_kind_is_listed_and_read_without_a_word_of_developers(enter: Any, workshop: Workshop) -> None:
    lea = await enter("lea")
    hub = await lea.get("/atelier/fiches")
    for kind in KINDS:
        assert kind.path in hub or not kind.path.startswith("/atelier/fiches")
        shown = await lea.get(kind.path)
        assert ">Enregistrer<" not in shown and ".yml" not in shown
        sheets = editor_of(workshop.paths, kind).all()
        for sheet in sheets[-1:]:
            assert ">Enregistrer<" not in await lea.get(f"{kind.path}/{quote(sheet.id, safe='')}")
        await lea.get(f"{kind.path}/nouveau", 403)
    assert "existe pas" in await lea.get("/atelier/fiches/menus/rien_de_tel", 422)
    await lea.post("/atelier/fiches/menus/permis", 403)
    remi = await enter("remi")
    assert "On ne peut pas ajouter" in await remi.get("/atelier/fiches/langues/nouveau", 422)


async def test_a_list_grows_shrinks_and_changes_order_before_it_is_saved(enter: Any, workshop: Workshop) -> None:
    remi, path = await enter("remi"), "/atelier/fiches/menus/permis_conduire"
    names = {t.id: t.libelle for t in workshop.referential().topics.values()}
    one, two = names["permis_points"], names["permis_inscription"]

    def choices(text: str) -> list[str]:
        return re.findall(r'name="choix_\d" list="[\w-]+" value="([^"]*)"', text)

    fields = {"version": version(await remi.get(path)), "mots": "le papier rose", "choix_0": one, "choix_1": "", "choix_2": two}
    assert choices(await remi.post(path, **fields, geste="ajouter:choix")) == [one, two, "", ""]
    assert choices(await remi.post(path, **fields, geste="monter:choix:2")) == [two, one, ""]
    assert choices(await remi.post(path, **fields, geste="retirer:choix:0")) == [two, ""]
    for nothing in ("retirer:choix:1", "retirer:choix:9", "retirer:choix:x"):  # an empty row, or none
        shown = await remi.post(path, **fields, geste=nothing)
        assert choices(shown) == [one, two, ""] and "le papier rose" in shown
    assert not workshop.drafts.is_open  # nothing was saved
    new = await remi.get("/atelier/urgences/phrases/nouveau?texte=le+feu+aux+poudres")
    assert 'value="le feu aux poudres"' in new


async def test_a_menu_is_changed_field_by_field_by_two_people_then_published(enter: Any, workshop: Workshop) -> None:
    remi, ada, path = await enter("remi"), await enter("ada"), "/atelier/fiches/menus/permis_conduire"
    names = {t.id: t.libelle for t in workshop.referential().topics.values()}
    first, second = await remi.get(path), await ada.get(path)
    mine = {"version": version(first), "mots": "permis de conduire\r\nle papier rose", "choix_0": names["permis_points"]}
    assert "Publiez-le" in await remi.post(path, **mine, choix_1=names["permis_inscription"])
    theirs = {"version": version(second), "mots": "permis de conduire\r\npermis moto"}
    theirs |= {"choix_0": names["permis_inscription"], "choix_1": names["permis_etranger"]}
    clash = await ada.post(path, 409, **theirs)
    assert "<legend>Mots qui l'ouvrent</legend>" in clash and "<strong>le papier rose</strong>" in clash
    assert f"<strong>{names['permis_points']}</strong>" in clash and "permis_points" not in clash
    await ada.post(path, **{**theirs, "version": version(clash), "garder_mots": "autre", "garder_choix": "mienne"})
    shown = await ada.get("/atelier/brouillon")
    assert "Fiches qui changent" in shown and names["permis_etranger"] in shown and "a modifié une fiche" in shown
    assert "Le brouillon est publié" in await ada.post("/atelier/brouillon", geste="publier")
    journal = re.sub(r"<[^>]+>", " ", await ada.get("/atelier/journal"))
    assert "a modifié une fiche (le menu « permis de conduire" in journal and not re.search(r"\b[0-9a-f]{8,}\b|[a-z]+_[a-z]+", journal)
    menu = next(m for m in load_referential(workshop.paths.referential).menus if m.id == "permis_conduire")
    assert menu.mots == ("permis de conduire", "le papier rose") and menu.choix == ("permis_inscription", "permis_etranger")


async def test_phrases_of_a_ready_made_answer_wait_in_the_draft(enter: Any, workshop: Workshop) -> None:
    remi, path = await enter("remi"), "/atelier/fiches/reponses/remercier"
    await remi.get(path)
    assert "dans le brouillon" in await remi.post(path, geste="phrases", phrase="mille mercis du ragondin")
    assert "mille mercis du ragondin" in await remi.get(path) and "mille mercis du ragondin" in await remi.get("/atelier/brouillon")
    assert "mille mercis du ragondin" not in CorpusEditor(workshop.paths).phrases("remercier"), "not before the publication"
    assert "Phrase retirée" in await remi.post(path, geste="retirer_phrase", phrase="mille mercis du ragondin")


async def test_a_sentence_is_tried_then_written_down_as_a_danger_and_signed_by_another(enter: Any, workshop: Workshop) -> None:
    remi, ada = await enter("remi"), await enter("ada")
    sentence = "le ragondin a pris la clef des champs avec le tracteur"
    await remi.get("/atelier/urgences")
    tried = await remi.post("/atelier/urgences/essai", essai="mon fils ne respire plus")
    assert "Urgence : Malaise ou danger de mort" in tried and "15 (SAMU)" in tried and "Les cris les plus simples" in tried
    assert "Pas d'urgence" in await remi.post("/atelier/urgences/essai", essai=sentence)
    assert "(vais ou veux) me" in await remi.get("/atelier/urgences/suicide")
    await remi.get("/atelier/urgences/phrases/nouveau")
    for wrong, said in (
        ({"texte": "mon fils ne respire plus"}, "est un cri"),
        ({"texte": "le feu au 06 12 34 56 78", "situation": "incendie"}, "donnée personnelle"),
        ({"texte": ""}, "« Message » manque"),
    ):
        assert said in await remi.post("/atelier/urgences/phrases/nouveau", 422, **wrong)
    assert "Une autre personne" in await remi.post("/atelier/urgences/phrases/nouveau", texte=sentence, situation="accident")
    await remi.get("/atelier/brouillon")
    assert "Une autre personne doit relire" in await remi.post("/atelier/brouillon", geste="publier")
    assert load_detector(workshop.paths).detect(sentence) is None
    await ada.get("/atelier/brouillon")
    assert "Le brouillon est publié" in await ada.post("/atelier/brouillon", geste="publier")
    found = load_detector(workshop.paths).detect(sentence)
    assert found is not None and found.situation == "accident"
    assert "mot pour mot" in await ada.post("/atelier/urgences/essai", essai=sentence)


async def test_cries_are_changed_in_the_draft_and_none_may_be_lost(enter: Any, workshop: Workshop) -> None:
    remi, ada, path = await enter("remi"), await enter("ada"), "/atelier/urgences/cris/suicide"
    assert "Cris" in await remi.get("/atelier/urgences") and "je vais|veux me suicider" in await remi.get(path)
    before = load_detector(workshop.paths)
    fields = {"version": version(await remi.get(path)), "sauf": "dossier"}
    assert "« je vais (me) pendre » ne peut pas se lire" in await remi.post(path, 422, **fields, motifs="je vais (me) pendre")
    assert "Une autre personne" in await remi.post(path, **fields, motifs="ragondin pendu")
    await ada.get("/atelier/brouillon")
    refused = await ada.post("/atelier/brouillon", geste="publier")
    assert "messages de danger connus (« " in refused and "donneraient plus aucun numéro" in refused
    kept = (sheet := editor_of(workshop.paths, CRIES).read("suicide")).values
    fields = {"version": version(await remi.get(path)), "sauf": "\r\n".join(kept["sauf"])}
    await remi.post(path, **fields, motifs="\r\n".join([*kept["motifs"], "le ragondin me pousse au pont"]))
    assert "Une autre personne doit relire" in await remi.post("/atelier/brouillon", geste="publier")
    await ada.get("/atelier/brouillon")
    assert "Le brouillon est publié" in await ada.post("/atelier/brouillon", geste="publier")
    found = load_detector(workshop.paths).detect("le ragondin me pousse au pont")
    assert before.detect("le ragondin me pousse au pont") is None and found is not None and found.situation == "suicide" == sheet.id


async def test_a_cry_is_told_and_a_sentence_tried_on_what_is_typed_before_it_is_saved(enter: Any, workshop: Workshop) -> None:
    remi, path = await enter("remi"), "/atelier/urgences/cris/suicide"
    listed = await remi.get("/atelier/urgences/cris")
    assert "Risque de suicide, maintenant" in listed and "|" not in listed and "Bebe" not in listed
    shown = await remi.get(path)
    assert "je (vais ou veux) me (suicider ou pendre" in shown and "« je " in shown and "quatre mots au plus" in shown
    typed = {"geste": "essai", "version": version(shown), "motifs": "le ragondin .. pendu", "sauf": "blague|canular"}
    tried = await remi.post(path, **typed, essai="Le ragondin est pendu !")
    assert "C'est un cri." in tried and "<code>le ragondin .. pendu</code>" in tried and version(tried) == version(shown)
    assert "l'arrête : (blague ou canular)" in await remi.post(path, **typed, essai="le ragondin est pendu, une blague")
    assert "Aucune de ces lignes" in await remi.post(path, **typed, essai="le castor est pendu")
    assert not workshop.drafts.is_open
    new = {"geste": "essai", "situation": "pollution", "motifs": "ragondin vert", "essai": "un ragondin vert"}
    assert "C'est un cri." in await remi.post("/atelier/urgences/cris/nouveau", **new)


async def test_words_of_danger_of_another_language_wait_for_a_second_signature(enter: Any, workshop: Workshop) -> None:
    remi, ada, path = await enter("remi"), await enter("ada"), "/atelier/urgences/mots/nl"
    shown, sentence = await remi.get(path), "zeg de bevertje is in de keuken nu"
    assert "urgences_langues" not in shown and "Le feu" in shown
    words = editor_of(workshop.paths, ABROAD).read("nl").values["mots"]["feu"]
    typed = {"version": version(shown), "mots.feu": "\r\n".join([*words, "bevertje", "rode gloed*"])}
    assert "Idées entendues : <strong>Le feu" in await remi.post(path, **typed, geste="essai", essai=sentence)
    assert "ne peut pas se lire" in await remi.post(path, 422, **{**typed, "mots.feu": "vuur, brand"})
    assert "Une autre personne doit le publier" in await remi.post(path, **typed)
    await remi.get("/atelier/brouillon")
    assert "Une autre personne doit relire" in await remi.post("/atelier/brouillon", geste="publier")
    draft = await ada.get("/atelier/brouillon")
    assert "bevertje" in draft and "rode gloed*" in draft and "Le feu" in draft
    assert "Le brouillon est publié" in await ada.post("/atelier/brouillon", geste="publier")
    assert "bevertje rode_gloed*" in (workshop.paths.referential / "urgences_langues.yml").read_text(encoding="utf-8")
