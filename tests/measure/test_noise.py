"""The ways people type: always the same change for the same text."""

from __future__ import annotations

import pytest

from bot.measure.noise import NOISES, dialect, one_breath, polite, run_on, sms, typing_errors

TEXT = "Je veux refaire mon passeport, c'est pour quoi ? J'ai attendu longtemps dans votre service administratif"


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("text", ["", "a", "je veux refaire mon passeport, c'est pour dans un mois !", "🙂", "été " * 50])
def test_noise_is_fixed_and_keeps_a_string(name: str, text: str) -> None:
    assert NOISES[name](text) == NOISES[name](text)
    assert isinstance(NOISES[name](text), str)


def test_punctuation_and_wrapping() -> None:
    assert "," not in run_on(TEXT) and "?" not in run_on(TEXT)
    assert TEXT in polite(TEXT)
    assert sms("J'ai perdu, c'est pour quoi") == "g perdu, c pr koi"


def test_one_breath() -> None:
    assert one_breath("Je pars. Qui prévenir ? Merci.") == "je pars et qui prévenir et merci"


def test_local_words() -> None:
    assert dialect("Mon enfant a perdu son sac") == "Boudu, té, Mon drôle a perdu son poche"


def test_typing_errors_touch_some_words_and_keep_their_number() -> None:
    noisy = typing_errors(" ".join([TEXT] * 5))
    assert noisy != " ".join([TEXT] * 5)
    assert len(noisy.split(" ")) == 5 * len(TEXT.split(" "))
