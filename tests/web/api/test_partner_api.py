"""The partner API over HTTP: one message, batches, lists, referential, keys, limits, and what goes wrong."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
import logging
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.dialogue.dialogue import Dialogue
from bot.routing.router import Router
from bot.staff.accounts.api_keys import JsonKeyStore, create_key, revoke_key
from bot.web.journal import JsonFormatter

ONE, MANY, LIST = "/api/v1/orientation", "/api/v1/orientations", "/api/v1/orientations.csv"
SITE = "https://www.mairie.example"


async def send(client: Any, body: Any, path: str = ONE, **headers: str) -> tuple[int, Any, Any]:
    async with client.post(path, json=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None), answer.headers


async def lines(client: Any, data: Any, kind: str = "application/x-ndjson") -> list[dict[str, Any]]:
    async with client.post(MANY, data=data, headers={"Content-Type": kind}) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "application/x-ndjson"
        return [json.loads(line) for line in (await answer.text()).splitlines()]


# --- one message


async def test_a_partner_gets_the_lead_service_the_pieces_and_a_functional_contact(serve: Any) -> None:
    client = await serve()
    status, value, headers = await send(client, {"id": "m1", "texte": "refaire le toit", "profil": "partenaire", "commune": "Figeac"})
    assert status == 200 and headers["Cache-Control"] == "no-store" and "Set-Cookie" not in headers
    assert (value["id"], value["texte"], value["profil"], value["decision"]) == ("m1", "refaire le toit", "partenaire", "orienter")
    assert value["destinations"][0]["sujet"] == "travaux_abords_monument" and value["niveau"] == "sujet"
    assert value["commune"]["code_insee"] == "46102"
    (card,) = value["cartes"]
    assert card["premier_geste"] == "Déposez votre dossier à la mairie, qui le transmet."
    assert card["contact"]["telephones"] and card["entree_unique"]["telephones"]
    assert card["contact_service"]["nom"].startswith("Unité départementale")
    assert card["services_associes"][0]["service"] == "equipement_agriculture"
    assert card["nom_actuel"].endswith("(UDAP)") and card["source"] and card["verifie_le"]
    for words in ("Service chef de file : Le service architecture", "Services associés : ", "Entrée unique : ", "Nom actuel du service : "):
        assert words in value["reponse"], words


async def test_a_citizen_reads_other_words(serve: Any) -> None:
    client = await serve()
    _, value, _ = await send(client, {"texte": "refaire le toit"})
    assert value["id"] is None and value["profil"] is None and value["cartes"][0]["contact_service"] is None
    assert "chef de file" not in value["reponse"] and "Je suis un programme" in value["reponse"]


async def test_a_question_gives_choices_and_no_card(serve: Any) -> None:
    client = await serve()
    _, value, _ = await send(client, {"texte": "mes coqs", "profil": "citoyen"})
    assert value["decision"] == "clarifier" and value["question"] and value["cartes"] == []
    assert {c["id"] for c in value["choix"]} >= {d["sujet"] for d in value["destinations"]}


async def test_two_calls_share_nothing(serve: Any) -> None:
    client = await serve()
    first = await send(client, {"texte": "xyzzy"})
    for _ in range(3):
        assert (await send(client, {"texte": "xyzzy"}))[1] == first[1], "no count of failures from one call to the next"


@pytest.mark.parametrize("given", ["Figeac", "FIGEAC", " figeac ", "46102"])
async def test_a_commune_is_known_by_its_name_or_its_code(serve: Any, given: str) -> None:
    client = await serve()
    _, value, _ = await send(client, {"texte": "passeport à Cahors", "commune": given})
    assert value["commune"]["nom"] == "Figeac", "the field wins over the text"


async def test_a_commune_outside_is_said(serve: Any) -> None:
    client = await serve()
    _, value, _ = await send(client, {"texte": "passeport", "commune": "Toulouse"})
    assert value["commune"]["departement"] == "31" and "Toulouse n'est pas dans le Lot" in value["reponse"]


async def test_an_unknown_commune_is_refused_with_a_hint_but_never_an_emergency(serve: Any) -> None:
    client = await serve()
    status, problem, headers = await send(client, {"texte": "passeport", "commune": "Figeacq"})
    assert status == 422 and headers["Content-Type"].startswith("application/problem+json")
    assert "« Figeacq »" in problem["detail"] and "« Figeac » (46102)" in problem["detail"]
    status, value, _ = await send(client, {"texte": "mon fils ne respire plus", "commune": "Figeacq"})
    assert status == 200 and value["urgence"][0] == "15" and value["appels"][0]["numero"] == "15" and value["consigne"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        ("{", "application/json", 400, "colonne"),
        ('{"texte": NaN}', "application/json", 400, "JSON"),
        (b"\xff\xfe", "application/json", 400, "."),
        ("[" * 5000, "application/json", 400, "JSON"),
        ("[]", "application/json", 422, "objet JSON"),
        ("{}", "application/json", 422, "« texte »"),
        ('{"texte": null}', "application/json", 422, "« texte »"),
        ('{"texte": 3}', "application/json", 422, "chaîne"),
        ('{"texte": "  "}', "application/json", 422, "vide"),
        ('{"texte": "a", "profil": "maire"}', "application/json", 422, "citoyen, partenaire, agent"),
        ('{"texte": "a", "commune": 46102}', "application/json", 422, "« commune »"),
        ('{"texte": "a", "id": true}', "application/json", 422, "« id »"),
        ('{"texte": "a", "id": [1]}', "application/json", 422, "« id »"),
        ("texte=a", "application/x-www-form-urlencoded", 415, "application/json"),
        ('{"texte": "%s"}' % ("a" * 140_000), "application/json", 413, "128 kilo-octets"),
    ],
)
async def test_bad_input_is_told_in_one_shape(serve: Any, body: Any, kind: str, status: int, words: str) -> None:
    client = await serve()
    async with client.post(ONE, data=body, headers={"Content-Type": kind}) as answer:
        problem = await answer.json(content_type="application/problem+json")
        assert (answer.status, problem["status"]) == (status, status) and words in problem["detail"]
        assert problem["instance"] == f"urn:requete:{answer.headers['X-Request-Id']}"
        assert set(problem) == {"type", "title", "status", "detail", "instance", "appels"}


async def test_a_body_that_comes_too_slowly_is_refused(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.web.api.bodies.BODY_SECONDS", 0.1)
    client = await serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(f"POST {ONE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n".encode())
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


@pytest.mark.parametrize("text", ["\ud83d", "\x00", "é" * 20_000, "مرحبا كيف الحال", "🙂", "=1+1", "<script>"])
async def test_any_text_gets_an_answer(serve: Any, text: str) -> None:
    client = await serve()
    async with client.post(ONE, data=json.dumps({"texte": text}), headers={"Content-Type": "application/json"}) as answer:
        value = await answer.json()
    assert answer.status == (422 if text == "\x00" else 200)
    assert value.get("reponse") or value.get("detail")


async def test_while_it_loads_emergencies_are_answered_and_the_rest_is_told_to_wait(serve: Any) -> None:
    release = threading.Event()

    def load() -> Any:
        release.wait(10)
        raise ImportError("sklearn")

    client = await serve(load, wait=False)
    try:
        status, value, _ = await send(client, {"texte": "au secours la maison brûle", "profil": "partenaire"})
        assert status == 200 and value["decision"] == "urgence" and "18" in value["urgence"]
        status, problem, headers = await send(client, {"texte": "passeport"})
        assert status == 503 and headers["Retry-After"] and problem["status"] == 503
        for path in ("/api/v1/referentiel", "/api/v1/guichets"):
            async with client.get(path) as answer:
                assert answer.status == 503
        async with client.post(MANY, json=[{"texte": "passeport"}]) as answer:
            assert answer.status == 503
        first, second = await lines(client, '{"texte": "passeport"}\n{"texte": "la maison brûle"}')
        assert first["erreur"] and second["urgence"]
        async with client.post(LIST, data="objet\ntoit\n", headers={"Content-Type": "text/csv"}) as answer:
            assert answer.status == 503
    finally:
        release.set()


async def test_without_a_model_nothing_is_guessed(serve: Any, bare_router: Router) -> None:
    client = await serve(lambda: Dialogue(bare_router))
    assert (await send(client, {"texte": "passeport"}))[0] == 503
    assert (await send(client, {"texte": "la maison brûle"}))[1]["decision"] == "urgence"
    async with client.get("/api/v1/referentiel") as answer:
        assert answer.status == 200


# --- batches


async def test_a_batch_keeps_its_order_and_bad_lines_stop_nothing(serve: Any) -> None:
    client = await serve()
    body = (
        '\ufeff{"id": 1, "texte": "refaire le toit"}\n\n{oups\n{"id": "c"}\n'
        '{"id": 4, "texte": "passeport", "commune": "Nulle-Part-Ville"}\n'
    )
    body += '{"id": 5, "texte": "mon fils ne respire plus", "profil": "citoyen"}\r\n{"id": 6, "texte": "passeport", "profil": "partenaire"}'
    rows = await lines(client, body.encode())
    assert [row["id"] for row in rows] == [1, None, "c", 4, 5, 6]
    assert [("erreur" in row) for row in rows] == [False, True, True, True, False, False]
    assert rows[1]["ligne"] == 2 and "JSON" in rows[1]["erreur"] and rows[3]["ligne"] == 4 and "commune" in rows[3]["erreur"]
    assert rows[4]["urgence"][0] == "15" and rows[5]["profil"] == "partenaire"


async def test_an_array_is_a_batch_too(serve: Any) -> None:
    client = await serve()
    rows = await lines(client, json.dumps([{"id": "a", "texte": "le PLU"}, 3, {"id": {}, "texte": "x"}]), "application/json")
    assert rows[0]["destinations"] and "objet JSON" in rows[1]["erreur"] and rows[2]["id"] is None


async def test_one_and_many_say_the_same(serve: Any) -> None:
    client = await serve()
    texts = ["refaire le toit", "mes coqs", "passeport", "bonjour", "xyzzy", "la maison brûle", "les impots à Toulouse"] * 6
    many = await lines(client, "\n".join(json.dumps({"texte": text, "profil": "partenaire"}) for text in texts))
    for text, row in zip(texts[:7], many[:7], strict=True):
        assert row == (await send(client, {"texte": text, "profil": "partenaire"}))[1]
    assert [row["texte"] for row in many] == texts


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("", "application/x-ndjson", 422),
        ("[]", "application/json", 422),
        ("{}", "application/json", 422),
        ("[1", "application/json", 400),
        ("x\n" * 1001, "application/x-ndjson", 422),
        ("x", "text/plain", 415),
        ("x" * 4_300_000, "application/x-ndjson", 413),
    ],
)
async def test_a_batch_that_cannot_be_read_is_refused_whole(serve: Any, body: str, kind: str, status: int) -> None:
    client = await serve()
    async with client.post(MANY, data=io.BytesIO(body.encode()), headers={"Content-Type": kind}) as answer:
        assert answer.status == status and answer.content_type == "application/problem+json"


class Gate:
    """A router that stops before each batch until it is let through."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self.started = 0
        self.through = threading.Semaphore(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._router, name)

    def route_many(self, texts: Any, profile: Any = None) -> Any:
        self.started += 1
        assert self.through.acquire(timeout=10)
        return self._router.route_many(texts, profile)


