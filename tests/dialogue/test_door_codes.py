"""The code a person carries away names a door again, and tells when it is mistyped."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from bot.base.errors import DoorCodeError
from bot.dialogue import door_codes
from bot.dialogue.door_codes import ALPHABET, LENGTH, CarriedDoor, clashes, door_code, read_door_code
from bot.measure.checks import code_problems
from bot.referential import load_referential

REFERENTIAL = load_referential(Path(__file__).resolve().parents[2] / "data" / "referentiel")
CODE = door_code("passeport", "46309", 0b101)


def test_every_door_is_read_again_as_it_was() -> None:
    for topic in REFERENTIAL.topics:
        code = door_code(topic, "46340", 0b1000000)
        assert len(code) == LENGTH and set(code) <= set(ALPHABET)
        assert read_door_code(code, REFERENTIAL) == CarriedDoor(topic, "46340", ("hopital",))
    assert read_door_code(door_code("passeport"), REFERENTIAL) == CarriedDoor("passeport")
    assert clashes(REFERENTIAL) == []


def test_a_code_does_not_change_with_the_files() -> None:
    """Codes on paper are read for years: if this changes, all of them are lost."""
    assert CODE == "V3EDD9N05Y"


def test_a_code_is_read_however_it_is_typed() -> None:
    for typed in (CODE.lower(), f" {CODE[:5]} - {CODE[5:]} ", CODE.replace("0", "o"), f"{CODE[:5]}\u2011{CODE[5:]}"):
        assert read_door_code(typed, REFERENTIAL).topic == "passeport"
    one = next(code for topic in REFERENTIAL.topics if "1" in (code := door_code(topic)))
    assert read_door_code(one.replace("1", "I"), REFERENTIAL) == read_door_code(one.replace("1", "l"), REFERENTIAL)


def test_one_wrong_character_or_two_swapped_are_always_seen() -> None:
    for at, wrong in itertools.product(range(LENGTH), ALPHABET):
        if wrong != CODE[at]:
            with pytest.raises(DoorCodeError, match="une faute"):
                read_door_code(CODE[:at] + wrong + CODE[at + 1 :], REFERENTIAL)
    for a, b in itertools.combinations(range(LENGTH), 2):
        if CODE[a] != CODE[b]:
            swapped = list(CODE)
            swapped[a], swapped[b] = swapped[b], swapped[a]
            with pytest.raises(DoorCodeError, match="une faute"):
                read_door_code("".join(swapped), REFERENTIAL)


@pytest.mark.parametrize("typed", ["", "é" * 10, CODE[:-1], CODE + "0", "💥" * 10, "\x00" * 10, "U" * 10])
def test_what_is_no_code_is_said(typed: str) -> None:
    with pytest.raises(DoorCodeError, match="une faute"):
        read_door_code(typed, REFERENTIAL)


def test_a_former_name_leads_to_the_topic_of_today_and_a_topic_gone_is_said() -> None:
    renamed = REFERENTIAL.topics["passeport"].copy(update={"anciens_identifiants": ("titre_de_voyage",)})
    today = REFERENTIAL.copy(update={"topics": {"passeport": renamed}})
    assert read_door_code(door_code("titre_de_voyage"), today).topic == "passeport"
    with pytest.raises(DoorCodeError, match="n'existe plus"):
        read_door_code(door_code("sujet_disparu"), REFERENTIAL)


def test_bot_check_refuses_codes_that_could_not_be_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    assert code_problems(REFERENTIAL) == []
    twice = {"lecture": REFERENTIAL.needs["lecture"].copy(update={"numero": 0}), "sans_telephone": REFERENTIAL.needs["sans_telephone"]}
    assert [problem.message for problem in code_problems(REFERENTIAL.copy(update={"needs": twice}))] == ["le numéro 0 sert deux fois."]
    monkeypatch.setattr(door_codes, "_fingerprint", len)
    assert any("ont le même code à emporter" in problem.message for problem in code_problems(REFERENTIAL))
