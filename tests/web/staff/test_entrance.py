"""Entering the workshop: sessions, tokens, roles, slowed attempts; nobody gets in by another way."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.web.internal import create_internal_app


async def test_everything_leads_to_the_login_and_back(enter: Any) -> None:
    staff = await enter()
    page = await staff.get("/atelier/journal?auteur=ada")
    assert "Entrer dans l'atelier" in page and 'value="/atelier/journal?auteur=ada"' in page
    page = await staff.post("/atelier/connexion", nom="ADA ", mot_de_passe="une phrase facile", suite="/atelier/journal?auteur=ada")
    assert "<h1>Journal</h1>" in page and "ada" in page and "administrateur" in page
    assert "Entrer" not in await staff.get("/atelier/connexion")


@pytest.mark.parametrize("suite", ["https://mal.example/", "//mal.example", "/", "/atelier/connexion", "/atelier/\\mal", "javascript:x"])
async def test_nobody_is_sent_elsewhere_after_the_login(enter: Any, suite: str) -> None:
    staff = await enter()
    await staff.get("/atelier/connexion")
    assert "<h1>L'atelier</h1>" in await staff.post("/atelier/connexion", nom="lea", mot_de_passe="une phrase facile", suite=suite)


async def test_a_wrong_password_and_an_unknown_name_say_the_same(enter: Any) -> None:
    staff = await enter()
    wrong = await staff.enter("lea", "un autre mot de passe", 401)
    unknown = await staff.enter("personne", "un autre mot de passe", 401)
    assert "Nom ou mot de passe incorrect." in wrong
    assert (
        wrong.replace("lea", "X").split("<h1>")[1].split("jeton")[0] == unknown.replace("personne", "X").split("<h1>")[1].split("jeton")[0]
    )


async def test_attempts_are_slowed_with_a_kind_sentence(enter: Any) -> None:
    staff = await enter()
    for _ in range(5):
        await staff.enter("lea", "un autre mot de passe", 401)
    page = await staff.enter("lea", "une phrase facile", 429)
    assert "Attendez" in page and "secondes" in page


async def test_a_disabled_account_is_out_at_once(enter: Any) -> None:
    staff = await enter("lea")
    staff.workshop.accounts.set_active("lea", False, "test")
    assert "Entrer dans l'atelier" in await staff.get("/atelier/")
    assert "incorrect" in await staff.enter("lea", status=401)


async def test_leaving_closes_the_session_on_the_server(enter: Any) -> None:
    staff = await enter("lea")
    kept = {c.key: c.value for c in staff.client.session.cookie_jar}
    assert "Entrer" in await staff.post("/atelier/deconnexion")
    staff.client.session.cookie_jar.update_cookies({"atelier": kept["atelier"]})
    assert "Entrer dans l'atelier" in await staff.get("/atelier/")


async def test_a_form_without_its_token_is_refused(enter: Any) -> None:
    staff = await enter("lea")
    for token in ("", "faux", staff.token[:-1]):
        async with staff.client.post("/atelier/deconnexion", data={"jeton": token}) as answer:
            assert answer.status == 403
    assert "<h1>L'atelier</h1>" in await staff.get("/atelier/")


@pytest.mark.parametrize("headers", [{"Origin": "https://mal.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_another_site_cannot_send_a_form(enter: Any, headers: dict[str, str]) -> None:
    staff = await enter("lea")
    async with staff.client.post("/atelier/deconnexion", data={"jeton": staff.token}, headers=headers) as answer:
        assert answer.status == 403
    async with staff.client.post("/atelier/deconnexion", json={"jeton": staff.token}) as answer:
        assert answer.status == 415


async def test_a_form_sent_by_nobody_is_refused(enter: Any) -> None:
    staff = await enter()
    async with staff.client.post("/atelier/deconnexion", data={"jeton": "x"}, allow_redirects=False) as answer:
        assert answer.status == 403 and "session est finie" in await answer.text()


async def test_roles_close_pages_and_menu(enter: Any) -> None:
    staff = await enter("remi")
    page = await staff.get("/atelier/")
    assert "/atelier/journal" not in page
    assert "Votre rôle ne permet pas cela" in await staff.get("/atelier/journal", 403)


async def test_headers_and_cookies_are_strict(enter: Any) -> None:
    staff = await enter()
    async with staff.client.get("/atelier/connexion") as answer:
        policy = answer.headers["Content-Security-Policy"]
        cookie = answer.headers["Set-Cookie"]
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Server" not in answer.headers


async def test_over_https_the_cookie_has_its_strongest_form(workshop: Any) -> None:
    https = replace(workshop, settings=replace(workshop.settings, https=True))
    async with TestClient(TestServer(create_internal_app(https))) as client:
        async with client.get("/atelier/connexion", headers={"Host": "atelier.exemple.fr"}) as answer:
            cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-atelier-entree=") and "Secure" in cookie
        async with client.get("/atelier/connexion", headers={"Host": "localhost:8001"}) as answer:
            assert answer.headers["Set-Cookie"].startswith("atelier-entree=")


async def test_in_clear_from_another_machine_staff_are_warned(enter: Any) -> None:
    staff = await enter()
    async with staff.client.get("/atelier/connexion", headers={"Host": "atelier.exemple.fr"}) as answer:
        assert "pas protégée" in await answer.text()
    assert "pas protégée" not in await staff.get("/atelier/connexion")


async def test_an_unknown_page_and_a_failure_are_kind(enter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    staff = await enter("ada")
    assert "Cette page n'existe pas." in await staff.get("/atelier/rien", 404)

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("motsecret")

    monkeypatch.setattr("bot.staff.accounts.audit.entries", fail)
    page = await staff.get("/atelier/journal", 500)
    assert "motsecret" not in page and "Quelque chose n'a pas marché" in page


async def test_without_its_database_the_workshop_says_so(enter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    staff = await enter("ada")
    from bot.base.errors import StorageError

    def away(*_: Any) -> None:
        raise StorageError("La base de l'atelier ne répond pas. Réessayez dans un moment.")

    monkeypatch.setattr(staff.workshop.accounts, "session", away)
    assert "ne répond pas" in await staff.get("/atelier/", 503)


async def test_the_measures_are_given_while_the_database_hangs(workshop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def measures(_: web.Request) -> web.Response:
        return web.Response(text="assistant 1")

    let_go = threading.Event()
    monkeypatch.setattr(workshop.accounts, "session", lambda _secret: let_go.wait(10) and None)
    client: Any = TestClient(TestServer(create_internal_app(workshop, routes=[web.get("/metrics", measures)])))
    await client.start_server()
    try:
        stuck = asyncio.create_task(client.get("/atelier/connexion"))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(2), client.get("/metrics") as answer:
            assert await answer.text() == "assistant 1" and not stuck.done()
        let_go.set()
        assert (await stuck).status == 200
    finally:
        await client.close()


async def test_the_journal_lists_and_verifies(enter: Any) -> None:
    staff = await enter("ada")
    page = await staff.get("/atelier/journal?action=compte_cree")
    assert page.count("a créé un compte</td>") == 3 and "console (root)" in page
    assert "intact" in await staff.get("/atelier/journal?verifier=1")
    with staff.workshop.storage.write() as connection:
        connection.exec_driver_sql("UPDATE audit SET actor = 'autre' WHERE id = 2")
    assert "casse à la ligne 2" in await staff.get("/atelier/journal?verifier=1")
    assert "Aucune ligne" in await staff.get("/atelier/journal?auteur=<script>")


async def test_one_changes_ones_own_password(enter: Any) -> None:
    staff, other = await enter("lea"), await enter("lea")
    await staff.get("/atelier/compte")
    good = {"actuel": "une phrase facile", "nouveau": "une autre phrase", "encore": "une autre phrase"}
    assert "différents" in await staff.post("/atelier/compte", 422, **{**good, "encore": "encore une autre"})
    assert "n'est pas celui-là" in await staff.post("/atelier/compte", 422, **{**good, "actuel": "faux mot de passe"})
    assert "au moins 12" in await staff.post("/atelier/compte", 422, **{**good, "nouveau": "court", "encore": "court"})
    assert "Votre mot de passe est changé" in await staff.post("/atelier/compte", **good)
    assert "Entrer dans l'atelier" in await other.get("/atelier/")
    assert "<h1>L'atelier</h1>" in await staff.enter("lea", "une autre phrase")


async def test_guessing_from_an_open_session_is_slowed_too(enter: Any) -> None:
    staff = await enter("lea")
    await staff.get("/atelier/compte")
    wrong = {"actuel": "faux mot de passe", "nouveau": "une autre phrase", "encore": "une autre phrase"}
    for _ in range(5):
        await staff.post("/atelier/compte", 422, **wrong)
    assert "Attendez" in await staff.post("/atelier/compte", 429, **{**wrong, "actuel": "une phrase facile"})
