"""What an encoder reads of a text is bounded by its pieces, not by its letters alone."""

from __future__ import annotations

import pytest

from bot.understanding.encoders import MEANING, MOST_TOKENS, E5Encoder, get_encoder


@pytest.fixture(scope="module")
def encoder() -> E5Encoder:
    found = get_encoder(MEANING)
    assert isinstance(found, E5Encoder)
    return found


@pytest.mark.parametrize("text", ["", "help me", "l'an passat la tempèsta m'aviá enlevat la teulada, l'assegurança me deu encara de sòus"])
def test_a_usual_message_is_read_whole(encoder: E5Encoder, text: str) -> None:
    assert encoder.beginning(text) == text


@pytest.mark.parametrize("text", ["着火了救命我的房子在火里" * 30, "xq zkv wj " * 400, "ቤቱ እየተቃጠለ ነው " * 40, "🙂" * 4000])
def test_what_has_a_piece_for_each_letter_is_cut(encoder: E5Encoder, text: str) -> None:
    read = encoder.beginning(text)
    assert read and text.startswith(read)
    assert encoder._engine.token_count(read, is_query=True) <= MOST_TOKENS
