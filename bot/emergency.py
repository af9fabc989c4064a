"""Fixed rules that recognise an emergency, so that a number is shown before anything else.

No model, no network, no clock: the words live in ``urgences_regles.yml``, the numbers in ``urgences.yml``.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.cleaning import SMS_WORDS, strip_accents
from bot.errors import Problem, ReferentialError
from bot.yaml_lines import load_located

CALM_SCOPE = 30
"""How many words around an event are read to find what calms it."""

CONFIRM_SCOPE = 14
"""How many words around an event are read to find what confirms it."""

_BREAK = "."
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<!\.)\.(?!\.)|[!?;]|\n\s*\n")
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_DOUBLED = re.compile(r"([a-z])\1")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_SOUNDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"ph", "f"),
        (r"y", "i"),
        (r"(?<!c)h", ""),
        (r"sc(?=[ei])", "s"),
        (r"c(?=[ei])", "s"),
        (r"c(?!h)|qu|q", "k"),
        (r"[ae]m(?=[bp])", "an"),
        (r"en(?=[bcdfgjklmpqrstvxz])", "an"),
        (r"im(?=[bp])", "in"),
        (r"om(?=[bp])", "on"),
        (r"eau|au", "o"),
    )
)
_GROUP = re.compile(r"\(([^()]*)\)")
_FORCES = ("absolue", "forte", "moyenne", "faible")


@dataclass(frozen=True)
class Emergency:
    """What was recognised in a message.

    Args:
        situation: identifier of the situation in ``urgences.yml``.
        numeros: numbers to show, the right one first.
        extrait: the words of the message that led there, as they were typed.
    """

    situation: str
    numeros: tuple[str, ...]
    extrait: str


@dataclass(frozen=True)
class Rule:
    """One way to recognise a situation.

    Args:
        situation: identifier of the situation.
        motifs: word patterns of the event; one is enough.
        force: ``absolue`` (nothing but a figure of speech calms it), ``forte`` (calmed by a word of the past, of a
            supposition or of fiction in the same sentence), ``moyenne`` (calmed by any calming word around, unless
            it is happening now) or ``faible`` (a bare name of event: needs a sign of the present, and calm around).
        avec: groups of ``signaux`` that must each be found near the event.
        sauf: groups of ``signaux`` that calm the event when found in its sentence.
        calmants: groups that replace the ones of its ``force``.
    """

    situation: str
    motifs: tuple[str, ...]
    force: str = "forte"
    avec: tuple[str, ...] = ()
    sauf: tuple[str, ...] = ()
    calmants: tuple[str, ...] | None = None


@dataclass(frozen=True)
class EmergencyRules:
    """The content of ``urgences_regles.yml``.

    Args:
        mots: named lists of words, usable as ``@name`` in patterns.
        orthographe: spelling as typed (no accent) → the words meant.
        figures: patterns of figures of speech; words inside them never count as an event.
        signaux: named lists of patterns that confirm or calm an event.
        calmants: for each force, the groups of ``signaux`` that calm by default.
        regles: rules, most pressing situation first.
        modificateurs: rules that replace the situation when another one was recognised.
    """

    mots: Mapping[str, tuple[str, ...]]
    orthographe: Mapping[str, str]
    figures: tuple[str, ...]
    signaux: Mapping[str, tuple[str, ...]]
    calmants: Mapping[str, tuple[str, ...]]
    regles: tuple[Rule, ...]
    modificateurs: tuple[Rule, ...] = ()


def load_situations(path: Path) -> dict[str, tuple[str, ...]]:
    """Read which numbers go with each situation.

    Args:
        path: ``urgences.yml``.

    Returns:
        Situation identifier → numbers, the right one first.

    Raises:
        ReferentialError: when the file is missing or has not the expected shape.
    """
    document = load_located(path)
    if isinstance(document, Problem):
        raise ReferentialError([document])
    try:
        return {row["id"]: tuple(str(n) for n in row["numeros"]) for row in document.data["situations"]}
    except (KeyError, TypeError) as error:
        raise ReferentialError([document.problem((), f"la liste « situations » est mal écrite ({error}).")]) from error


def load_rules(path: Path) -> EmergencyRules:
    """Read the words that make a situation recognisable.

    Args:
        path: ``urgences_regles.yml``.

    Returns:
        The rules, ready for :class:`EmergencyDetector`.

    Raises:
        ReferentialError: when the file is missing or has not the expected shape.
    """
    document = load_located(path)
    if isinstance(document, Problem):
        raise ReferentialError([document])
    try:
        data: dict[str, Any] = document.data
        return EmergencyRules(
            mots={name: _word_list(words) for name, words in data["mots"].items()},
            orthographe={str(k): str(v) for k, v in data["orthographe"].items()},
            figures=_lines(data["figures"]),
            signaux={name: _lines(lines) for name, lines in data["signaux"].items()},
            calmants={name: _lines(groups) for name, groups in data["calmants"].items()},
            regles=tuple(_rule(row) for row in data["regles"]),
            modificateurs=tuple(_rule(row) for row in data.get("modificateurs", ())),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ReferentialError([document.problem((), f"une règle d'urgence est mal écrite ({error}).")]) from error


class EmergencyDetector:
    """Recognise emergencies with fixed rules.

    Args:
        situations: situation identifier → numbers, the right one first (see :func:`load_situations`).
        rules: the words to look for (see :func:`load_rules`).

    Raises:
        ReferentialError: when a rule names an unknown situation, word list, signal or force.

    Example:
        >>> detector = EmergencyDetector(load_situations(numbers), load_rules(rules))  # doctest: +SKIP
        >>> detector.detect("y a le feu chez le voisin").situation  # doctest: +SKIP
        'incendie'
    """

    def __init__(self, situations: Mapping[str, tuple[str, ...]], rules: EmergencyRules) -> None:
        _check(situations, rules)
        self._situations = dict(situations)
        self._rules = rules
        self._book = _PatternBook(rules.mots)
        self._figures = self._book.add_all(rules.figures)
        self._signals = {name: self._book.add_all(lines) for name, lines in rules.signaux.items()}
        self._events = [self._book.add_all(rule.motifs) for rule in rules.regles]
        self._overrides = [self._book.add_all(rule.motifs) for rule in rules.modificateurs]
        self._reader = _Reader(rules.orthographe, self._book.knows)

    def detect(self, texte: str) -> Emergency | None:
        """Look for an emergency in one message.

        Args:
            texte: what the person typed, untouched.

        Returns:
            The most pressing :class:`Emergency` found, or ``None``.

        Raises:
            TypeError: when ``texte`` is not a string.
        """
        if not isinstance(texte, str):
            raise TypeError(f"texte must be a str, not {type(texte).__name__}")
        tokens = self._reader.read(texte)
        if not tokens:
            return None
        reading = _Reading(tokens, self._book.find_all(tokens))
        found = self._first(reading, self._rules.regles, self._events)
        if found is None:
            return None
        rule, span = found
        override = self._first(reading, self._rules.modificateurs, self._overrides)
        situation = override[0].situation if override else rule.situation
        return Emergency(situation, self._situations[situation], _extract(texte, tokens, span))

    def _first(
        self, reading: _Reading, rules: Sequence[Rule], events: Sequence[frozenset[int]]
    ) -> tuple[Rule, tuple[int, int]] | None:
        figures = reading.spans(self._figures)
        for rule, patterns in zip(rules, events):
            for span in reading.spans(patterns):
                if not _overlaps(span, figures) and self._stands(reading, rule, span):
                    return rule, span
        return None

    def _stands(self, reading: _Reading, rule: Rule, span: tuple[int, int]) -> bool:
        if not all(reading.near(self._signals[name], span, CONFIRM_SCOPE) for name in rule.avec):
            return False
        if any(reading.same_sentence(self._signals[name], span) for name in rule.sauf):
            return False
        if rule.force == "absolue":
            return True
        calming = [self._signals[name] for name in self._calming(rule)]
        if rule.force == "forte":
            return self._happens_now(reading, span) or not any(reading.same_sentence(calm, span) for calm in calming)
        if rule.force == "moyenne" and self._happens_now(reading, span):
            return True
        if rule.force == "faible" and not reading.near(self._signals["present"], span, CONFIRM_SCOPE):
            return False
        return not any(reading.near(calm, span, CALM_SCOPE) for calm in calming)

    def _calming(self, rule: Rule) -> tuple[str, ...]:
        return self._rules.calmants[rule.force] if rule.calmants is None else rule.calmants

    def _happens_now(self, reading: _Reading, span: tuple[int, int]) -> bool:
        unreal = any(reading.same_sentence(self._signals[name], span) for name in ("hypothese", "fiction"))
        return not unreal and reading.same_sentence(self._signals["en_cours"], span)


@dataclass(frozen=True)
class _Token:
    key: str
    start: int
    end: int


@dataclass(frozen=True)
class _Slot:
    """One place of a pattern: a set of words, or a gap of at most ``gap`` words."""

    word: int = -1
    optional: bool = False
    gap: int = 0


class _Reader:
    """Turns a message into comparable words that remember where they stand in it."""

    def __init__(self, spellings: Mapping[str, str], knows: Any) -> None:
        self._spellings = {**SMS_WORDS, **spellings}
        self._knows = knows

    def read(self, text: str) -> list[_Token]:
        tokens: list[_Token] = []
        last = 0
        for match in _WORD.finditer(text):
            if tokens and _SENTENCE_END.search(text, last, match.start()):
                tokens.append(_Token(_BREAK, last, last))
            for word in self._words(match.group()):
                tokens.append(_Token(_sound(word), match.start(), match.end()))
            last = match.end()
        return tokens

    def _words(self, typed: str) -> Iterable[str]:
        if typed.lower() == "là":
            return ("ici",)
        plain = _STRETCHED.sub(r"\1", strip_accents(typed.lower()))
        spelling = self._spellings.get(plain)
        if spelling is not None:
            return spelling.split()
        if len(plain) > 2 and plain[0] == "j" and plain[1] not in "aeiouy":
            return ("je", plain[1:])
        if len(plain) > 4 and plain[0] in "jnsmtld" and plain[1] in "aeiouh" and not self._knows(_sound(plain)):
            if self._knows(_sound(plain[1:])):
                return (plain[0], plain[1:])
        return (plain,)


class _PatternBook:
    """All the patterns, compiled once, found in one pass over the words.

    A pattern is a line of places: ``mot``, ``debut*``, ``un|autre``, ``@liste``, ``mot?`` (may be absent),
    ``..`` (three words at most may stand there) or ``..N``; ``(deux mots|un)`` chooses between groups of words.
    """

    def __init__(self, lists: Mapping[str, tuple[str, ...]]) -> None:
        self._lists = lists
        self._slots: dict[str, int] = {}
        self._exact: dict[str, set[int]] = {}
        self._starts: dict[str, set[int]] = {}
        self._lengths: list[int] = []
        self._patterns: dict[str, int] = {}
        self._compiled: list[tuple[_Slot, ...]] = []
        self._by_first: dict[int, list[int]] = {}

    def add_all(self, lines: Iterable[str]) -> frozenset[int]:
        return frozenset(self._add(plain) for line in lines for plain in _ungroup(line))

    def knows(self, key: str) -> bool:
        return bool(self._classes(key))

    def find_all(self, tokens: Sequence[_Token]) -> dict[int, list[tuple[int, int]]]:
        seen: dict[str, frozenset[int]] = {}
        classes: list[frozenset[int]] = []
        for token in tokens:
            if token.key not in seen:
                seen[token.key] = self._classes(token.key)
            classes.append(seen[token.key])
        found: dict[int, list[tuple[int, int]]] = {}
        for start, ids in enumerate(classes):
            for first in ids:
                for pattern in self._by_first.get(first, ()):
                    end = _match(self._compiled[pattern], 1, classes, tokens, start + 1)
                    if end >= 0:
                        found.setdefault(pattern, []).append((start, end))
        return found

    def _add(self, line: str) -> int:
        if line in self._patterns:
            return self._patterns[line]
        slots = tuple(self._slot(part) for part in line.split())
        if not slots or slots[0].word < 0 or slots[0].optional or slots[-1].gap:
            raise ReferentialError([Problem("urgences_regles.yml", 0, f"le motif « {line} » doit commencer et finir par un mot.")])
        number = len(self._compiled)
        self._patterns[line] = number
        self._compiled.append(slots)
        self._by_first.setdefault(slots[0].word, []).append(number)
        return number

    def _slot(self, part: str) -> _Slot:
        if part.startswith(".."):
            return _Slot(gap=int(part[2:] or 3))
        optional = part.endswith("?")
        body = part.rstrip("?")
        if body not in self._slots:
            number = len(self._slots)
            self._slots[body] = number
            for word in self._expand(body):
                for table, key in self._keys(word):
                    table.setdefault(key, set()).add(number)
            self._lengths = sorted({len(start) for start in self._starts})
        return _Slot(word=self._slots[body], optional=optional)

    def _expand(self, body: str) -> Iterator[str]:
        for word in body.split("|"):
            if not word.startswith("@"):
                yield word
                continue
            if word[1:] not in self._lists:
                raise ReferentialError([Problem("urgences_regles.yml", 0, f"la liste de mots « {word} » n'existe pas.")])
            yield from self._lists[word[1:]]

    def _keys(self, word: str) -> Iterator[tuple[dict[str, set[int]], str]]:
        if not word.endswith("*"):
            yield self._exact, _sound(word)
            return
        start = word[:-1]
        yield self._starts, _sound(start, whole=False)
        if start.endswith("c"):  # what follows decides between the sounds of "menace" and "suffoquer"
            yield self._starts, _sound(start[:-1] + "s", whole=False)

    def _classes(self, key: str) -> frozenset[int]:
        ids = set(self._exact.get(key, ()))
        for length in self._lengths:
            if length > len(key):
                break
            ids |= self._starts.get(key[:length], set())
        return frozenset(ids)


class _Reading:
    """One message with every pattern found in it."""

    def __init__(self, tokens: Sequence[_Token], found: Mapping[int, list[tuple[int, int]]]) -> None:
        self._found = found
        self._breaks = [i for i, token in enumerate(tokens) if token.key == _BREAK]
        self._cache: dict[frozenset[int], list[tuple[int, int]]] = {}

    def spans(self, patterns: frozenset[int]) -> list[tuple[int, int]]:
        if patterns not in self._cache:
            self._cache[patterns] = sorted(span for p in patterns for span in self._found.get(p, ()))
        return self._cache[patterns]

    def near(self, patterns: frozenset[int], span: tuple[int, int], scope: int) -> bool:
        return _touches(self.spans(patterns), span[0] - scope, span[1] + scope)

    def same_sentence(self, patterns: frozenset[int], span: tuple[int, int]) -> bool:
        after = bisect_left(self._breaks, span[0])
        low = self._breaks[after - 1] if after else -1
        high = self._breaks[after] if after < len(self._breaks) else span[1] + CALM_SCOPE
        return _touches(self.spans(patterns), max(low + 1, span[0] - CALM_SCOPE), min(high, span[1] + CALM_SCOPE))


def _match(
    slots: tuple[_Slot, ...], index: int, classes: Sequence[frozenset[int]], tokens: Sequence[_Token], position: int
) -> int:
    """Return where the pattern ends (exclusive) when it goes on from ``position``, else -1."""
    if index == len(slots):
        return position
    slot = slots[index]
    if slot.word >= 0:
        if position < len(classes) and slot.word in classes[position]:
            end = _match(slots, index + 1, classes, tokens, position + 1)
            if end >= 0:
                return end
        return _match(slots, index + 1, classes, tokens, position) if slot.optional else -1
    for skipped in range(slot.gap + 1):
        end = _match(slots, index + 1, classes, tokens, position + skipped)
        if end >= 0:
            return end
        if position + skipped >= len(tokens) or tokens[position + skipped].key == _BREAK:
            return -1
    return -1


def _ungroup(line: str) -> Iterator[str]:
    """Yield the patterns without parentheses that ``line`` stands for."""
    group = _GROUP.search(line)
    if group is None:
        yield line
        return
    choices = group.group(1).split("|")
    if all(choice and " " not in choice for choice in choices):
        choices = [group.group(1)]
    for choice in choices:
        yield from _ungroup(line[: group.start()] + choice + line[group.end() :])


def _sound(word: str, whole: bool = True) -> str:
    """Return how ``word`` sounds, so that common misspellings meet; ``whole`` drops a plural mark."""
    for pattern, sound in _SOUNDS:
        word = pattern.sub(sound, word)
    word = _DOUBLED.sub(r"\1", word)
    return word[:-1] if whole and len(word) > 4 and word[-1] in "sx" else word


def _touches(spans: Sequence[tuple[int, int]], low: int, high: int) -> bool:
    return any(start < high and end > low for start, end in spans)


def _overlaps(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    return _touches(others, span[0], span[1])


def _extract(text: str, tokens: Sequence[_Token], span: tuple[int, int]) -> str:
    return _INVISIBLE.sub("", text[tokens[span[0]].start : tokens[span[1] - 1].end])


def _check(situations: Mapping[str, tuple[str, ...]], rules: EmergencyRules) -> None:
    problems = []
    groups = {"present", "en_cours", "hypothese", "fiction", *(name for names in rules.calmants.values() for name in names)}
    for rule in (*rules.regles, *rules.modificateurs):
        groups.update(rule.avec, rule.sauf, rule.calmants or ())
        if not situations.get(rule.situation):
            problems.append(f"la situation « {rule.situation} » n'a pas de numéro dans urgences.yml.")
        if rule.force not in _FORCES:
            problems.append(f"la force « {rule.force} » ({rule.situation}) n'existe pas : {', '.join(_FORCES)}.")
    problems += [f"le groupe de signaux « {name} » n'existe pas." for name in sorted(groups - set(rules.signaux))]
    problems += [f"« calmants » ne dit rien de la force « {name} »." for name in _FORCES[1:] if name not in rules.calmants]
    if problems:
        raise ReferentialError([Problem("data/referentiel/urgences_regles.yml", 0, text) for text in problems])


def _lines(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("une liste est attendue")
    return tuple(str(line) for line in value)


def _word_list(value: Any) -> tuple[str, ...]:
    return tuple(str(value).split())


def _rule(row: Mapping[str, Any]) -> Rule:
    return Rule(
        situation=str(row["situation"]),
        motifs=_lines(row["motifs"]),
        force=str(row.get("force", "forte")),
        avec=_lines(row.get("avec", [])),
        sauf=_lines(row.get("sauf", [])),
        calmants=_lines(row["calmants"]) if "calmants" in row else None,
    )
