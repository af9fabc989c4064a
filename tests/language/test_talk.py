"""Small talk of other languages: told from requests, from dangers and from French."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.base.errors import ReferentialError
from bot.base.paths import project_paths
from bot.language.talk import GOES_ON, TABLE, Talk, load_talk
from bot.learning.abroad import learn_talk, read_messages
from bot.measure.abroad import read_rows

PATHS = project_paths()


@pytest.fixture(scope="module")
def talk() -> Talk:
    return load_talk(PATHS.referential)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("شكرا", ("ar", "remercier")),
        ("thanks a lot!", ("en", "remercier")),
        ("谢谢", ("zh", "remercier")),
        ("დიდი მადლობა", ("ka", "remercier")),
        ("auf Wiedersehen", ("de", "au_revoir")),
        ("I live in Luzech", ("en", "dire_commune")),
        ("how much is it?", ("en", GOES_ON)),
        ("I want a passport", None),
        ("my house is on fire", None),
        ("da", None),
        ("", None),
    ],
)
def test_short_messages_tell_their_language_and_act(talk: Talk, text: str, told: tuple[str, str] | None) -> None:
    assert talk.read(text) == told


def test_the_language_of_the_conversation_settles_a_shared_word(talk: Talk) -> None:
    assert talk.read("no", "it") == ("it", "nier")
    assert talk.read("no", "en") == ("en", "nier")


def test_almost_no_danger_is_taken_for_small_talk(talk: Talk) -> None:
    rows = [row for path in sorted(PATHS.test_sets.glob("etrangers_aveugles_*.jsonl")) for row in read_rows(path) if row["situation"]]
    taken = [row["texte"] for row in rows if talk.read(row["texte"])]
    assert len(taken) <= 0.01 * len(rows), taken


def test_the_table_is_that_of_the_messages() -> None:
    kept = json.loads((PATHS.referential / TABLE).read_text(encoding="utf-8"))
    again = learn_talk(read_messages(PATHS))
    assert again["langues"] == kept["langues"], "python -m scripts.urgences_langues"
    for act, weights in kept["poids"].items():
        assert max(abs(again["poids"][act].get(piece, 0.0) - worth) for piece, worth in weights.items()) <= 0.4


def test_a_missing_table_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ReferentialError, match=r"conversation_langues\.json"):
        load_talk(tmp_path)
