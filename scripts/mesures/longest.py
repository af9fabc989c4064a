"""What the longest messages cost: texts of 4,000 characters made to be slow, each answered as the server answers it."""

from __future__ import annotations

import asyncio
import os
import random
import string
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the server

from bot.base.paths import ProjectPaths
from bot.language.spelling import COMMON_WORDS
from bot.serving.chat import Chat
from bot.serving.engine import build_engine
from bot.serving.refusals import Refusal
from bot.serving.sessions import MemorySessions
from scripts.mesures.pages import write_between

START, END = "<!-- longueurs:début -->", "<!-- longueurs:fin -->"
LENGTH = 4_000
"""Characters of a text: what the form takes."""
RUNS = 3
"""Times each kind is sent, with other words where they are drawn: the median tells."""
SHOWN = 8
"""Kinds named in the page, the slowest first."""
Words = Callable[[random.Random], str]
ORDINARY, REQUEST = "ordinaire", "je voudrais refaire ma carte grise, j'ai déménagé à Figeac en juin"

REPEATED: Mapping[str, str] = {
    "a": "a",
    "œ": "œ",
    "espaces et une lettre": " " * 40 + "a",
    "chiffres": "1",
    "chiffres espacés": "1 ",
    "arobases": "a@",
    "arobase écrite": "paul arobase free point ",
    "points": "a. ",
    "virgules": "a, ",
    "« et »": "et ",
    "retours à la ligne": "passeport\n",
    "apostrophes": "l'",
    "-numero": "-numero",
    "presque une balise": "<a",
    "entités": "&amp;",
    "jetons du masquage": "<nom> <telephone> ",
    "presque une adresse": "12 rue de la ",
    "presque un nom": "je m'appelle ",
    "noms": "Jean Martin Paul Durand ",
    "monsieur": "monsieur ",
    "mon fils": "mon fils Léo ",
    "presque un IBAN": "FR76 3000 ",
    "presque une naissance": "né le 1 ",
    "presque un téléphone": "06 12 34 56 ",
    "téléphones": " ".join(("06", "12", "34", "56", "78", "")),
    "presque un dossier": "n° de dossier n° 12",
    "presque une position": "44.4475, ",
    "plaques": "AB-123-CD ",
    "zalgo": "p\u0301\u0302\u0303",
    "formes de compatibilité": "\ufdfa",
    "familles d'emoji": "👨‍👩‍👧‍👦",
    "chinois": "我想换护照",
    "arabe": "أريد تجديد جواز سفري ",
    "cyrillique": "хочу паспорт ",
    "alphabets mêlés": "pаsseроrt ",
    "beaucoup de demandes": "je veux un passeport et une carte grise. ",
    "demandes et virgules": "un permis, une carte grise, un logement, ",
    "dangers évités": "je ne veux pas mourir, ",
    "presque un danger": "il y a le ",
    "mots collés": "jevoudraisunpasseport ",
    "anglais": "i would like to renew my passport please ",
    "français et espagnol": "je quiero una carte por favor ",
}
"""Kinds made of one piece, again and again."""


