"""Topics, desks, trainings and models over HTTP, on a copy of a small tree."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from atelier_demo import PASSWORD, staffed

from bot.base.files import write_json
from bot.base.paths import ProjectPaths
from bot.learning.tuning import ensure_model
from bot.referential import load_referential
from bot.staff.accounts import audit
from bot.staff.candidates.registry import ModelRegistry
from bot.staff.editing.corpus_editor import CorpusEditor
from bot.staff.editing.topic_editor import TopicEditor
from bot.staff.inbox.events import TurnEvent
from bot.staff.inbox.intake import Intake
from bot.web.staff.framework import Workshop

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "staff"))
from trees import make_tree

NEW = {
    "libelle": "Un drone au-dessus de ma maison",
    "service": "securite_publique",
    "public": "citoyen",
    "premier_geste": "écrivez à ce service.",
    "precisions": "Notez l'heure.\r\nRelevez le lieu.",
    "source": "Note du service du 3 mars",
    "verifie_le": "2026-11-20",
    "phrases": "un drone filme mon jardin\r\nqui règle les drones ?",
    "geste": "enregistrer",
}
DRONES = (
    "un drone filme mon jardin",
    "qui règle les drones ?",
    "le voisin fait voler son appareil au-dessus de ma piscine tous les soirs et il dit que le ciel est à tout le monde",
    "drone interdit au-dessus des maisons ou pas",
    "on nous survole tous les dimanches avec une caméra, mes petits-enfants ne veulent plus jouer dehors à cause de cet engin",
    "a-t-on le droit de voler au ras des toits",
    "ça bourdonne au-dessus de la terrasse, c'est un engin télécommandé",
    "j'ai trouvé sur internet des photos aériennes de chez moi prises sans que personne ne me demande mon avis avant",
    "mon gamin en a reçu un à Noël, où peut-il le piloter",
    "il passe devant la fenêtre de ma fille avec son quadricoptère, elle a quinze ans et elle ferme les volets en plein jour",
    "à quelle hauteur ont-ils le droit de passer",
    "faut-il déclarer un petit aéronef de loisir",
    "signaler un télépilote qui survole le lotissement",
    "un bruit d'hélices chaque soir vers huit heures, les chiens deviennent fous et le maire me répond que ce n'est pas lui",
    "quelqu'un espionne notre cour depuis le ciel",
)
"""As many as a topic must have to be published."""
WHOLE = {**NEW, "phrases": "\r\n".join(DRONES)}


MOTIVE = "Décidé ensemble à la réunion de mardi."


async def publish(staff: Any, motive: str = "") -> str:
    """Publish the draft by its page."""
    await staff.get("/atelier/brouillon")
    return str(await staff.post("/atelier/brouillon", geste="publier", motif=motive))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ProjectPaths:
    paths = make_tree(tmp_path_factory.mktemp("arbre"))
    tests = paths.root / "tests" / "data"
    tests.mkdir(parents=True)
    rows = [
        {"id": f"d{i}", "texte": t, "dis": "population", "service": "titres"}
        for i, t in enumerate(["mon passeport perdu", "ma carte d'identité"])
    ]
    (tests / "demandes_1.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tests / "hors_sujet_1.jsonl").write_text('{"id": "h1", "texte": "bonjour"}\n')
    (tests / "urgences_aveugles_1.jsonl").write_text('{"id": "u1", "texte": "au feu ma maison brûle", "urgence": true}\n')
    ensure_model(paths, lambda _s: None)
    return paths


@pytest.fixture
def workshop(trained: ProjectPaths, tmp_path: Path) -> Iterator[Workshop]:
    shutil.copytree(trained.root, tmp_path / "arbre", symlinks=True)
    with staffed(tmp_path, ProjectPaths(tmp_path / "arbre")) as found:
        yield found


async def test_a_topic_that_exists_and_messages_that_wait_are_shown_while_one_writes(enter: Any, workshop: Workshop) -> None:
    known = workshop.writer.phrases("passeport")
    message = f"{known[3]}, merci"
    Intake(workshop.storage)([TurnEvent("t1", time.time(), message, "clarifier")])
    remi = await enter("remi")
    await remi.get("/atelier/sujets/nouveau")
    piece = await remi.post("/atelier/sujets/verifier", libelle="Refaire son passeport", phrases="\r\n".join(known[:4]))
    assert "Ce sujet existe peut-être déjà" in piece and 'href="/atelier/sujets/passeport"' in piece
    assert message in piece and 'href="/atelier/boite/1"' in piece


async def test_a_phrase_of_a_topic_that_the_public_has_waits_is_published_and_taken_back(enter: Any, workshop: Workshop) -> None:
    live, remi, said = CorpusEditor(workshop.paths), await enter("remi"), "mon passeport a séché sur la corde à linge"
    assert "au brouillon" in await remi.post("/atelier/sujets/passeport/phrases", phrase=said)
    assert said in await remi.get("/atelier/sujets/passeport") and said not in live.phrases("passeport")
    assert said in await remi.get("/atelier/brouillon")
    assert "Le brouillon est publié" in await publish(remi)
    assert said in live.phrases("passeport")
    batch = re.search(r'name="annuler" value="(\w+)"', await remi.get("/atelier/brouillon"))
    assert batch and "Le lot est annulé" in await remi.post("/atelier/brouillon", annuler=batch[1])
    assert said not in live.phrases("passeport")


async def test_search_and_read_a_topic(enter: Any) -> None:
    lea = await enter("lea")
    assert "/atelier/sujets/passeport" in await lea.get("/atelier/sujets?q=passeport")
    assert "Aucun sujet" in await lea.get("/atelier/sujets?q=zzzz")
    text = await lea.get("/atelier/sujets/passeport")
    assert "Ce que le public verra" in text and 'id="fiche"' not in text
    assert "n'existe pas" in await lea.get("/atelier/sujets/inconnu", 422)
    await lea.post("/atelier/sujets/passeport", 403, libelle="x")


async def test_create_with_a_preview_then_change(enter: Any, workshop: Workshop) -> None:
    remi = await enter("remi")
    await remi.get("/atelier/sujets/nouveau?phrase=un+drone+filme+mon+jardin")
    shown = await remi.post("/atelier/sujets/nouveau", **{**NEW, "geste": "apercu"})
    assert "Un drone au-dessus de ma maison" in shown and "Encore 13 phrases" in shown and "al-carte-porte" in shown
    assert "drone_dessus_maison" not in load_referential(workshop.paths.referential).topics
    missing = await remi.post("/atelier/sujets/nouveau", 422, **{**NEW, "premier_geste": "", "source": ""})
    assert "« Première étape » manque" in missing and "« Source » manque" in missing and "qui règle les drones" in missing
    done = await remi.post("/atelier/sujets/nouveau", **WHOLE)
    assert "Le sujet est enregistré" in done
    assert "drone_dessus_maison" not in load_referential(workshop.paths.referential).topics
    waiting = await remi.get("/atelier/brouillon")
    assert "a créé un sujet" in waiting and "Notez l'heure." in waiting
    assert "Le brouillon est publié" in await publish(remi)
    topic = load_referential(workshop.paths.referential).topics["drone_dessus_maison"]
    assert topic.precisions == ("Notez l'heure.", "Relevez le lieu.") and topic.service == "securite_publique"
    assert workshop.writer.phrases(topic.id) == DRONES
    with workshop.storage.read() as connection:
        assert connection.execute(audit.audit.select().where(audit.audit.c.action == "lot_publie")).first() is not None


async def test_facts_are_written_with_their_sheet_and_those_due_are_listed(enter: Any, workshop: Workshop) -> None:
    remi = await enter("remi")
    shown = await remi.get("/atelier/sujets/passeport")
    assert 'name="faits_cout" type="text" value="86 euros' in shown and 'name="fiche_papiers" value="oui" checked' in shown
    fields = {
        "version": shown.partition('name="version" value="')[2].partition('"')[0],
        **{
            "libelle": "Passeport",
            "public": "citoyen",
            "premier_geste": "allez à la mairie.",
            "source": "Note",
            "verifie_le": "2026-11-20",
        },
        **{"faits_cout": "C'est payant.", "faits_verifie_le": "2026-11-21", "geste": "enregistrer"},
        **{"fiche_numero": "F1", "fiche_titre": "Une fiche", "fiche_date": "2020-07-23", "fiche_espace": "associations"},
    }
    said = await remi.post("/atelier/sujets/passeport", 422, **{**fields, "formulaire_url": "rien"})
    faults = said.partition('id="fautes"')[2].partition("</ul>")[0]
    assert "Adresse du lien" in faults, faults
    assert "est payant." in said
    await remi.post("/atelier/sujets/passeport", **fields)
    assert "Le brouillon est publié" in await publish(await enter("ada"), MOTIVE)
    topic = load_referential(workshop.paths.referential).topics["passeport"]
    assert topic.faits.said() == {"cout": "C'est payant."} and topic.faits.verifie_le == date(2026, 11, 21)
    assert topic.fiche is not None and topic.fiche.url.endswith("/associations/vosdroits/F1")
    due = await remi.get("/atelier/sujets?perimes=oui&service=titres")
    assert "/atelier/sujets/carte_identite" in due and "Prix" in due and "/atelier/sujets/passeport" not in due


async def test_the_linter_answers_the_script(enter: Any) -> None:
    remi = await enter("remi")
    await remi.get("/atelier/sujets/nouveau")
    text = await remi.post(
        "/atelier/sujets/verifier", **{**NEW, "phrases": "appelez le 06 12 34 56 78\r\ncarte d'identité pour personne alitée"}
    )
    assert "donnée personnelle" in text and "<html" not in text and "al-carte-porte" in text
    assert "presque la même phrase" in text


async def test_a_piece_of_page_leaves_what_is_shown_once_to_the_next_page(enter: Any) -> None:
    remi = await enter("remi")
    await remi.get("/atelier/sujets/passeport")
    async with remi.client.post(
        "/atelier/sujets/passeport/phrases", data={"jeton": remi.token, "phrase": "mon passeport a pris l'eau"}, allow_redirects=False
    ) as answer:
        assert answer.status == 303
    assert "Phrase ajoutée" not in await remi.get("/atelier/entrainement/suivi")
    await remi.client.post("/atelier/sujets/verifier", data={"jeton": remi.token, **NEW})
    assert "Phrase ajoutée" in await remi.get("/atelier/sujets/passeport")


async def test_two_people_on_one_topic(enter: Any, workshop: Workshop) -> None:
    remi, ada = await enter("remi"), await enter("ada")
    first, second = await remi.get("/atelier/sujets/passeport"), await ada.get("/atelier/sujets/passeport")
    fields = {
        "public": "citoyen",
        "premier_geste": "prenez rendez-vous.",
        "source": "Note",
        "verifie_le": "2026-11-20",
        "geste": "enregistrer",
    }

    def version(text: str) -> str:
        return text.partition('name="version" value="')[2].partition('"')[0]

    await remi.post("/atelier/sujets/passeport", libelle="Version de Rémi", version=version(first), **fields)
    clash = await ada.post("/atelier/sujets/passeport", 409, libelle="Version d'Ada", version=version(second), **fields)
    assert "Version de Rémi" in clash and "Version d'Ada" in clash and "Une autre personne" in clash
    assert "<legend>Nom du sujet</legend>" in clash and "libelle:" not in clash
    assert TopicEditor(workshop.drafts.edited).read("passeport").values["libelle"] == "Version de Rémi"
    mixed = {**fields, "version": version(clash), "premier_geste": "téléphonez d'abord.", "garder_libelle": "autre"}
    await ada.post("/atelier/sujets/passeport", libelle="Version d'Ada", **mixed)
    kept = TopicEditor(workshop.drafts.edited).read("passeport")
    assert (kept.values["libelle"], kept.values["premier_geste"]) == ("Version de Rémi", "téléphonez d'abord.")
    clash = await ada.get("/atelier/sujets/passeport")
    await ada.post("/atelier/sujets/passeport", libelle="Version d'Ada", version=version(clash), **fields)
    assert TopicEditor(workshop.drafts.edited).read("passeport").values["libelle"] == "Version d'Ada"
    assert TopicEditor(workshop.paths).read("passeport").values["libelle"] not in {"Version de Rémi", "Version d'Ada"}


async def test_phrases_are_added_moved_and_removed(enter: Any, workshop: Workshop) -> None:
    remi = await enter("remi")
    await remi.get("/atelier/sujets/passeport")
    assert "Phrases ajoutées" in await remi.post(
        "/atelier/sujets/passeport/phrases", phrase="mon passeport a pris l'eau\r\nle chat a mangé mon passeport"
    )
    assert "existe déjà" in await remi.post("/atelier/sujets/passeport/phrases", phrase="mon passeport a pris l'eau")
    label = load_referential(workshop.paths.referential).topics["carte_identite"].libelle
    assert "Phrase déplacée" in await remi.post("/atelier/sujets/passeport/phrases", deplacer="mon passeport a pris l'eau", vers=label)
    assert "mon passeport a pris l'eau" in workshop.writer.phrases("carte_identite")
    assert "Phrase retirée" in await remi.post("/atelier/sujets/passeport/phrases", retirer="le chat a mangé mon passeport")
    assert "autre personne" in await remi.post("/atelier/sujets/passeport/phrases", retirer="le chat a mangé mon passeport")


async def test_rename_merge_hand_over_and_retire(enter: Any, workshop: Workshop) -> None:
    remi = await enter("remi")
    await remi.get("/atelier/sujets/passeport")
    await remi.post("/atelier/sujets/passeport/gestes", geste="renommer", identifiant="passeport_neuf")
    await remi.post("/atelier/sujets/passeport_neuf/gestes", geste="confier", service="accueil_general")
    await remi.post("/atelier/sujets/maltraitance_animale/gestes", geste="fusionner", avec="hygiene_restaurant_signalement")
    assert "pourquoi" in await remi.post("/atelier/sujets/permis_construire/gestes", geste="retirer", motif="")
    await remi.post("/atelier/sujets/permis_construire/gestes", geste="retirer", motif="La mairie répond seule.")
    refused = await remi.post("/atelier/brouillon", 422, geste="publier")
    assert "est fondu dans" in refused and "disparaît" in refused and "passe au service" in refused
    assert "passeport" in load_referential(workshop.paths.referential).topics
    await remi.post("/atelier/brouillon", 403, geste="publier", motif=MOTIVE)
    ada = await enter("ada")
    assert "Le brouillon est publié" in await publish(ada, MOTIVE)
    topics = load_referential(workshop.paths.referential).topics
    assert topics["passeport_neuf"].service == "accueil_general"
    assert {"passeport", "maltraitance_animale", "permis_construire"}.isdisjoint(topics)
    assert "Le lot est annulé" in await ada.post("/atelier/brouillon", annuler=workshop.drafts.batches()[0].id)
    assert {"passeport", "maltraitance_animale", "permis_construire"} <= set(load_referential(workshop.paths.referential).topics)


async def test_a_closure_is_added_and_removed(enter: Any, workshop: Workshop) -> None:
    remi, path = await enter("remi"), "/atelier/fermetures"
    assert "Aucune fermeture" in await remi.get(path) and path in await remi.get("/atelier/guichets")
    first, last = date.today() + timedelta(days=3), date.today() + timedelta(days=5)
    hall = "Mairie de Figeac (mairie-46102-01)"
    fields = {"lieu": hall, "du": first.isoformat(), "au": last.isoformat(), "motif": "congés", "source": "appel"}
    for wrong, said in (
        ({"lieu": "Mairie de Nulle-Part"}, "Choisissez un lieu"), ({"au": "2020-01-01"}, "vient avant"), ({"du": ""}, "premier jour"),
        ({"source": ""}, "qui a donné"), ({"du": "2020-01-01", "au": "2020-01-02"}, "déjà passée"), ({"au": "2999-01-01"}, "un an au plus"),
    ):  # fmt: skip
        shown = await remi.post(path, 422, **{**fields, **wrong})
        assert said in shown and 'value="congés"' in shown
    assert "La fermeture est enregistrée" in await remi.post(path, **fields)
    assert "déjà écrite" in await remi.post(path, 422, **fields)
    assert not load_referential(workshop.paths.referential).closures, "it waits in the draft"
    assert "Le brouillon est publié" in await publish(remi)
    (closure,) = load_referential(workshop.paths.referential).closures
    assert (closure.lieu, closure.du, closure.au, closure.motif) == ("mairie-46102-01", first, last, "congés")
    assert "Mairie de Figeac" in await remi.get(path)
    assert "La fermeture est retirée" in await remi.post(path, retirer=closure.id)
    await publish(remi)
    assert not load_referential(workshop.paths.referential).closures
    gone = await remi.post(path, 422, retirer=closure.id)
    assert "existe plus" in gone


async def test_desks_are_listed_by_age_and_changed(enter: Any, workshop: Workshop) -> None:
    remi = await enter("remi")
    shown = await remi.get("/atelier/guichets")
    assert "à vérifier" in shown and "jamais" in shown
    text = await remi.get("/atelier/guichets/prefecture_accueil")
    version = text.partition('name="version" value="')[2].partition('"')[0]
    fields = {
        "telephone_0_valeur": "05 65 23 10 00", "telephone_0_description": "Accueil", "plage_ouverture_0_nom_jour_debut": "Lundi",
        "plage_ouverture_0_nom_jour_fin": "Vendredi", "plage_ouverture_0_valeur_heure_debut_1": "09:00",
        "plage_ouverture_0_valeur_heure_fin_1": "12:00", "x_ose.verifie_le": "2026-11-25", "x_ose.verifie_par": "appel",
    }  # fmt: skip
    wrong = await remi.post("/atelier/guichets/prefecture_accueil", 422, version=version, **{**fields, "telephone_0_valeur": "05 65"})
    assert "n'est pas un numéro" in wrong and "09:00" in wrong
    assert "« Vérifié le » manque" in await remi.post(
        "/atelier/guichets/prefecture_accueil", 422, version=version, **{**fields, "x_ose.verifie_le": ""}
    )
    assert "Le guichet est enregistré" in await remi.post("/atelier/guichets/prefecture_accueil", version=version, **fields)
    other = {**fields, "telephone_0_description": "Autre"}
    assert "Choisissez pour chaque ligne" in await remi.post("/atelier/guichets/prefecture_accueil", 409, version=version, **other)
    await publish(remi)
    desk = load_referential(workshop.paths.referential).entry_points["prefecture_accueil"]
    assert desk.plage_ouverture[0].nom_jour_fin == "Vendredi" and desk.x_ose.verifie_par == "appel"


async def test_trainings_are_asked_followed_and_stopped(enter: Any, workshop: Workshop) -> None:
    remi = await enter("remi")
    assert "Aucun entraînement" in await remi.get("/atelier/entrainement")
    assert "Entraînement 1 : en attente" in await remi.post("/atelier/entrainement")
    piece = await remi.get("/atelier/entrainement/suivi")
    assert 'data-ouvert="oui"' in piece and "<html" not in piece
    assert "annulé" in await remi.post("/atelier/entrainement/1/arret")
    assert "déjà fini" in await remi.post("/atelier/entrainement/1/arret")
    assert "Entraînement prévu chaque nuit à 02:30" in await remi.post("/atelier/entrainement/nuit", heure="02:30")
    assert "Écrivez l'heure" in await remi.post("/atelier/entrainement/nuit", heure="2h")
    assert not workshop.nightly._waits()  # the live model has learnt all that is written
    await remi.post("/atelier/sujets/passeport/phrases", phrase="le ragondin a pris mon passeport")
    assert not workshop.nightly._waits(), "a phrase of the draft is nobody's lesson yet"
    await remi.post("/atelier/brouillon", geste="publier")
    assert workshop.nightly._waits()
    lea = await enter("lea")
    assert "Chaque nuit à 02:30" in await lea.get("/atelier/entrainement")
    assert "Lancer" not in await lea.get("/atelier/entrainement")
    await lea.post("/atelier/entrainement", 403)


def candidate(workshop: Workshop, wrong_doors: float, sure: float = 0.31) -> str:
    """Put a candidate in the registry, measured by hand."""
    registry = ModelRegistry(workshop.paths)
    live = registry.adopt()
    assert live is not None
    draft = workshop.paths.models / ".brouillon"
    shutil.copytree(live.folder, draft)
    metrics = json.loads((draft / "metrics.json").read_text())
    metrics["seuils"] |= {"dis": sure + wrong_doors / 10, **({"sujet": sure, "service": sure} if sure > 0.5 else {})}
    (draft / "metrics.json").write_text(json.dumps(metrics))

    def evaluation(share: float, door: str) -> dict[str, Any]:
        figures = dict.fromkeys(("bonne_delegation", "bon_service", "questions", "demandes_refusees", "erreur_calibration"), 0.5)
        figures |= {"demandes": 2, "mauvaises_portes": share, "hors_sujet_reconnus": 1.0, "urgences_reconnues": 1.0}
        rows = {"d0": {"porte": door, "sujet": None, "attendu": "titres", "juste": door == "titres"}}
        return {
            "essais": "x",
            "chiffres": figures,
            "par_service": {"titres": {"messages": 2, "rappel": 0.5, "precision": 0.5}},
            "messages": rows,
        }

    registry.keep_evaluation(live, evaluation(0.02, "titres"))
    return registry.add(
        draft, {"auteur": "remi", "parent": live.id}, evaluation(wrong_doors, "mairie" if wrong_doors > 0.02 else "titres")
    ).id


async def test_a_better_model_goes_live_and_back_in_one_click(enter: Any, workshop: Workshop) -> None:
    identifier = candidate(workshop, 0.0)
    remi = await enter("remi")
    assert "Il peut être mis en service" in await remi.get(f"/atelier/modeles/{identifier}")
    assert "Le modèle est en service" in await remi.post(f"/atelier/modeles/{identifier}/service")
    live = ModelRegistry(workshop.paths).live()
    assert live is not None and live.id == identifier
    assert "de nouveau en service" in await remi.post("/atelier/modeles/retour")
    back = ModelRegistry(workshop.paths).live()
    assert back is not None and back.id != identifier
    assert "pas de modèle précédent" in await remi.post("/atelier/modeles/retour")


async def test_the_page_says_what_was_learnt_and_what_to_write_more_of(enter: Any, workshop: Workshop) -> None:
    registry = ModelRegistry(workshop.paths)
    card = registry.get(candidate(workshop, 0.0))
    lost = [("ma plaque a été mangée", "permis_construire")]
    lessons = {
        "passeport": {"phrases": 16, "reconnues": 15, "a_part": 3, "devinees": 2, "ailleurs": lost},
        "carte_identite": {"phrases": 10, "reconnues": 10, "a_part": 2, "devinees": 2, "ailleurs": []},
    }
    registry.keep_evaluation(card, {**(registry.evaluation(card) or {}), "lecons": lessons})
    text = await (await enter("lea")).get(f"/atelier/modeles/{card.id}")
    names = {t.id: t.libelle for t in workshop.referential().topics.values()}
    passport, card_of_identity = text.split(f"<h3>{names['passeport']}</h3>")[1].split(f"<h3>{names['carte_identite']}</h3>")
    assert "15 des 16 phrases reconnues, dont 2 des 3 qu'il n'avait pas lues" in passport and "Écrivez-en 20" in passport
    assert "ma plaque a été mangée" in passport and f"va vers <strong>{names['permis_construire']}</strong>" in passport
    assert "10 des 10 phrases reconnues" in card_of_identity and "Écrivez-en 20" not in card_of_identity.split("</section>")[0]


async def test_what_changes_door_for_the_public_is_read_before_a_model_goes_live(enter: Any, workshop: Workshop) -> None:
    topic, message = "passeport", workshop.writer.phrases("passeport")[0] + " à Cahors"
    sure = {"dis": "population", "service": "titres", "sujet": topic, "confiance": 0.97}
    Intake(workshop.storage)([TurnEvent("t1", time.time(), message, "orienter", (sure,), drawn=True)])
    identifier = candidate(workshop, 0.0, sure=1.1)
    remi = await enter("remi")
    text = await remi.get(f"/atelier/modeles/{identifier}")
    assert message in text and "Essayé sur 1 message du dernier mois" in text and "<td>Une question</td>" in text
    assert "Lisez d'abord" in await remi.post(f"/atelier/modeles/{identifier}/service")
    assert "Lisez d'abord" in await remi.post(f"/atelier/modeles/{identifier}/service", lu="0123456789abcdef")
    read = re.search(r'name="lu" value="(\w+)"', text)
    assert read is not None
    assert "Le modèle est en service" in await remi.post(f"/atelier/modeles/{identifier}/service", lu=read[1])
    with workshop.storage.read() as connection:
        assert connection.execute(audit.audit.select().where(audit.audit.c.action == "changements_lus")).one().target == identifier


async def test_a_worse_model_is_refused_with_reasons_and_only_an_administrator_goes_through(enter: Any, workshop: Workshop) -> None:
    identifier = candidate(workshop, 0.2)
    remi = await enter("remi")
    text = await remi.get(f"/atelier/modeles/{identifier}")
    assert "Il ne peut pas être mis en service" in text and "20,0 % au lieu de 2,0 %" in text and "Passer outre" not in text
    assert "mon passeport perdu" in text and "moins bien" in text
    cell = await remi.get(f"/atelier/modeles/{identifier}/messages?attendu=titres&donne=mairie")
    assert "mon passeport perdu" in cell
    assert "ne peut pas être mis en service" in await remi.post(f"/atelier/modeles/{identifier}/service")
    await remi.post(f"/atelier/modeles/{identifier}/service", 403, motif="Parce que je le veux bien aujourd'hui.")
    ada = await enter("ada")
    await ada.get(f"/atelier/modeles/{identifier}")
    assert "ne peut pas" in await ada.post(f"/atelier/modeles/{identifier}/service", motif="trop court")
    assert "Le modèle est en service" in await ada.post(
        f"/atelier/modeles/{identifier}/service", motif="Demandé avant la fête votive de Cahors."
    )
    with workshop.storage.read() as connection:
        row = connection.execute(audit.audit.select().where(audit.audit.c.action == "modele_force")).one()
    assert "fête votive" in row.details and "mauvaises portes" in row.details


async def test_nobody_goes_through_a_closed_gate_for_their_own_work_when_another_may(enter: Any, workshop: Workshop) -> None:
    workshop.accounts.create("zoe", "administrateur", PASSWORD, "test")
    ada, zoe = await enter("ada"), await enter("zoe")
    registry, before = ModelRegistry(workshop.paths), time.time()
    registry.adopt()
    await ada.get("/atelier/sujets/passeport")
    await ada.post("/atelier/sujets/passeport/phrases", phrase="le ragondin a emporté mon passeport dans la rivière")
    assert "Le brouillon est publié" in await publish(ada)
    identifier = candidate(workshop, 0.2)  # trained by Rémi, from what Ada wrote
    live = registry.live()
    assert live is not None
    for card, read in ((live, before), (registry.get(identifier), time.time())):
        write_json(card.folder / "manifeste.json", {**card.manifest, "lu": read})
    path = f"/atelier/modeles/{identifier}/service"
    assert "un autre administrateur que vous : ce modèle porte votre travail" in await ada.post(path, motif=MOTIVE)
    assert (still := registry.live()) is not None and still.id == live.id
    assert "Le modèle est en service" in await zoe.post(path, motif=MOTIVE)
    assert "de nouveau en service" in await ada.post("/atelier/modeles/retour")  # one person: it was live before
    assert "un autre administrateur" in await ada.post(path, motif=MOTIVE)


async def test_nobody_puts_their_own_work_live_alone_where_two_are_asked(enter: Any, workshop: Workshop) -> None:
    object.__setattr__(workshop, "settings", replace(workshop.settings, second_reader=True))
    identifier = candidate(workshop, 0.0)  # trained by « remi »
    remi, ada = await enter("remi"), await enter("ada")
    await remi.get("/atelier/modeles")
    refused = await remi.post(f"/atelier/modeles/{identifier}/service")
    assert "Une autre personne doit relire ce modèle : il porte votre travail" in refused
    live = ModelRegistry(workshop.paths).live()
    assert live is not None and live.id != identifier
    await ada.get("/atelier/modeles")
    assert "Le modèle est en service" in await ada.post(f"/atelier/modeles/{identifier}/service")


async def test_a_desk_and_a_service_are_opened_then_changed_from_the_pages(enter: Any, workshop: Workshop) -> None:
    remi, paths = await enter("remi"), workshop.drafts.tree.referential
    before = {p: p.read_bytes() for p in workshop.paths.referential.rglob("*.yml")}
    await remi.get("/atelier/guichets/nouveau")
    desk = {"nom": "Guichet du ferroutage", "x_ose.dis": "territoire", "adresse_0_numero_voie": "1 rue du Rail"}
    desk |= {"adresse_0_code_postal": "46000", "adresse_0_nom_commune": "Cahors", "telephone_0_valeur": "05 65 00 00 00"}
    desk |= {"x_ose.source": "Note du 3 mars", "x_ose.verifie_le": "2026-11-20", "x_ose.verifie_par": "appel"}
    wrong = await remi.post("/atelier/guichets/nouveau", 422, **{**desk, "nom": "", "adresse_0_code_postal": "46"})
    assert "« Nom » manque." in wrong and "« 46 » n'est pas un code postal" in wrong and "1 rue du Rail" in wrong
    assert "Le guichet est enregistré" in await remi.post("/atelier/guichets/nouveau", **desk)
    opened = load_referential(paths).entry_points["guichet_ferroutage"]
    assert (opened.adresse[0].numero_voie, opened.telephone[0].valeur, opened.x_ose.dis) == (
        "1 rue du Rail",
        "05 65 00 00 00",
        "territoire",
    )
    page = await remi.get("/atelier/guichets/guichet_ferroutage")
    version = page.partition('name="version" value="')[2].partition('"')[0]
    await remi.post("/atelier/guichets/guichet_ferroutage", version=version, **{**desk, "adresse_0_numero_voie": "2 rue du Rail"})
    assert load_referential(paths).entry_points["guichet_ferroutage"].adresse[0].numero_voie == "2 rue du Rail"

    await remi.get("/atelier/services/nouveau")
    service = {"delegation": "territoire", "nom_clair": "Le service du ferroutage", "nom": "Mission ferroutage", "source": "Note du 3 mars"}
    service |= {"guichet": "guichet_ferroutage", "verifie_le": "2026-11-20", "anciens_noms": "Fret\r\nMission fret"}
    assert "« Nom officiel » manque" in await remi.post("/atelier/services/nouveau", 422, **{**service, "nom": ""})
    assert "Créez-lui des sujets" in await remi.post("/atelier/services/nouveau", **service)
    (created,) = [s for s in load_referential(paths).services.values() if s.nom == "Mission ferroutage"]
    assert (created.delegation, created.anciens_noms) == ("territoire", ("Fret", "Mission fret"))
    page = await remi.get(f"/atelier/services/{created.id}")
    version = page.partition('name="version" value="')[2].partition('"')[0]
    assert "Rien n'a changé" in await remi.post(f"/atelier/services/{created.id}", version=version, **service)
    await remi.post(f"/atelier/services/{created.id}", version=version, **{**service, "nom_actuel": "DDT", "sigle": ""})
    # Each changed another field: both are kept, and nothing is asked.
    await remi.post(f"/atelier/services/{created.id}", version=version, **{**service, "sigle": "MF", "nom_actuel": ""})
    both = load_referential(paths).services[created.id]
    assert (both.nom_actuel, both.sigle) == ("DDT", "MF")
    await remi.get("/atelier/sujets/nouveau")
    done = await remi.post("/atelier/sujets/nouveau", **{**WHOLE, "service": created.id})
    assert "Le sujet est enregistré" in done
    assert {p: p.read_bytes() for p in before} == before  # nothing is public before
    assert "Le brouillon est publié" in await publish(remi)
    assert load_referential(workshop.paths.referential).topics["drone_dessus_maison"].service == created.id
    lea = await enter("lea")
    assert "Mission ferroutage" in await lea.get(f"/atelier/services/{created.id}")
    await lea.get("/atelier/services/nouveau", 403)


async def test_no_page_speaks_as_a_developer(enter: Any, workshop: Workshop) -> None:
    identifier = candidate(workshop, 0.0)
    ada = await enter("ada")
    await ada.get("/atelier/sujets/passeport")
    await ada.post("/atelier/sujets/passeport/phrases", phrase="le ragondin a emporté mon passeport dans la rivière")
    refused = await ada.post("/atelier/sujets/carte_identite/phrases", phrase="le ragondin a emporté mon passeport dans la rivière")
    label = workshop.referential().topics["passeport"].libelle
    assert f"dans le sujet « {label} »" in refused
    await ada.post(f"/atelier/modeles/{identifier}/service")
    for path in ("sujets/passeport", "guichets/dis_population", "modeles", f"modeles/{identifier}", "journal", "brouillon", "entrainement"):
        words = re.sub(r"<[^>]+>", " ", await ada.get(f"/atelier/{path}"))
        found = re.findall(r"\b[0-9a-f]{8,}\b|[\w/]+\.ya?ml|\bcommit\b|\bUTC\b|« [a-z]+_[a-z_]+ »", words)
        assert not found, f"{path}: {found}"


async def test_a_corrupt_model_is_refused(enter: Any, workshop: Workshop) -> None:
    identifier = candidate(workshop, 0.0)
    folder = ModelRegistry(workshop.paths).get(identifier).folder
    file = next(p for p in folder.iterdir() if p.stem == "modele")
    file.write_bytes(file.read_bytes()[:-9] + b"123456789")
    remi = await enter("remi")
    await remi.get("/atelier/modeles")
    assert "abîmé" in await remi.post(f"/atelier/modeles/{identifier}/service")
    live = ModelRegistry(workshop.paths).live()
    assert live is not None and live.id != identifier
