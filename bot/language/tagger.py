"""Tell, word by word, what leads to someone and has no shape of its own: names, addresses, dates of birth, file numbers, pseudonyms.

A linear-chain CRF (Lafferty, McCallum and Pereira, 2001) over what a word looks like, the lists it is in and its neighbours, read with
numpy alone: features are hashed to the rows of one table of weights (Weinberger et al., 2009). Learnt by :mod:`bot.learning.masking`.
"""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bot.base.paths import project_paths
from bot.language.cleaning import strip_accents
from bot.language.words import FOLDER, read_pairs, read_words

WEIGHTS = FOLDER / "masquage.npz"
SENSES = FOLDER / "sens_des_mots.npz"
"""Groups of words of near meaning, by the CRC-32 of the word: see scripts/sens_des_mots.py."""
OUTSIDE = "-"
"""Tag of a word that leads to no one."""
_TOKEN = re.compile(
    r"<[a-z_]+>|\n|(?:[dlmnstcj]|(?:jus|lors|puis|quel)?qu)['’](?=\w)|[^\W\d_]+(?:[-'’][^\W\d_]+)*(?![^\W_])|\d+(?![^\W_])|[^\W_]+|[^\w\s]|_",
    re.IGNORECASE,
)
_RANKS = (300, 1_500, 6_000, 20_000)
BAG = 7
"""Words before of which the order does not count; half as many after."""
_LONGEST_PLACE, _LONGEST_WAY, _LONGEST_RUN, _LONGEST_CUE = 5, 9, 24, 5
"""Tokens in the name of a commune, after the number of a street, in a row of figures, and after a word that tells what follows."""
_HOUSE = frozenset({"1", "2", "3", "4", "year"})
_SIGNS = frozenset("-./ _:*·")
BITS = 17
"""The table of weights has 2 to this power rows."""
_REACH = 4
"""Tokens read on each side, in order."""
NAME, KIND, ME, SENSE, LETTERS, (PLACE, RUN, FIGURES, WAY, NEAR_WAY, CUE, FAR_CUE, GLUE), STYLE, SIZE = 0, 1, 2, 3, 4, range(13, 21), 21, 22
FIELDS = 23
"""What is known of a token: by itself (nine fields for its letters), by its neighbours, by the message."""
_ECHO = 14
"""How far what is found of a token is heard by others, in tokens: all are read at once, in so many steps."""
Part = tuple[int, int]
TEMPLATES: tuple[tuple[Part, ...], ...] = (
    *(((0, LETTERS + n),) for n in range(9)),
    *(((offset, NAME),) for offset in range(-_REACH, _REACH + 1)),
    *(((offset, ME),) for offset in (-2, -1, 1, 2)),
    *(((0, field),) for field in (KIND, SENSE, SIZE)),
    *(((0, field), (0, ME)) for field in (STYLE, PLACE, GLUE, SENSE, CUE, FAR_CUE, WAY)),
    ((-1, NAME), (0, ME)),
    ((-1, ME), (0, ME)),
    ((-2, ME), (-1, ME), (0, ME)),
    ((0, KIND), (1, NAME)),
    ((0, ME), (1, ME)),
    ((-2, KIND), (-1, KIND), (0, KIND)),
    ((-1, ME), (0, ME), (1, ME)),
    ((0, KIND), (1, KIND), (2, KIND)),
    ((-2, NAME), (-1, NAME), (0, ME)),
    ((-1, SENSE),),
    ((1, SENSE),),
    ((-1, SENSE), (0, SENSE)),
    ((0, SENSE), (1, SENSE)),
    ((-1, ME), (0, SENSE)),
    ((-1, NAME), (0, SENSE)),
    ((0, FAR_CUE), (0, SENSE)),
    ((0, FAR_CUE), (0, SENSE), (0, ME)),
    ((0, RUN),),
    ((0, RUN), (-1, KIND)),
    ((0, RUN), (0, CUE)),
    ((0, FIGURES), (0, CUE)),
    ((0, WAY),),
    ((0, WAY), (0, NAME), (1, NAME)),
    ((0, NEAR_WAY), (0, KIND)),
)
"""What is learnt of a token: a weight for each set of values of these fields, of it or its neighbours (offset, field)."""


class Token(NamedTuple):
    """A word, a number or a sign.

    Args:
        text: as typed.
        start: index of its first character.
        end: index after its last.
    """

    text: str
    start: int
    end: int


def tokens_of(text: str) -> list[Token]:
    """Cut a text into words, numbers, signs, new lines and what is already masked."""
    return [Token(m.group(), *m.span()) for m in _TOKEN.finditer(text)]


def is_of(word: str, *kinds: str) -> bool:
    """Whether a word is a first name (``GIVEN``), a family name (``FAMILY``), in no list (``UNKNOWN``), or tells what follows."""
    return _look(word).kind in kinds


