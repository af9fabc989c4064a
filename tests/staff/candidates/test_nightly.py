"""Every night at its hour, once, and only when something waits to be learnt; the morning tells what the gate says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from bot.base.errors import TrainingError
from bot.base.paths import ProjectPaths
from bot.referential.hours import PARIS
from bot.staff.candidates import nightly as module
from bot.staff.candidates.gate import Margins
from bot.staff.candidates.nightly import AUTHOR, Nightly
from bot.staff.candidates.trainings import State, TrainingQueue
from bot.staff.schema import trainings
from bot.staff.storage import Storage


class Queue(TrainingQueue):
    """The real table, and no process."""

    leading = True


@pytest.fixture
def night(storage: Storage, clock: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nightly:
    paths = ProjectPaths(tmp_path)
    found = Nightly(storage, paths, Queue(storage, paths, clock=clock), clock)
    monkeypatch.setattr(found, "_waits", lambda: True)
    return found


@pytest.fixture
def at(clock: Any) -> Callable[[int, int, int], None]:
    def move(day: int, hour: int, minute: int = 0) -> None:
        clock.now = datetime(2026, 11, day, hour, minute, tzinfo=PARIS).timestamp()

    return move


def asked(night: Nightly) -> list[int]:
    return [t.id for t in night._queue.latest() if t.author == AUTHOR]


def end(night: Nightly, state: State, candidate: str | None = None) -> None:
    with night._storage.write() as connection:
        connection.execute(update(trainings).values(state=state.value, candidate=candidate))


def test_it_trains_once_a_night_at_its_hour_and_not_by_day(night: Nightly, at: Any) -> None:
    at(1, 18)
    night.run()
    assert asked(night) == []
    night.set("02:30", "remi")
    night.run()
    assert asked(night) == []  # not at once: its hour is passed today
    at(2, 2, 29)
    night.run()
    assert asked(night) == []
    at(2, 2, 31)
    night.run()
    end(night, State.DONE)
    night.run()
    assert asked(night) == [1]
    at(3, 11)  # the server was down all night
    night.run()
    at(4, 4)
    night.run()
    assert asked(night) == [2, 1]
    night.set("", "remi")
    at(5, 3)
    night.run()
    assert asked(night) == [2, 1]
    with pytest.raises(TrainingError, match="02:30"):
        night.set("25:00", "remi")


def test_what_a_restart_cut_short_is_asked_again_in_the_same_night_only(night: Nightly, at: Any) -> None:
    at(1, 1)
    night.set("02:00", "remi")
    at(1, 2, 5)
    night.run()
    end(night, State.INTERRUPTED)
    at(1, 3)
    night.run()
    assert asked(night) == [2, 1]
    end(night, State.INTERRUPTED)
    at(1, 9)
    night.run()
    assert asked(night) == [2, 1]


def test_nothing_is_trained_when_nothing_waits_and_the_morning_says_so(night: Nightly, at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(night, "_waits", lambda: False)
    at(1, 1)
    night.set("02:00", "remi")
    assert night.report(Margins(), {}) is None
    at(1, 2)
    night.run()
    told = night.report(Margins(), {})
    assert asked(night) == [] and told is not None and told.training is None
    at(2, 12)
    assert night.report(Margins(), {}) is None


def test_the_morning_tells_what_was_learnt_and_what_the_gate_says(night: Nightly, at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {"demandes": 10, "urgences_reconnues": 1.0, "mauvaises_portes": 0.1, "hors_sujet_reconnus": 1.0}
    live = {"essais": "x", "chiffres": figures, "par_service": {}}
    made = {**live, "chiffres": {**figures, "urgences_reconnues": 0.9}, "lecons": {"a": {"reconnues": 3, "phrases": 4}}}

    class Registry:
        def __init__(self, _paths: ProjectPaths) -> None:
            pass

        def all(self) -> list[Any]:
            return [type("Card", (), {"id": "ab", "live": False}), type("Card", (), {"id": "cd", "live": True})]

        def live(self) -> Any:
            return self.all()[1]

        def evaluation(self, card: Any) -> dict[str, Any]:
            return made if card.id == "ab" else live

    monkeypatch.setattr(module, "ModelRegistry", Registry)
    at(1, 1)
    night.set("02:00", "remi")
    at(1, 2)
    night.run()
    told = night.report(Margins(), {})
    assert told is not None and told.training is not None and told.training.is_open and not told.reasons
    end(night, State.DONE, "ab")
    told = night.report(Margins(), {})
    assert told is not None and (told.learnt, told.phrases) == (3, 4)
    assert "Les urgences sont moins bien reconnues" in told.reasons[0]
