"""What goes with a door: the words on the way to it, within what a drawing can hold, and a day in a calendar."""

from __future__ import annotations

import base64
import zlib
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from bot.base.paths import project_paths
from bot.dialogue.wording import EmergencyCall, Reply
from bot.referential.hours import PARIS
from bot.serving.first_aid import FirstAid
from bot.serving.sessions import Conversation, Exchange
from bot.serving.takeover import MOST_CHARACTERS, Said, fragment, reminder, said_before
from bot.serving.view import card_view, reply_view

NOW = datetime(2026, 12, 2, 10, 0, tzinfo=PARIS)
AID = FirstAid(project_paths())


def card(topic: str, commune: str = "") -> Any:
    found = AID.card(topic, commune)
    assert found is not None
    return found


def conversation(*turns: tuple[str, Reply]) -> Conversation:
    return Conversation("c", exchanges=[Exchange(said, reply_view(reply, NOW)) for said, reply in turns])


PASSPORT, THERE = card("passeport"), card("passeport", "46309")
ASKS = Reply(PASSPORT.text, (PASSPORT,), invitation="Dans quelle commune êtes-vous ?")
GIVES = Reply(THERE.text, (THERE,))
CODE = card_view(THERE, NOW)["code"]


def test_the_words_on_the_way_to_a_door_go_with_it() -> None:
    talk = conversation(
        ("une carte grise", Reply("", (card("carte_grise_modification"),))),
        ("un papier", Reply("De quoi s'agit-il ?")),
        ("mon passeport", ASKS),
        ("Souillac", GIVES),
        ("merci", Reply("Je vous en prie.")),
    )
    assert said_before(talk, CODE) == (
        Said("", "un papier"),
        Said("De quoi s'agit-il ?", "mon passeport"),
        Said("Dans quelle commune êtes-vous ?", "Souillac"),
    )


def test_an_emergency_and_another_door_stay_behind() -> None:
    calls = (EmergencyCall("18", "Pompiers", sms=False),)
    assert said_before(conversation(("au feu", Reply("", calls=calls)), ("mon passeport", GIVES)), CODE) == (Said("", "mon passeport"),)
    assert said_before(conversation(("bonjour", Reply("Bonjour !"))), CODE) == ()
    assert said_before(None, CODE) == ()


@pytest.mark.parametrize("turns", [1, 2, 4, 12])
def test_what_is_said_fits_in_the_drawing(turns: int) -> None:
    talk = conversation(*((f"{i} " + "é" * 900, Reply("Laquelle ? " * 30)) for i in range(turns - 1)), ("oui", GIVES))
    said = said_before(talk, CODE)
    assert len(said) == min(turns, 4) and said[-1].words == "oui"
    assert sum(len(turn.asked) + len(turn.words) for turn in said) <= MOST_CHARACTERS
    assert turns == 1 or (said[0].words.endswith("…") and sum(len(turn.asked) + len(turn.words) for turn in said) > MOST_CHARACTERS - 10)


def test_the_words_can_be_read_again_and_a_cut_is_seen() -> None:
    day, words, total = fragment((Said("", "où ?"), Said("Où ça ?", "à Gramat")), date(2026, 12, 2)).split(".")
    lines = base64.urlsafe_b64decode(words + "=" * (-len(words) % 4))
    assert (day, lines.decode()) == ("20261202", "\toù ?\nOù ça ?\tà Gramat")
    assert total == f"{zlib.adler32(lines):08x}"
    assert fragment((), date(2026, 12, 2)) == ""


def test_a_reminder_holds_the_papers_and_the_day_that_was_picked() -> None:
    text = reminder(card_view(THERE, NOW), date(2026, 12, 31), "https://exemple.fr/fiche/passeport", NOW)
    lines = text.split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines) and "\u00a0" not in text
    whole = text.replace("\r\n ", "").split("\r\n")
    assert whole[0] == "BEGIN:VCALENDAR" and whole[-2:] == ["END:VCALENDAR", ""]
    fields = dict(line.split(":", 1) for line in whole if ":" in line)
    assert (fields["DTSTART;VALUE=DATE"], fields["DTEND;VALUE=DATE"]) == ("20261231", "20270101"), "a whole day, and no hour is made up"
    papers = fields["DESCRIPTION"].replace("\\,", ",").split("\\n")
    assert [line[2:] for line in papers if line.startswith("- ")] == [p.replace("\u00a0", " ") for p in card_view(THERE, NOW)["apporter"]]
    assert fields["LOCATION"].startswith("Mairie de Souillac\\, 5 avenue de Sarlat")


def test_what_looks_like_a_field_is_only_words() -> None:
    trapped = replace(THERE, bring=("un papier\r\nEND:VEVENT; x, y\\z",))
    text = reminder(card_view(trapped, NOW), date(2026, 12, 31), "", NOW)
    assert text.count("\r\nEND:VEVENT") == 1 and "\r\n\r" not in text