def gated(router: Router) -> tuple[Gate, Any]:
    gate = Gate(router)
    return gate, lambda: Dialogue(gate)  # type: ignore[arg-type]


async def test_answers_come_as_they_are_ready_and_the_loop_stays_free(serve: Any, api_router: Router) -> None:
    gate, load = gated(api_router)
    gate.route = api_router.route  # type: ignore[attr-defined]
    client = await serve(load)
    body = "\n".join(json.dumps({"id": i, "texte": "refaire le toit"}) for i in range(40))
    gate.through.release()
    async with client.post(MANY, data=body, headers={"Content-Type": "application/x-ndjson"}) as answer:
        first = json.loads(await asyncio.wait_for(answer.content.readline(), 5))
        assert first["id"] == 0, "the first line is here while the second batch waits"
        async with client.get("/health") as health:
            assert health.status == 200
        gate.through.release(3)
        rest = (await answer.text()).splitlines()
        assert [json.loads(line)["id"] for line in rest] == list(range(1, 40))


async def test_the_work_stops_when_the_caller_leaves(serve: Any, api_router: Router) -> None:
    gate, load = gated(api_router)
    gate.route = api_router.route  # type: ignore[attr-defined]
    client = await serve(load)
    body = "\n".join(json.dumps({"id": i, "texte": "refaire le toit"}) for i in range(320))
    gate.through.release()
    answer = await client.post(MANY, data=body, headers={"Content-Type": "application/x-ndjson"})
    await asyncio.wait_for(answer.content.readline(), 5)
    answer.close()
    await asyncio.sleep(0.1)
    for _ in range(20):
        gate.through.release()
        await asyncio.sleep(0.02)
    assert gate.started < 5, "twenty batches were asked for"
    assert (await send(client, {"texte": "refaire le toit"}))[0] == 200


