"""Two requests in one message are cut; one request is left whole."""

from __future__ import annotations

import random

import pytest

from bot.understanding.segmentation import split_requests, suggests_two_requests

TWO = [
    ("je veux refaire mon passeport et aussi déclarer mon fusil", ("passeport", "fusil")),
    ("Je dois refaire ma carte grise. Et sinon comment on inscrit un enfant à la cantine ?", ("carte grise", "cantine")),
    ("1) refaire le passeport 2) déclarer une arme", ("passeport", "arme")),
    ("j'ai deux questions : le permis de chasse ; la carte grise", ("permis de chasse", "carte grise")),
    ("mon passeport est périmé, par ailleurs mon voisin brûle ses déchets", ("passeport", "déchets")),
    ("où refaire ma carte d'identité ? et qui contrôle les restaurants ?", ("identité", "restaurants")),
    ("je veux un permis de construire. En plus le chien du voisin aboie sans arrêt", ("construire", "chien")),
    ("il me faut un passeport, autre chose : mon bar fait du bruit", ("passeport", "bar")),
]


@pytest.mark.parametrize(("text", "pieces"), TWO)
def test_two_requests(text: str, pieces: tuple[str, str]) -> None:
    assert suggests_two_requests(text)
    clauses = split_requests(text)
    first = next(i for i, c in enumerate(clauses) if pieces[0] in c)
    second = next(i for i, c in enumerate(clauses) if pieces[1] in c)
    assert first < second


@pytest.mark.parametrize("text", ["carte d'identité", "je veux un passeport", "mon mari et moi voulons un passeport", "", "?", "🙂"])
def test_one_request(text: str) -> None:
    assert not suggests_two_requests(text)
    assert len(split_requests(text)) == 1


def test_first_and_then() -> None:
    assert suggests_two_requests("d'abord je veux changer ma carte grise, ensuite il me faut un permis de construire")


def test_short_pieces_stay_with_their_neighbour() -> None:
    assert split_requests("Bonjour. Merci. Je veux un passeport.") == ("Bonjour Merci Je veux un passeport",) or all(
        len(c.split()) >= 3 for c in split_requests("Bonjour. Merci. Je veux un passeport.")
    )


def test_no_word_is_lost_but_the_joints() -> None:
    text = "je veux refaire mon passeport. le restaurant du coin est très sale"
    assert " ".join(split_requests(text)).replace(".", "") == text.replace(".", "")


def test_anything_can_be_cut() -> None:
    rng = random.Random(5)
    words = ["et", "aussi", ".", "?", ";", "1)", "2)", "sinon", "passeport", "je", "veux", ":", "...", "autre question", "par ailleurs", ""]
    for _ in range(500):
        text = " ".join(rng.choices(words, k=rng.randrange(12)))
        clauses = split_requests(text)
        assert clauses
        assert all(isinstance(c, str) for c in clauses)


@pytest.mark.parametrize("text", ["et aussi " * 400, ". " * 2_000, "1) " * 1_300, "?" * 4_000, "et " * 1_300])
def test_no_text_takes_long(text: str) -> None:
    import time

    started = time.process_time()
    suggests_two_requests(text)
    split_requests(text)
    assert time.process_time() - started < 2
