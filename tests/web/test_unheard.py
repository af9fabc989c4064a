"""A danger is answered, or the number of all dangers is shown, in every state and in every language."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

from bot.base.paths import ProjectPaths, project_paths
from bot.base.settings import Settings
from bot.dialogue.dialogue import ConversationState, Dialogue
from bot.learning.loading import bare_router
from bot.referential import load_referential
from bot.serving.chat import MAX_READ
from bot.serving.engine import Engine, build_engine
from bot.serving.first_aid import FirstAid, first_aid
from bot.staff.upkeep.notice import Notice, OpenSwitch
from bot.web.app import create_app
from bot.web.outage import outage_page

PATHS = project_paths()
FOREIGN = ("quiero suicidarme", "kocam beni dövüyor", "ik wil dood", "救命", "मेरा पति मुझे मारता है", "بيتي يحترق")


class Lever(OpenSwitch):
    """A switch moved by the test."""

    def __init__(self) -> None:
        self.current = Notice()


@pytest_asyncio.fixture
async def served() -> AsyncIterator[tuple[Any, Lever]]:
    lever = Lever()
    engine = Engine(lambda: Dialogue(bare_router(PATHS)), lambda: FirstAid(PATHS), switch=lever)
    client: Any = TestClient(TestServer(create_app(Settings(per_minute=60), engine)))
    await client.start_server()
    yield client, lever
    await client.close()


async def post(client: Any, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    async with client.post(path, json=body) as answer:
        return answer.status, {} if answer.status == 204 else await answer.json(content_type=None)


def words(value: dict[str, Any]) -> str:
    return " ".join(run["texte"] for phrase in value["reponse"]["phrases"] for run in phrase).replace("\u00a0", " ")


@pytest.mark.parametrize("phone_only", [False, True])
async def test_a_foreign_danger_is_answered_in_its_language_even_in_pause(served: tuple[Any, Lever], phone_only: bool) -> None:
    client, lever = served
    lever.current = Notice(phone_only=phone_only)
    for text in FOREIGN:
        _, value = await post(client, "/api/chat", texte=text)
        assert value["reponse"]["appels"][0]["numero"] == "112" and value["reponse"]["courtoisie"]["langue"] not in ("", "fr"), text
    for text in FOREIGN[:3]:
        _, value = await post(client, "/api/v1/orientation", texte=text)
        assert value["urgence"][0] == "112" and value["decision"] == "urgence", text


async def test_a_pause_and_a_refusal_tell_the_number(served: tuple[Any, Lever]) -> None:
    client, lever = served
    lever.current = Notice(phone_only=True)
    assert "112" in words((await post(client, "/api/chat", texte="un logement"))[1])
    for _ in range(60):
        status, problem = await post(client, "/api/chat", texte="bonjour")
    assert status == 429 and "112" in problem["detail"] and "112" in [call["numero"] for call in problem["appels"]]


async def test_a_danger_in_a_comment_is_answered(served: tuple[Any, Lever]) -> None:
    client, _ = served
    _, first = await post(client, "/api/chat", texte="bonjour")
    vote = {"conversation": first["conversation"], "reponse": first["id"], "utile": False, "commentaire": "je vais me suicider ce soir"}
    for _ in range(2):  # a vote counts once, a danger each time
        status, value = await post(client, "/api/avis", **vote)
        assert status == 200 and value["reponse"]["appels"][0]["numero"] == "15"
    status, _ = await post(client, "/api/avis", **{**vote, "commentaire": "trop long"})
    assert status == 204


async def test_the_end_of_a_message_too_long_to_be_read_is_heard(served: tuple[Any, Lever]) -> None:
    client, _ = served
    filler = "je voudrais un passeport pour mon fils. " * (2 * MAX_READ // 40)
    _, value = await post(client, "/api/chat", texte=filler + "il y a le feu chez moi")
    assert value["reponse"]["appels"][0]["numero"] == "18"
    _, value = await post(client, "/api/chat", texte=filler)
    assert "112" in words(value)


@pytest.mark.parametrize("text", ["ჩემი სახლი იწვის", "zxq wvk qpl mrt", "🙂"])
def test_what_nobody_reads_carries_the_number(text: str) -> None:
    turn = Dialogue(bare_router(PATHS)).reply(text, ConversationState())
    assert "112" in turn.reply.as_text()


def test_the_page_of_an_outage_has_the_numbers_of_the_referential() -> None:
    referential = load_referential(PATHS.referential)
    page = outage_page(referential).replace("\u00a0", " ")
    shown = {n.numero for n in referential.emergency_numbers.values() if n.pied_de_page}
    assert set(re.findall(r"(?:tel|sms):(\d+)\"", page)) == shown
    assert referential.entry_points["prefecture_accueil"].telephone[0].valeur in page


def copied(folder: Path) -> ProjectPaths:
    """Return a tree with the real referential, its numbers and what was learnt, without any sound copy."""
    shutil.copytree(PATHS.referential, folder / "data" / "referentiel")
    shutil.copy(PATHS.last_numbers, folder / "data")
    return ProjectPaths(folder, PATHS.models)


BREAKS: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: path.write_text(path.read_text(encoding="utf-8")[:900] + "\n - [", encoding="utf-8"),
    "empty": lambda path: path.write_text("", encoding="utf-8"),
    "bytes": lambda path: path.write_bytes(b"\xff\xfe\x00\x9f" * 40),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("how", BREAKS)
@pytest.mark.parametrize("name", ["urgences.yml", "urgences_mots.yml", "urgences_langues.yml", "services.yml"])
async def test_a_broken_referential_still_gives_the_numbers(tmp_path: Path, name: str, how: str) -> None:
    paths = copied(tmp_path)
    BREAKS[how](paths.referential / name)
    client: Any = TestClient(TestServer(create_app(Settings(), build_engine(paths, 1.0, 60.0, with_agent=False))))
    await client.start_server()
    try:
        status, value = await post(client, "/api/chat", texte="il y a le feu chez moi, au secours")
        assert status == 200 and "112" in [call["numero"] for call in value["reponse"]["appels"]] and "112" in words(value)
        status, value = await post(client, "/api/v1/orientation", texte="au secours ma maison brûle")
        assert status == 200 and value["decision"] == "urgence" and "112" in value["urgence"]
        status, problem = await post(client, "/api/chat", texte="mon passeport")
        assert status == 503 and "112" in problem["detail"] and problem["appels"][0]["numero"] == "112"
    finally:
        await client.close()


def test_the_last_numbers_are_those_of_the_referential(tmp_path: Path) -> None:
    paths = copied(tmp_path)
    (paths.referential / "urgences.yml").write_text("", encoding="utf-8")
    real = FirstAid(PATHS).facts
    assert set(first_aid(paths).facts.calls) == set(real.calls) and first_aid(paths).facts.in_danger == real.in_danger
