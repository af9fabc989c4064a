"""Which messages are alike: on messages as people write them, and at scale."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest

from bot.staff.inbox.similarity import ALIKE, HASHES, band_keys, exact_key, likeness, pack, signature, subject_words, unpack

SAME = [
    ("comment refaire ma carte grise", "comment je refais ma carte grise svp"),
    ("refaire ma carte grise", "Bonjour, je voudrais faire refaire ma carte grise !"),
    ("Bonjour, mon voisin brûle ses déchets dans son jardin", "mon voisin brule des dechets au jardin"),
    ("j'ai perdu mon permis de conduire", "perdu permis conduire"),
    ("où en est ma carte grise", "ou est ma carte grise"),
]
OTHER = [
    ("je veux un permis de chasse", "je veux un permis de pêche"),
    ("construire un abri de jardin", "construire une piscine"),
    ("carte grise perdue", "carte d'identité perdue"),
    ("je veux divorcer", "je veux me marier"),
    ("visite médicale poids lourd à renouveler", "renouveler mon passeport"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_the_same_request_is_alike_and_shares_a_band(first: str, second: str) -> None:
    a, b = signature(first), signature(second)
    assert likeness(a, b) >= ALIKE and set(band_keys(a)) & set(band_keys(b))


@pytest.mark.parametrize(("first", "second"), OTHER)
def test_another_request_is_not_alike(first: str, second: str) -> None:
    assert likeness(signature(first), signature(second)) < ALIKE


def test_the_likeness_estimates_the_jaccard_index() -> None:
    words = [f"mot{i:03d}" for i in range(80)]
    for shared in (20, 40, 60):
        first, second = " ".join(words[:60]), " ".join(words[60 - shared : 120 - shared])
        sets = [{t for w in text.split() for t in (f"_{w}_"[i : i + 3] for i in range(len(w)))} for text in (first, second)]
        true = len(sets[0] & sets[1]) / len(sets[0] | sets[1])
        assert likeness(signature(first), signature(second)) == pytest.approx(true, abs=0.15)


def test_spelling_and_politeness_change_nothing_of_the_key() -> None:
    assert exact_key("Refaire ma CARTE grise !!") == exact_key("refaire  ma carte grise")
    assert exact_key("refaire ma carte grise") != exact_key("refaire ma carte verte")
    assert subject_words("je veux") == ("je", "veux")


def test_a_signature_survives_the_database() -> None:
    found = signature("un étang à vider")
    assert len(pack(found)) == 4 * HASHES and (unpack(pack(found)) == found).all()
    assert all(-(2**63) <= key < 2**63 for key in band_keys(found))
    assert len(signature("")) == HASHES


def test_few_messages_are_compared_among_thousands() -> None:
    chance = random.Random(46)
    words = ["".join(chance.choice("abcdefghijklmnop") for _ in range(chance.randint(4, 9))) for _ in range(3000)]
    buckets: dict[int, list[int]] = defaultdict(list)
    compared = 0
    for number in range(3000):
        keys = band_keys(signature(" ".join(chance.sample(words, 6))))
        compared += len({other for key in keys for other in buckets[key]})
        for key in keys:
            buckets[key].append(number)
    assert compared / 3000 < 30
