"""The linter on hand-made phrases, and fast enough to speak while one types."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.base.paths import ProjectPaths
from bot.referential import Referential
from bot.staff.editing.linting import lint_doubts, lint_known, lint_phrase, lint_phrases, lint_topic, preview
from bot.staff.nearness import CorpusIndex, index_of

ROOT = Path(__file__).resolve().parents[3]
ROWS = [
    ("ruches", "je veux installer des ruches dans mon jardin"),
    ("ruches", "déclarer mes ruches et mes abeilles"),
    ("chien", "un chien errant mord les moutons"),
    ("chien", "le chien du voisin aboie"),
    ("eau", "la rivière est polluée par une usine"),
]
INDEX = CorpusIndex([(phrase, topic) for topic, phrase in ROWS])
VALUES = {"libelle": "Installer des ruches", "public": ["citoyen"], "premier_geste": "déclarez vos ruches à ce service."}


def said(remarks: list, level: str = "") -> str:
    return " | ".join(r.text for r in remarks if not level or r.level == level)


def test_the_same_phrase_elsewhere_is_shown_with_its_words() -> None:
    remark = lint_phrase(INDEX, "Je veux installer des RUCHES dans mon jardin !", "nouveau")[0]
    assert remark.level == "attention" and remark.near[0].topic == "ruches" and "jardin" in remark.near[0].words
    assert lint_phrase(INDEX, "Je veux installer des ruches dans mon jardin", "ruches") == []
    assert lint_phrase(INDEX, "où refaire ma carte grise", "nouveau") == []


@pytest.mark.parametrize(("phrase", "word"), [("", "vide"), ("mon numéro 06 12 34 56 78", "personnelle"), ("[x](y)", "crochets")])
def test_what_cannot_be_kept_is_an_error(phrase: str, word: str) -> None:
    remarks = lint_phrase(INDEX, phrase)
    assert [r.level for r in remarks] == ["erreur"] and word in remarks[0].text


def test_a_topic_too_close_to_another_says_which_and_why() -> None:
    phrases = [
        "installer des ruches dans un jardin",
        "déclarer des ruches et abeilles",
        "un drone filme ma piscine",
        "bruit de drone la nuit",
    ]
    found = [r for r in lint_phrases(INDEX, phrases, "nouveau") if "Trop proche" in r.text]
    assert len(found) == 1 and "« ruches »" in found[0].text and "2 phrases sur 4" in found[0].text and len(found[0].near) == 2
    assert "Trop proche" not in said(lint_phrases(INDEX, phrases[2:], "nouveau"))


def test_a_topic_that_exists_is_named_while_one_writes(referential: Referential) -> None:
    def reader(texts: Sequence[str]) -> list[dict[str, float]]:
        return [{"passeport": 0.9} if "passeport" in t else {"passeport": 0.5, "autre": 0.4} for t in texts]

    (remark,) = lint_known(referential, reader, "Mon passeport", ["refaire un passeport", "partir au Canada"])
    assert remark.topic == "passeport" and "2 de vos 3 textes y mènent" in remark.text
    assert referential.topics["passeport"].libelle in remark.text
    assert lint_known(referential, reader, "Partir loin", ["passeport", *["partir au Canada"] * 5]) == []
    assert lint_known(referential, lambda texts: [{} for _ in texts], "Mon passeport", ["x"]) == []
    assert lint_known(referential, reader, "", []) == []


def test_topics_that_the_model_hesitates_with_are_shown_with_their_phrases(referential: Referential) -> None:
    def reader(texts: Sequence[str]) -> list[dict[str, float]]:
        return [{"passeport": 0.4, "autre": 0.1} if "jardin" in t else {"passeport": 0.9} if "voyage" in t else {} for t in texts]

    index = CorpusIndex([("passeport", "x"), ("un passeport pour le jardin", "passeport"), ("jardin jardin", "carte_identite")])
    (remark,) = lint_doubts(referential, reader, index, ["mon jardin", "un voyage", "le jardin au fond", "rien"])
    assert remark.topic == "passeport" and "pour 2 de vos phrases" in remark.text and referential.topics["passeport"].libelle in remark.text
    assert [(near.mine, near.phrase) for near in remark.near] == [
        ("mon jardin", "un passeport pour le jardin"),
        ("le jardin au fond", "un passeport pour le jardin"),
    ]
    assert lint_doubts(referential, reader, index, ["un voyage", ""]) == []


def test_few_alike_or_repeated_phrases_are_said() -> None:
    few = lint_phrases(INDEX, ["un drone filme ma piscine"])
    assert "Encore 14 phrases" in said(few, "attention") and "Encore 5 récits" in said(few, "attention")
    story = "le drone du voisin passe tous les soirs au-dessus de la piscine et filme les enfants qui jouent"
    four = said(lint_phrases(INDEX, [f"{story} {w}" for w in ("lundi", "mardi", "mercredi", "jeudi")]))
    assert "Encore 1 récit :" in four and "Vous en avez 4." in four
    assert "récit" not in said(lint_phrases(INDEX, [f"{story} {w}" for w in "abcde"]))
    assert "Encore 2 récits : 6 phrases" in said(lint_phrases(INDEX, [f"{story} {w}" for w in "abcd"] + [f"drone {i}" for i in range(16)]))
    assert "Phrase 2 : " in said(lint_phrases(INDEX, ["un drone", "mon numéro 06 12 34 56 78"]), "erreur")
    carriers = [f"je voudrais savoir comment {w} un drone" for w in ("voler", "poser", "vendre", "acheter", "peindre", "lancer")]
    assert "6 phrases commencent par « je voudrais savoir comment »" in said(lint_phrases(INDEX, carriers))
    assert "écrite 2 fois" in said(lint_phrases(INDEX, ["un drone", "Un drone !"]), "erreur")


def test_the_answer_is_read_as_the_public_will(referential: Referential) -> None:
    card = preview(referential, "", "veterinaire", VALUES)
    assert card is not None and card.topic == "Installer des ruches" and "déclarez vos ruches" in card.text
    assert preview(referential, "", "veterinaire", {}) is None and preview(referential, "", "inconnu", VALUES) is None
    assert preview(referential, "", "veterinaire", {**VALUES, "guichet": "inconnu"}) is None
    hard = {**VALUES, "precisions": ["Le récépissé DDCSPP est nonobstant délivré; " + "administrativement " * 20 + "."]}
    text = said(lint_topic(referential, INDEX, "nouveau", "veterinaire", hard, ["un drone"]))
    assert "DDCSPP" in text and "mots, 20 au plus" in text and "nonobstant" in text
    assert "Réponse" not in said(lint_topic(referential, INDEX, "nouveau", "veterinaire", VALUES, ["un drone"]))


def test_it_speaks_within_a_fifth_of_a_second_on_the_whole_corpus(referential: Referential) -> None:
    index = index_of(ProjectPaths(ROOT))
    assert index is index_of(ProjectPaths(ROOT))
    phrases = ["mon voisin a installé trente ruches contre ma clôture et les abeilles entrent dans la maison", "piqué par une abeille"] * 10
    times = []
    for i in range(5):
        phrases[0] = f"mon voisin a installé {i + 20} ruches contre ma clôture et les abeilles entrent dans la maison"
        started = time.process_time()
        lint_topic(referential, index, "nouveau", "veterinaire", VALUES, phrases)
        times.append(time.process_time() - started)
    assert min(times) < 0.2