async def test_a_failure_in_the_middle_cuts_the_answer(serve: Any, api_router: Router) -> None:
    class Failing(Gate):
        def route_many(self, texts: Any, profile: Any = None) -> Any:
            from bot.serving.engine import EngineError

            self.started += 1
            if self.started > 1:
                raise EngineError("plus rien")
            return self._router.route_many(texts, profile)

    failing = Failing(api_router)
    client = await serve(lambda: Dialogue(failing))  # type: ignore[arg-type]
    failing.started = 0
    body = "\n".join(json.dumps({"texte": "refaire le toit"}) for _ in range(40))
    with pytest.raises(aiohttp.ClientError):
        async with client.post(MANY, data=body, headers={"Content-Type": "application/x-ndjson"}) as answer:
            await answer.text()


# --- lists


def table(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))


async def test_a_list_comes_back_with_its_columns_and_ours(serve: Any) -> None:
    client = await serve()
    raw = 'N°,Objet\n1,"Réfection du toit, côté rue"\n2,=HYPERLINK(A1)\n3,xyzzy\n'.encode("cp1252")
    async with client.post(f"{LIST}?profil=partenaire", data=raw, headers={"Content-Type": "text/csv"}) as answer:
        assert answer.status == 200 and answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert 'filename="orientations.csv"' in answer.headers["Content-Disposition"]
        rows = table((await answer.read()).decode())
    assert rows[0]["N°"] == "1" and rows[0]["Objet"] == "Réfection du toit, côté rue"
    assert rows[0]["service"] == "Le service architecture et patrimoine" and rows[0]["a_relire"] == "non"
    assert rows[1]["Objet"] == "'=HYPERLINK(A1)" and rows[2]["a_relire"] == "oui"


