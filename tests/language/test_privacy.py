"""What is personal is masked; what only looks like it stays."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bot.base.paths import project_paths
from bot.language.privacy import ACCOUNT, ADDRESS, BIRTH, EMAIL, NAME, NUMBER, PHONE, PLATE, SOCIAL, holds_personal_data, mask
from bot.language.tagger import OUTSIDE, Tagger, tokens_of
from bot.learning.masking import MARK, digest, learn, masked_spans, read_line
from bot.routing.router import Router
from scripts.mesures.masking import measure

MASKED = {
    EMAIL: [
        "mon mail est jean.dupont@exemple.fr",
        "ecrivez à marie_46@exemple.net svp",
        "j.durand+papiers@exemple.fr",
        "paul.martin @ exemple.fr",
    ],
    PHONE: [
        "appelez moi au 06 12 34 56 78",
        "0612345678 c'est mon portable",
        "mon tel 06.12.34.56.78",
        "tel 06-12-34-56-78",
        "+33 6 12 34 56 78",
        "+33612345678",
        "0033612345678",
        "05 65 12 34 56 fixe de ma mère",
    ],
    SOCIAL: [
        "mon numéro de sécu 1 85 05 46 042 123 45",
        "185054604212345 c'est ma sécu",
        "secu 2 91 12 75 116 001 22",
        "née en Corse : 1 72 03 2A 004 123 12",
        "numéro de sécu 1850546042123",
    ],
    ACCOUNT: ["FR76 3000 6000 0112 3456 7890 189", "FR7630006000011234567890189", "mon rib fr76 3000 6000 0112 3456 7890 189"],
    PLATE: ["plaque AB-123-CD", "ma voiture est immatriculée GH-456-JK", "plaque fk-987-zz", "voiture 1234 AB 46"],
    BIRTH: [
        "je suis né le 12/03/1985",
        "née le 3 mars 1990",
        "né le 01.02.1975 à Cahors",
        "date de naissance : 12/03/1985",
        "date de naissance le 1er avril 1960",
    ],
    ADDRESS: [
        "j'habite 12 rue de la République à Cahors",
        "j'habite au 3 bis avenue Jean Jaurès",
        "4 chemin des Vignes Figeac",
        "15 impasse du Moulin",
        "22, place Clément Marot",
        "7 lotissement Les Chênes",
        "108 route de Toulouse",
    ],
    NUMBER: [
        "numéro de dossier AB12345678",
        "n° étranger 4600123456",
        "dossier n° 20240012345",
        "allocataire 1234567",
        "mon numéro fiscal : 12 34 567 890 123",
        "siret 12345678900012",
        "numéro agdref 9903123456",
        "neph 123456789012",
        "mon permis numéro 850546300123",
    ],
    NAME: [
        "je m'appelle Jean Dupont",
        "mon nom est DUPONT Marie",
        "madame Durand-Petit",
        "je me nomme Karim Ben Ali",
        "nom : Bernard",
        "maître Delmas, mon notaire",
        "docteur Roux",
        "je suis suivi par monsieur Faure",
        "Monsieur Martin m'a dit de venir",
        "Mme Lefèvre attend",
        "Je m'appelle Jean Dupont",
    ],
}
LEFT = [
    "arrêté 2023-1234",
    "arrêté n° 2023-1234",
    "arrêté préfectoral n° 46-2024-123",
    "46100 Figeac",
    "46000 Cahors",
    "loi 1901",
    "association loi de 1901",
    "2024-2025",
    "année scolaire 2024-2025",
    "la saison 2025/2026",
    "cerfa n° 13750",
    "cerfa 12100*02",
    "formulaire n°2042",
    "article L. 411-2 du code",
    "la RD 820",
    "l'A20",
    "12 000 euros",
    "1 500 000 euros de subvention",
    "3 enfants",
    "appeler le 17",
    "le 3919",
    "le 116 000",
    "le 5 mars 2024",
    "12/03/2025",
    "le 14 juillet à 18h30",
    "mairie de Cahors",
    "rue de la mairie",
    "permis B",
    "licence IV",
    "60 vaches",
    "parcelle AB 123",
    "parcelle B 1234",
    "section A n° 45",
    "madame la préfète",
    "monsieur le maire",
    "Monsieur le Préfet du Lot",
    "Madame, Monsieur, bonjour",
    "Bonjour Madame",
    "M. le sous-préfet",
    "Saint-Céré",
    "rubrique 2780",
    "E-2025-189",
    "DC 2025-12",
    "j'ai 45 ans",
    "je suis né à Cahors",
    "né en 1985",
    "deux places de stationnement",
    "SDIS 46",
    "UE 2016/679",
    "TVA 5,5",
    "en 2008, 2009 et 2010",
    "dossier 2024",
    "à 20 km de Gourdon",
    "place de la mairie",
    "",
    "🙂",
    "12",
]
ALSO = [
    "je m'appelle jean dupont",
    "immatriculée AB 123 CD",
    "immatriculée AB123CD",
    "mon numéro d'allocataire est le 1234567",
    "passeport 12AB34567",
]
NOT_TOO_MUCH = ["2 place de parking", "1 place en crèche", "12 cours de danse", "1998 2001 2005"]


@pytest.mark.parametrize(("token", "text"), [(token, text) for token, texts in MASKED.items() for text in texts])
def test_masked(token: str, text: str) -> None:
    assert token in mask(text)
    assert holds_personal_data(text)


@pytest.mark.parametrize("text", LEFT)
def test_left(text: str) -> None:
    assert mask(text) == text
    assert not holds_personal_data(text)


@pytest.mark.parametrize("text", ALSO)
def test_also_masked(text: str) -> None:
    assert holds_personal_data(text)


@pytest.mark.parametrize("text", NOT_TOO_MUCH)
def test_also_left(text: str) -> None:
    assert mask(text) == text


PATHS = project_paths()
RECALL, PRECISION, UNTOUCHED = 0.85, 0.96, 0.94
"""What was measured once, blind, with a little room below: the aim is 0.95, 0.97 and 0.98."""


@pytest.mark.parametrize("name", ["masquage_aveugle_9.txt", "masquage_aveugle_8.txt"])
def test_recall_and_precision_on_messages_nobody_learnt_from(name: str) -> None:
    """Personal data stand between double brackets."""
    found = measure(PATHS.root / "tests" / "data" / name)
    assert found.recall >= RECALL
    assert found.precision >= PRECISION
    assert found.untouched / found.tempting >= UNTOUCHED
    assert found.milliseconds < 5


def test_the_weights_are_those_of_the_lines_and_of_the_code() -> None:
    """Otherwise: ``python -m scripts.masquage``."""
    assert MARK.read_text(encoding="utf-8").strip() == digest(PATHS)


def test_what_is_marked_is_read_back() -> None:
    line = read_line("je suis [[Léa Roux]], 12/03/1985, tel [[06 12 34 56 78]], au [[12 rue des Lilas]], dossier [[AB12345678]]")
    tagged = [(token.text, tag) for token, tag in zip(line.tokens, line.tags, strict=True) if tag != OUTSIDE]
    assert tagged == [
        *(("Léa", "nom"), ("Roux", "nom")),
        *((word, "adresse") for word in ("12", "rue", "des", "Lilas")),
        ("AB12345678", "numero"),
    ]
    assert PHONE in [token.text for token in line.tokens]


def test_learning_gives_weights_that_tag_and_are_read_back(tmp_path: Path) -> None:
    lines = [read_line(f"je m'appelle [[{name}]] et je veux un passeport") for name in ("Léa", "Karim", "Odette", "Wei", "Ousmane")]
    path = tmp_path / "poids.npz"
    learn(lines, [read_line("je veux un passeport et je suis pressé")] * 5).write(path)
    tokens = tokens_of("je m'appelle Bintou et je veux un passeport")
    tags = Tagger.read(path).tag(tokens)
    assert dict(zip((t.text for t in tokens), tags, strict=True))["Bintou"] == "nom"
    assert tags.count(OUTSIDE) == len(tokens) - 1


def test_the_measure_sees_what_is_left() -> None:
    text = "appelez Léa au 06 12 34 56 78, merci"
    assert masked_spans(text, "appelez Léa au <telephone>, merci") == [(15, 29)]
    assert masked_spans(text, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "ma fille Léa a perdu sa carte",
        "prénom Yvette",
        "Thierry Gary, agriculteur",
        "je suis Mamadou",
        "mon ex-mari Patrick Vaysse me menace",
    ],
)
def test_likely_names_are_masked(text: str) -> None:
    assert NAME in mask(text)


def test_the_telephone_of_a_desk_is_no_ones() -> None:
    assert mask("j'ai appelé le 05 65 23 10 00 personne ne répond") == "j'ai appelé le 05 65 23 10 00 personne ne répond"


@pytest.mark.parametrize(
    "text",
    [
        "lycée Clément Marot",
        "place François Mitterrand",
        "je suis marie depuis juin",
        "mon fils AESH",
        "ON ME RENVOIE DE BUREAU EN BUREAU",
        "Henri IV",
    ],
)
def test_what_bears_a_name_is_no_one(text: str) -> None:
    assert mask(text) == text


def test_the_commune_of_a_person_stays() -> None:
    assert mask("c'est Mme Fourastié de Gourdon") == f"c'est Mme {NAME} de Gourdon"
    assert mask("Marie de Gramat refuse") == f"{NAME} de Gramat refuse"


def test_the_tables_are_large_enough() -> None:
    assert sum(map(len, MASKED.values())) >= 50
    assert len(LEFT) >= 50


@pytest.mark.parametrize("text", [t for texts in MASKED.values() for t in texts])
def test_masking_twice_changes_nothing_more(text: str) -> None:
    assert mask(mask(text)) == mask(text)


def test_the_rest_of_the_message_stays() -> None:
    assert mask("bonjour, mon tel est le 06 12 34 56 78, je veux un passeport") == f"bonjour, mon tel est le {PHONE}, je veux un passeport"


def test_a_name_found_once_is_masked_wherever_the_message_repeats_it() -> None:
    assert mask("mon nom c'est zhang wei, dites à Zhang que la rue Zhang est barrée").count(NAME) == 2


def test_several_at_once() -> None:
    masked = mask("je m'appelle Jean Dupont, né le 12/03/1985, jean@exemple.fr, 06 12 34 56 78")
    assert masked == f"je m'appelle {NAME}, né le {BIRTH}, {EMAIL}, {PHONE}"


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1 ",
        "@",
        "a@",
        "Aa ",
        "12 rue ",
        "FR76 ",
        "n°",
        "né le ",
        "-numero",
        "M. ",
        "06 ",
        "1A ",
        "(at)",
        "Jean Dupont ",
        "lieu dit la ",
        "dossier ",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    """The time grows with the length, whatever the text: 4,000 characters take some milliseconds."""
    mask(piece)  # loads the weights
    spent = []
    for length in (4_000, 20_000):
        started = time.process_time()
        mask((piece * length)[:length])
        spent.append(time.process_time() - started)
    assert spent[0] < 0.2
    assert spent[1] < 1


INTRODUCED = "Bonjour, mon nom c'est {name}, né le 12/03/1961, 12 rue des Soubirous. {request} Rappelez {name} au 06 39 98 12 34."


@pytest.mark.modele
@pytest.mark.parametrize("name", ["bouzid", "Marie Lacombe", "zhang wei"])
@pytest.mark.parametrize(
    "request_",
    [
        "Je veux refaire mon passeport.",
        "J'ai perdu ma carte grise.",
        "Je veux renouveler mon titre de séjour.",
        "Je voudrais créer une association.",
        "Le restaurant à côté est sale, je veux le signaler.",
    ],
)
def test_a_masked_request_is_understood_all_the_same(router: Router, name: str, request_: str) -> None:
    bare, said = router.route(request_), router.route(INTRODUCED.format(name=name, request=request_))
    assert said.decision is bare.decision
    assert {door.service for door in bare.destinations} == {door.service for door in said.destinations}
