"""JSON logs, one object a line: what happened and how long it took, never the words nor the address of anyone."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Formats our own events with their fields. An error is its type and the places it went through, without its
    message: a message may quote what a person wrote."""

    def format(self, record: logging.LogRecord) -> str:
        ours = record.name.startswith("bot.")
        row: dict[str, Any] = {
            "temps": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "niveau": record.levelname.lower(),
            "source": record.name,
        }
        row.update({k: v for k, v in vars(record).items() if ours and k not in _STANDARD})
        if record.exc_info and record.exc_info[0] is not None:
            frames = traceback.extract_tb(record.exc_info[2])[-6:]
            row["erreur"] = record.exc_info[0].__name__
            row["lieux"] = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames]
        return json.dumps(row, ensure_ascii=False)


def configure_journal(level: int = logging.INFO) -> None:
    """Send every log of the process to the standard error, as JSON; libraries only speak up from warnings on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("bot").setLevel(level)
