"""The training messages: read Rasa's YAML fast, and lint it so that it stays worth learning from."""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bot.base.errors import CorpusError, Problem
from bot.base.yaml_lines import load_located
from bot.language.cleaning import Script, clean, plain_words
from bot.language.privacy import holds_personal_data
from bot.referential import Referential

MIN_EXAMPLES = 15
MIN_STORIES_SHARE = 0.3
STORY_WORDS = 15
NEAR_DUPLICATE = 0.85
"""Share of words in common (Jaccard) from which two messages count as the same."""
CARRIER_WORDS = 4
CARRIER_REPEATS = 6
_INTENT = re.compile(r"^- intent: *([a-z][a-z0-9_]*)[ \t]*$")
_PHRASE = re.compile(r"^    - (.*\S)[ \t]*$")
_MARKUP = re.compile(r"[\[\]{}]")
Tag = TypeVar("Tag")


@dataclass(frozen=True)
class Example:
    """One training message.

    Args:
        text: what a person typed.
        label: topic or conversation act.
        fichier: file it comes from, relative to the project.
        ligne: 1-based line.
    """

    text: str
    label: str
    fichier: str
    ligne: int


def read_corpus(folder: Path) -> tuple[Example, ...]:
    """Read every ``*.yml`` of ``data/nlu`` (Rasa's own format), in order of file name.

    Raises:
        CorpusError: a file cannot be read, or holds something else than intents with examples.
    """
    examples: list[Example] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yml")):
        name = f"data/nlu/{path.name}"
        document = load_located(path, name)
        if isinstance(document, tuple):
            problems.extend(document)
            continue
        rows = (document.data or {}).get("nlu") if isinstance(document.data, dict) else None
        if not isinstance(rows, list):
            problems.append(document.problem((), "la liste « nlu: » manque."))
            continue
        for index, row in enumerate(rows):
            if not isinstance(row, dict) or not isinstance(row.get("intent"), str) or not isinstance(row.get("examples"), str):
                problems.append(document.problem(("nlu", index), "chaque bloc doit avoir « intent: » et « examples: | »."))
                continue
            first = document.line(("nlu", index, "examples")) + 1
            for offset, line in enumerate(row["examples"].split("\n")):
                if not line.strip():
                    continue
                if not line.startswith("- ") or not line[2:].strip():
                    problems.append(Problem(name, first + offset, "chaque message commence par « - »."))
                    continue
                examples.append(Example(line[2:].strip(), row["intent"], name, first + offset))
    if problems:
        raise CorpusError(problems)
    if not examples:
        raise CorpusError([Problem("data/nlu", 0, "aucun message d'entraînement. Ajoutez des fichiers .yml.")])
    return tuple(examples)


def label_in(line: str) -> str:
    """Return the label that a line of a corpus file begins, "" when it begins none."""
    found = _INTENT.match(line.rstrip("\r\n"))
    return found.group(1) if found else ""


def phrase_in(line: str) -> str:
    """Return the message that a line of a corpus file holds, "" when it holds none."""
    found = _PHRASE.match(line.rstrip("\r\n"))
    return found.group(1) if found else ""


def listed_phrases(text: str) -> list[tuple[str, str]]:
    """Return (label, message) for each message of a corpus file: the fast reading of the usual layout."""
    rows = []
    label = ""
    for line in text.splitlines():
        label = label_in(line) or label
        phrase = phrase_in(line)
        if phrase:
            rows.append((label, phrase))
    return rows


def read_jsonl(path: Path, field: str = "texte") -> Iterator[dict[str, object]]:
    """Yield the rows of a JSON lines file of labelled messages.

    Args:
        path: the file.
        field: what every row holds: the words of a message, or the ``tours`` of a conversation.

    Raises:
        CorpusError: a line is not a JSON object with this field.
    """
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise CorpusError([Problem(path.name, number, f"JSON illisible ({error.msg}).")]) from error
            if not isinstance(row, dict) or not isinstance(row.get(field), str | list):
                raise CorpusError([Problem(path.name, number, f"il manque « {field} ».")])
            yield row


