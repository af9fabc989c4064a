"""The meaning of words: known spellings, weights, what is unknown, and what is kept on disk."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save_file

from bot.base.errors import SettingsError
from bot.language.cleaning import clean
from bot.understanding.config import NgramConfig, TopicModelConfig
from bot.understanding.features import CompactMatrix
from bot.understanding.model import TopicModel
from bot.understanding.tensors import read_tensors
from bot.understanding.word_vectors import WordVectors, hashes_of

VECTORS = np.eye(4, dtype=np.float32)
TABLE = {"chien": 0, "Chien": 3, "marche": 1, "marché": 2, "Lot": 3}


def same(_word: str) -> float:
    return 5.0


@pytest.fixture
def words() -> WordVectors:
    return WordVectors.of(TABLE, VECTORS)


def test_one_word_gives_its_vector_and_lower_case_wins(words: WordVectors) -> None:
    assert words.encode(["chien"], same)[0] == pytest.approx([1, 0, 0, 0])
    assert words.encode(["lot"], same)[0] == pytest.approx([0, 0, 0, 1])


def test_a_spelling_of_two_words_is_their_mean(words: WordVectors) -> None:
    assert words.encode(["marche"], same)[0] == pytest.approx([0, 0.7071, 0.7071, 0], abs=1e-3)
    whole = words.encode(["chien marche"], same)[0]
    assert whole[0] == pytest.approx(2 * whole[1], rel=1e-2)


def test_rare_words_weigh_more(words: WordVectors) -> None:
    vector = words.encode(["chien lot"], {"chien": 8.5, "lot": 4.5}.__getitem__)[0]
    assert vector[0] == pytest.approx(3 * vector[3], rel=1e-2)
    assert words.encode(["chien lot"], {"chien": 8.5, "lot": 0.0}.__getitem__)[0][3] < 0.01


def test_nothing_known_gives_zero_and_no_text_no_row(words: WordVectors) -> None:
    found = words.encode(["", "zzz", "chien zzz"], same)
    assert not found[:2].any()
    assert found[2] == pytest.approx([1, 0, 0, 0])
    assert words.encode([], same).shape == (0, 4)


def test_a_batch_and_one_by_one_agree(words: WordVectors) -> None:
    texts = ["chien marche", "", "lot lot chien", "zzz marche"]
    apart = np.vstack([words.encode([t], same) for t in texts])
    assert words.encode(texts, same) == pytest.approx(apart)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="known vector"):
        WordVectors(hashes_of(["a", "b"]), np.array([0, 4], dtype=np.uint16), CompactMatrix.of(VECTORS))


@pytest.mark.parametrize("name", ["fr_nexiste_pas", "fr"])
def test_a_missing_spacy_model_is_said_in_french(name: str) -> None:
    with pytest.raises(SettingsError, match="pas installé"):
        WordVectors.of_spacy(name)


def test_words_that_no_training_message_holds_are_understood(tmp_path) -> None:  # type: ignore[no-untyped-def]
    messages = {
        "animaux": ["mon chien est malade", "le chat est blessé", "la vache ne mange plus", "un chien errant"],
        "logement": ["mon appartement est humide", "le loyer de la maison", "un studio insalubre", "la maison est froide"],
    }
    texts = [clean(t) for group in messages.values() for t in group]
    labels = [label for label, group in messages.items() for _ in group]
    config = TopicModelConfig(
        encoders=(), ngrams=NgramConfig(min_word_count=1, min_character_count=1, dimensions=6), hidden=32, keyword_weight=0
    )
    model = TopicModel(config).fit(texts, labels)
    unseen = [clean("nos brebis"), clean("un duplex"), clean("des poules")]
    assert [model.understand(t).best()[0] for t in unseen] == ["animaux", "logement", "animaux"]

    tensors, texts_ = model.as_tensors()
    save_file(dict(tensors), tmp_path / "m", texts_)
    again = TopicModel.from_tensors(*read_tensors(tmp_path / "m"))
    assert np.array_equal(again.predict_proba(unseen), model.predict_proba(unseen))
    with pytest.raises(KeyError):
        TopicModel.from_tensors({k: v for k, v in tensors.items() if k != "vecteurs.rangs"}, texts_)
