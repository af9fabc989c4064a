"""One queue of trainings for the whole machine: run apart, followed live, cancelled cleanly, never lost silently."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Any

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Row

from bot.base.errors import AssistantError, TrainingError
from bot.base.files import try_lock
from bot.base.paths import ProjectPaths
from bot.staff.candidates.work_folders import leftover_work, remove_work, work_folder
from bot.staff.schema import trainings
from bot.staff.storage import Storage

log = logging.getLogger("bot.staff.candidates.trainings")

POLL_SECONDS = 0.5
END_SECONDS = 10.0
"""Given to a cancelled training to end by itself."""
LONGEST_SECONDS = 3600.0


class State(StrEnum):
    """Where a training is."""

    WAITING = "attente"
    RUNNING = "en_cours"
    CANCELLING = "annulation"
    DONE = "termine"
    CANCELLED = "annule"
    FAILED = "echec"
    INTERRUPTED = "interrompu"


STATE_NAMES = {
    State.WAITING: "En attente",
    State.RUNNING: "En cours",
    State.CANCELLING: "Arrêt demandé",
    State.DONE: "Terminé",
    State.CANCELLED: "Annulé",
    State.FAILED: "Échec",
    State.INTERRUPTED: "Interrompu",
}
OPEN_STATES = (State.WAITING, State.RUNNING, State.CANCELLING)

STEPS: tuple[tuple[str, float], ...] = (
    ("copie des fichiers", 0.02),
    ("messages, ", 0.05),
    ("mots et lettres", 0.10),
    ("sens des phrases", 0.25),
    ("classement", 0.55),
    ("calage", 0.75),
    ("mesure sur", 0.80),
    ("mesure du modèle en service", 0.88),
    ("modèle prêt", 0.78),
    ("modèle Rasa", 0.95),
)
"""What a training says, and how far it is then. The shares are those of the whole corpus on two cores."""


@dataclass(frozen=True)
class Training:
    """One training.

    Args:
        id: its number.
        author: who asked for it.
        state: where it is.
        part: how far, in [0, 1].
        message: last thing it said, in French.
        candidate: id of the model, once it is in the registry: it can be compared and go live from then on.
        created_at, started_at, ended_at: seconds since 1970.
    """

    id: int
    author: str
    state: State
    part: float
    message: str
    candidate: str | None
    created_at: float
    started_at: float | None
    ended_at: float | None

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in OPEN_STATES

    @property
    def state_name(self) -> str:
        """Its state in French."""
        return STATE_NAMES[self.state]


class TrainingQueue:
    """The trainings of a tree. Any process may submit and cancel; the one that holds the lock runs them.

    Args:
        storage: the workshop's database.
        paths: the tree.
        command: of one training; that of this Python by default.
        clock: seconds since 1970.
        with_agent: whether a training also makes the archive of the Rasa agent.
    """

    def __init__(
        self,
        storage: Storage,
        paths: ProjectPaths,
        command: Sequence[str] | None = None,
        clock: Callable[[], float] = time.time,
        with_agent: bool = True,
    ) -> None:
        self._storage = storage
        self._paths = paths
        self._command = (*(command or (sys.executable, "-m", "bot", "train", "--candidat")), *(() if with_agent else ("--routeur-seul",)))
        self._clock = clock
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock: IO[str] | None = None

    @property
    def leading(self) -> bool:
        """Whether it is this process that runs the trainings: one does for all."""
        return self._lock is not None

    def submit(self, author: str) -> Training:
        """Ask for a training; one that already waits is enough for everybody.

        Args:
            author: name of the person.
        """
        with self._storage.write() as connection:
            row = connection.execute(select(trainings).where(trainings.c.state == State.WAITING.value)).first()
            if row is None:
                number = connection.execute(
                    insert(trainings).values(
                        created_at=self._clock(), author=author, state=State.WAITING.value, part=0.0, message="en attente de son tour"
                    )
                ).inserted_primary_key[0]
                row = connection.execute(select(trainings).where(trainings.c.id == number)).one()
        self._wake.set()
        return _training(row)

    def cancel(self, number: int) -> Training:
        """Cancel a training that waits or runs.

        Raises:
            TrainingError: no such training, or it has ended.
        """
        with self._storage.write() as connection:
            row = connection.execute(select(trainings).where(trainings.c.id == number)).first()
            if row is None:
                raise TrainingError("Cet entraînement n'existe pas.")
            if row.state == State.WAITING.value:
                values = {"state": State.CANCELLED.value, "ended_at": self._clock(), "message": "annulé avant de commencer"}
            elif row.state in {State.RUNNING.value, State.CANCELLING.value}:
                values = {"state": State.CANCELLING.value, "message": "arrêt demandé"}
            else:
                raise TrainingError("Cet entraînement est déjà fini.")
            connection.execute(update(trainings).where(trainings.c.id == number).values(**values))
            row = connection.execute(select(trainings).where(trainings.c.id == number)).one()
        self._wake.set()
        return _training(row)

    def get(self, number: int) -> Training:
        """Return a training.

        Raises:
            TrainingError: there is no such one.
        """
        with self._storage.read() as connection:
            row = connection.execute(select(trainings).where(trainings.c.id == number)).first()
        if row is None:
            raise TrainingError("Cet entraînement n'existe pas.")
        return _training(row)

    def latest(self, limit: int = 20) -> tuple[Training, ...]:
        """Return the last trainings, the newest first."""
        with self._storage.read() as connection:
            rows = connection.execute(select(trainings).order_by(trainings.c.id.desc()).limit(limit)).all()
        return tuple(_training(row) for row in rows)

    def start(self) -> None:
        """Run trainings from now on, in a thread, as soon as no other process of the machine does."""
        self._thread = threading.Thread(target=self._work, name="entrainements", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop; a training that runs is interrupted."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(END_SECONDS + 5)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                if not self.leading and self._take_lock():
                    self._recover()
                if self.leading:
                    number = self._next()
                    if number is not None:
                        self._run(number)
                        continue
            except AssistantError as error:
                log.error("training queue waits", extra={"evenement": "entrainement_attend"}, exc_info=error)
            except Exception as error:
                log.error("training queue failed", extra={"evenement": "entrainement_erreur"}, exc_info=error)
            self._wake.wait(POLL_SECONDS * 2)
            self._wake.clear()

    def _take_lock(self) -> bool:
        self._lock = try_lock(self._paths.models / ".entrainement.verrou")
        return self._lock is not None

    def _recover(self) -> None:
        """What another process left running died with it: say so; the live model was never touched."""
        with self._storage.write() as connection:
            connection.execute(
                update(trainings)
                .where(trainings.c.state.in_([State.RUNNING.value, State.CANCELLING.value]))
                .values(
                    state=State.INTERRUPTED.value,
                    ended_at=self._clock(),
                    message="le serveur s'est arrêté pendant l'entraînement : relancez-le",
                )
            )
        for folder in leftover_work(self._paths):
            remove_work(folder)

    def _next(self) -> int | None:
        with self._storage.read() as connection:
            found = connection.execute(
                select(trainings.c.id).where(trainings.c.state == State.WAITING.value).order_by(trainings.c.id).limit(1)
            ).scalar()
        return int(found) if found is not None else None

    def _run(self, number: int) -> None:
        with self._storage.write() as connection:
            taken = connection.execute(
                update(trainings)
                .where(trainings.c.id == number, trainings.c.state == State.WAITING.value)
                .values(state=State.RUNNING.value, started_at=self._clock(), message="démarrage", part=0.01)
            ).rowcount
            author = connection.execute(select(trainings.c.author).where(trainings.c.id == number)).scalar()
        if not taken:
            return
        process = subprocess.Popen(
            [*self._command, "--auteur", str(author), "--travail", str(number)],
            stdin=subprocess.PIPE,  # the training ends by itself when this end closes: a dead server leaves no orphan
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._paths.root,
            env={**os.environ, "BOT_RACINE": str(self._paths.root), "BOT_MODELES": str(self._paths.models), "PYTHONUNBUFFERED": "1"},
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        last: dict[str, Any] = {}
        reader = threading.Thread(target=self._read, args=(number, process, last), daemon=True)
        reader.start()
        outcome = self._watch(number, process)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it started and left behind
        reader.join(END_SECONDS)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        remove_work(work_folder(self._paths, str(number)))
        self._end(number, outcome or self._outcome(process.returncode, last), last)

    def _watch(self, number: int, process: subprocess.Popen[str]) -> State | None:
        """Wait for the end; returns the state when it did not end by itself."""
        started = time.monotonic()
        while process.poll() is None:
            time.sleep(POLL_SECONDS / 5)
            if self._stop.is_set():
                _kill(process)
                return State.INTERRUPTED
            if self.get(number).state is State.CANCELLING:
                _kill(process)
                return State.CANCELLED
            if time.monotonic() - started > LONGEST_SECONDS:
                _kill(process)
                return State.FAILED
        return None

    def _read(self, number: int, process: subprocess.Popen[str], last: dict[str, Any]) -> None:
        assert process.stdout is not None
        part = 0.01
        with contextlib.suppress(ValueError, OSError):  # closed at the end
            for line in process.stdout:
                try:
                    said = json.loads(line)
                except ValueError:
                    continue
                if not isinstance(said, dict):
                    continue
                last.update(said)
                values: dict[str, Any] = {}
                if "message" in said:
                    part = max(part, share_of(str(said["message"])))
                    values = {"message": str(said["message"])[:300], "part": part}
                if "candidat" in said:
                    values["candidate"] = str(said["candidat"])
                if values:
                    self._note(number, values)

    def _note(self, number: int, values: dict[str, Any]) -> None:
        with contextlib.suppress(AssistantError), self._storage.write() as connection:
            connection.execute(update(trainings).where(trainings.c.id == number, trainings.c.state == State.RUNNING.value).values(**values))

    def _outcome(self, code: int | None, last: dict[str, Any]) -> State:
        if code == 0 and last.get("candidat"):
            return State.DONE
        return State.FAILED

    def _end(self, number: int, state: State, last: dict[str, Any]) -> None:
        said = {
            State.DONE: "modèle prêt à comparer",
            State.CANCELLED: "annulé ; rien n'a changé",
            State.INTERRUPTED: "le serveur s'est arrêté pendant l'entraînement : relancez-le",
            State.FAILED: str(last.get("erreur") or "l'entraînement s'est arrêté tout seul ; rien n'a changé"),
        }
        with self._storage.write() as connection:
            connection.execute(
                update(trainings)
                .where(trainings.c.id == number)
                .values(
                    state=state.value,
                    ended_at=self._clock(),
                    message=said[state][:1000],
                    **({"part": 1.0} if state is State.DONE else {}),
                    **({"candidate": str(last["candidat"])} if last.get("candidat") else {}),
                )
            )


def share_of(message: str) -> float:
    """Return how far a training is when it says ``message``; 0 when it does not tell."""
    return max((share for words, share in STEPS if words in message), default=0.0)


def _kill(process: subprocess.Popen[str]) -> None:
    """End a training and all that it started: its whole process group, which is its own."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS / 2)
            return


def _training(row: Row) -> Training:
    return Training(
        row.id, row.author, State(row.state), row.part, row.message, row.candidate, row.created_at, row.started_at, row.ended_at
    )
