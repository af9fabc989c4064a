"""From the button « Publier » to the answer that the public gets: a real server with its agent, on a copy of the whole tree."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from bot.base.errors import AssistantError
from bot.base.paths import ProjectPaths
from bot.learning.corpus import read_corpus
from bot.referential import load_referential
from bot.staff.accounts.accounts import Accounts
from bot.staff.editing.corpus_editor import CorpusEditor
from bot.staff.editing.drafts import Drafts
from bot.staff.editing.topic_editor import TopicEditor
from bot.staff.storage import Storage
from scripts.mesures.pages import write_between
from scripts.mesures.processes import free_port, listens, stop, wait_for

START, END = "<!-- publication:début -->", "<!-- publication:fin -->"
TIMES = 3
TOPIC, PHRASE, STEP = "passeport", "le ragondin numéro {} a emporté mon petit carnet bordeaux", "prenez le bac numéro {} à Douelle."
AUTHOR, PASSWORD = "mesure", "un ragondin dans le carnet"
READY_SECONDS = 120.0


def run(paths: ProjectPaths) -> None:
    """Publish a phrase, then a text, three times each, and write the table of ``docs/corpus.md``; about two minutes."""
    with tempfile.TemporaryDirectory(dir=paths.root.parent) as folder:
        tree = Path(folder) / "arbre"
        ignored = shutil.ignore_patterns(".git", ".venv", "var", "models", "tests", "__pycache__")
        shutil.copytree(paths.root, tree, ignore=ignored, symlinks=True)
        shutil.copytree(paths.models, tree / "models", copy_function=os.link, symlinks=True)
        copied = ProjectPaths(tree)
        Accounts(Storage(f"sqlite:///{_made(copied.variable) / 'atelier.db'}")).create(AUTHOR, "administrateur", PASSWORD, AUTHOR)
        public, inside = free_port(), free_port()
        command = [sys.executable, "-m", "bot", "serve", "--port", str(public), "--interne", f"127.0.0.1:{inside}"]
        settings = {"BOT_RACINE": str(tree), "BOT_DEBIT_MINUTE": "0", "BOT_DEBIT_HEURE": "0"}
        process = subprocess.Popen(
            command, env={**os.environ, **settings}, cwd=paths.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            phrases, texts = asyncio.run(_measure(copied, f"http://127.0.0.1:{public}", f"http://127.0.0.1:{inside}"))
        finally:
            stop(process)
    day = f"{datetime.now(UTC):%d/%m/%Y}"
    lines = [f"| publié, puis demandé une fois (le {day}) | du bouton à la réponse |", "|---|---|"]
    for name, found in (("une phrase d'un sujet", phrases), ("le texte d'une fiche", texts)):
        lines.append(f"| {name} | " + " ; ".join(f"{seconds:.1f} s".replace(".", ",") for seconds in found) + " |")
    print("\n".join(lines))
    write_between(paths.root / "docs" / "corpus.md", START, END, lines)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


async def _measure(paths: ProjectPaths, public: str, inside: str) -> tuple[list[float], list[float]]:
    """Return the seconds of each publication: phrases, then texts."""
    wait_for(lambda: all(listens(int(a.rpartition(":")[2])) for a in (public, inside)), READY_SECONDS, "le serveur")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        end = time.monotonic() + READY_SECONDS
        while (await (await client.get(f"{public}/health")).json())["moteur"] != "agent":
            if time.monotonic() > end:
                raise AssistantError("L'agent n'est pas prêt.")
            await asyncio.sleep(0.2)
        await _send(client, f"{inside}/atelier/connexion", nom=AUTHOR, mot_de_passe=PASSWORD)
        phrases, texts = [], []
        for number in range(TIMES):
            phrase, step = PHRASE.format(number), STEP.format(number)
            CorpusEditor(Drafts(paths).open()).add_phrase(TOPIC, phrase, AUTHOR)
            phrases.append(await _published(client, public, inside, phrase, load_referential(paths.referential).topics[TOPIC].libelle))
            editor, known = TopicEditor(Drafts(paths).open()), next(e.text for e in read_corpus(paths.corpus) if e.label == TOPIC)
            editor.edit(TOPIC, {"premier_geste": step}, editor.read(TOPIC).version, AUTHOR)
            texts.append(await _published(client, public, inside, known, step))
    return phrases, texts


async def _published(client: aiohttp.ClientSession, public: str, inside: str, message: str, expected: str) -> float:
    """Press the button, ask once, and return the seconds it took."""
    started = time.monotonic()
    await _send(client, f"{inside}/atelier/brouillon", geste="publier", motif="Mesure du temps de publication.")
    async with client.post(f"{public}/api/v1/orientation", json={"texte": message}) as answer:
        said = await answer.text()
    if expected.rstrip(".") not in said:
        raise AssistantError(f"Le public n'a pas reçu ce qui était publié : {said[:300]}")
    return time.monotonic() - started


async def _send(client: aiohttp.ClientSession, page: str, **fields: str) -> None:
    async with client.get(page) as shown:
        found = re.search(r'name="jeton" value="([^"]+)"', await shown.text())
    if found is None:
        raise AssistantError(f"La page {page} n'a pas de formulaire.")
    async with client.post(page, data={"jeton": found[1], **fields}) as done:
        done.raise_for_status()
