"""A list of file subjects in CSV, as a spreadsheet saves it: read it whatever its delimiter and encoding, write it back routed."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bot.base.errors import BadMessage
from bot.dialogue.orientation import Orientation, Request, orient_many
from bot.dialogue.wording import TO_CONFIRM, Card, Contact
from bot.language.cleaning import strip_accents
from bot.routing.types import DecisionKind, Destination

if TYPE_CHECKING:
    from bot.dialogue.dialogue import Dialogue

BATCH = 16
"""Subjects oriented at once: large enough for the encoder, short enough for whoever waits behind."""
MAX_COLUMNS = 100
"""Wider, it is no list of subjects: each line is filled up to the widest, and answered as wide."""
SUBJECT_COLUMNS = ("objet", "texte", "objet du dossier", "demande")
DELIMITERS = ";,\t|"
ADDED = (
    "décision",
    "délégation",
    "service",
    "sujet",
    "premier geste",
    "contact",
    "services associés",
    "confiance",
    "alternatives",
    "a_relire",
    "relecture",
)
BOM = "\ufeff"
YES, NO = "oui", "non"

_DECISIONS = {
    DecisionKind.ORIENTER: "porte trouvée",
    DecisionKind.HORS_PERIMETRE: "autre organisme",
    DecisionKind.CLARIFIER: "à préciser",
    DecisionKind.URGENCE: "urgence",
    DecisionKind.CONVERSATION: "pas une demande",
    DecisionKind.HORS_SUJET: "pas une demande",
    DecisionKind.INCOMPRIS: "non compris",
}
_SAFE = {DecisionKind.ORIENTER, DecisionKind.HORS_PERIMETRE}
_SEPARATOR = " | "
_FORMULA_START = re.compile(r"^\s*[=+\-@\t\r＝＋－＠]")
_EXCEL_MARK = re.compile(r"\A\ufeff?sep=.\r?\n", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d[\d .,\u00a0\u202f]*")


@dataclass(frozen=True)
class SubjectList:
    """A list read.

    Args:
        header: names of the columns.
        rows: cells, one list per line, as wide as the header.
        column: which one holds the subject.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    column: int


def read_list(raw: bytes, at_most: int | None = None) -> SubjectList:
    """Read a CSV file.

    Args:
        at_most: lines wanted; one more is read, to tell that there are too many. All of them by default.
        raw: the file: ``;``, ``,``, tab or ``|``; UTF-8, UTF-16 with its mark, or Windows-1252.

    Raises:
        BadMessage: not a CSV file, or no column of subjects; the sentence says what to do.
    """
    if raw.startswith(b"PK\x03\x04") or raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadMessage("C'est un classeur de tableur. Enregistrez-le au format CSV, puis envoyez ce nouveau fichier.")
    text = decode(raw)
    if "\0" in text:
        raise BadMessage("Ce fichier n'est pas du texte. Enregistrez votre liste au format CSV.")
    return _read_text(text, at_most)


def read_pasted(text: str) -> SubjectList:
    """Read what a person pasted: cells of a spreadsheet with their header, or plain lines, one subject each.

    Raises:
        BadMessage: nothing was pasted.
    """
    if _column(_first_row(text)[0]) is not None:
        return _read_text(text)
    rows = tuple((line.strip(),) for line in text.replace("\0", " ").splitlines() if line.strip())
    if not rows:
        raise BadMessage("Votre liste est vide. Collez au moins une ligne, ou choisissez un fichier.")
    return SubjectList((SUBJECT_COLUMNS[0],), rows, 0)