def lint(
    examples: Sequence[Example],
    referential: Referential,
    held_out: Iterable[tuple[str, str]] = (),
    known: Container[tuple[str, str]] = frozenset(),
) -> tuple[Problem, ...]:
    """Return every problem of the corpus, in French.

    Args:
        examples: the training messages.
        referential: to know the topics and acts.
        held_out: (text, where it stands) of messages kept for tests: none may be in the corpus.
        known: (label, text) of messages that were looked at before: what only they do wrong is not said again, and takes no time.
    """
    new = [(e.label, e.text) not in known for e in examples]
    checks = (
        _unknown_labels(examples, referential),
        _too_few(examples, referential),
        _private_or_markup([e for e, is_new in zip(examples, new, strict=True) if is_new]),
        _carriers(examples, new),
        _twins(examples, new),
        _leaks([e for e, is_new in zip(examples, new, strict=True) if is_new], held_out),
    )
    return tuple(sorted((p for check in checks for p in check), key=lambda p: (p.fichier, p.ligne)))


def _unknown_labels(examples: Sequence[Example], referential: Referential) -> Iterator[Problem]:
    known, seen = referential.labels, set[str]()
    for example in examples:
        if example.label in known or example.label in seen:
            continue
        seen.add(example.label)
        yield Problem(example.fichier, example.ligne, f"le sujet « {example.label} » n'existe pas.")


def _too_few(examples: Sequence[Example], referential: Referential) -> Iterator[Problem]:
    count = Counter(e.label for e in examples)
    stories = Counter(e.label for e in examples if len(e.text.split()) >= STORY_WORDS)
    place = {e.label: e for e in reversed(examples)}
    for label in [*referential.topics, *referential.acts]:
        where = place.get(label)
        fichier, ligne = (where.fichier, where.ligne) if where else ("data/nlu", 0)
        if count[label] < MIN_EXAMPLES:
            yield Problem(fichier, ligne, f"« {label} » n'a que {count[label]} messages : il en faut {MIN_EXAMPLES} au moins.")
        elif label in referential.topics and stories[label] < MIN_STORIES_SHARE * count[label]:
            wanted = math.ceil(MIN_STORIES_SHARE * count[label])
            said = f"a trop peu de récits d'au moins {STORY_WORDS} mots ({stories[label]}) : il en faut {wanted}."
            yield Problem(fichier, ligne, f"« {label} » {said}")


def has_markup(text: str) -> bool:
    """Whether a message holds characters that Rasa reads as annotations."""
    return bool(_MARKUP.search(text))


def _private_or_markup(examples: Sequence[Example]) -> Iterator[Problem]:
    for example in examples:
        if has_markup(example.text):
            said = "les crochets et accolades sont réservés à Rasa : retirez-les."
        elif holds_personal_data(example.text):
            said = "ce message semble contenir une donnée personnelle : retirez-la."
        else:
            continue
        yield Problem(example.fichier, example.ligne, f"{quoted(example.text)} : {said}")


def _carriers(examples: Sequence[Example], new: Sequence[bool]) -> Iterator[Problem]:
    by_start: dict[tuple[str, str], list[Example]] = defaultdict(list)
    at_fault = set()
    labels = {example.label for example, is_new in zip(examples, new, strict=True) if is_new}
    for example, is_new in zip(examples, new, strict=True):
        if example.label not in labels:
            continue
        words = plain_words(example.text).split()
        if len(words) > CARRIER_WORDS:
            carrier = (example.label, " ".join(words[:CARRIER_WORDS]))
            by_start[carrier].append(example)
            if is_new:
                at_fault.add(carrier)
    for (label, start), group in by_start.items():
        if len(group) >= CARRIER_REPEATS and (label, start) in at_fault:
            yield Problem(
                group[0].fichier,
                group[0].ligne,
                f"{len(group)} messages de « {label} » commencent par « {start} » : variez, ce sont des phrases à trous.",
            )