async def test_a_list_may_be_an_uploaded_file(serve: Any) -> None:
    client = await serve()
    form = aiohttp.FormData()
    form.add_field("profil", "partenaire")
    form.add_field("fichier", b"texte\trang\nrefaire le PLU\t1\n", filename="liste.csv", content_type="text/csv")
    async with client.post(LIST, data=form) as answer:
        (row,) = table((await answer.read()).decode())
    assert row["rang"] == "1" and row["sujet"]


@pytest.mark.parametrize(
    ("data", "kind", "query", "status", "words"),
    [
        ("a;b\n1;2\n", "text/csv", "", 422, "« objet »"),
        ("objet\n", "text/csv", "", 422, "aucune ligne"),
        ("objet\n" + "x\n" * 1001, "text/csv", "", 422, "plus de 1000 lignes"),
        ("objet\nx\n", "text/csv", "?profil=maire", 422, "« profil »"),
        ("x", "application/pdf", "", 415, "text/csv"),
        ("x", "multipart/form-data", "", 400, "."),
        ("x", "multipart/form-data; boundary=b", "", 400, "."),
        ('--b\r\nContent-Disposition: form-data; name="{\x16}"\r\n\r\nx\r\n--b--\r\n', "multipart/form-data; boundary=b", "", 400, "."),
        ('--b\r\nContent-Disposition: form-data; name="autre"\r\n\r\nx\r\n--b--\r\n', "multipart/form-data; boundary=b", "", 422, "vide"),
    ],
)
async def test_a_list_that_cannot_be_read_is_told(serve: Any, data: str, kind: str, query: str, status: int, words: str) -> None:
    client = await serve()
    async with client.post(f"{LIST}{query}", data=data, headers={"Content-Type": kind}) as answer:
        problem = await answer.json(content_type="application/problem+json")
        assert answer.status == status and words in problem["detail"]


# --- referential


