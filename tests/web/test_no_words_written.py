"""Nothing a person writes is ever logged: a real server gets marked messages by every way in, then all that was written is read.

Personal data may be nowhere. Other words may be in the workshop's database, and in the files that wait for it, for the ways in
that teach something (the page, the chat, a comment); those of the partner API may be nowhere either.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

import pytest
from redis import Redis
from web_process import Served, copy_of, free_port
from web_redis import RedisServer

from bot.base.paths import ProjectPaths

ADDRESS = "203.0.113.77"
"""Of the visitor, as a proxy tells it (RFC 5737: an address for documentation)."""
PERSONAL = ("0639981234", "06 39 98 12 34", "zq.marqueur@exemple.fr", "Quercymarque", "zqmotdepasse", ADDRESS)
DATA = "je m'appelle Zoé Quercymarque, 06 39 98 12 34 ou 0639981234, zq.marqueur@exemple.fr"
KEPT = ("zqpage", "zqchat", "zqavis", "zqvague", "zqplante")
NOWHERE = ("zqapi", "zqlot", "zqliste", "zqjson", "zqgros", "zqchemin", "zqentete", "zqbrut", "zqentree", "zqcoupe")
FAIL = """
import bot.routing.router
route = bot.routing.router.Router.route_many
def failing(self, texts, *args, **kwargs):
    for text in texts:
        if "zqplante" in str(text):
            raise ValueError(f"les mots de la personne : {text}")
    return route(self, texts, *args, **kwargs)
bot.routing.router.Router.route_many = failing
"""


def send_everything(server: Served, inside: int) -> None:
    """Write by every way in, rightly and wrongly."""
    seen = {"X-Forwarded-For": ADDRESS, "User-Agent": "zqentete", "Referer": "http://127.0.0.1/zqentete"}
    form = {**seen, "Content-Type": "application/x-www-form-urlencoded"}

    def send(path: str, value: object, headers: Mapping[str, str] = seen) -> tuple[int, str]:
        return server.post(path, json.dumps(value).encode(), headers)

    status, body = send("/api/chat", {"texte": f"je veux refaire mon passeport zqchat {DATA}"})
    assert status == 200
    told = json.loads(body)
    send("/api/chat", {"texte": f"machin zqvague {DATA}", "conversation": told["conversation"]})
    vote = {"conversation": told["conversation"], "reponse": told["id"], "utile": False, "raison": "autre", "commentaire": f"zqavis {DATA}"}
    assert send("/api/avis", vote)[0] == 204
    assert server.post("/", urlencode({"message": f"bidule zqpage {DATA}"}).encode(), form)[0] == 200
    assert send("/api/v1/orientation", {"texte": f"passeport zqapi {DATA}"})[0] == 200
    assert send("/api/v1/orientations", [{"id": "zqlot", "texte": f"passeport zqlot {DATA}"}, {"zqlot": DATA}])[0] == 200
    assert (
        server.post("/api/v1/orientations.csv", f"objet\npasseport zqliste {DATA}\n".encode(), {**seen, "Content-Type": "text/csv"})[0]
        == 200
    )
    cut = "--zqliste"
    pasted = f'{cut}\r\nContent-Disposition: form-data; name="liste"\r\n\r\nobjet\npasseport zqliste {DATA}\r\n{cut}--\r\n'
    server.post("/partenaires", pasted.encode(), {**seen, "Content-Type": "multipart/form-data; boundary=zqliste"})
    server.post("/partenaires", f"zqliste {DATA}".encode(), form)
    for broken in (
        f'{{"texte": "zqjson {DATA}',
        f'["zqjson {DATA}"]',
        f'{{"texte": {{"zqjson": "{DATA}"}}}}',
        f'{{"choix": "zqjson {DATA}"}}',
    ):
        for path in ("/api/chat", "/api/avis", "/api/v1/orientation"):
            assert server.post(path, broken.encode(), seen)[0] in (400, 404, 405, 409, 422)
    with contextlib.suppress(OSError):
        server.post("/api/chat", json.dumps({"texte": f"zqgros {DATA} " + "x" * 300_000}).encode(), seen)
    for path in ("/api/chat", "/"):
        plant = f"zqplante {DATA}"
        if path == "/":
            server.post(path, urlencode({"message": plant}).encode(), form)
        else:
            send(path, {"texte": plant})
    send("/api/v1/orientation", {"texte": f"zqplante {DATA}"})
    server.post(f"/nulle-part/zqchemin/06-39-98-12-34?q={'zqchemin'}&tel=0639981234", b"{}", seen)
    for raw in (
        b"GET /zqbrut 0639981234 zq.marqueur@exemple.fr\r\n\r\n",
        b"ZQBRUT / HTTP/9.9\r\nzqbrut\r\n\r\n",
        b"POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: zqbrut\r\n\r\n0639981234",
        b"POST /api/chat HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzqbrut\r\n0639981234\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; "
        b"boundary=zqbrut\r\nContent-Length: 30\r\n\r\n--zqbrut\r\nzqbrut 0639981234",
    ):
        server.raw(raw)
    with socket.create_connection(("127.0.0.1", server.port)) as leaving:  # leaves in the middle of a message
        leaving.sendall(b'POST /api/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{"texte": "zqcoupe 0639981234')
    staff = Served.__new__(Served)
    staff.port, staff.url = inside, f"http://127.0.0.1:{inside}"
    staff.post("/atelier/connexion", urlencode({"nom": "zqentree", "mot_de_passe": "zqmotdepasse"}).encode(), form)


def everything_written(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and parts[0] not in ("data", "models"):
            yield "/".join(parts), path.read_bytes()


def check(written: Mapping[str, bytes], may_keep: tuple[str, ...]) -> None:
    for name, content in written.items():
        for marker in (*PERSONAL, *NOWHERE, *(() if name.startswith(may_keep) else KEPT)):
            assert marker.encode() not in content, (marker, name)
    log = b"".join(content for name, content in written.items() if name.endswith(".log"))
    assert b"requete" in log and b"ValueError" in log and b"Traceback" not in log
    lines = [line for line in log.decode().splitlines() if line.startswith("{")]
    assert not any("127.0.0.1" in line for line in lines)


@pytest.mark.needs("redis-server")
@pytest.mark.parametrize("base", ["there", "away"])
def test_nothing_personal_is_written_anywhere(base: str, small_tree: ProjectPaths, tmp_path: Path) -> None:
    run(base, copy_of(small_tree, tmp_path / "arbre"), tmp_path, ("--sans-agent",))


@pytest.mark.needs("redis-server")
@pytest.mark.modele
def test_nothing_personal_is_written_with_the_agent(paths: ProjectPaths, router: object, tmp_path: Path) -> None:
    """The whole assistant, Rasa's agent included, on the real model."""
    tree = tmp_path / "arbre"
    tree.mkdir()
    for path in paths.root.iterdir():
        if path.name in {"data", "models", "config.yml", "domain.yml", "endpoints.yml", "credentials.yml", "tests"}:
            (tree / path.name).symlink_to(path)
    run("there", tree, tmp_path, ())


