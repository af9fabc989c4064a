"""Templates and static files, read once: a fixed list in memory leaves no path to walk."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from bot.web.view import typeset

HERE = Path(__file__).resolve().parent
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True)
class Asset:
    """One static file.

    Args:
        body: its bytes.
        zipped: the same, gzipped.
        content_type: with its charset.
        version: short hash of the body, part of its address.
    """

    body: bytes
    zipped: bytes
    content_type: str
    version: str


def load_assets(folder: Path = HERE / "static") -> dict[str, Asset]:
    """Read every static file; keys are their names."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in _TYPES:
            body = path.read_bytes()
            version = hashlib.sha256(body).hexdigest()[:12]
            found[path.name] = Asset(body, gzip.compress(body, 9, mtime=0), _TYPES[path.suffix], version)
    return found


class Pages:
    """Renders the HTML pages.

    Args:
        assets: to write their versioned addresses.
        theme: name of the theme's style sheet.
    """

    def __init__(self, assets: Mapping[str, Asset], theme: str) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["typo"] = typeset
        self._environment.globals.update(static=lambda name: f"/static/{name}?v={assets[name].version}", theme=f"theme-{theme}.css")

    def render(self, template: str, **values: Any) -> str:
        """Return a page as text."""
        return self._environment.get_template(template).render(**values)
