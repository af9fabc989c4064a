"""One queue, one training at a time; cancelled, killed or broken, it says so and the live model does not move."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.base.errors import TrainingError
from bot.base.paths import ProjectPaths
from bot.staff.candidates import trainings as module
from bot.staff.candidates.trainings import State, TrainingQueue, share_of
from bot.staff.candidates.work_folders import work_folder
from bot.staff.schema import trainings as table
from bot.staff.storage import Storage

ROOT = Path(__file__).resolve().parents[3]
FAKE = """
import json, os, sys, time, pathlib, subprocess
say = lambda **v: print(json.dumps(v), flush=True)
number = sys.argv[sys.argv.index("--travail") + 1]
folder = pathlib.Path(os.environ["BOT_MODELES"], ".travail-" + number)
folder.mkdir(parents=True)
(folder / "pid").write_text(str(os.getpid()))
child = subprocess.Popen(["sleep", "60"])
(folder.parent / "enfant").write_text(str(child.pid))
print("pas du json")
say(message="classement", auteur=sys.argv[sys.argv.index("--auteur") + 1])
mode = {mode!r}
if mode == "long":
    time.sleep(60)
child.kill()
if mode == "erreur":
    say(erreur="Le corpus contient des erreurs.")
    sys.exit(2)
if mode == "plante":
    os._exit(9)
say(candidat="00000000000000ab", message="modèle prêt")
"""


@pytest.fixture
def paths(tmp_path: Path) -> ProjectPaths:
    return ProjectPaths(tmp_path)


@pytest.fixture
def make(storage: Storage, paths: ProjectPaths) -> Iterator[Callable[[str], TrainingQueue]]:
    queues: list[TrainingQueue] = []

    def build(mode: str) -> TrainingQueue:
        queue = TrainingQueue(storage, paths, [sys.executable, "-c", FAKE.format(mode=mode)])
        queues.append(queue)
        return queue

    yield build
    for queue in queues:
        queue.stop()


def wait(condition: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "too late"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def test_a_training_runs_says_where_it_is_and_gives_its_model(make: Callable[[str], TrainingQueue], paths: ProjectPaths) -> None:
    queue = make("bien")
    asked = queue.submit("Zoé")
    assert asked.state is State.WAITING and queue.submit("Luc").id == asked.id, "one that waits is enough for everybody"
    queue.start()
    wait(lambda: not queue.get(asked.id).is_open)
    done = queue.get(asked.id)
    assert (done.state, done.candidate, done.part, done.author) == (State.DONE, "00000000000000ab", 1.0, "Zoé")
    assert done.started_at and done.ended_at and not work_folder(paths, str(asked.id)).exists()
    again = queue.submit("Luc")
    assert again.id != asked.id
    wait(lambda: queue.get(again.id).state is State.DONE)


def test_cancelling_ends_the_whole_family_of_processes(make: Callable[[str], TrainingQueue], paths: ProjectPaths) -> None:
    queue = make("long")
    queue.start()
    number = queue.submit("Zoé").id
    wait(lambda: queue.get(number).message == "classement")
    assert queue.get(number).part == share_of("classement") > 0.3
    child = int((paths.models / "enfant").read_text())
    waiting = queue.submit("Luc").id
    queue.cancel(waiting)
    queue.cancel(number)
    wait(lambda: queue.get(number).state is State.CANCELLED)
    wait(lambda: not alive(child))
    assert queue.get(waiting).state is State.CANCELLED and "rien n'a changé" in queue.get(number).message
    with pytest.raises(TrainingError, match="déjà fini"):
        queue.cancel(number)
    with pytest.raises(TrainingError, match="n'existe pas"):
        queue.cancel(999)


@pytest.mark.parametrize(("mode", "said"), [("erreur", "corpus contient"), ("plante", "tout seul")])
def test_a_training_that_fails_says_why(make: Callable[[str], TrainingQueue], mode: str, said: str) -> None:
    queue = make(mode)
    queue.start()
    number = queue.submit("Zoé").id
    wait(lambda: not queue.get(number).is_open)
    assert queue.get(number).state is State.FAILED and said in queue.get(number).message and queue.get(number).candidate is None


def test_a_training_killed_from_outside_is_a_failure_and_the_queue_goes_on(
    make: Callable[[str], TrainingQueue], paths: ProjectPaths
) -> None:
    queue = make("long")
    queue.start()
    number = queue.submit("Zoé").id
    wait(lambda: queue.get(number).message == "classement")
    os.kill(int((work_folder(paths, str(number)) / "pid").read_text()), signal.SIGKILL)
    wait(lambda: queue.get(number).state is State.FAILED)
    second = queue.submit("Zoé").id
    wait(lambda: queue.get(second).state is State.RUNNING)


def test_what_a_dead_server_left_is_marked_interrupted_and_cleared(
    make: Callable[[str], TrainingQueue], storage: Storage, paths: ProjectPaths
) -> None:
    queue = make("bien")
    number = queue.submit("Zoé").id
    with storage.write() as connection:
        connection.execute(table.update().values(state=State.RUNNING.value, started_at=1.0))
    work_folder(paths, str(number)).mkdir(parents=True)
    queue.start()
    wait(lambda: queue.get(number).state is State.INTERRUPTED)
    wait(lambda: not work_folder(paths, str(number)).exists())


def test_a_training_does_not_outlive_a_server_that_was_killed() -> None:
    lifeline = (
        "from bot.staff.candidates.lifeline import end_with_parent; import time; end_with_parent(); print('la', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", lifeline], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert child.stdin and child.stdout and child.stdout.readline() == b"la\n" and child.poll() is None
    child.stdin.close()
    assert child.wait(10) == 3
    child.stdout.close()


def test_a_stopped_server_interrupts_its_training(make: Callable[[str], TrainingQueue], paths: ProjectPaths) -> None:
    queue = make("long")
    queue.start()
    number = queue.submit("Zoé").id
    wait(lambda: queue.get(number).message == "classement")
    pid = int((work_folder(paths, str(number)) / "pid").read_text())
    queue.stop()
    assert queue.get(number).state is State.INTERRUPTED
    wait(lambda: not alive(pid))


def test_two_processes_share_one_queue_and_only_one_runs_it(make: Callable[[str], TrainingQueue], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.1)
    first, second = make("bien"), make("bien")
    first.start()
    wait(lambda: first.leading)
    second.start()
    number = second.submit("Zoé").id
    wait(lambda: second.get(number).state is State.DONE)
    assert not second.leading
    first.stop()
    wait(lambda: second.leading)
