"""Where a message may go from one request to another."""

from __future__ import annotations

import random
import time

import pytest

from bot.understanding.segmentation import ANNOUNCED, BREAK, LINK, MAX_CUTS, segmentations

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


@pytest.mark.parametrize("text", ["carte d'identité", "je veux un passeport", "", "?", "🙂", "bonjour. merci", "lui et moi"])
def test_nothing_to_cut(text: str) -> None:
    assert segmentations(text) == ()


def clues(text: str) -> float:
    (found,) = segmentations(text)
    return found.clues


def test_what_announces_another_request_counts_more_than_a_comma() -> None:
    comma = clues("mon passeport est périmé, mon voisin fait du bruit")
    stop = clues("mon passeport est périmé. mon voisin fait du bruit")
    conjunction = clues("mon passeport est périmé et mon voisin fait du bruit")
    adverb = clues("mon passeport est périmé, par ailleurs mon voisin fait du bruit")
    assert (comma, stop, conjunction, adverb) == (0.0, BREAK, LINK, BREAK + LINK)


def test_a_message_that_says_it_carries_two_requests() -> None:
    plain = "passeport périmé, mon voisin fait du bruit"
    assert clues(f"{plain}, je veux signaler les deux.".replace(", je", " je")) == pytest.approx(ANNOUNCED)
    assert clues(plain) == 0.0


def test_the_opening_words_hold_for_each_part() -> None:
    found = next(s for s in segmentations("Maire : la salle des fêtes est à contrôler et le toit de l'école est à refaire") if s.clues)
    assert found.parts == ("Maire : la salle des fêtes est à contrôler", "le toit de l'école est à refaire")
    assert found.texts == ("Maire : la salle des fêtes est à contrôler", "Maire : le toit de l'école est à refaire")


def test_three_requests() -> None:
    found = segmentations("refaire mon passeport ; déclarer mon fusil ; inscrire ma fille")
    assert ("refaire mon passeport", "déclarer mon fusil", "inscrire ma fille") in [s.parts for s in found]


def test_a_long_message_is_cut_in_few_ways_only() -> None:
    text = ", ".join(["je veux une chose"] * 30)
    assert len(segmentations(text)) <= 2 * MAX_CUTS - 1


def test_every_part_has_words() -> None:
    rng = random.Random(5)
    words = ["et", "aussi", ".", "?", ";", "1)", "2)", "sinon", "passeport", "je", "veux", ":", "...", "autre question", "par ailleurs", ""]
    for _ in range(500):
        text = " ".join(rng.choices(words, k=rng.randrange(14)))
        for found in segmentations(text):
            assert len(found.parts) in {2, 3}
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