def glue_of(tokens: Sequence[Token]) -> list[bool]:
    """Return whether each token touches the one before."""
    return [i > 0 and token.start == tokens[i - 1].end for i, token in enumerate(tokens)]


Codes = NDArray[np.uint64]
Places = NDArray[np.int64]

_SPREAD = np.random.default_rng(0).integers(1, 2**63, size=(len(TEMPLATES) + 2, 4), dtype=np.uint64) | np.uint64(1)
_SALTS = _SPREAD[:-2, 3]
_BAGS = _SPREAD[-2:, 0]


def _parts() -> list[tuple[Places, Places, Codes]]:
    """Return the first, second and third parts of the templates: offsets, fields, and factors (0 for none)."""
    parts = []
    for n in range(3):
        told = [template[n] if n < len(template) else (0, 0) for template in TEMPLATES]
        factors = np.where([n < len(template) for template in TEMPLATES], _SPREAD[:-2, n], np.uint64(0))
        parts.append((np.array([o + _REACH for o, _ in told]), np.array([f for _, f in told]), factors))
    return parts


_PARTS = _parts()


def buckets(words: Sequence[str], glued: Sequence[bool]) -> tuple[Places, Places]:
    """Return what the tagger reads of each token, as rows of the table of weights.

    Args:
        words: texts of the tokens of one message, in order.
        glued: whether no space parts each from the one before.

    Returns:
        Rows of each token, of shape (tokens, templates), and what each token says to those after and before it, of shape (tokens, 2).
    """
    own = list(map(_look, words))
    letters = [word for word in words if word[0].isalpha()]
    style = "A" if sum(map(str.isupper, letters)) * 2 > len(letters) else "a" if all(map(str.islower, letters)) else "Aa"
    plain, kinds = [look.plain for look in own], [look.kind for look in own]
    ends = [*glued[1:], False]
    told = zip(_places(plain), _runs(words), _ways(kinds), _last_cues(kinds), glued, ends, strict=True)
    message = (_code(style), _code(f"n{min(len(letters), 8)}"))
    codes = np.zeros((len(words) + 2 * _REACH, FIELDS), dtype=np.uint64)
    codes[:_REACH] = codes[-_REACH:] = _code("^")
    codes[_REACH:-_REACH] = [(*look.codes, *_around(*there), *message) for look, there in zip(own, told, strict=True)]
    rows = np.arange(len(words))[:, None]
    hashes = np.broadcast_to(_SALTS, (len(words), len(_SALTS))).copy()
    for offsets, fields, factors in _PARTS:
        hashes += codes[rows + offsets, fields] * factors
    said = codes[_REACH:-_REACH, :1] * _BAGS
    return _fold(hashes), _fold(said)