def run(base: str, tree: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    inside = free_port()
    home = tmp_path / "arbre" / "maison"
    home.mkdir()
    settings = {"BOT_MANDATAIRES": "1", "HOME": str(home), "TMPDIR": str(home)}
    if base == "away":
        settings["BOT_BASE"] = "postgresql://personne@127.0.0.1:1/rien"
    redis_server = RedisServer()
    redis_server.start()
    settings["BOT_REDIS"] = redis_server.url
    server = Served(tree, settings, FAIL, (*options, "--interne", f"127.0.0.1:{inside}"))
    server.start()
    try:
        server.wait_ready(180)
        if not options:
            end = time.monotonic() + 120
            while server.health()["agent"] != "pret":
                assert time.monotonic() < end
                time.sleep(0.5)
        send_everything(server, inside)
        time.sleep(1.5)
        written = dict(everything_written(tree))
        client: Redis[bytes] = Redis.from_url(redis_server.url)
        written |= {f"redis/{key!r}": client.dump(key) or b"" for key in client.scan_iter()}
        written |= {f"redis/texte/{key!r}": client.get(key) or b"" for key in client.scan_iter("assistant:conversation:*")}
        assert any(b"zqchat" in content for content in written.values()), "the conversation is there, masked"
        client.close()
        server.kill()
        written |= dict(everything_written(tree))
        check(written, ("var/", "redis/"))
        if base == "there":
            with contextlib.closing(sqlite3.connect(tree / "var" / "atelier.db")) as connection:
                texts = [row[0] for row in connection.execute("SELECT text FROM turns WHERE text IS NOT NULL")]
                texts += [row[0] for row in connection.execute("SELECT comment FROM votes WHERE comment IS NOT NULL")]
            assert any("zqavis" in text and "<telephone>" in text for text in texts), "kept masked: the marks do get there"
        else:
            waiting = b"".join(content for name, content in written.items() if name.startswith("var/attente/"))
            assert b"zqavis" in waiting and b"<telephone>" in waiting
    finally:
        server.stop()
        redis_server.stop()
