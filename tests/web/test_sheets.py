"""A door carried away: its code, its drawing, a reminder, and the page of who takes over."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer
from web_fakes import HOUSING_CODE as CODE
from web_fakes import FakeEngine

from bot.base.paths import project_paths
from bot.base.settings import Settings
from bot.dialogue.door_codes import door_code
from bot.dialogue.wording import Card
from bot.serving.first_aid import FirstAid, TakenOver
from bot.serving.takeover import Said, drawn, fragment
from bot.web.app import create_app
from bot.web.keys import CHAT

Client = TestClient[Any, Any]
AID = FirstAid(project_paths())
PASSPORT = door_code("passeport", "46309", 0b1)


class RealDoors(FakeEngine):
    """Says the same things every time, and knows the doors of the referential besides its own."""

    def card(self, topic: str, commune: str = "", needs: int = 0) -> Card | None:
        return super().card(topic) or AID.card(topic, commune, needs)

    def taken_over(self, code: str) -> TakenOver:
        return super().taken_over(code) if code == CODE else AID.taken_over(code)


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    async with started() as found:
        yield found


@asynccontextmanager
async def started(**settings: Any) -> AsyncIterator[Client]:
    async with TestClient(TestServer(create_app(Settings(**settings), RealDoors()))) as found:
        yield found


async def get(client: Client, path: str, status: int = 200) -> str:
    async with client.get(path) as answer:
        text = await answer.text()
        assert answer.status == status, text
        return text.replace("\u00a0", " ").replace("&nbsp;", " ").replace("&#39;", "'")


async def test_a_card_gives_its_code_spelled_and_a_drawing(client: Client) -> None:
    async with client.post("/api/chat", json={"texte": "logement", "rendu": "html"}) as answer:
        html = (await answer.json())["html"]
    assert f'aria-label="{", ".join(CODE)}">{CODE[:5]}-{CODE[5:]}<' in html
    assert f'src="/reprise/{CODE}.svg" loading="lazy"' in html


async def test_the_drawing_holds_the_words_of_this_conversation_alone_after_the_hash(client: Client) -> None:
    site = f"http://{client.host}:{client.port}/reprise?code={CODE}"
    day = client.app[CHAT].clock().date()  # type: ignore[index]
    async with client.get(f"/reprise/{CODE}.svg") as answer:
        assert answer.content_type == "image/svg+xml" and answer.headers["Cache-Control"] == "no-store"
        assert await answer.read() == drawn(site), "nobody has said anything yet"
    await client.post("/", data={"message": "un logement, ecrivez a zoe@exemple.fr"})
    words = fragment([Said("", "un logement, ecrivez a <courriel>")], day)
    async with client.get(f"/reprise/{CODE}.svg") as answer:
        assert await answer.read() == drawn(f"{site}#{words}")
    async with client.get(f"/reprise/{CODE}.svg?mots=non") as answer:
        assert await answer.read() == drawn(site)
    sheet = await get(client, "/fiche/logement_dalo")
    assert "« un logement, ecrivez a &lt;courriel&gt; »" in sheet and "/fiche/logement_dalo?mots=non" in sheet
    assert "un logement" not in await get(client, "/fiche/logement_dalo?mots=non")
    client.session.cookie_jar.clear()
    async with client.get(f"/reprise/{CODE}.svg") as answer:
        assert await answer.read() == drawn(site), "another visitor's"
    assert "un logement" not in await get(client, "/fiche/logement_dalo")


async def test_the_address_of_the_drawing_is_that_of_the_public_site() -> None:
    async with started(https=True, proxies=1) as client:
        async with client.get(f"/reprise/{CODE}.svg", headers={"X-Forwarded-Host": "assistant.exemple.fr"}) as answer:
            assert await answer.read() == drawn(f"https://assistant.exemple.fr/reprise?code={CODE}")
        for host in ("exemple.fr/x?", "a b", '"><script>', "exemple.fr:999999", "[::1"):
            async with client.get(f"/reprise/{CODE}.svg", headers={"X-Forwarded-Host": host}) as answer:
                assert answer.status == 400, host


async def test_the_agent_sees_the_door_the_commune_and_the_needs(client: Client) -> None:
    page = await get(client, f"/reprise?code={PASSPORT[:5].lower()}+{PASSPORT[5:]}")
    assert "Mairie de Souillac" in page and "Faire ou renouveler un passeport" in page and "« Je ne peux pas téléphoner »" in page
    card = page.partition('class="al-carte"')[2].partition("</article>")[0]
    assert "À apporter" in card and "Appeler le" not in card, "the door bends to the needs here too"
    assert "Je ne peux pas téléphoner" not in await get(client, f"/reprise?code={door_code('passeport', '46309')}")


@pytest.mark.parametrize("typed", [PASSPORT[:-1] + "Z", "x", '"><script>', "a" * 3_000, "%00"])
async def test_a_mistyped_code_is_said_and_kept_in_the_field(client: Client, typed: str) -> None:
    page = await get(client, f"/reprise?code={typed}", 422)
    assert "Ce code a une faute" in page and "<script>" not in page and 'class="al-carte"' not in page
    assert typed != "x" or 'value="x"' in page


async def test_the_page_of_agents_waits_for_a_code(client: Client) -> None:
    page = await get(client, "/reprise")
    assert "Le code de la personne" in page and "aria-invalid" not in page and "Set-Cookie" not in page
    for path in (f"/reprise/{CODE[:-1]}.svg", f"/reprise/{CODE}.png", f"/reprise/{CODE.lower()}.svg"):
        await get(client, path, 404)
    await get(client, "/reprise/0000000001.svg", 422)


async def test_a_reminder_takes_the_day_picked_and_no_other(client: Client) -> None:
    today = client.app[CHAT].clock().date()  # type: ignore[index]
    sheet = await get(client, "/fiche/passeport?commune=46309&besoins=1")
    action = re.search(r'action="(/reprise/\w+\.ics)"', sheet)
    assert action and action.group(1) == f"/reprise/{PASSPORT}.ics" and 'type="date"' in sheet and 'value="20' not in sheet
    async with client.get(f"{action.group(1)}?jour={today}") as answer:
        assert answer.content_type == "text/calendar" and "rappel.ics" in answer.headers["Content-Disposition"]
        assert f"DTSTART;VALUE=DATE:{today:%Y%m%d}" in await answer.text()
    for day in ("", "demain", str(today - timedelta(days=1)), str(date(today.year + 11, 1, 1)), "2026-02-30"):
        assert "Choisissez un jour" in await get(client, f"{action.group(1)}?jour={day}", 422), day


async def test_a_door_without_papers_has_no_reminder(client: Client) -> None:
    bare = next(topic for topic in AID.topics if not AID.card(topic).bring)  # type: ignore[union-attr]
    sheet = await get(client, f"/fiche/{bare}")
    assert ".ics" not in sheet and "Emporter cette réponse" in sheet


@pytest.mark.parametrize("needs", ["x", "-1", "99999", "²", "0"])
async def test_needs_that_make_no_sense_are_left_out(client: Client, needs: str) -> None:
    assert "Appeler le" in await get(client, f"/fiche/logement_dalo?besoins={needs}")


async def test_no_word_of_the_person_is_in_an_address_of_the_page(client: Client) -> None:
    async with client.post("/api/chat", json={"texte": "logement mysterieux", "rendu": "html"}) as answer:
        drawn_answer = json.dumps(await answer.json())
    assert all("mysterieux" not in address for address in re.findall(r'(?:href|src|action)=\\"([^"]*)', drawn_answer))