def _fold(hashes: Codes) -> Places:
    mixed = (hashes ^ (hashes >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(64 - BITS)).astype(np.int64)


class Tagger:
    """Tags the words of a message.

    Args:
        tags: of the columns of the weights.
        weights: of shape (2 ** BITS, tags).
        moves: weight of each tag after each, of shape (tags, tags).
    """

    def __init__(self, tags: Sequence[str], weights: NDArray[np.float32], moves: NDArray[np.float32]) -> None:
        self._tags, self._moves = list(tags), np.exp(moves.astype(np.float64))
        self._step = max(float(np.abs(weights).max()), 1e-9) / 127
        self._steps = np.rint(weights / self._step).astype(np.int8)  # a byte for each weight: quick to add up

    @classmethod
    def read(cls, path: Path) -> Tagger:
        """Read what :meth:`write` wrote."""
        with np.load(path) as table:
            weights = np.zeros((2**BITS, len(table["sortes"])), dtype=np.float32)
            weights[table["rangs"]] = table["poids"]
            return cls(table["sortes"].tolist(), weights, table["suites"])

    def write(self, path: Path) -> None:
        """Write the weights that are not nil."""
        rows = np.flatnonzero(self._steps.any(axis=1)).astype(np.uint32)
        weights, moves = (self._steps[rows] * self._step).astype(np.float16), np.log(self._moves).astype(np.float32)
        np.savez_compressed(path, sortes=np.array(self._tags), rangs=rows, poids=weights, suites=moves)

    def probabilities(self, words: Sequence[str], glued: Sequence[bool]) -> NDArray[np.float64]:
        """Return how likely each tag is for each token, of shape (tokens, tags), by the forward-backward algorithm cut short.

        Args:
            words: texts of the tokens of one message, in order; one at least.
            glued: whether no space parts each from the one before.
        """
        own, said = buckets(words, glued)
        scores = self._steps[own.T].sum(axis=0, dtype=np.int32)
        at = np.arange(len(words))
        for column, (start, end) in enumerate(((-BAG, 0), (1, 1 + BAG // 2))):
            sums = np.zeros((len(words) + 1, scores.shape[1]), dtype=np.int32)
            self._steps[said[:, column]].cumsum(axis=0, out=sums[1:])
            scores += sums[np.clip(at + end, 0, len(words))] - sums[np.clip(at + start, 0, len(words))]
        local = np.exp((scores - scores.max(axis=1, keepdims=True)) * self._step) + 1e-30
        before, after = np.ones_like(local), np.ones_like(local)
        for _ in range(min(_ECHO, len(words) - 1)):
            told = np.einsum("it,tu->iu", (before * local)[:-1], self._moves)  # not a product of BLAS, whose threads cost more
            heard = np.einsum("iu,tu->it", (after * local)[1:], self._moves)
            before[1:], after[:-1] = told / told.sum(axis=1, keepdims=True), heard / heard.sum(axis=1, keepdims=True)
        both = before * local * after
        shares: NDArray[np.float64] = both / both.sum(axis=1, keepdims=True)
        return shares

    def tag(self, tokens: Sequence[Token], level: float = 0.5) -> list[str]:
        """Return a tag for each token, :data:`OUTSIDE` for most.

        Args:
            tokens: of one message, in order.
            level: probability (0–1) of leading to someone from which a token is tagged; a placeholder never is.
        """
        if not tokens:
            return []
        shares = self.probabilities([token.text for token in tokens], glue_of(tokens))
        outside = self._tags.index(OUTSIDE)
        sure = 1 - shares[:, outside] >= level
        shares[:, outside] = -1
        best = shares.argmax(axis=1)
        return [
            self._tags[tag] if found and token.text[0].isalnum() else OUTSIDE for token, found, tag in zip(tokens, sure, best, strict=True)
        ]


@lru_cache(maxsize=1)
def load_tagger() -> Tagger:
    """Return the tagger of this version, read once."""
    return Tagger.read(WEIGHTS)


@dataclass(frozen=True, slots=True)
class Look:
    """What a word says by itself.

    Args:
        plain: small letters, no accents.
        kind: list it is in, figures it has, or how common it is.
        codes: of its name for its neighbours, kind, kind and shape, sense, and letters.
    """

    plain: str
    kind: str
    codes: tuple[int, ...]


@lru_cache(maxsize=20_000)
def _look(word: str) -> Look:
    name, plain, kind, shape, sense, spelling = _described(word)
    texts = (name, kind, kind + shape, sense, *(spelling or ("",) * 9))
    return Look(plain, kind, tuple(map(_code, texts)))


@lru_cache(maxsize=20_000)
def _around(place: str, run: str, way: int, cue: tuple[str, int], before: bool, after: bool) -> tuple[int, ...]:
    """Return the codes of what is around a token."""
    figures, near = run and str(run.count("9")), str(min(way, 3) or "")
    texts = (place, run, figures, str(way or ""), near, cue[0], f"{cue[0]}{cue[1]}", f"{before:d}{after:d}")
    return tuple(map(_code, texts))


@lru_cache(maxsize=20_000)
def _code(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) if text else 0


def _described(word: str) -> tuple[str, str, str, str, str, tuple[str, ...]]:
    """Return the name of a word for its neighbours, its plain form, kind, shape, sense, and its letters."""
    plain = strip_accents(word.lower()).replace("’", "'")
    if not word[0].isalnum():
        return plain, plain, plain, "", "", ()
    if word.isdigit():
        kind = "year" if len(word) == 4 and word[:2] in {"19", "20"} else f"{min(len(word), 11)}"
        return (word if len(word) < 3 else kind), word, kind, "", "", (f"start={word[:2]}", *("",) * 8)
    if any(c.isdigit() for c in word):
        shape = re.sub(r"(.)\1+", r"\1", re.sub(r"\d", "9", re.sub(r"[^\W\d]", "a", plain)))
        return shape, plain, f"mix{min(len(word), 9)}", shape, "", ()
    shape = "x" if word.islower() else "X" if len(word) == 1 else "XX" if word.isupper() else "Xx" if word[1:].islower() else "xX"
    given, family, both, ranks, cues = _lists()
    sense, rank = _sense(plain), ranks.get(plain)
    if plain in cues:
        sure = (len(word) > 1 or word == "M") and word != "me"
        return (word if len(word) < 3 else plain), plain, cues[plain] + ("" if sure else "1"), shape, sense, ()
    parts = plain.split("-")
    if word.endswith("é") and plain in given:  # « marié »
        name, kind = word, "r1"
    elif plain in given or (len(parts) > 1 and all(part in given for part in parts)):
        name = kind = "GIVEN" if rank is None else "Given"
    elif plain in family:
        name = kind = "FAMILY"
    elif rank is None and not (len(parts) > 1 and all(part in ranks for part in parts)):
        name = kind = "ELIDED" if plain[0] in "dljmnsqtc" and ranks.get(plain[1:], _RANKS[-1]) < _RANKS[-1] else "UNKNOWN"
    else:
        name, kind = plain, f"r{sum((rank or 9_999) > limit for limit in _RANKS)}{'B' if plain in both else ''}"
        if len(plain) > 2 and kind < "r3":
            return name, plain, kind, shape, sense, ()
    spelling = tuple(f"{side}{n}={part}" for n in (1, 2, 3, 4) for side, part in (("<", plain[:n]), (">", plain[-n:])))
    return name, plain, kind, shape, sense, (*spelling, f"len={min(len(plain), 12)}")


def _sense(plain: str) -> str:
    """Return the group of a word among those of near meaning, and whether it is written with a capital most of the time."""
    hashes, groups = _senses()
    code = np.uint32(zlib.crc32(plain.encode("utf-8", "surrogatepass")))  # of the type of the table: else it would be copied
    at = int(hashes.searchsorted(code))
    return str(groups[at]) if at < len(hashes) and hashes[at] == code else ""


@lru_cache(maxsize=1)
def _senses() -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    with np.load(SENSES) as table:
        return table["mots"], table["sortes"]


def _runs(words: Sequence[str]) -> list[str]:
    """Return the shape of the row of figures, codes and signs between them that each token is in: « 99/99/9999 »; "" outside."""
    runs = [""] * len(words)
    i = 0
    while i < len(words):
        end = last = i
        while end < len(words) and end - i < _LONGEST_RUN:
            word = words[end]
            if any(map(str.isdigit, word)):
                last = end + 1
            elif not (word in _SIGNS or (word.isupper() and len(word) < 5)):
                break
            end += 1
        if last > i:
            joined = "".join(words[i:last])
            runs[i:last] = [re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", joined))[:_LONGEST_RUN]] * (last - i)
        i = max(last, i + 1)
    return runs


def _ways(kinds: Sequence[str]) -> list[int]:
    """Return how far each token is from the number of a street, 1 for the number itself; 0 elsewhere."""
    ways = [0] * len(kinds)
    for i, kind in enumerate(kinds):
        if kind in _HOUSE and "voie" in kinds[i + 1 : i + 4]:
            ways[i : i + _LONGEST_WAY] = range(1, 1 + min(_LONGEST_WAY, len(kinds) - i))
    return ways


def _last_cues(kinds: Sequence[str]) -> list[tuple[str, int]]:
    """Return the last word before each token that tells what follows, and how far it is."""
    tell = frozenset(_lists()[4].values())
    cues: list[tuple[str, int]] = []
    last, at = "", 0
    for i, kind in enumerate(kinds):
        cues.append((last, i - at) if last and i - at <= _LONGEST_CUE else ("", 0))
        if kind.removesuffix("1") in tell:
            last, at = kind, i
        elif kind in {".", "\n", "?", "!"}:
            last = ""
    return cues


def _places(plain: Sequence[str]) -> list[str]:
    """Return where the names of communes begin and go on."""
    found = [""] * len(plain)
    words = [word.replace("-", " ") for word in plain]
    firsts = _communes()
    for i, word in enumerate(words):
        if found[i] or word.split(" ")[0] not in firsts:
            continue
        for length in range(_LONGEST_PLACE, 0, -1):
            if " ".join(words[i : i + length]).replace("' ", "'") in firsts[word.split(" ")[0]]:
                found[i : i + length] = ["B", *["I"] * (min(length, len(words) - i) - 1)]
                break
    return found


@lru_cache(maxsize=1)
def _communes() -> dict[str, frozenset[str]]:
    """Communes by their first word: where a person lives leads to the right counter."""
    names: dict[str, set[str]] = {}
    for path in sorted(project_paths().referential.glob("communes_*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                plain = strip_accents(row.get("nom", "").lower()).replace("-", " ")
                names.setdefault(plain.split(" ")[0], set()).add(plain)
    return {first: frozenset(names) for first, names in names.items()}


@lru_cache(maxsize=1)
def _lists() -> tuple[frozenset[str], frozenset[str], frozenset[str], dict[str, int], dict[str, str]]:
    common: Iterable[str] = (project_paths().referential / "mots_courants.txt").read_text(encoding="utf-8").splitlines()
    ranks = {word: rank for rank, word in enumerate(common)}
    given, family, both = (frozenset(read_words(name)) for name in ("prenoms", "noms", "noms_et_mots"))
    return given, family, both, ranks, read_pairs("indices_personnels")
