"""Change the training messages: one message is one line of one file, and nothing else in the file moves."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from bot.base.errors import EditError
from bot.base.paths import ProjectPaths
from bot.language.privacy import holds_personal_data
from bot.learning.corpus import has_markup, label_in, listed_phrases, phrase_in
from bot.learning.loading import lessons_of
from bot.routing.memory import spoken
from bot.staff.candidates.exam import exam_id, read_exam
from bot.staff.candidates.review import held_out_of, twins
from bot.staff.editing.drafts import Drafts
from bot.staff.editing.workspace import Change, Draft, Workspace, summary_line, unique

LONGEST_PHRASE = 2000
HEADER = 'version: "3.1"\nnlu:\n'
_EXAMPLES = re.compile(r"^  examples: \|[ \t]*$")

Row = tuple[str, str]
"""Topic and phrase."""


def tidy_phrase(text: str) -> str:
    """Return a message on one line, without invisible characters.

    Raises:
        EditError: empty, too long, with markup, or with something personal in it.
    """
    kept = "".join(c if unicodedata.category(c)[0] != "C" or c.isspace() else " " for c in text)
    phrase = " ".join(kept.split())
    if not phrase:
        raise EditError("La phrase est vide. Écrivez ce que la personne a demandé.")
    if len(phrase) > LONGEST_PHRASE:
        raise EditError(f"La phrase est trop longue : {len(phrase)} caractères, {LONGEST_PHRASE} au plus.")
    if has_markup(phrase):
        raise EditError("Les crochets et les accolades sont réservés. Retirez-les de la phrase.")
    if holds_personal_data(phrase):
        raise EditError("Cette phrase semble contenir une donnée personnelle (nom, téléphone, adresse…). Retirez-la.")
    return phrase


class CorpusEditor:
    """The files of ``data/nlu``.

    Args:
        paths: the tree.
    """

    def __init__(self, paths: ProjectPaths) -> None:
        self._live = paths

    def _seen(self) -> ProjectPaths:
        """Return the tree that is read."""
        return self._live

    def _written(self) -> ProjectPaths:
        """Return the tree that is written."""
        return self._live

    def phrases(self, topic: str) -> tuple[str, ...]:
        """Return the messages of a topic, in order of file and line."""
        paths = self._seen()
        draft = Draft(paths.root)
        return tuple(p for path in files_of(paths, draft, topic) for p in phrases_in(draft.read(path), topic))

    def add_phrase(self, topic: str, text: str, author: str) -> Change:
        """Add one message to a topic.

        Args:
            topic: id of a topic that exists.
            text: the message, free of personal data.
            author: name of the person.

        Raises:
            EditError: the message or the topic will not do, or is already there (says where).
        """
        return self.add_phrases(topic, [text], author)

    def add_phrases(self, topic: str, texts: Sequence[str], author: str) -> Change:
        """Add several messages at once; all or none. Same errors as :meth:`add_phrase`."""
        done: list[Change] = []
        many = f"{len(texts)} phrases ajoutées à « {topic} »"
        summary = summary_line(f"Phrase ajoutée à « {topic} »") if len(texts) == 1 else many
        tidy, paths = tidy_phrases(texts), self._written()
        with Workspace(paths).editing(author, summary, done, "phrase_ajoutee", topic, {"phrases": len(tidy)}) as draft:
            put_phrases(paths, draft, topic, tidy)
        if not done:
            raise EditError("Aucune phrase à ajouter.")
        return done[0]

    def keep_for_exam(self, text: str, wanted: str, author: str) -> None:
        """Keep a message to judge models on, instead of teaching it; nothing happens when it is kept already.

        Args:
            text: free of personal data.
            wanted: id of a topic, or one of :data:`bot.staff.candidates.exam.SPECIAL`.
            author: name of the person.

        Raises:
            EditError: the message will not do, or was taught.
        """
        done: list[Change] = []
        phrase, path = tidy_phrase(text), self._live.exam
        with Workspace(self._live).editing(author, "Message gardé pour l'examen", done, "message_garde", wanted) as draft:
            if exam_id(phrase) in read_exam(path):
                return
            try:
                refuse_known(self._seen(), "", [phrase])
            except EditError:
                raise EditError("L'assistant a déjà appris cette phrase : elle ne dirait rien de plus à l'examen.") from None
            before = draft.read(path) if draft.exists(path) else ""
            draft.write(path, before + json.dumps({"texte": phrase, "attendu": wanted}, ensure_ascii=False) + "\n")

    def remove_phrase(self, topic: str, text: str, author: str) -> Change:
        """Remove one message.

        Raises:
            EditError: it is no longer there (someone else removed or moved it).
        """
        done: list[Change] = []
        paths = self._written()
        with Workspace(paths).editing(author, f"Phrase retirée de « {topic} »", done, "phrase_retiree", topic) as draft:
            take_phrase(paths, draft, topic, text)
        return done[0]

    def move_phrase(self, text: str, source: str, target: str, author: str) -> Change:
        """Move one message from a topic to another.

        Raises:
            EditError: it is no longer in ``source``, or ``target`` does not exist.
        """
        if source == target:
            raise EditError("La phrase est déjà dans ce sujet.")
        done: list[Change] = []
        paths, summary = self._written(), f"Phrase déplacée de « {source} » vers « {target} »"
        with Workspace(paths).editing(author, summary, done, "phrase_deplacee", source) as draft:
            take_phrase(paths, draft, source, text)
            path = _last_file(paths, draft, target)
            draft.write(path, insert_phrases(draft.read(path), target, [text]))
        return done[0]


class DraftedCorpus(CorpusEditor):
    """The messages as the draft has them: what is taught waits there, and is published with the rest.

    Args:
        live: the tree that serves.
        drafts: its draft.
    """

    def __init__(self, live: ProjectPaths, drafts: Drafts) -> None:
        super().__init__(live)
        self._drafts = drafts

    def _seen(self) -> ProjectPaths:
        return self._drafts.edited

    def _written(self) -> ProjectPaths:
        return self._drafts.open()


def files_of(paths: ProjectPaths, draft: Draft, topic: str) -> list[Path]:
    """Return the files of the corpus that hold messages of a topic."""
    marker = f"- intent: {topic}"
    every = sorted({*paths.corpus.glob("*.yml"), *(p for p in draft.changed if p.parent == paths.corpus)})
    return [p for p in every if draft.exists(p) and any(line.rstrip() == marker for line in draft.read(p).splitlines())]


def put_phrases(paths: ProjectPaths, draft: Draft, topic: str, phrases: Sequence[str]) -> None:
    """Add tidy messages to a topic, in a draft.

    Raises:
        EditError: no such topic in the corpus, or a message is already somewhere; says which line.
    """
    path = _last_file(paths, draft, topic)
    refuse_known(paths, topic, phrases)
    if phrases:
        draft.write(path, insert_phrases(draft.read(path), topic, phrases))


def _last_file(paths: ProjectPaths, draft: Draft, topic: str) -> Path:
    files = files_of(paths, draft, topic)
    if not files:
        raise EditError(f"Le sujet « {topic} » n'a pas encore de phrases. Vérifiez son nom ou créez-le.")
    return files[-1]


def tidy_phrases(texts: Sequence[str]) -> tuple[str, ...]:
    """Return messages tidied, each once.

    Raises:
        EditError: what is wrong with each, with its line when there are several.
    """
    tidy, mistakes = [], []
    for number, text in enumerate(texts, start=1):
        try:
            tidy.append(tidy_phrase(text))
        except EditError as error:
            mistakes.append(at_line(number, len(texts), str(error)))
    if mistakes:
        raise EditError("\n".join(mistakes))
    return unique(tidy)


def refuse_known(paths: ProjectPaths, topic: str, phrases: Sequence[str]) -> None:
    """Refuse messages that are already in the corpus, word for word, or nearly under another topic: one phrase has one answer.

    Those kept for tests are refused too, by the rule of « bot check ».

    Raises:
        EditError: says which line, and where it is known.
    """
    lessons = lessons_of(paths.corpus)
    lessons.follow()
    mistakes = []
    for number, phrase in enumerate(phrases, start=1):
        words = spoken(phrase)
        for other, label in lessons.memory.wordings(words).items():
            if label == topic and other != words:
                continue
            where = "dans ce sujet" if label == topic else f"dans le sujet « {label} » : déplacez-la" if label else "dans deux sujets"
            said = "existe déjà" if other == words else f"est déjà écrite, à peu de chose près (« {other} »),"
            mistakes.append(at_line(number, len(phrases), f"la phrase « {phrase} » {said} {where}."))
            break
    tests = ((spoken(text), "") for text in held_out_of(paths))
    for (_, phrase), _source in twins([(topic, phrase) for phrase in phrases], tests):
        said = f"la phrase « {phrase} » est un message d'essai : l'apprendre fausserait les mesures."
        mistakes.append(at_line(phrases.index(phrase) + 1, len(phrases), said))
    if mistakes:
        raise EditError("\n".join(mistakes))


def at_line(number: int, lines: int, sentence: str) -> str:
    """Return a sentence with the number of the line it is about, when there are several."""
    return f"Ligne {number} : {sentence}" if lines > 1 else sentence[:1].upper() + sentence[1:]


def take_phrase(paths: ProjectPaths, draft: Draft, topic: str, phrase: str) -> None:
    """Remove a message from a topic, in a draft.

    Raises:
        EditError: it is not there.
    """
    for path in files_of(paths, draft, topic):
        text = draft.read(path)
        if phrase in phrases_in(text, topic):
            draft.write(path, delete_phrase(text, topic, phrase))
            return
    raise EditError(f"Cette phrase n'est plus dans « {topic} » : une autre personne l'a déplacée ou retirée.")


def phrases_in(text: str, topic: str) -> tuple[str, ...]:
    """Return the messages of a topic in the text of one file."""
    return tuple(phrase for label, phrase in listed_phrases(text) if label == topic)


def insert_phrases(text: str, topic: str, phrases: Sequence[str]) -> str:
    """Return the text of a corpus file with more lines, after the last message of the topic."""
    lines = text.splitlines(keepends=True)
    at = _block(lines, topic)[1]
    if not lines[at - 1].endswith("\n"):
        lines[at - 1] += "\n"
    lines[at:at] = [f"    - {phrase}{_line_end(text)}" for phrase in phrases]
    return _checked(text, "".join(lines), lambda rows: [*rows, *((topic, phrase) for phrase in phrases)])


def delete_phrase(text: str, topic: str, phrase: str) -> str:
    """Return the text of a corpus file without the first line that holds this message of the topic."""
    lines = text.splitlines(keepends=True)
    label = ""
    for i, line in enumerate(lines):
        label = label_in(line) or label
        if label == topic and phrase_in(line) == phrase:
            if len(phrases_in(text, topic)) == 1:
                raise EditError("C'est la dernière phrase du sujet. Ajoutez-en une autre d'abord, ou retirez le sujet.")
            del lines[i]
            return _checked(text, "".join(lines), lambda rows: _with_removed(rows, topic, phrase))
    raise EditError("Cette phrase n'est plus dans le fichier.")


def append_intent(text: str, topic: str, phrases: Sequence[str]) -> str:
    """Return the text of a corpus file with a new topic at its end; an empty text gets the header of the format."""
    base = text or HEADER
    end = _line_end(base)
    if not base.endswith("\n"):
        base += end
    block = f"- intent: {topic}{end}  examples: |{end}" + "".join(f"    - {p}{end}" for p in phrases)
    return _checked(text or HEADER, base + block, lambda rows: [*rows, *((topic, p) for p in phrases)])


def remove_intent(text: str, topic: str) -> str:
    """Return the text of a corpus file without a topic and its messages."""
    lines = text.splitlines(keepends=True)
    kept: list[str] = []
    label = ""
    for line in lines:
        label = label_in(line) or ("" if line[:1].strip() else label)
        if label != topic:
            kept.append(line)
    if not any(label_in(line) for line in kept):  # a corpus file may not be empty of topics
        return ""
    return _checked(text, "".join(kept), lambda rows: [r for r in rows if r[0] != topic])


def rename_intent(text: str, topic: str, new: str) -> str:
    """Return the text of a corpus file where a topic has another id."""
    lines = text.splitlines(keepends=True)
    changed = [line.replace(topic, new, 1) if label_in(line) == topic else line for line in lines]
    return _checked(text, "".join(changed), lambda rows: [(new if label == topic else label, p) for label, p in rows])


def _block(lines: list[str], topic: str) -> tuple[int, int]:
    """Return where the last block of a topic starts, and where its messages end."""
    starts = [i for i, line in enumerate(lines) if label_in(line) == topic]
    if not starts:
        raise EditError(f"Le sujet « {topic} » n'est pas dans ce fichier.")
    start = starts[-1]
    if start + 1 >= len(lines) or not _EXAMPLES.match(lines[start + 1].rstrip("\r\n")):
        raise EditError(f"Le sujet « {topic} » n'est pas écrit de la façon habituelle. Demandez à un développeur.")
    end = start + 2
    while end < len(lines) and phrase_in(lines[end]):
        end += 1
    return start, end


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _parsed(text: str) -> list[Row]:
    """Return (topic, message) for every message, as YAML says it."""
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # both are safe loaders
        return [
            (str(row["intent"]), line[2:].strip())
            for row in document["nlu"]
            for line in str(row["examples"]).split("\n")
            if line.startswith("- ")
        ]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise EditError("Un fichier de phrases n'est pas lisible. Prévenez un développeur.") from error


def _checked(before: str, after: str, expected: Callable[[list[Row]], list[Row]]) -> str:
    """Return ``after`` when YAML reads in it exactly what the change should give."""
    if sorted(_parsed(after)) != sorted(expected(_parsed(before) if before != HEADER else [])):
        raise EditError("Ce changement ne peut pas s'écrire sans toucher au reste du fichier. Demandez à un développeur.")
    return after


def _with_removed(rows: list[Row], topic: str, phrase: str) -> list[Row]:
    rows = list(rows)
    rows.remove((topic, phrase))
    return rows


def add_phrase(topic: str, text: str, author: str, paths: ProjectPaths) -> Change:
    """Add one message to a topic: see :meth:`CorpusEditor.add_phrase`."""
    return CorpusEditor(paths).add_phrase(topic, text, author)
