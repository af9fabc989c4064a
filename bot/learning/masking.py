"""Learn to tell what leads to someone, from lines where it stands between ``[[`` and ``]]``: some minutes, always the same weights.

A linear-chain CRF (L-BFGS, elastic net) over the lines of ``data/masquage``, and messages of the corpus, which name no one. A line is
learnt as it was typed, in small letters or in capitals, without accents, with other names, and once masked.
"""

from __future__ import annotations

import itertools
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pycrfsuite

from bot.base.files import digest_of
from bot.base.paths import ProjectPaths
from bot.language.cleaning import strip_accents
from bot.language.privacy import TOKENS, mask_shapes
from bot.language.tagger import BAG, BITS, OUTSIDE, WEIGHTS, Tagger, Token, buckets, glue_of, is_of, tokens_of
from bot.language.words import FOLDER as WORD_LISTS
from bot.language.words import read_words
from bot.learning.corpus import read_corpus, read_jsonl

PLAIN = 3_500
"""Messages of the corpus that are learnt: more teach little, and take long."""
HELD = ("demandes", "difficiles", "hors_sujet")
"""Of ``data/calage``, learnt too."""
SETTINGS = {"c1": 0.1, "c2": 0.3, "max_iterations": 50, "feature.possible_transitions": True}
"""Penalties and steps chosen by cross-validation, grouped by line."""
MARK = WEIGHTS.with_suffix(".sha256")
"""What the weights were learnt from: a digest."""
_CROP = 5
_LABEL = re.compile(r"\[\[(.+?)\]\]", re.DOTALL)
Pool = tuple[tuple[str, ...], ...]
Piece = tuple[Token, ...]
_PLACEHOLDER = re.compile(r"<[a-z_]+>")
_MONTH = re.compile(r"\b(?:janv|f[ée]vr|mars|avril|mai|juin|juil|ao[uû]t|sept|oct|nov|d[ée]c)", re.IGNORECASE)
_BORN = re.compile(r"(?:n[ée]e?s?|naissance|ddn|anniversaire|suis du)\b\W*(?:le|en)?\W*$", re.IGNORECASE)
_ACCOUNT = re.compile(r"^@|arobase", re.IGNORECASE)
_ACCOUNT_BEFORE = re.compile(
    r"\b(?:insta|snap|facebook|fb|discord|tiktok|pseudo|telegram|twitter|login|skype|messenger|passe(?!port)|mdp)\w*\W(?:\w+\W){0,2}$",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"\b(?:rue|avenue|place|chemin|impasse|route|r[ée]sidence|lieu|lotissement|bourg|hameau|quartier|b[âa]t\w*|mas|all[ée]e|cit[ée]|clos|app\w?t?"
    r"|[ée]tage|porte|bp|cs)\b|\d [^\W\d_]{3}|\d[.,]\d{3}|°",
    re.IGNORECASE,
)
_ADDRESS_BEFORE = re.compile(
    r"(?:lieu.dit|r[ée]sidence|hameau|habite|adresse|domicili\w+|lotissement|quartier)\W*(?:(?:est|au|[àa]|l[ae]s?|d[eu]s?|[ld]['’]|c['’]est)\W*)*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Line:
    """A message whose words are told apart.

    Args:
        tokens: shapes are already masked.
        tags: of each.
    """

    tokens: tuple[Token, ...]
    tags: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        return [token.text for token in self.tokens]


def unlabelled(line: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a line without its brackets, and where what they held stands."""
    text, spans, last = "", [], 0
    line = line.replace(" ↵ ", "\n")
    for match in _LABEL.finditer(line):
        text += line[last : match.start()]
        spans.append((len(text), len(text) + len(match.group(1))))
        text += match.group(1)
        last = match.end()
    return text + line[last:], spans


def masked_spans(text: str, masked: str) -> list[tuple[int, int]]:
    """Return where ``text`` was replaced in ``masked``."""
    kept = _PLACEHOLDER.split(masked)
    spans: list[tuple[int, int]] = []
    position = len(kept[0])
    for number, part in enumerate(kept[1:], start=1):
        last = number == len(kept) - 1
        start = len(text) - len(part) if last else text.find(part, position)
        spans.append((position, start))
        position = start + len(part)
    return spans


def marked_lines(paths: ProjectPaths) -> list[str]:
    """Return the lines of ``data/masquage``, in order."""
    lines = [line for path in sorted(paths.masking.glob("*.txt")) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def read_line(line: str) -> Line:
    """Return the tokens of a marked line, and the tag of each."""
    text, spans = unlabelled(line)
    shaped = mask_shapes(text)
    replaced = masked_spans(text, shaped)
    tags = [_tag(text, *span) for span in spans]
    tokens = tuple(tokens_of(shaped))
    found: list[str] = []
    shift = done = 0
    for token in tokens:
        tag = OUTSIDE
        if done < len(replaced) and token.start + shift == replaced[done][0] and token.text.startswith("<"):
            shift += replaced[done][1] - replaced[done][0] - len(token.text)
            done += 1
        elif token.text != "\n":
            inside = (tag for tag, (start, end) in zip(tags, spans, strict=True) if token.start + shift < end and start < token.end + shift)
            tag = next(inside, OUTSIDE)
        found.append(tag)
    return Line(tokens, tuple(found))


def learn(lines: Sequence[Line], plain: Sequence[Line]) -> Tagger:
    """Learn weights.

    Args:
        lines: with personal data.
        plain: without.
    """
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params(SETTINGS)
    rng = random.Random(0)
    pool = _names(lines)
    homes = _homes(lines)
    typed = (other for line in lines for other in (line, *_others(line, pool, homes, rng)))
    for each in (*typed, *plain):
        if each.tokens:
            trainer.append(pycrfsuite.ItemSequence(_items(each)), each.tags)
    with tempfile.NamedTemporaryFile() as file:
        trainer.train(file.name)
        tagger = pycrfsuite.Tagger()
        tagger.open(file.name)
        learnt, tags = tagger.info(), tagger.labels()
    weights = np.zeros((2**BITS, len(tags)), dtype=np.float32)
    for (row, tag), weight in learnt.state_features.items():
        weights[int(row), tags.index(tag)] = weight
    moves = np.zeros((len(tags), len(tags)), dtype=np.float32)
    for (before, after), weight in learnt.transitions.items():
        moves[tags.index(before), tags.index(after)] = weight
    return Tagger(tags, weights, moves)


def _items(line: Line) -> list[list[str]]:
    own, said = buckets(line.words, glue_of(line.tokens))
    return [
        [*map(str, row), *map(str, said[max(0, i - BAG) : i, 0]), *map(str, said[i + 1 : i + 1 + BAG // 2, 1])]
        for i, row in enumerate(own.tolist())
    ]


def plain_lines(paths: ProjectPaths) -> list[Line]:
    """Return messages of the corpus and of the tuning that are not marked in ``data/masquage``, one in three in small letters."""
    rng = random.Random(0)
    texts = [example.text for example in read_corpus(paths.corpus)]
    rng.shuffle(texts)
    texts = texts[:PLAIN] + [str(row["texte"]) for name in HELD for row in read_jsonl(paths.tuning / f"{name}.jsonl")]
    marked = {unlabelled(line)[0] for line in marked_lines(paths)}
    lines = [read_line(text) for text in texts if text not in marked and "[[" not in text]
    return lines + [_typed(line, str.lower) for line in lines[::3]]


def write_weights(paths: ProjectPaths) -> None:
    """Learn again, and write the weights beside the lists of words.

    Raises:
        CorpusError: a message cannot be read.
    """
    learn([read_line(line) for line in marked_lines(paths)], plain_lines(paths)).write(WEIGHTS)
    MARK.write_text(f"{digest(paths)}\n", encoding="utf-8")


def digest(paths: ProjectPaths) -> str:
    """Return what the weights depend on: marked lines, the lists of names, and this code."""
    code = paths.root / "bot"
    lists = [WORD_LISTS / f"{name}.txt" for name in ("prenoms", "noms", "noms_et_mots", "indices_personnels")]
    return digest_of([*sorted(paths.masking.glob("*.txt")), *lists, code / "language" / "tagger.py", code / "learning" / "masking.py"])


def _tag(text: str, start: int, end: int) -> str:
    """Return what a marked piece is, by its words and those before."""
    piece, before = text[start:end], text[max(0, start - 30) : start]
    digits = sum(map(str.isdigit, piece))
    if _MONTH.search(piece) or (_BORN.search(before) and 3 < digits < 9):
        return "naissance"
    if _ACCOUNT.search(piece) or _ACCOUNT_BEFORE.search(before):
        return "compte"
    if _ADDRESS.search(piece) or (not digits and _ADDRESS_BEFORE.search(before)):
        return "adresse"
    return "numero" if digits else "nom"


def _others(line: Line, pool: Pool, homes: Sequence[Piece], rng: random.Random) -> Iterator[Line]:
    """Yield a line typed in other ways, with other names and addresses, and masked."""
    swapped = line
    if "adresse" in line.tags:
        yield (line := _rehoused(line, homes, rng))
        yield _typed(_rehoused(line, homes, rng), str.lower)
    if "nom" in line.tags:
        yield (swapped := _renamed(line, pool, rng))
        again = _renamed(line, pool, rng)
        yield _typed(again, str.lower) if rng.random() < 0.5 else again
    yield _typed(swapped if rng.random() < 0.5 else line, str.lower)
    if rng.random() < 0.4:
        yield _typed(line, str.upper)
    if rng.random() < 0.5:
        yield _typed(_typed(line, str.lower), strip_accents)
    if len(line.tokens) > _CROP:
        yield _cropped(swapped, rng)
    if any(tag != OUTSIDE for tag in line.tags) and rng.random() < 0.5:
        yield _masked(line)


def _cropped(line: Line, rng: random.Random) -> Line:
    """Return a few words around a marked piece, or anywhere: what a person who writes little would type."""
    marked = [i for i, tag in enumerate(line.tags) if tag != OUTSIDE]
    start = end = rng.choice(marked or range(len(line.tokens)))
    while start and line.tags[start] != OUTSIDE and line.tags[start - 1] == line.tags[start]:
        start -= 1
    while end < len(line.tokens) and line.tags[end] != OUTSIDE and line.tags[end] == line.tags[start]:
        end += 1
    piece = slice(max(0, start - rng.randrange(_CROP)), end + rng.randrange(1 if marked else 3, _CROP))
    return Line(line.tokens[piece], line.tags[piece])


def _typed(line: Line, change: Callable[[str], str]) -> Line:
    tokens = (token if token.text.startswith("<") else token._replace(text=change(token.text) or token.text) for token in line.tokens)
    return replace(line, tokens=tuple(tokens))


def _renamed(line: Line, pool: Pool, rng: random.Random) -> Line:
    """Return a line with the names of others, each in the letters of the one it replaces."""
    tokens = []
    for token, tag in zip(line.tokens, line.tags, strict=True):
        if tag == "nom" and token.text[0].isalpha() and len(token.text) > 2:
            known = 0 if is_of(token.text, "GIVEN") or rng.random() < 0.15 else rng.choice((1, 2))
            name = rng.choice(pool[known])
            if known == 0 and rng.random() < 0.1:
                name = name[0]
            name = name.upper() if token.text.isupper() else name.capitalize() if token.text[0].isupper() else name
            token = token._replace(text=name)
        tokens.append(token)
    return replace(line, tokens=tuple(tokens))


def _homes(lines: Sequence[Line]) -> list[Piece]:
    """Return the addresses of the lines."""
    return [line.tokens[piece] for line in lines for piece in _pieces(line, "adresse")]


def _pieces(line: Line, tag: str) -> Iterator[slice]:
    start = 0
    for same, group in itertools.groupby(line.tags):
        end = start + len(list(group))
        if same == tag:
            yield slice(start, end)
        start = end


def _rehoused(line: Line, homes: Sequence[Piece], rng: random.Random) -> Line:
    """Return a line with the addresses of others, each of the kind of the one it replaces: with a number first, or not."""
    tokens: list[Token] = []
    tags: list[str] = []
    last = moved = 0
    for piece in _pieces(line, "adresse"):
        own = line.tokens[piece]
        other = rng.choice([home for home in homes if home[0].text.isdigit() == own[0].text.isdigit()])
        tokens += [*_moved(line.tokens[last : piece.start], moved), *_moved(other, own[0].start + moved - other[0].start)]
        tags += [*line.tags[last : piece.start], *["adresse"] * len(other)]
        moved += other[-1].end - other[0].start - own[-1].end + own[0].start
        last = piece.stop
    return Line((*tokens, *_moved(line.tokens[last:], moved)), (*tags, *line.tags[last:]))


def _moved(tokens: Piece, by: int) -> Iterator[Token]:
    return (token._replace(start=token.start + by, end=token.end + by) for token in tokens)


def _masked(line: Line) -> Line:
    """Return a line as it is once masked."""
    tokens: list[Token] = []
    last = OUTSIDE
    for token, tag in zip(line.tokens, line.tags, strict=True):
        if tag == OUTSIDE:
            tokens.append(token)
        elif tag != last:
            tokens.append(token._replace(text=TOKENS[tag]))
        last = tag
    return Line(tuple(tokens), (OUTSIDE,) * len(tokens))


def _names(lines: Sequence[Line]) -> Pool:
    """Return first names, family names of the lists, and those that stand in the lines and in no list."""
    told = {t.text.lower() for line in lines for t, tag in zip(line.tokens, line.tags, strict=True) if tag == "nom" and t.text.isalpha()}
    rare = tuple(sorted(name for name in told if len(name) > 2 and is_of(name, "UNKNOWN")))
    return read_words("prenoms"), (*read_words("noms"), *read_words("noms_et_mots")), rare