def _twins(examples: Sequence[Example], new: Sequence[bool]) -> Iterator[Problem]:
    for first, second in near_duplicates([(e.text, e) for e in examples], new=new):
        if first.label != second.label:
            said = f"{quoted(second.text)} : presque le même message que {quoted(first.text)}, mais sous « {second.label} » au lieu de "
            yield Problem(second.fichier, second.ligne, f"{said}« {first.label} ».")
        elif plain_words(first.text) == plain_words(second.text):
            yield Problem(second.fichier, second.ligne, f"{quoted(second.text)} : message déjà écrit dans « {first.label} ». Gardez-en un.")


def _leaks(examples: Sequence[Example], held_out: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    foreign = Script.OTHER_ALPHABET  # of which only a name in our letters would be compared
    tagged: list[tuple[str, Example | str]] = [(t, w) for t, w in held_out if clean(t).script is not foreign]
    tagged += [(e.text, e) for e in examples]
    if not examples:
        return
    for first, second in near_duplicates(tagged, across=lambda a, b: isinstance(a, str) != isinstance(b, str)):
        example, where = (second, first) if isinstance(first, str) else (first, second)
        assert isinstance(example, Example)
        said = f"ce message est aussi dans un jeu d'essai ({where}) : l'apprendre fausserait les mesures. Retirez-le."
        yield Problem(example.fichier, example.ligne, f"{quoted(example.text)} : {said}")


def quoted(text: str, limit: int = 80) -> str:
    """Return the start of a message between French quotes."""
    return f"« {text if len(text) <= limit else text[: limit - 1].rstrip() + '…'} »"


def near_duplicates(
    tagged: Sequence[tuple[str, Tag]],
    threshold: float = NEAR_DUPLICATE,
    across: Callable[[Tag, Tag], bool] | None = None,
    new: Sequence[bool] | None = None,
) -> Iterator[tuple[Tag, Tag]]:
    """Yield pairs of tags whose texts share at least ``threshold`` of their words.

    Args:
        tagged: list of (text, tag).
        threshold: Jaccard share of words in common, in (0, 1].
        across: optional predicate on two tags; pairs it refuses are skipped.
        new: for each text, whether it is new: pairs of old ones are skipped; all are new by default.
    """
    bags = [frozenset(plain_words(text).split()) for text, _ in tagged]
    frequency = Counter(w for bag in bags for w in bag)
    index: dict[str, list[int]] = defaultdict(list)

    def rare(bag: frozenset[str]) -> list[str]:
        """Prefix filter: two sets this alike must share one of their rarest words."""
        return sorted(bag, key=lambda w: (frequency[w], w))[: len(bag) - int(threshold * len(bag) + 0.999) + 1]

    def alike(j: int, i: int) -> bool:
        return len(bags[i] & bags[j]) >= threshold * len(bags[i] | bags[j]) and (across is None or across(tagged[j][1], tagged[i][1]))

    if new is not None and not all(new):
        for i, is_new in enumerate(new):
            if is_new:
                for word in rare(bags[i]):
                    index[word].append(i)
        for i, bag in enumerate(bags):
            for j in {j for word in bag & index.keys() for j in index[word]}:
                if j != i and not (new[i] and j > i) and alike(min(i, j), max(i, j)):
                    yield tagged[min(i, j)][1], tagged[max(i, j)][1]
        return
    for i, bag in enumerate(bags):
        seen: set[int] = set()
        for word in rare(bag):
            for j in index[word]:
                if j in seen:
                    continue
                seen.add(j)
                if alike(j, i):
                    yield tagged[j][1], tagged[i][1]
            index[word].append(i)
