"""Fixed rules that recognise an emergency, so that a number is shown before anything else.

No model, no network, no clock: the words live in ``urgences_regles.yml``, the numbers in ``urgences.yml``.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from pathlib import Path
from typing import Any

from bot.base.errors import Problem, ReferentialError
from bot.base.yaml_lines import load_located
from bot.language.cleaning import SMS_WORDS, strip_accents
from bot.language.spelling import Speller

CALM_SCOPE = 30
"""How many words around an event are read to find what calms it."""

CONFIRM_SCOPE = 14
"""How many words around an event are read to find what confirms it."""

_BREAK = "."
_HERE = "icila"  # "là" with its accent: without it, an article
_WORD = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"(?<!\.)\.(?!\.)|[!?;]|\n\s*\n")
_BE = frozenset(("est", "eta", "éta"))  # after "c", it is not the short form of "c'est"
_PLAIN_GAPS = frozenset((" ", "'", "\u2019", "-", ", ", ""))
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_DOUBLED = re.compile(r"([a-df-z])\1")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_SOUNDS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"poison", "poizon"),  # the one pair where a second "s" changes the meaning: "poisson"
        (r"ph", "f"),
        (r"y", "i"),
        (r"(?<!c)h", ""),
        (r"sc(?=[ei])", "s"),
        (r"c(?=[ei])", "s"),
        (r"c(?!h)|qu|q", "k"),
        (r"(?<=.)eau|au", "o"),
    )
)
REMEMBERED = 8192
"""How many words are kept with their sound and their places in patterns, so that common words cost nothing."""

LONGEST_WORD = 30
"""Longer words are not kept: nobody fills the memory with made-up ones."""

SPELT = 300
"""How many words of a message may be corrected: what matters is said before, and nonsense must not cost time."""

LOOK_AHEAD = 32
"""How many words ahead a pattern is checked for all its words before being tried (a power of two)."""

SENTENCE = 6
"""From how many words a message without any calming word is more worrying than key words."""

_LIGHT, _SOLID = 1, 2
_MOST_LIGHT = 2
_MOST_CALM = 2
_LONGEST = 128  # more words than any pattern can span
_NESTED = re.compile(r"\([^()]*\(")
_GROUP = re.compile(r"\(([^()]*)\)")
_FORCES = ("absolue", "forte", "moyenne", "faible")


@dataclass(frozen=True)
class Emergency:
    """What was recognised in a message.

    Args:
        situation: identifier of the situation in ``urgences.yml``.
        numeros: numbers to show, the right one first.
        extrait: the words of the message that led there, as they were typed; "" when the model read it in the whole message.
    """

    situation: str
    numeros: tuple[str, ...]
    extrait: str

    @property
    def sensed(self) -> bool:
        """Whether no fixed rule found it, and the model did: it is less sure."""
        return not self.extrait


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
class Tier:
    """What the clues of a message must bring: the longer it is, the more ordinary words pass for clues by chance.

    Args:
        mots: longest message concerned, in words; ``None`` for the last tier.
        fenetre: how many words are weighed together.
        indices: points that must come from the clues themselves.
        seuil: points from which a family of situations is an emergency, context included.
        indices_phrase: ``indices``, when a sentence is weighed alone.
        seuil_phrase: ``seuil``, when a sentence is weighed alone.
    """

    mots: int | None
    fenetre: int
    indices: int
    seuil: int
    indices_phrase: int
    seuil_phrase: int


@dataclass(frozen=True)
class Scale:
    """Clues that add up when no rule stands.

    Args:
        paliers: what is asked of a message, the shortest messages first.
        contexte: groups of ``signaux`` → points they add.
        calme: groups of ``signaux`` → points each of their clues takes away (two clues at most).
        rien_de_calme: points added when none of the ``calme`` groups is found.
        familles: family → situation → points of a clue → patterns of the clues.
    """

    paliers: tuple[Tier, ...]
    contexte: Mapping[str, int]
    calme: Mapping[str, int]
    rien_de_calme: int
    familles: Mapping[str, Mapping[str, Mapping[int, tuple[str, ...]]]]

    def tier(self, length: int) -> Tier:
        """Return what is asked of a message of ``length`` words."""
        return next(tier for tier in self.paliers if tier.mots is None or length <= tier.mots)


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
        points: clues that add up when no rule stands.
        modificateurs: rules that replace the situation when another one was recognised.
    """

    mots: Mapping[str, tuple[str, ...]]
    orthographe: Mapping[str, str]
    figures: tuple[str, ...]
    signaux: Mapping[str, tuple[str, ...]]
    calmants: Mapping[str, tuple[str, ...]]
    regles: tuple[Rule, ...]
    points: Scale
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
    if isinstance(document, tuple):
        raise ReferentialError(list(document))
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
    if isinstance(document, tuple):
        raise ReferentialError(list(document))
    try:
        data: dict[str, Any] = document.data
        return EmergencyRules(
            mots={name: _word_list(words) for name, words in data["mots"].items()},
            orthographe={str(k): str(v) for k, v in data["orthographe"].items()},
            figures=_lines(data["figures"]),
            signaux={name: _lines(lines) for name, lines in data["signaux"].items()},
            calmants={name: _lines(groups) for name, groups in data["calmants"].items()},
            regles=tuple(_rule(row) for row in data["regles"]),
            points=_scale(data["points"]),
            modificateurs=tuple(_rule(row) for row in data.get("modificateurs", ())),
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ReferentialError([document.problem((), f"une règle d'urgence est mal écrite ({error}).")]) from error


class EmergencyDetector:
    """Recognise emergencies with fixed rules.

    Args:
        situations: situation identifier → numbers, the right one first (see :func:`load_situations`).
        rules: the words to look for (see :func:`load_rules`).
        speller: corrects the words that are neither French nor in the rules; without it, they are read as typed.

    Raises:
        ReferentialError: when a rule names an unknown situation, word list, signal or force.

    Example:
        >>> detector = EmergencyDetector(load_situations(numbers), load_rules(rules))  # doctest: +SKIP
        >>> detector.detect("y a le feu chez le voisin").situation  # doctest: +SKIP
        'incendie'
    """

    def __init__(self, situations: Mapping[str, tuple[str, ...]], rules: EmergencyRules, speller: Speller | None = None) -> None:
        _check(situations, rules)
        self._situations = dict(situations)
        self._rules = rules
        self._book = _PatternBook(rules.mots)
        self._figures = self._book.add_all(rules.figures)
        self._signals = {name: self._book.add_all(lines) for name, lines in rules.signaux.items()}
        self._events = _Events(self._book, rules.regles)
        self._clues = _ClueBook(self._book, rules.points)
        self._calming_points = sorted(rules.points.calme.items(), key=lambda item: -item[1])
        self._overrides = _Events(self._book, rules.modificateurs)
        self._reader = _Reader(rules.orthographe, self._book, speller)

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
        words = self._reader.read(texte)
        if not words.keys:
            return None
        reading = _Reading(words.keys, self._book.find_all(words.keys))
        found = self._first(reading, self._events) or self._weigh(reading)
        if found is None:
            return None
        situation, span = found
        override = self._first(reading, self._overrides)
        if override is not None:
            situation = override[0]
        return Emergency(situation, self._situations[situation], _extract(texte, words, span))

    def _first(self, reading: _Reading, events: _Events) -> tuple[str, Span] | None:
        figures = reading.spans(self._figures)
        for rule, patterns in events.possible(reading.present):
            for span in reading.spans(patterns):
                if not _overlaps(span, figures) and self._stands(reading, rule, span):
                    return rule.situation, span
        return None

    def _weigh(self, reading: _Reading) -> tuple[str, Span] | None:
        families = self._clues.found(reading, reading.spans(self._figures))
        if not families:
            return None
        best: tuple[int, str, Span] | None = None
        for (low, high), least, threshold, bonus in self._stretches(reading):
            heaviest = max(
                (weighed for clues in families if (weighed := _heaviest(clues, low, high))),
                key=lambda weighed: weighed[0],
                default=None,
            )
            if heaviest is None or heaviest[0] < least:
                continue
            total = heaviest[0] + self._context(reading, low, high, bonus)
            if total >= threshold and (best is None or total > best[0]):
                best = (total, heaviest[1], heaviest[2])
        return best[1:] if best else None

    def _stretches(self, reading: _Reading) -> Iterator[tuple[Span, int, int, int]]:
        """Yield what is weighed together, the points its clues must bring, its threshold, its bonus for no calming word.

        A sentence is also weighed alone, without bonus: an emergency may come after an ordinary request.
        """
        tier = self._rules.points.tier(reading.length)
        bonus = self._rules.points.rien_de_calme if reading.is_sentence() else 0
        for window in reading.windows(tier.fenetre):
            yield window, tier.indices, tier.seuil, bonus
        for sentence in reading.sentences():
            yield sentence, tier.indices_phrase, tier.seuil_phrase, 0

    def _context(self, reading: _Reading, low: int, high: int, bonus: int) -> int:
        scale = self._rules.points
        points = sum(p for name, p in scale.contexte.items() if _touches(reading.spans(self._signals[name]), low, high))
        heard: set[int] = set()
        for name, taken in self._calming_points:
            clues = {span[0] for span in _starting(reading.spans(self._signals[name]), low, high)} - heard
            points -= taken * min(len(clues), _MOST_CALM)
            heard |= clues
        return points if heard else points + bonus

    def _stands(self, reading: _Reading, rule: Rule, span: Span) -> bool:
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

    def _happens_now(self, reading: _Reading, span: Span) -> bool:
        unreal = any(reading.same_sentence(self._signals[name], span) for name in ("hypothese", "fiction"))
        return not unreal and reading.same_sentence(self._signals["en_cours"], span)


Span = tuple[int, int]


@dataclass(frozen=True)
class _Clue:
    situation: str
    points: int
    patterns: frozenset[int]


@dataclass(frozen=True)
class _Words:
    """The words of a message as they sound, ``_BREAK`` between sentences, and where each stands in it."""

    keys: list[str]
    starts: list[int]
    ends: list[int]


@dataclass(frozen=True)
class _Slot:
    """One place of a pattern: a set of words, or a gap of at most ``gap`` words."""

    word: int = -1
    optional: bool = False
    gap: int = 0


@dataclass(frozen=True)
class _Pattern:
    """A compiled pattern; ``needed`` has one bit for each set of words it cannot do without, ``soon`` those sure to be near."""

    number: int
    slots: tuple[_Slot, ...]
    needed: int
    soon: int


class _Events:
    """Rules in order, and which of them a message can concern at all."""

    def __init__(self, book: _PatternBook, rules: Sequence[Rule]) -> None:
        self._rules = [(rule, book.add_all(rule.motifs)) for rule in rules]
        self._places: dict[int, list[int]] = {}
        for place, (_, patterns) in enumerate(self._rules):
            for number in patterns:
                self._places.setdefault(number, []).append(place)

    def possible(self, present: Iterable[int]) -> Iterator[tuple[Rule, frozenset[int]]]:
        """Yield, in order, the rules with one of the patterns ``present`` in the message, with all their patterns."""
        places = {place for number in present for place in self._places.get(number, ())}
        return (self._rules[place] for place in sorted(places))


class _ClueBook:
    """The clues of every family, and which of them a message holds."""

    def __init__(self, book: _PatternBook, scale: Scale) -> None:
        self._families: dict[int, list[tuple[str, int, _Clue]]] = {}
        for family, situations in scale.familles.items():
            clues = [
                _Clue(situation, points, book.add_all([line]))
                for situation, levels in situations.items()
                for points, lines in levels.items()
                for line in lines
            ]
            for rank, clue in enumerate(sorted(clues, key=lambda clue: -clue.points)):
                for number in clue.patterns:
                    self._families.setdefault(number, []).append((family, rank, clue))

    def found(self, reading: _Reading, figures: Sequence[Span]) -> list[list[tuple[_Clue, list[Span]]]]:
        """Return for each family that has a solid clue its clues, the heaviest first, with where they stand out of any figure."""
        families: dict[str, dict[int, _Clue]] = {}
        for number in reading.present:
            for family, rank, clue in self._families.get(number, ()):
                families.setdefault(family, {})[rank] = clue
        found = []
        for _, clues in sorted(families.items()):
            if not any(clue.points >= _SOLID for clue in clues.values()):
                continue
            held = [
                (clue, spans)
                for _, clue in sorted(clues.items())
                if (spans := [span for span in reading.spans(clue.patterns) if not _overlaps(span, figures)])
            ]
            if any(clue.points >= _SOLID for clue, _ in held):
                found.append(held)
        return found


class _Reader:
    """Turns a message into comparable words that remember where they stand in it."""

    def __init__(self, spellings: Mapping[str, str], book: _PatternBook, speller: Speller | None) -> None:
        self._spellings = {**SMS_WORDS, **spellings}
        self._book = book
        self._speller = speller
        self._heard = lru_cache(maxsize=REMEMBERED)(self._hear)

    def read(self, text: str) -> _Words:
        read = _Words([], [], [])
        last = 0
        shouted = text.isupper()
        for match in _WORD.finditer(text):
            start, end = match.span()
            gap = text[last:start]
            if gap not in _PLAIN_GAPS and read.keys and _SENTENCE_END.search(gap):
                _append(read, _BREAK, last, last)
            typed = match.group()
            if shouted or not read.keys or read.keys[-1] == _BREAK:
                typed = typed.lower()  # a capital tells a name, but at the beginning
            if typed in ("c", "C") and text[end + 1 : end + 4].lower() in _BE:
                _append(read, _sound("c"), start, end)
                last = end
                continue
            hear = self._heard if end - start <= LONGEST_WORD else self._hear
            for key in hear(typed, len(read.keys) < SPELT):
                _append(read, key, start, end)
            last = end
        return read

    def _hear(self, typed: str, spelt: bool) -> tuple[str, ...]:
        return tuple(_sound(word) for word in self._words(typed, spelt))

    def _words(self, typed: str, spelt: bool) -> tuple[str, ...]:
        if typed.lower() == "là":
            return (_HERE,)
        plain = _STRETCHED.sub(r"\1", strip_accents(typed.lower()))
        if plain in self._spellings:
            return tuple(self._spellings[plain].split())
        if len(plain) > 2 and plain[0] == "j" and plain[1] not in "aeiouy":
            return "je", *self._words(plain[1:], spelt)
        if self._lacks_apostrophe(plain):
            return plain[0], plain[1:]
        if spelt and self._speller is not None and not _is_name(typed) and not self._book.knows(_sound(plain)):
            meant = self._speller.correct(plain)
            if meant is not None:
                return tuple(heard for word in meant.split() for heard in self._words(word, spelt=False))
        return (plain,)

    def _lacks_apostrophe(self, plain: str) -> bool:
        rest = plain[1:]
        if len(rest) < 3 or plain[0] not in "jnsmtld" or rest[0] not in "aeiouh":
            return False
        if self._speller is not None and plain not in self._speller and rest in self._speller and not self._book.writes(plain):
            return True
        return len(rest) > 3 and not self._book.knows(_sound(plain)) and self._book.knows(_sound(rest))


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
        self._written: set[str] = set()
        self._lengths: list[int] = []
        self._patterns: dict[str, int] = {}
        self._by_first: dict[int, list[_Pattern]] = {}
        self._known = lru_cache(maxsize=REMEMBERED)(self._look_up)
        self._sound_of = lru_cache(maxsize=REMEMBERED)(_sound)  # words of the rules only: the same lists serve many patterns

    def add_all(self, lines: Iterable[str]) -> frozenset[int]:
        return frozenset(self._add(plain) for line in lines for plain in _ungroup(line))

    def knows(self, key: str) -> bool:
        """Tell whether a pattern holds a word that sounds like ``key``."""
        return bool(self._classes(key))

    def writes(self, word: str) -> bool:
        """Tell whether a pattern holds this very ``word``."""
        return word in self._written

    def find_all(self, keys: Sequence[str]) -> dict[int, list[Span]]:
        looked_up = {key: self._known(key) if len(key) <= LONGEST_WORD else self._look_up(key) for key in set(keys)}
        known = {key: ids for key, (ids, _) in looked_up.items()}
        masks = {key: mask for key, (_, mask) in looked_up.items()}
        absent = ~reduce(or_, masks.values(), 0)
        candidates = {
            key: [p for first in ids for p in self._by_first.get(first, ()) if not p.needed & absent] for key, ids in known.items()
        }
        classes = [None if key == _BREAK else known[key] for key in keys]
        ahead = _look_ahead([masks[key] for key in keys])
        found: dict[int, list[Span]] = {}
        for start, key in enumerate(keys):
            missing = ~ahead[start]
            for pattern in candidates[key]:
                if pattern.soon & missing:
                    continue
                end = _match(pattern.slots, 1, classes, start + 1)
                if end >= 0:
                    found.setdefault(pattern.number, []).append((start, end))
        return found

    def _add(self, line: str) -> int:
        if line in self._patterns:
            return self._patterns[line]
        if "(" in line or ")" in line:
            raise ReferentialError(
                [Problem("urgences_regles.yml", 0, f"le motif « {line} » a des parenthèses de trop : pas de groupe dans un groupe.")]
            )
        slots = tuple(self._slot(part) for part in line.split())
        if not slots or slots[0].word < 0 or slots[0].optional or slots[-1].gap:
            raise ReferentialError([Problem("urgences_regles.yml", 0, f"le motif « {line} » doit commencer et finir par un mot.")])
        number = len(self._patterns)
        self._patterns[line] = number
        words = {slot.word for slot in slots if slot.word >= 0 and not slot.optional}
        reach = sum(slot.gap or 1 for slot in slots)
        needed = sum(1 << word for word in words)
        self._by_first.setdefault(slots[0].word, []).append(_Pattern(number, slots, needed, needed if reach <= LOOK_AHEAD else 0))
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
                    if table is self._starts and len(key) not in self._lengths:
                        insort(self._lengths, len(key))
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
            self._written.add(word)
            yield self._exact, self._sound_of(word)
            return
        start = word[:-1]
        yield self._starts, self._sound_of(start, whole=False)
        if start.endswith("c"):  # what follows decides between the sounds of "menace" and "suffoquer"
            yield self._starts, self._sound_of(start[:-1] + "s", whole=False)

    def _look_up(self, key: str) -> tuple[frozenset[int], int]:
        ids = self._classes(key)
        return ids, sum(1 << i for i in ids)

    def _classes(self, key: str) -> frozenset[int]:
        ids = set(self._exact.get(key, ()))
        for length in self._lengths:
            if length > len(key):
                break
            ids |= self._starts.get(key[:length], set())
        return frozenset(ids)


class _Reading:
    """One message with every pattern found in it."""

    def __init__(self, keys: Sequence[str], found: Mapping[int, list[Span]]) -> None:
        self._found = found
        self.present = frozenset(found)
        self.length = len(keys)
        self._breaks = [i for i, key in enumerate(keys) if key == _BREAK]
        self._cache: dict[frozenset[int], list[Span]] = {}

    def spans(self, patterns: frozenset[int]) -> list[Span]:
        if patterns not in self._cache:
            self._cache[patterns] = sorted(span for p in patterns & self.present for span in self._found[p])
        return self._cache[patterns]

    def is_sentence(self) -> bool:
        """Tell whether the message is more than a few key words."""
        return self.length >= SENTENCE

    def windows(self, width: int) -> Iterator[Span]:
        """Yield the stretches of ``width`` words weighed together; each overlaps half of the next."""
        step = width // 2
        for low in range(0, max(1, self.length - step), step):
            yield low, low + width

    def sentences(self) -> Iterator[Span]:
        """Yield each sentence of a message that has several."""
        if self._breaks:
            yield from zip([0, *(i + 1 for i in self._breaks)], [*self._breaks, self.length])

    def near(self, patterns: frozenset[int], span: Span, scope: int) -> bool:
        return _touches(self.spans(patterns), span[0] - scope, span[1] + scope)

    def same_sentence(self, patterns: frozenset[int], span: Span) -> bool:
        after = bisect_left(self._breaks, span[0])
        low = self._breaks[after - 1] if after else -1
        high = self._breaks[after] if after < len(self._breaks) else span[1] + CALM_SCOPE
        return _touches(self.spans(patterns), max(low + 1, span[0] - CALM_SCOPE), min(high, span[1] + CALM_SCOPE))


def _look_ahead(masks: Sequence[int]) -> list[int]:
    """Return for each word the union of the masks of the next :data:`LOOK_AHEAD` words, itself included."""
    ahead = list(masks)
    step = 1
    while step < LOOK_AHEAD:
        ahead = [mask | later for mask, later in zip(ahead, ahead[step:])] + ahead[-step:]
        step *= 2
    return ahead


def _heaviest(clues: Sequence[tuple[_Clue, list[Span]]], low: int, high: int) -> tuple[int, str, Span] | None:
    """Add up the clues of one family found between ``low`` and ``high``; a word counts once, a clue counts once."""
    taken: list[Span] = []
    total = light = 0
    weights: dict[str, int] = {}
    first: dict[str, Span] = {}
    for clue, spans in clues:
        span = next((s for s in _starting(spans, low, high) if not _shared(s, taken)), None)
        if span is None:
            continue
        if clue.points < _SOLID and (not first or light == _MOST_LIGHT):
            continue
        light += clue.points == _LIGHT
        taken.append(span)
        total += clue.points
        weights[clue.situation] = weights.get(clue.situation, 0) + clue.points
        first.setdefault(clue.situation, span)
    if not first:
        return None
    situation = max(weights, key=lambda name: weights[name])
    return total, situation, first[situation]


def _match(slots: tuple[_Slot, ...], index: int, classes: Sequence[frozenset[int] | None], position: int) -> int:
    """Return where the pattern ends (exclusive) when it goes on from ``position``, else -1."""
    if index == len(slots):
        return position
    slot = slots[index]
    if slot.word >= 0:
        here = classes[position] if position < len(classes) else None
        if here is not None and slot.word in here:
            end = _match(slots, index + 1, classes, position + 1)
            if end >= 0:
                return end
        return _match(slots, index + 1, classes, position) if slot.optional else -1
    for next_position in range(position, position + slot.gap + 1):
        end = _match(slots, index + 1, classes, next_position)
        if end >= 0:
            return end
        if next_position >= len(classes) or classes[next_position] is None:
            return -1
    return -1


def _ungroup(line: str) -> Iterator[str]:
    """Yield the patterns without parentheses that ``line`` stands for."""
    group = None if _NESTED.search(line) else _GROUP.search(line)
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
        word = pattern.sub(sound, word) or word
    word = _DOUBLED.sub(r"\1", word) or word
    return word[:-1] if whole and len(word) > 4 and word[-1] in "sx" else word


def _is_name(typed: str) -> bool:
    """Tell whether ``typed`` begins like a proper name or an acronym, which no list of words can correct."""
    return typed[0].isupper()


def _starting(spans: Sequence[Span], low: int, high: int) -> Sequence[Span]:
    """Return those of ``spans`` (sorted) that start from ``low`` to ``high`` (exclusive)."""
    return spans[bisect_left(spans, (low,)) : bisect_left(spans, (high,))]


def _touches(spans: Sequence[Span], low: int, high: int) -> bool:
    """Tell whether one of ``spans`` (sorted) has a word from ``low`` to ``high`` (exclusive)."""
    index = bisect_left(spans, (high,))
    while index and spans[index - 1][0] > low - _LONGEST:
        index -= 1
        if spans[index][1] > low:
            return True
    return False


def _overlaps(span: Span, others: Sequence[Span]) -> bool:
    """Tell whether ``span`` shares a word with one of ``others`` (sorted)."""
    return _touches(others, span[0], span[1])


def _shared(span: Span, taken: Sequence[Span]) -> bool:
    return any(start < span[1] and end > span[0] for start, end in taken)


def _append(words: _Words, key: str, start: int, end: int) -> None:
    words.keys.append(key)
    words.starts.append(start)
    words.ends.append(end)


def _extract(text: str, words: _Words, span: Span) -> str:
    return _INVISIBLE.sub("", text[words.starts[span[0]] : words.ends[span[1] - 1]])


def _check(situations: Mapping[str, tuple[str, ...]], rules: EmergencyRules) -> None:
    problems = []
    groups = {
        "present",
        "en_cours",
        "hypothese",
        "fiction",
        *rules.points.contexte,
        *rules.points.calme,
        *(name for names in rules.calmants.values() for name in names),
    }
    known = [rule.situation for rule in (*rules.regles, *rules.modificateurs)]
    known += [name for situations in rules.points.familles.values() for name in situations]
    for rule in (*rules.regles, *rules.modificateurs):
        groups.update(rule.avec, rule.sauf, rule.calmants or ())
        if rule.force not in _FORCES:
            problems.append(f"la force « {rule.force} » ({rule.situation}) n'existe pas : {', '.join(_FORCES)}.")
    problems += [f"la situation « {name} » n'a pas de numéro dans urgences.yml." for name in sorted(set(known)) if not situations.get(name)]
    if not rules.points.paliers or rules.points.paliers[-1].mots is not None:
        problems.append("le dernier palier de « points » ne doit pas donner de nombre de « mots ».")
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


def _scale(row: Mapping[str, Any]) -> Scale:
    return Scale(
        paliers=tuple(_tier(tier) for tier in row["paliers"]),
        contexte={name: int(points) for name, points in row["contexte"].items()},
        calme={name: int(points) for name, points in row["calme"].items()},
        rien_de_calme=int(row["rien_de_calme"]),
        familles={
            family: {
                situation: {int(points): _lines(lines) for points, lines in levels.items()} for situation, levels in situations.items()
            }
            for family, situations in row["familles"].items()
        },
    )


def _tier(row: Mapping[str, Any]) -> Tier:
    return Tier(
        mots=int(row["mots"]) if "mots" in row else None,
        **{name: int(row[name]) for name in ("fenetre", "indices", "seuil", "indices_phrase", "seuil_phrase")},
    )