def _drawn(paths: ProjectPaths) -> Mapping[str, Words]:
    """Return the kinds whose words are drawn: no two are the same."""
    common = (paths.referential / COMMON_WORDS).read_text(encoding="utf-8").splitlines()[100:30_000]
    letters = string.ascii_lowercase

    def slip(word: str, rng: random.Random) -> str:
        at = rng.randrange(len(word))
        return word[:at] + rng.choice(letters) + word[at + 1 :]

    return {
        "mots français tous différents": lambda rng: rng.choice(common) + " ",
        "mots français, une faute chacun": lambda rng: slip(rng.choice(common), rng) + " ",
        "mots français à majuscule": lambda rng: rng.choice(common).capitalize() + " ",
        "mots inventés courts": lambda rng: "".join(rng.choices(letters, k=rng.randint(1, 4))) + " ",
        "mots inventés": lambda rng: "".join(rng.choices(letters, k=rng.randint(5, 18))) + " ",
        "mots inventés longs": lambda rng: "".join(rng.choices(letters, k=rng.randint(40, 400))) + " ",
        "lettres seules": lambda rng: rng.choice(letters) + " ",
        "phrases d'un mot": lambda rng: rng.choice(common) + ". ",
        "phrases de quatre mots": lambda rng: " ".join(rng.choices(common, k=4)) + ". ",
        "mots et virgules": lambda rng: rng.choice(common) + ", ",
        "nombres": lambda rng: f"{rng.randrange(10 ** rng.randint(1, 9))} ",
        "lettres et chiffres": lambda rng: "".join(rng.choices(string.ascii_letters + string.digits, k=rng.randint(2, 12))) + " ",
        "ponctuation": lambda rng: rng.choice(string.punctuation),
        "tout Unicode": lambda rng: chr(rng.randrange(32, 0xD800)),
        "lettres accentuées": lambda rng: rng.choice("àâäéèêëîïôöùûüçœæñãõ ßøł"),
    }


def crafted(paths: ProjectPaths, seed: int = 0, length: int = LENGTH) -> Iterator[tuple[str, str]]:
    """Give each kind of slow text with its name.

    Args:
        paths: the tree, for the list of common words.
        seed: of the words that are drawn.
        length: characters of each text.
    """
    for name, piece in REPEATED.items():
        yield name, (piece * (length // len(piece) + 1))[:length]
    for name, word in _drawn(paths).items():
        rng, text = random.Random(f"{name}{seed}"), ""
        while len(text) < length:
            text += word(rng)
        yield name, text[:length]


async def cost(chat: Chat, text: str) -> float:
    """Return the processor time of one turn, all threads together, in milliseconds."""
    started = time.process_time()
    with suppress(Refusal):  # a text made of tags alone says nothing
        await chat.say(text, None, "")
    return 1000 * (time.process_time() - started)


async def costs(paths: ProjectPaths, with_agent: bool = False, runs: int = RUNS) -> dict[str, float]:
    """Return the median processor time of each kind of text, in milliseconds, the slowest first."""
    engine = build_engine(paths, 60.0, 60.0, with_agent)
    engine._train = None
    await engine.start()
    chat = Chat(engine, MemorySessions(1_000, 60))
    found: dict[str, list[float]] = {}
    try:
        for _, text in crafted(paths, seed=runs, length=500):  # what is loaded at first use is loaded
            await cost(chat, text)
        for run in range(runs):
            for name, text in ((ORDINARY, REQUEST), *crafted(paths, run)):
                found.setdefault(name, []).append(await cost(chat, text))
    finally:
        await engine.stop()
    return dict(sorted(((name, median(times)) for name, times in found.items()), key=lambda row: -row[1]))


def run(paths: ProjectPaths) -> None:
    """Write the slowest kinds between the markers of ``docs/menaces.md``, and print them all."""
    with_agent, plain = (asyncio.run(costs(paths, agent)) for agent in (True, False))
    usual = {name: of.pop(ORDINARY) for name, of in (("agent", with_agent), ("plain", plain))}
    for name, milliseconds in with_agent.items():
        print(f"{milliseconds:7.1f} ms avec l'agent, {plain[name]:7.1f} ms sans  {name}")
    rows = [
        f"| {len(plain)} sortes de textes | processeur avec l'agent | sans l'agent |",
        "|---|---|---|",
        f"| une demande de {len(REQUEST)} caractères, pour comparer | {usual['agent']:.0f} ms | {usual['plain']:.0f} ms |",
        f"| la moitié des sortes | {median(with_agent.values()):.0f} ms | {median(plain.values()):.0f} ms |",
        *(f"| {name} | {with_agent[name]:.0f} ms | {plain[name]:.0f} ms |" for name in [*with_agent][:SHOWN]),
    ]
    write_between(paths.docs / "menaces.md", START, END, rows)
