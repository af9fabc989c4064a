"""Where a message may go from one request to another."""

from __future__ import annotations

import math
import random
import time

import pytest

from bot.understanding.segmentation import MAX_JOINTS, MAX_PARTS, Joint, segmentations

TWO = [
    ("je veux refaire mon passeport et aussi déclarer mon fusil", "passeport", "déclarer mon fusil"),
    ("Je dois refaire ma carte grise. Et sinon comment on inscrit un enfant à la cantine ?", "carte grise", "comment on inscrit"),
    ("1) refaire le passeport 2) déclarer une arme", "passeport", "déclarer une arme"),
    ("j'ai deux questions : le permis de chasse ; la carte grise", "chasse", "la carte grise"),
    ("mon passeport est périmé, par ailleurs mon voisin brûle ses déchets", "périmé", "mon voisin"),
    ("où refaire ma carte d'identité ? et qui contrôle les restaurants ?", "identité", "qui contrôle"),
    ("je veux un permis de construire. En plus le chien du voisin aboie sans arrêt", "construire", "le chien"),
    ("il me faut un passeport, autre chose : mon bar fait du bruit", "passeport", "mon bar"),
    ("d'une part mon titre de séjour, d'autre part ma carte vitale", "séjour", "ma carte vitale"),
    ("carte grise perdue + inscription à la cantine", "perdue", "inscription"),
    ("refaire mon passeport, au passage qui ramasse les encombrants ?", "passeport", "qui ramasse"),
    ("ma carte grise et mon passeport", "grise", "mon passeport"),
    ("ma banque refuse de payer, la caf aussi me doit de l'argent", "payer", "la caf"),
]


@pytest.mark.parametrize(("text", "end", "start"), TWO)
def test_the_place_is_found(text: str, end: str, start: str) -> None:
    assert any(s.parts[0].rstrip(" ?").endswith(end) and s.parts[1].startswith(start) for s in segmentations(text)), segmentations(text)


@pytest.mark.parametrize("text", ["passeport", "je veux refaire mon passeport tout neuf avec ma photo", "", "?", "🙂", "a b"])
def test_nothing_to_cut(text: str) -> None:
    assert segmentations(text) == ()


def test_a_short_message_without_any_joint_is_cut_anywhere() -> None:
    assert [s.parts for s in segmentations("permis perdu procuration")] == [
        ("permis", "perdu procuration"),
        ("permis perdu", "procuration"),
    ]
    assert segmentations("permis perdu procuration", bare=False) == ()


@pytest.mark.parametrize(
    ("text", "joint"),
    [
        ("mon passeport est périmé + mon voisin fait du bruit", Joint.LISTED),
        ("mon passeport est périmé, par ailleurs mon voisin fait du bruit", Joint.NEXT),
        ("mon passeport est périmé. mon voisin fait du bruit", Joint.STOP),
        ("mon passeport est périmé et mon voisin fait du bruit", Joint.AND),
        ("mon passeport est périmé, mon voisin fait du bruit", Joint.COMMA),
        ("mon passeport est périmé : mon voisin fait du bruit", Joint.COLON),
    ],
)
def test_what_joins_the_parts_is_told(text: str, joint: Joint) -> None:
    (found,) = segmentations(text)
    assert (found.joint, found.announced) == (joint, False)


def test_a_message_that_says_it_carries_two_requests() -> None:
    assert all(s.announced for s in segmentations("passeport périmé, mon voisin fait du bruit, je veux signaler les deux."))


def test_the_opening_words_hold_for_each_part() -> None:
    found = next(
        s for s in segmentations("Maire : la salle des fêtes est à contrôler et le toit de l'école est à refaire") if s.joint is Joint.AND
    )
    assert found.parts == ("Maire : la salle des fêtes est à contrôler", "le toit de l'école est à refaire")
    assert found.texts == ("Maire : la salle des fêtes est à contrôler", "Maire : le toit de l'école est à refaire")


def test_three_requests() -> None:
    found = segmentations("refaire mon passeport ; déclarer mon fusil ; inscrire ma fille")
    assert ("refaire mon passeport", "déclarer mon fusil", "inscrire ma fille") in [s.parts for s in found]


def test_a_long_message_is_cut_in_few_ways_only() -> None:
    text = ", ".join(["je veux une chose"] * 30)
    assert len(segmentations(text)) <= sum(math.comb(MAX_JOINTS, cuts) for cuts in range(1, MAX_PARTS))


def test_every_part_has_words() -> None:
    rng = random.Random(5)
    words = ["et", "aussi", ".", "?", ";", "1)", "2)", "sinon", "passeport", "je", "veux", ":", "...", "autre question", "par ailleurs", ""]
    for _ in range(500):
        text = " ".join(rng.choices(words, k=rng.randrange(14)))
        for found in segmentations(text):
            assert 2 <= len(found.parts) <= MAX_PARTS
            assert all(part.strip() and part in text for part in found.parts)


@pytest.mark.parametrize(
    "text",
    [
        "et aussi " * 400,
        ". " * 2_000,
        "1) " * 1_300,
        "?" * 4_000,
        "et " * 1_300,
        ", " * 2_000,
        " " * 4_000,
        "d'abord " * 500,
        "d'un coté " * 400,
        "1/ " * 1_300,
        "2 mots " * 500,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    segmentations(text)
    assert time.process_time() - started < 2
