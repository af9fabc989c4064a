"""Read a huge JSON file one record at a time: memory holds one record and one piece of the file, whatever its size."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Protocol

from bot.base.errors import BrokenFile

PIECE = 1 << 20
"""Characters read at once."""
LONGEST = 8 << 20
"""Characters one value may have: beyond, the file is not what it says."""
_SPACE = re.compile(r"[ \t\r\n\ufeff]*")


class Readable(Protocol):
    """What gives text, a piece at a time, then ""."""

    def read(self, size: int = -1, /) -> str: ...


def records(stream: Readable, key: str) -> Iterator[Any]:
    """Yield the values of the list that an object holds under ``key``: ``{"service": […]}``.

    Args:
        stream: text of the file.
        key: name of the list; what stands before it is passed over, what comes after it is not read.

    Raises:
        BrokenFile: it is no such file, is cut short, or holds a value too long to be a record.
    """
    text = _Text(stream)
    text.expect("{")
    while text.value() != key:
        text.expect(":")
        text.value()
        text.expect(",")
    text.expect(":")
    text.expect("[")
    if text.peek() == "]":
        return
    while True:
        yield text.value()
        if text.expect(",]") == "]":
            return


class _Text:
    """What is read and not yet used of a stream."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._text = ""
        self._at = 0
        self._read_value = json.JSONDecoder().raw_decode

    def peek(self) -> str:
        """Return the next character that is no space.

        Raises:
            BrokenFile: there is none.
        """
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                raise BrokenFile("Le fichier est coupé avant la fin.")

    def expect(self, characters: str) -> str:
        """Take the next character, which must be one of ``characters``."""
        found = self.peek()
        if found not in characters:
            raise BrokenFile(f"Ce n'est pas le fichier attendu : « {found} » au lieu de « {characters[0]} ».")
        self._at += 1
        return found

    def value(self) -> Any:
        """Take the next value, whole: read again with more text when it ends where the text does."""
        self.peek()
        while True:
            try:
                found, end = self._read_value(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._more():
                    raise BrokenFile("Le fichier est coupé avant la fin, ou n'est pas du JSON correct.") from error
                continue
            except RecursionError as error:
                raise BrokenFile("Une fiche de ce fichier est trop profonde.") from error
            if end == len(self._text) and self._text[end - 1] not in '}]"':  # a number may go on in the next piece
                if self._more():
                    continue
                end = len(self._text)
            self._at = end
            return found

    def _more(self) -> bool:
        """Read a piece; each one twice as long while a value lasts, so that a long value is not read again too often."""
        waiting = self._text[self._at :]
        if len(waiting) > LONGEST:
            raise BrokenFile("Une fiche de ce fichier est trop longue, ou n'est pas du JSON correct.")
        piece = self._stream.read(max(PIECE, len(waiting)))
        self._text, self._at = waiting + piece, 0
        return bool(piece)
