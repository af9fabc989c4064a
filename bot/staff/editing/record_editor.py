"""What the editors of a file of records share: one record as it is read, to be sent back with a change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.base.paths import ProjectPaths
from bot.staff.editing.workspace import Draft, Workspace, content_version
from bot.staff.editing.yaml_records import RecordFile, record_text

NEW_ID = re.compile(r"[a-z][a-z0-9_]{2,49}")
"""Ids that a person may give to a new record."""


@dataclass(frozen=True)
class RecordSheet:
    """A record as it stands in its file.

    Args:
        id: of the record.
        values: its plain values.
        version: to send back with a change.
        text: the record as YAML.
    """

    id: str
    values: Mapping[str, Any]
    version: str
    text: str


class RecordEditor:
    """The records of one file of the referential.

    Args:
        paths: the tree.
        file: name of the file.
        key: of its list.
    """

    def __init__(self, paths: ProjectPaths, file: str, key: str) -> None:
        self._paths = paths
        self._workspace = Workspace(paths)
        self._file, self._key = paths.referential / file, key

    def read(self, identifier: str) -> RecordSheet:
        """Return a record as it is written now.

        Raises:
            EditError: it does not exist.
        """
        return self._sheet(Draft(self._paths.root), identifier)

    def _records(self, draft: Draft) -> RecordFile:
        return RecordFile(draft.read(self._file), self._key)

    def _sheet(self, draft: Draft, identifier: str) -> RecordSheet:
        values = self._records(draft).get(identifier)
        text = record_text(values)
        return RecordSheet(identifier, values, content_version(text), text)
