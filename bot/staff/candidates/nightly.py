"""Train every night what waits: measured and judged by the gate, and no further; a person puts it live in the morning."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.engine import Connection

from bot.base.errors import TrainingError
from bot.base.paths import ProjectPaths
from bot.learning.freshness import fingerprint, model_config
from bot.referential.hours import PARIS
from bot.staff.accounts import audit
from bot.staff.candidates.comparison import verdict_of
from bot.staff.candidates.gate import Margins
from bot.staff.candidates.registry import ModelRegistry
from bot.staff.candidates.trainings import State, Training, TrainingQueue
from bot.staff.schema import switches
from bot.staff.storage import Storage

AUTHOR = "atelier, la nuit"
LATE = timedelta(hours=4)
"""How long after its hour a night is still trained: a server started at noon does not train then."""
SHOWN = timedelta(hours=24)
"""How long the report of a night is shown."""
_NAME = "entrainement"
_HOUR = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True)
class Plan:
    """What is asked for, and what was last done.

    Args:
        hour: « 02:30 » in Paris; "" when nothing is asked.
        author: who asked.
        day: last civil day that was looked at.
        training: what it asked for; ``None`` when nothing waited to be learnt.
        at: when it was looked at, in seconds since 1970.
    """

    hour: str = ""
    author: str = ""
    day: str = ""
    training: int | None = None
    at: float = 0.0


@dataclass(frozen=True)
class Report:
    """What the last night gave.

    Args:
        at: when, in seconds since 1970.
        training: ``None`` when nothing waited to be learnt.
        reasons: why the gate would refuse the model; empty when it may go live, or when there is none.
        learnt, phrases: new phrases recognised, of how many.
    """

    at: float
    training: Training | None
    reasons: tuple[str, ...] = ()
    learnt: int = 0
    phrases: int = 0


class Nightly:
    """The training of every night.

    Args:
        storage: the workshop's database.
        paths: the tree.
        queue: of the trainings: what is asked survives a restart.
        clock: seconds since 1970.
    """

    def __init__(self, storage: Storage, paths: ProjectPaths, queue: TrainingQueue, clock: Callable[[], float] = time.time) -> None:
        self._storage, self._paths, self._queue, self._clock = storage, paths, queue, clock

    def plan(self) -> Plan:
        """Return what is asked for."""
        with self._storage.read() as connection:
            return _plan(connection)

    def set(self, hour: str, author: str) -> None:
        """Ask for a training every night, or for none.

        Args:
            hour: « 02:30 » in Paris, "" for none.
            author: name of the person.

        Raises:
            TrainingError: this is no hour.
        """
        if hour and not _HOUR.fullmatch(hour):
            raise TrainingError("Écrivez l'heure comme 02:30.")
        now = datetime.fromtimestamp(self._clock(), PARIS)
        passed = now.strftime("%H:%M") >= hour  # set in the afternoon for the night: not at once
        with self._storage.write() as connection:
            before = _plan(connection)
            day = now.date().isoformat() if passed else before.day
            self._write(connection, replace(before, hour=hour, author=author, day=day))
            audit.record(connection, author, "entrainement_prevu", hour or "jamais")

    def run(self) -> None:
        """Ask for the training of this night when it is due; one that a restart cut short is asked for again."""
        plan, now = self.plan(), datetime.fromtimestamp(self._clock(), PARIS)
        if not plan.hour or not self._queue.leading or (plan.day == now.date().isoformat() and not self._cut_short(plan)):
            return
        hour, minute = map(int, plan.hour.split(":"))
        due = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if due <= now < due + LATE:
            asked = self._queue.submit(AUTHOR).id if self._waits() else None
            with self._storage.write() as connection:
                self._write(connection, replace(plan, day=now.date().isoformat(), training=asked, at=self._clock()))

    def _cut_short(self, plan: Plan) -> bool:
        return plan.training is not None and self._queue.get(plan.training).state is State.INTERRUPTED

    def report(self, margins: Margins, names: Mapping[str, str]) -> Report | None:
        """Return what the last night gave; ``None`` when there was none in the last day.

        Args:
            margins: of the gate.
            names: id → plain name, for the reasons.
        """
        plan = self.plan()
        if not plan.at or self._clock() - plan.at > SHOWN.total_seconds():
            return None
        if plan.training is None:
            return Report(plan.at, None)
        training = self._queue.get(plan.training)
        registry = ModelRegistry(self._paths)
        card = next((card for card in registry.all() if card.id == training.candidate), None)
        evaluation = registry.evaluation(card) if card is not None else None
        if evaluation is None:
            return Report(plan.at, training)
        live = registry.live()
        verdict = verdict_of((registry.evaluation(live) or {}) if live is not None else None, evaluation, margins, names)
        lessons = evaluation.get("lecons", {}).values()
        return Report(plan.at, training, verdict.reasons, sum(x["reconnues"] for x in lessons), sum(x["phrases"] for x in lessons))

    def _waits(self) -> bool:
        """Whether no model of the registry has learnt the files as they are now: one that waits to go live is not trained again."""
        registry = ModelRegistry(self._paths)
        registry.adopt()
        now = fingerprint(self._paths, model_config(self._paths.config))
        return all(card.manifest.get("empreinte") != now for card in registry.all())

    def _write(self, connection: Connection, plan: Plan) -> None:
        value = json.dumps({"heure": plan.hour, "jour": plan.day, "entrainement": plan.training, "le": plan.at})
        connection.execute(delete(switches).where(switches.c.name == _NAME))
        connection.execute(switches.insert().values(name=_NAME, value=value, at=self._clock(), author=plan.author))


def _plan(connection: Connection) -> Plan:
    row = connection.execute(select(switches).where(switches.c.name == _NAME)).first()
    if row is None:
        return Plan()
    values = json.loads(row.value)
    return Plan(values["heure"], row.author, values["jour"], values["entrainement"], values["le"])