async def test_the_referential_is_whole_tagged_and_zipped(serve: Any, referential: Any) -> None:
    client = await serve()
    plain = {"Accept-Encoding": "identity"}
    async with client.get("/api/v1/referentiel", headers=plain) as answer:
        value, tag = await answer.json(), answer.headers["ETag"]
        assert answer.headers["Cache-Control"].startswith("public") and answer.headers["Vary"] == "Accept-Encoding, Origin"
    assert not tag.startswith("W/") and {s["id"] for s in value["sujets"]} == set(referential.topics)
    assert {s["id"] for s in value["services"]} == set(referential.services) and len(value["guichets"]) == len(referential.entry_points)
    figeac = next(c for c in value["communes"] if c["code_insee"] == "46102")
    assert figeac["arrondissement"] == "Figeac" and len(value["communes"]) > 300 and value["glossaire"] and value["urgences"]
    async with client.get("/api/v1/referentiel", headers={**plain, "If-None-Match": tag}) as answer:
        assert answer.status == 304 and await answer.read() == b"" and answer.headers["ETag"] == tag
    async with client.get("/api/v1/referentiel", headers={**plain, "If-None-Match": '"autre"'}) as answer:
        assert answer.status == 200
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        async with session.get(client.make_url("/api/v1/referentiel"), headers={"Accept-Encoding": "gzip"}) as answer:
            body = await answer.read()
            assert answer.headers["Content-Encoding"] == "gzip" and answer.headers["ETag"] != tag
            assert json.loads(gzip.decompress(body)) == value and len(body) < 200_000
        async with session.get(client.make_url("/api/v1/referentiel"), headers={"Accept-Encoding": "gzip;q=0"}) as answer:
            assert "Content-Encoding" not in answer.headers


async def test_one_topic_and_the_desks(serve: Any) -> None:
    client = await serve()
    async with client.get("/api/v1/referentiel/sujets/secteur_sauvegarde") as answer:
        sheet = await answer.json()
    assert sheet["sujet"]["partenaire"]["premier_geste"] and sheet["service"]["id"] == "architecture_patrimoine"
    assert sheet["guichet"]["id"] == sheet["sujet"]["guichet"] and sheet["delegation"]["id"] == "territoire"
    async with client.get("/api/v1/referentiel/sujets/inconnu") as answer:
        assert answer.status == 404 and "referentiel" in (await answer.json(content_type=None))["detail"]
    async with client.get("/api/v1/guichets") as answer:
        assert any(g["guichet_unique"] for g in (await answer.json())["guichets"])


async def test_another_referential_gives_another_document(serve: Any, api_dialogue: Dialogue, make_router: Any) -> None:
    other = Dialogue(make_router({}))
    changed = other.referential.copy(update={"topics": dict(list(other.referential.topics.items())[1:])})
    dialogue = Dialogue(api_dialogue.router)
    client = await serve(lambda: dialogue)
    async with client.get("/api/v1/referentiel") as answer:
        before = answer.headers["ETag"]
    dialogue.referential = changed
    async with client.get("/api/v1/referentiel", headers={"If-None-Match": before}) as answer:
        assert answer.status == 200 and answer.headers["ETag"] != before


# --- keys, limits, other sites, logs


async def test_a_key_has_its_own_limit_and_stops_when_revoked(serve: Any, tmp_path: Path) -> None:
    path = tmp_path / "cles.json"
    now = datetime.now(UTC)
    client = await serve(per_minute=1, per_hour=100, keys_file=str(path))
    key, record = create_key(JsonKeyStore(path), "Mairie", 3, now)
    bearer = {"Authorization": f"Bearer {key}"}
    assert [(await send(client, {"texte": "bonjour"}))[0] for _ in range(2)] == [200, 429]
    assert [(await send(client, {"texte": "bonjour"}, **bearer))[0] for _ in range(4)] == [200, 200, 200, 429]
    revoke_key(JsonKeyStore(path), record.id, now)
    status, problem, headers = await send(client, {"texte": "bonjour"}, **bearer)
    assert status == 401 and headers["WWW-Authenticate"].startswith("Bearer") and "clé" in problem["detail"]


@pytest.mark.parametrize("header", ["Bearer cle_00000000_" + "a" * 43, "Bearer", "Basic abc", "", "Bearer é"])
@pytest.mark.parametrize("path", ["/api/v1/guichets", "/api/openapi.json"])
async def test_a_wrong_key_is_refused_with_or_without_keys(serve: Any, tmp_path: Path, header: str, path: str) -> None:
    for keys_file in ("", str(tmp_path / "cles.json")):
        client = await serve(keys_file=keys_file)
        async with client.get(path, headers={"Authorization": header}) as answer:
            assert answer.status == 401 and answer.content_type == "application/problem+json"


async def test_wrong_keys_are_not_tried_without_end(serve: Any) -> None:
    client = await serve(per_minute=3)
    statuses = []
    for number in range(5):
        async with client.get("/api/v1/guichets", headers={"Authorization": f"Bearer cle_{number:08d}_{'a' * 43}"}) as answer:
            statuses.append(answer.status)
    assert statuses == [401, 401, 401, 429, 429]


