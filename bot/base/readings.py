"""What is long to read in a file of ``data`` is kept beside the models, by the hash of the file: nothing is read twice, start after start.

What is kept is JSON: reading it runs no code. Damaged or out of date, it is made again; without a folder to write to, nothing is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from bot.base.files import replacing
from bot.base.paths import project_paths

_DATE = "!date"


def kept_reading(path: Path, content: bytes, read: Callable[[], Any], salt: str = "") -> Any:
    """Return what ``read`` makes of a file, or made of the same file before.

    Args:
        path: the file; what is read outside ``data`` is not kept. That of a draft is most often the same: it is kept once.
        content: what it holds now.
        read: makes of it a value of lists, mappings, texts, numbers and dates; any other is not kept.
        salt: what the value depends on besides the file.
    """
    paths = project_paths()
    try:
        inside = path.relative_to(paths.root).parts
        name = "-".join(inside[inside.index("data") + 1 :])
    except ValueError:
        return read()
    kept = paths.readings / f"{name}.json"
    digest = hashlib.sha256(salt.encode() + b"\0" + content).hexdigest()
    with contextlib.suppress(OSError, ValueError):
        found, _, value = kept.read_text(encoding="utf-8").partition("\n")
        if found == digest:
            return json.loads(value, object_hook=_dated)
    value = read()
    if paths.models.is_dir():
        with contextlib.suppress(OSError, ValueError, TypeError):
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_undated)
            if json.loads(text, object_hook=_dated) == value:
                with replacing(kept) as stream:
                    stream.write(f"{digest}\n{text}".encode())
    return value


def _undated(value: object) -> dict[str, str]:
    if isinstance(value, date) and not isinstance(value, datetime):
        return {_DATE: value.isoformat()}
    raise TypeError(value)


def _dated(found: dict[str, Any]) -> Any:
    return date.fromisoformat(found[_DATE]) if _DATE in found else found
