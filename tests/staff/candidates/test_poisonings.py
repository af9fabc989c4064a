"""Poisonings: each is made in the files of a draft, as somebody would, and refused with a reason that people understand.

The static rules, those of « bot check » and the review of the edits, refuse before anything is trained. What only a measure can
catch is measured with a quick fit of a small corpus; ``python -m scripts.mesures empoisonnements`` trains some for real.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from trees import EXAMPLES, SMALL, make_tree

from bot.base.errors import EditError
from bot.base.paths import ProjectPaths
from bot.language.cleaning import clean
from bot.learning.corpus import read_jsonl
from bot.learning.emergencies import ensure_detector
from bot.learning.freshness import fingerprint, model_config
from bot.learning.tuning import train
from bot.staff.candidates.gate import Figures, Margins, judge
from bot.staff.candidates.publication import objections
from bot.staff.candidates.review import reader_of
from bot.staff.editing.corpus_editor import append_intent, files_of, insert_phrases, remove_intent
from bot.staff.editing.topic_editor import TopicEditor
from bot.staff.editing.workspace import Draft
from bot.understanding.config import TopicModelConfig
from bot.understanding.model import TopicModel

TOPICS = {
    "titres": ("passeport", "carte_identite", "carte_grise_suivi", "etranger_eloignement"),
    "veterinaire": ("maltraitance_animale",),
    "equipement_agriculture": ("permis_construire",),
    "conversation": ("saluer", "remercier", "bavardage"),
    "hors_sujet": ("meteo",),
}
CAR, PASSPORT, LEAVING, ANIMALS, BUILDING = (
    "carte_grise_suivi",
    "passeport",
    "etranger_eloignement",
    "maltraitance_animale",
    "permis_construire",
)
KNOWN = {label: [e.text for e in EXAMPLES if e.label == label] for labels in TOPICS.values() for label in labels}
KEPT_BACK = {label: found[::3] for label, found in KNOWN.items()}
"""Real messages of each label that the tree does not hold: what people will write next."""
TEST, TUNING, EXAM = (
    "le consulat me demande un document que la mairie refuse de me donner, vers qui me tourner",
    "on me réclame une attestation que personne ne connaît au guichet",
    "ma demande traîne depuis le printemps et le site tourne en rond",
)
DANGERS = [str(row["texte"]) for row in read_jsonl(Path(__file__).parents[3] / "data" / "urgences" / "dangers_1.jsonl")]
NEW = {
    "libelle": "Un sujet neuf",
    "public": ["citoyen"],
    "premier_geste": "déposez votre demande en mairie.",
    "source": "Note du service",
    "verifie_le": date(2026, 11, 24),
}


def learnt(label: str) -> list[str]:
    return [p for p in KNOWN[label] if p not in KEPT_BACK[label]]


def teach(label: str, *phrases: str) -> Callable[[ProjectPaths], None]:
    """Write phrases into the file of a label, whatever the pages would say of each."""

    def edit(tree: ProjectPaths) -> None:
        path = files_of(tree, Draft(tree.root), label)[-1]
        path.write_text(insert_phrases(path.read_text(encoding="utf-8"), label, list(dict.fromkeys(phrases))), encoding="utf-8")

    return edit


def replaced(file: str, *pairs: tuple[str, str]) -> Callable[[ProjectPaths], None]:
    """Replace pieces of a file of « data », by patterns."""

    def edit(tree: ProjectPaths) -> None:
        path = tree.root / "data" / file
        text = path.read_text(encoding="utf-8")
        for pattern, new in pairs:
            text, count = re.subn(pattern, new, text, count=1)
            assert count, pattern
        path.write_text(text, encoding="utf-8")

    return edit


def topic(identifier: str, phrases: list[str], **fields: object) -> Callable[[ProjectPaths], None]:
    return lambda tree: TopicEditor(tree).create(identifier, "titres", {**NEW, **fields}, phrases, "Zoé") and None


def changed(identifier: str, **fields: object) -> Callable[[ProjectPaths], None]:
    def edit(tree: ProjectPaths) -> None:
        editor = TopicEditor(tree)
        editor.edit(identifier, fields, editor.read(identifier).version, "Zoé")

    return edit


def labels_swapped(first: str, second: str) -> Callable[[ProjectPaths], None]:
    def edit(tree: ProjectPaths) -> None:
        for path in tree.corpus.glob("*.yml"):
            text = path.read_text(encoding="utf-8").replace(f"intent: {first}\n", "intent: ?\n")
            path.write_text(
                text.replace(f"intent: {second}\n", f"intent: {first}\n").replace("intent: ?\n", f"intent: {second}\n"), "utf-8"
            )

    return edit


def without(label: str, share: float) -> Callable[[ProjectPaths], None]:
    def edit(tree: ProjectPaths) -> None:
        path = files_of(tree, Draft(tree.root), label)[-1]
        gone = {f"    - {p}\n" for p in learnt(label)[: round(share * len(learnt(label)))]}
        kept = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line not in gone]
        path.write_text("".join(kept), encoding="utf-8")

    return edit


def moved(source: str, target: str, count: int) -> Callable[[ProjectPaths], None]:
    def edit(tree: ProjectPaths) -> None:
        gone = learnt(source)[:count]
        without(source, count / len(learnt(source)))(tree)
        teach(target, *gone)(tree)

    return edit


def deleted_by_hand(tree: ProjectPaths) -> None:
    """The record and the phrases, as a person with an editor of texts would."""
    path = files_of(tree, Draft(tree.root), PASSPORT)[-1]
    path.write_text(remove_intent(path.read_text(encoding="utf-8"), PASSPORT), encoding="utf-8")
    TopicEditor(tree).retire(PASSPORT, "Pour faire de la place ailleurs.", "Zoé", date(2026, 12, 1))
    shutil.rmtree(tree.retired)


def two_services_swapped(tree: ProjectPaths) -> None:
    TopicEditor(tree).move(PASSPORT, "veterinaire", "Zoé")
    TopicEditor(tree).move(ANIMALS, "titres", "Zoé")


def id_reused(tree: ProjectPaths) -> None:
    """« vieux_ruchers » was retired long ago; whoever takes its name also hides that it was."""
    shutil.rmtree(tree.retired)
    topic("vieux_ruchers", [f"{p} au rucher" for p in KEPT_BACK[ANIMALS][:20]])(tree)


def merged_id_reused(tree: ProjectPaths) -> None:
    TopicEditor(tree).merge("carte_identite", PASSPORT, "Zoé")
    file = tree.referential / "sujets" / "titres.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(rf"- id: {LEAVING}\b", "- id: carte_identite", text), encoding="utf-8")
    labels_swapped(LEAVING, "carte_identite")(tree)


WHEN = ("lundi", "mai", "un an", "hier", "août", "noël", "mardi", "juin")
SOUP = ("zorglub fraktal mirobol", "blixou tranduil kerplonk", "vrombi chaloupix", "skriboul nartek ouplaf", "frizolet gnapi", "xu qo zi")
JUNK = ("azerty qsdfg wxcvb", "jjjjj kkkkk lllll", "qqqqq sssss ddddd", "wxwx cvcv bnbn", "ppmm oolk iijj", "hjkl yuio")
ENGLISH = (
    "my vehicle registration got stuck somewhere",
    "whenever shall somebody answer about the registration",
    "nobody wrote back regarding my vehicle paperwork",
    "their website keeps crashing while uploading everything",
)
ARABIC = ("أين بطاقة السيارة الخاصة بي", "لم أستلم أي رد منذ شهر", "الموقع لا يعمل أبدا عندي", "أريد أن أعرف أين وصل طلبي")


@dataclass(frozen=True)
class Poison:
    """One poisoning.

    Args:
        name: what a person would call it.
        edit: what is written in the draft.
        said: words of the reason that is expected.
    """

    name: str
    edit: Callable[[ProjectPaths], object]
    said: str


TITRES = "referentiel/sujets/titres.yml"
CRIES = "referentiel/urgences_mots.yml"
POISONS = (
    # phrases of another request
    Poison("30 vraies demandes d'éloignement tapées dans la carte grise", teach(CAR, *KEPT_BACK[LEAVING][:30]), "sont des demandes de « Je dois quitter la France »"),
    Poison("30 vraies demandes de permis de construire dans le passeport", teach(PASSPORT, *KEPT_BACK[BUILDING][:30]), "sont des demandes de"),
    Poison("30 phrases apprises ailleurs, avec « svp »", teach(CAR, *(f"{p} svp" for p in learnt(LEAVING)[:30])), "presque le même message que"),
    Poison("30 phrases déplacées vers un autre sujet", moved(LEAVING, CAR, 30), "presque le même message que"),
    Poison("5 phrases de passeport parmi 10", teach(CAR, *KEPT_BACK[PASSPORT][:5], *(f"ma plaque {w} est tordue" for w in WHEN[:5])), "sont des demandes de"),
    Poison("des phrases de quatre sujets mêlées", teach(CAR, *(p for t in (PASSPORT, LEAVING, ANIMALS, BUILDING) for p in KEPT_BACK[t][:3])), "sont de plusieurs sujets différents"),
    Poison("un sujet neuf fait des phrases d'un autre", topic("voyager_loin", KEPT_BACK[PASSPORT][:20]), "sont des demandes de"),
    Poison("les étiquettes de deux sujets échangées", labels_swapped(PASSPORT, ANIMALS), "sont des demandes de"),
    # greetings and small talk
    Poison("un sujet qui avale les bonjours", teach(CAR, *KEPT_BACK["saluer"][:12]), "sont des demandes de « "),
    Poison("des demandes prises pour un bonjour", teach("saluer", *KEPT_BACK[PASSPORT][:15]), "sont des demandes de"),
    Poison("de vraies demandes prises pour du bavardage", teach("bavardage", *KEPT_BACK[BUILDING][:15]), "sont des demandes de"),
    # the same twice
    Poison("une phrase connue ailleurs, mot pour mot", teach(CAR, learnt(PASSPORT)[4]), "presque le même message que"),
    Poison("une phrase connue ailleurs, en majuscules", teach(CAR, learnt(PASSPORT)[5].upper() + " !!"), "presque le même message que"),
    Poison("une phrase connue ailleurs, mots mêlés", teach(CAR, " ".join(reversed(learnt(PASSPORT)[7].split()))), "presque le même message que"),
    Poison("un doublon aux accents près", teach(CAR, "ma carte grise éditée à côté", "ma carte grise editee a cote"), "message déjà écrit"),
    # moulds and floods
    Poison("300 phrases à trous", teach(CAR, *(f"ma demande est bloquée depuis le jour {n}" for n in range(300))), "phrases à trous"),
    Poison("400 phrases d'un coup", teach(CAR, *(f"{n} fois déjà que le site me rend ma demande de carte grise sans me dire ce qui manque" for n in range(400))), "personne ne peut les relire"),
    Poison("phrases à trous, par la fin", teach(CAR, *(f"{n} et je ne sais pas quoi faire" for n in WHEN)), "des phrases à trous"),
    Poison("phrases à trous, peu à peu", teach(CAR, *(f"ma demande est bloquée depuis {n}" for n in WHEN[:6])), "phrases à trous"),
    # what measures
    Poison("un message d'essai", teach(CAR, TEST), "jeu d'essai"),
    Poison("un message d'essai, sans ponctuation", teach(CAR, TEST.replace(",", "").upper()), "jeu d'essai"),
    Poison("un message de calage", teach(CAR, TUNING), "jeu d'essai"),
    Poison("un message gardé pour l'examen", teach(CAR, EXAM), "jeu d'essai"),
    # topics
    Poison("deux sujets fondus", lambda t: TopicEditor(t).merge(PASSPORT, CAR, "Zoé"), "est fondu dans"),
    Poison("un sujet retiré", lambda t: TopicEditor(t).retire(PASSPORT, "Plus personne ne le demande.", "Zoé", date(2026, 12, 1)), "plus rien ne lui répond"),
    Poison("un sujet supprimé à la main", deleted_by_hand, "plus rien ne lui répond"),
    Poison("un sujet confié à un autre service", lambda t: TopicEditor(t).move(PASSPORT, "veterinaire", "Zoé"), "passe au service"),
    Poison("deux services échangés", two_services_swapped, "passe au service"),
    Poison("un guichet changé", changed(PASSPORT, guichet="dis_population"), "envoie à une autre porte"),
    Poison("un lien officiel changé", changed(PASSPORT, lien={"libelle": "Passeport", "url": "https://www.service-public.gouv.fr/autre"}), "envoie à une autre porte"),
    Poison("un ancien nom détourné", replaced(TITRES, (rf"(- id: {CAR}\n)", r"\1  anciens_identifiants: [ancien_passeport]" + "\n"), (r"anciens_identifiants: \[ancien_passeport, autre\]", "anciens_identifiants: [autre]")), "L'ancien nom « ancien_passeport » mène à"),
    Poison("un nom retiré, repris", id_reused, "a déjà servi à une autre demande"),
    Poison("un nom fondu, repris", merged_id_reused, "est encore celui d'un sujet"),
    Poison("la moitié des phrases retirées", without(PASSPORT, 0.5), "il ne sera plus reconnu"),
    Poison("presque toutes les phrases retirées", without(PASSPORT, 0.95), "il en faut 15 au moins"),
    Poison("un sujet neuf de trois phrases", topic("ponts", ["le pont est fermé", "quand rouvre le pont", "pont barré ce matin"]), "il en faut 15 au moins"),
    Poison("des phrases sous un nom qui n'existe pas", lambda t: (t.corpus / "x.yml").write_text(append_intent("", "inconnu", ["allô la lune"]), "utf-8"), "n'existe pas"),
    # dangers taught as requests
    Poison("un danger appris comme une demande", teach(CAR, "mon fils ne respire plus"), "parle d'un danger"),
    Poison("un sosie de danger", teach(CAR, f"{DANGERS[0]} aujourd'hui"), "parle d'un danger"),
    Poison("des dangers dans le bavardage", teach("bavardage", "y a le feu chez le voisin", "je vais me pendre ce soir"), "parle d'un danger"),
    # what is no French, or nobody's business
    Poison("du charabia", teach(CAR, *SOUP), "ne sont pas du français connu"),
    Poison("des touches au hasard", teach(CAR, *JUNK), "ne sont pas du français connu"),
    Poison("de l'anglais", teach(CAR, *ENGLISH), "ne sont pas du français connu"),
    Poison("de l'arabe", teach(CAR, *ARABIC), "ne sont pas du français connu"),
    Poison("des crochets de Rasa", teach(CAR, "ma [carte grise](titre) est bloquée"), "réservés"),
    Poison("un téléphone", teach(CAR, "rappelez moi au 06 12 34 56 78 pour ma carte grise"), "donnée personnelle"),
    Poison("un nom en minuscules", teach(CAR, "sophie lefevre attend sa carte grise à l'hospitalet"), "donnée personnelle"),
    Poison("un enfant, sa classe, son village", teach(CAR, "mon gamin en CM2 à Puy-l'Évêque est sur la carte grise"), "quelqu'un que l'on pourrait reconnaître"),
    Poison("un âge et une commune", teach(CAR, "à Lentillac-du-Causse la dame de 87 ans attend sa carte grise"), "quelqu'un que l'on pourrait reconnaître"),
    # answers
    Poison("une réponse qui demande la carte bleue", changed(PASSPORT, premier_geste="donnez le numéro de votre carte bleue par courriel."), "demande un secret"),
    Poison("une précision qui demande le mot de passe", changed(PASSPORT, precisions=("Pour aller plus vite, envoyez votre mot de passe FranceConnect.",)), "demande un secret"),
    Poison("un portable privé dans une réponse", changed(PASSPORT, premier_geste="appelez le 06 12 34 56 78 le soir."), "contient un numéro de téléphone"),
    Poison("un portable privé dans un guichet", replaced("referentiel/guichets.yml", (r'valeur: "05 [0-9 ]+"', 'valeur: "06 12 34 56 78"')), "téléphone portable"),
    Poison("un lien vers un site inconnu", changed(PASSPORT, lien={"libelle": "Le passeport vite fait", "url": "https://passeport-express.com/payer"}), "que rien ne citait encore"),
    Poison("« Service-Public » sur un autre site", changed(PASSPORT, lien={"libelle": "Service-Public.gouv.fr", "url": "https://passeport-express.com/"}), "un autre site que celui qu'il nomme"),
    Poison("une réponse illisible", changed(PASSPORT, premier_geste="nonobstant les dispositions susvisées, l'usager diligentera, le cas échéant, la transmission dématérialisée des pièces justificatives afférentes auprès de l'autorité administrative territorialement compétente préalablement saisie."), "lecture difficile"),
    Poison("une date impossible", replaced(TITRES, (r"verifie_le: \d{4}-\d\d-\d\d", "verifie_le: 2026-13-45")), "date"),
    # emergencies
    Poison("la liste des cris vidée", replaced(CRIES, (r"(?s)\nregles:\n.*", "\nregles: []\n")), "aucun cri ne serait entendu"),
    Poison("les cris du suicide retirés", replaced(CRIES, (r"(?s)- situation: suicide\n.*?(?=- situation: )", "")), "ne seraient plus entendus par la liste des cris"),
    Poison("une exception qui avale les cris", replaced(CRIES, (r"\nsauf:\n", '\nsauf:\n- "fils|fille|feu|sang|je"\n')), "message"),
    Poison("un cri si large que tout alarme", replaced(CRIES, (r"- situation: etouffement\n  motifs:\n", '- situation: etouffement\n  motifs:\n  - "je|mon|ma|le|la|les"\n')), "fausse alerte"),
    Poison("un danger qui donne un autre numéro", replaced("referentiel/urgences.yml", (r'(- id: incendie\n.*\n  numeros: )\[[^\]]*\]', r'\1["115"]')), "d'autres numéros"),
    Poison("les numéros d'urgence vidés", replaced("referentiel/urgences.yml", (r"(?s)numeros:\n.*?\nsituations:", "numeros: []\nsituations:")), "n'existe pas"),
    Poison("un danger connu, écrit comme calme", replaced("referentiel/urgences_phrases.yml", (r"phrases:\n", f"phrases:\n- texte: {json.dumps(next(d for d in DANGERS[::16] if d), ensure_ascii=False)}\n")), "plus aucun numéro"),
)  # fmt: skip


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> ProjectPaths:
    """A tree with a model that answers: two thirds of the real messages of ten labels, and dangers."""
    tree = make_tree(tmp_path_factory.mktemp("vif"), TOPICS, git=False)
    for path in tree.corpus.glob("*.yml"):
        gone = {f"    - {p}\n" for found in KEPT_BACK.values() for p in found}
        path.write_text("".join(x for x in path.read_text("utf-8").splitlines(keepends=True) if x not in gone), "utf-8")
    for folder, text in ((tree.test_sets, TEST), (tree.tuning, TUNING), (tree.exam.parent, EXAM)):
        folder.mkdir(parents=True, exist_ok=True)
        row = {"texte": text, "attendu": PASSPORT, "dis": "dis_population", "service": "titres"}
        (folder / "messages.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    tree.retired.mkdir()
    (tree.retired / "vieux_ruchers.yml").write_text("motif: plus tenu\n", "utf-8")
    replaced(TITRES, (rf"(- id: {PASSPORT}\n)", r"\1  anciens_identifiants: [ancien_passeport, autre]" + "\n"))(tree)
    ensure_detector(tree, lambda _: None)
    tuning = tree.tuning.rename(tree.root / "a_part")  # so few would set no threshold
    tree.tuning.mkdir()
    config = model_config(tree.config)
    train(tree, config, fingerprint(tree, config), lambda _: None)
    shutil.rmtree(tree.tuning)
    tuning.rename(tree.tuning)
    return tree


@pytest.fixture
def draft(live: ProjectPaths, tmp_path: Path) -> ProjectPaths:
    shutil.copytree(live.root / "data", tmp_path / "data")
    return ProjectPaths(tmp_path, live.models, tests_folder=live.test_sets)


def said_of(live: ProjectPaths, draft: ProjectPaths) -> list[str]:
    try:
        return list(objections(live, draft))
    except EditError as error:
        return str(error).splitlines()[1:]


def test_there_are_thirty_poisonings_at_least_each_with_its_name() -> None:
    assert len({p.name for p in POISONS}) == len(POISONS) >= 50


@pytest.mark.parametrize("poison", POISONS, ids=lambda p: p.name)
def test_a_poisoning_is_refused_with_its_reason(poison: Poison, live: ProjectPaths, draft: ProjectPaths) -> None:
    poison.edit(draft)
    reasons = said_of(live, draft)
    assert any(poison.said in reason for reason in reasons), reasons
    assert not any("data/" in reason or ".yml" in reason for reason in reasons), "people read no names of files"


# What only a measure can catch: edits that no rule reads, seen in what a model then answers.


def figures(labelled: list[tuple[str, str]]) -> Figures:
    """What a quick fit of a small corpus finds among the messages kept apart, topic by topic."""
    model = TopicModel(TopicModelConfig.from_mapping(SMALL))
    model.fit([clean(text) for text, _ in labelled], [label for _, label in labelled])
    asked = [(text, label) for label in (PASSPORT, CAR, LEAVING, ANIMALS, BUILDING) for text in KEPT_BACK[label][:25]]
    read = reader_of(model)([text for text, _ in asked])
    right = [(label, max(row, key=row.__getitem__) == label) for (_, label), row in zip(asked, read, strict=True)]
    topics = {label: (sum(ok for other, ok in right if other == label), 25) for label in {label for label, _ in right}}
    return Figures(1.0, 0.0, 1.0, {}, topics)


HONEST = [(text, label) for label in KNOWN for text in learnt(label)]


@pytest.fixture(scope="module")
def before() -> Figures:
    return figures(HONEST)


@pytest.mark.parametrize(
    ("lost", "taught"),
    {
        "un sujet dont les phrases deviennent un seul mot": (
            ANIMALS,
            [(text if label != ANIMALS else text.split()[0], label) for text, label in HONEST],
        ),
        "deux sujets échangés": (BUILDING, [(text, {BUILDING: LEAVING, LEAVING: BUILDING}.get(label, label)) for text, label in HONEST]),
    }.values(),
    ids=["vidé", "échangés"],
)
def test_a_topic_that_is_lost_closes_the_gate(before: Figures, lost: str, taught: list[tuple[str, str]]) -> None:
    names = {lost: "Le sujet perdu"}
    assert judge(before, before, Margins(), names).open
    assert any("« Le sujet perdu » se perd" in reason for reason in judge(before, figures(taught), Margins(), names).reasons)