async def test_keys_that_cannot_be_read_open_nothing(serve: Any, tmp_path: Path) -> None:
    (tmp_path / "cles.json").write_text("abîmé")
    client = await serve(keys_file=str(tmp_path / "cles.json"))
    assert (await send(client, {"texte": "bonjour"}, Authorization="Bearer cle_00000000_" + "a" * 43))[0] == 503
    assert (await send(client, {"texte": "bonjour"}))[0] == 200


async def test_a_batch_counts_one_message_for_twenty_lines(serve: Any) -> None:
    client = await serve(per_minute=3)
    body = "\n".join('{"texte": "bonjour"}' for _ in range(41))
    assert len(await lines(client, body)) == 41
    status, _, headers = await send(client, {"texte": "bonjour"})
    assert status == 429 and int(headers["Retry-After"]) > 0


async def test_an_allowed_site_may_call_and_another_may_not(serve: Any) -> None:
    client = await serve(hosts=(SITE,))
    for path in (ONE, MANY, LIST, "/api/v1/referentiel"):
        async with client.options(path, headers={"Origin": SITE, "Access-Control-Request-Method": "POST"}) as answer:
            assert answer.status == 204 and answer.headers["Access-Control-Allow-Origin"] == SITE
            assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
        async with client.options(path, headers={"Origin": "https://mechant.example"}) as answer:
            assert answer.status == 403 and "Access-Control-Allow-Origin" not in answer.headers
    status, _, headers = await send(client, {"texte": "bonjour"}, Origin=SITE)
    assert status == 200 and headers["Access-Control-Allow-Origin"] == SITE and "ETag" in headers["Access-Control-Expose-Headers"]
    assert (await send(client, {"texte": "bonjour"}, Origin="https://mechant.example"))[0] == 403


async def test_the_log_holds_no_word_and_no_key(serve: Any, caplog: pytest.LogCaptureFixture) -> None:
    client = await serve()
    caplog.set_level(logging.DEBUG)
    await send(client, {"texte": "motsecret passeport", "commune": "communesecrete"})
    await send(client, {"texte": "motsecret"}, Authorization="Bearer clesecrete")
    await lines(client, '{"texte": "motsecret"}\n{"id": "motsecret"}')
    async with client.post(f"{LIST}?profil=motsecret", data="objet\nmotsecret\n", headers={"Content-Type": "text/csv"}):
        pass
    text = "\n".join(JsonFormatter().format(record) for record in caplog.records if record.name.startswith("bot"))
    assert '"/api/v1/orientation"' in text and "secret" not in text and "127.0.0.1" not in text


# --- the page of lists


async def test_the_page_of_lists_works_without_a_script(serve: Any) -> None:
    client = await serve()
    async with client.get("/partenaires") as answer:
        page = await answer.text()
        assert answer.status == 200 and "<script" not in page and 'enctype="multipart/form-data"' in page
    for form in ({"liste": "refaire le toit\nle PLU\n"}, {"liste": "n\tobjet\n1\trefaire le toit\n2\tle PLU\n"}):
        data = aiohttp.FormData(form)
        data.add_field("fichier", b"", filename="", content_type="application/octet-stream")
        async with client.post("/partenaires", data=data) as answer:
            assert answer.status == 200 and "attachment" in answer.headers["Content-Disposition"]
            assert [row["a_relire"] for row in table((await answer.read()).decode())] == ["non", "non"]


async def test_the_page_gives_back_what_was_pasted_when_it_cannot_answer(serve: Any) -> None:
    client = await serve(per_minute=3)

    async def post(data: Any) -> tuple[int, str]:
        form = aiohttp.FormData()
        form.add_field("liste", data)
        form.add_field("fichier", b"PK\x03\x04" if data == "zip" else b"", filename="l.xlsx", content_type="application/zip")
        async with client.post("/partenaires", data=form) as answer:
            return answer.status, await answer.text()

    status, page = await post("  ")
    assert status == 422 and 'role="alert"><p>Votre liste est vide' in page
    status, page = await post("zip")
    assert status == 422 and "classeur" in page and "zip</textarea>" in page
    status, page = await post("gardez <moi>\n" * 1001)
    assert status == 422 and "gardez &lt;moi&gt;" in page
    status, page = await post("gardez-moi")
    assert status == 429 and "gardez-moi</textarea>" in page
    async with client.post("/partenaires", data={"liste": "x"}) as answer:
        assert answer.status in {415, 429} and "<form" in await answer.text()