def decode(raw: bytes) -> str:
    """Return the text of a file saved by a spreadsheet: its mark, else UTF-8 if it is, else Windows-1252."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def route_list(dialogue: Dialogue, subjects: SubjectList, profile: str | None) -> Iterator[list[list[str]]]:
    """Yield the rows to write, header first, a few at a time."""
    yield [output_header(subjects)]
    for start in range(0, len(subjects.rows), BATCH):
        yield route_rows(dialogue, subjects, subjects.rows[start : start + BATCH], profile)


def output_header(subjects: SubjectList) -> list[str]:
    """Return the columns of the answer: those received, then ours, none twice."""
    taken = {_plain(name) for name in subjects.header}
    return [*subjects.header, *(f"{name} (assistant)" if _plain(name) in taken else name for name in ADDED)]


def route_rows(dialogue: Dialogue, subjects: SubjectList, rows: Sequence[tuple[str, ...]], profile: str | None) -> list[list[str]]:
    """Return some rows with our columns added."""
    answers = orient_many(dialogue, [Request(row[subjects.column], profile) for row in rows])
    return [[*row, *_added_cells(dialogue, answer)] for row, answer in zip(rows, answers, strict=True)]


def write_rows(rows: Sequence[Sequence[str]]) -> str:
    """Return CSV lines that LibreOffice and Excel open as they are in French; put :data:`BOM` before the first one.

    A cell that a spreadsheet would run as a formula is written as text (OWASP, "CSV Injection").
    """
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=";", lineterminator="\r\n").writerows([neutralise(cell) for cell in row] for row in rows)
    return buffer.getvalue().encode("utf-8", "replace").decode()


def neutralise(cell: str) -> str:
    """Put an apostrophe before a cell that would be read as a formula; a plain number stays one."""
    return f"'{cell}" if _FORMULA_START.match(cell) and not _NUMBER.fullmatch(cell.strip()) else cell


def _read_text(text: str, at_most: int | None = None) -> SubjectList:
    text = _EXCEL_MARK.sub("", text)
    if not text.strip():
        raise BadMessage("Ce fichier est vide. Envoyez une liste avec une colonne « objet ».")
    first, delimiter = _first_row(text)
    column = _column(first)
    if column is None:
        shown = ", ".join(f"« {name.strip()[:40]} »" for name in first[:8] if name.strip())
        raise BadMessage(f"Je cherche une colonne nommée « objet » ou « texte » à la première ligne. J'y lis : {shown or 'rien'}.")
    try:
        _, *rows = islice(_cells(text, delimiter), None if at_most is None else at_most + 2)
    except csv.Error as error:
        raise BadMessage("Ce fichier n'est pas un CSV que je peux lire. Enregistrez-le de nouveau au format CSV.") from error
    width = max(len(first), *(len(row) for row in rows)) if rows and len(first) > 1 else len(first)
    if len(first) == 1:  # one column needs no delimiter: the ones inside belong to the subject
        rows = [[delimiter.join(row)] for row in rows]
    header = (*(name.strip() for name in first), *("" for _ in range(width - len(first))))
    return SubjectList(header, tuple((*row, *("" for _ in range(width - len(row)))) for row in rows), column)


def _first_row(text: str) -> tuple[list[str], str]:
    """Return the header and its delimiter: the one that shows a column of subjects, else the one that cuts most."""
    found: tuple[tuple[bool, int], list[str], str] = ((False, 0), [], DELIMITERS[0])
    for delimiter in DELIMITERS:
        try:
            row = next(_cells(text, delimiter), [])
        except csv.Error:
            continue
        score = (_column(row) is not None, len(row))
        if score > found[0]:
            found = (score, row, delimiter)
    return found[1], found[2]


def _cells(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the lines that hold something.

    Raises:
        BadMessage: a line is too wide.
    """
    for row in csv.reader(io.StringIO(text.removeprefix(BOM), newline=""), delimiter=delimiter):
        if len(row) > MAX_COLUMNS and any(row[MAX_COLUMNS:]):
            raise BadMessage(f"Cette liste a plus de {MAX_COLUMNS} colonnes. Gardez celle des objets et les plus utiles.")
        if any(cell.strip() for cell in row):
            yield row[:MAX_COLUMNS]


def _column(header: Sequence[str]) -> int | None:
    names = [_plain(name) for name in header]
    return next((names.index(known) for known in SUBJECT_COLUMNS if known in names), None)


def _plain(name: str) -> str:
    return " ".join(strip_accents(name.strip().lower()).split())


def _added_cells(dialogue: Dialogue, answer: Orientation | BadMessage) -> list[str]:
    if isinstance(answer, BadMessage):
        return [str(answer), *("" for _ in ADDED[1:-2]), YES, ""]
    decision, cards = answer.decision, answer.reply.cards
    doors = decision.destinations if cards else ()
    others = decision.alternatives if doors else (*decision.destinations, *decision.alternatives)
    return [
        _DECISIONS[decision.decision],
        _joined(card.delegation for card in cards),
        _joined(card.service for card in cards),
        _joined(card.topic for card in cards),
        _joined([*([_calls(answer)] if decision.urgence else []), *(card.step for card in cards)]),
        _joined(_contact(card) for card in cards),
        _joined(line for card in cards for line in card.associated),
        _joined(_decimal(door) for door in doors),
        _joined(f"{_name(dialogue, door)} ({_decimal(door)})" for door in others),
        NO if decision.decision in _SAFE and len(doors) == 1 else YES,
        "",
    ]


def _calls(answer: Orientation) -> str:
    numbers = " ou ".join(call.number for call in answer.reply.calls)
    return f"Appelez le {numbers}."


def _contact(card: Card) -> str:
    desk: Contact = card.partner_contact or card.contact
    parts = [desk.name, *desk.phones, *desk.emails[:1], *([TO_CONFIRM] if desk.to_confirm else [])]
    return ", ".join(part.rstrip(".") for part in parts)


def _name(dialogue: Dialogue, door: Destination) -> str:
    return " › ".join(part for part in (dialogue.writer.card(door).service, dialogue.writer.choice(door).label) if part)


def _decimal(door: Destination) -> str:
    return f"{door.confiance:.2f}".replace(".", ",")


def _joined(parts: Iterable[str]) -> str:
    return _SEPARATOR.join(part for part in parts if part)
