"""A misspelt word is read as the French word meant; a common word is never touched, at a bounded cost."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.base.errors import ReferentialError
from bot.base.paths import project_paths
from bot.language.cleaning import strip_accents
from bot.language.spelling import COMMON, COMMON_WORDS, LONGEST, Speller, load_speller
from bot.learning.corpus import read_corpus, read_jsonl
from bot.measure.noise import typing_errors

PATHS = project_paths()
LIST = PATHS.referential / COMMON_WORDS
WORD = re.compile(r"[a-z]{4,}")


@pytest.fixture(scope="module")
def speller() -> Speller:
    return load_speller(LIST)


def _requests() -> Iterator[str]:
    for path in sorted(PATHS.test_sets.glob("demandes_*.jsonl")):
        yield from (row["texte"] for row in read_jsonl(path))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tobme", "tombe"),  # two letters swapped
        ("respie", "respire"),  # one left out
        ("saiggne", "saigne"),  # one doubled
        ("rivirre", "riviere"),  # the key next to it
        ("lecole", "l ecole"),  # an apostrophe left out
        ("quil", "qu il"),
        ("depuishier", "depuis hier"),  # a space left out
    ],
)
def test_a_slip_is_corrected(speller: Speller, typed: str, meant: str) -> None:
    assert speller.correct(typed) == meant


@pytest.mark.parametrize(
    "word",
    ["poisson", "poison", "drole", "droles", "mairie", "mari", "cahors", "celé", "ccas", "rsa", "xy", "", "a" * (LONGEST + 1), "12345"],
)
def test_these_stay_as_typed(speller: Speller, word: str) -> None:
    assert speller.correct(word) is None


def test_a_common_word_is_never_corrected(speller: Speller) -> None:
    lines = LIST.read_text(encoding="utf-8").splitlines()
    words = [line for line in lines if not line.startswith("#")]
    assert words[: COMMON // 2] == list(dict.fromkeys(words[: COMMON // 2]))
    assert not [word for word in words[:COMMON] if speller.correct(word) is not None]


def test_usual_words_of_the_corpus_are_common(speller: Speller) -> None:
    """A word people often write to the prefecture must not be taken for a slip: if this fails, run scripts/mots_courants.py."""
    seen = Counter(word for example in read_corpus(PATHS.corpus) for word in WORD.findall(strip_accents(example.text.lower())))
    usual = [word for word, count in seen.items() if count >= 5]
    changed = [word for word in usual if (meant := speller.correct(word)) and " " not in meant]
    assert len(changed) / len(usual) < 0.005, changed


def test_most_typing_errors_are_put_right(speller: Speller) -> None:
    right = wrong = 0
    for text in _requests():
        for meant, typed in zip(text.split(" "), typing_errors(text).split(" "), strict=True):
            meant, typed = strip_accents(meant.lower()), strip_accents(typed.lower())
            if meant != typed and meant.isalpha() and meant in speller and typed not in speller:
                corrected = speller.correct(typed) == meant
                right, wrong = right + corrected, wrong + (not corrected)
    assert right + wrong > 1000
    assert right / (right + wrong) > 0.93


def test_the_most_common_word_wins_when_slips_are_alike() -> None:
    assert Speller(["vente", "ventre"]).correct("venrte") == "ventre"
    assert Speller(["porte", "poste"]).correct("pore") == "porte"
    assert Speller(["poste", "porte"]).correct("poue") is None


def test_a_word_costs_a_fraction_of_a_millisecond(speller: Speller) -> None:
    rng = random.Random(7)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=LONGEST)) for _ in range(50)]

    def seconds() -> float:
        start = time.process_time()
        for word in words:
            speller.correct(word)
        return (time.process_time() - start) / len(words)

    assert min(seconds() for _ in range(5)) < 0.001


@pytest.mark.parametrize("content", [None, "", "# rien\n", b"\xff\xfe"])
def test_a_wrong_list_is_explained(tmp_path: Path, content: str | bytes | None) -> None:
    path = tmp_path / COMMON_WORDS
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ReferentialError, match="mots courants"):
        load_speller(path)
