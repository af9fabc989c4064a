"""Templates and static files, read once: a fixed list in memory leaves no path to walk."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from bot.base.errors import SettingsError
from bot.serving.lot_map import HEIGHT, WIDTH, communes_path
from bot.serving.view import typeset

HERE = Path(__file__).resolve().parent
DSFR_PREFIX = "dsfr/"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
    ".woff": "font/woff",
}
_REM = re.compile(r"(?<![\w.])(-?\d*\.?\d+)rem\b")
_DSFR_FILES = re.compile(r"url\(([\w./-]+\.(?:svg|woff2?))\)")


@dataclass(frozen=True)
class Asset:
    """One static file.

    Args:
        body: its bytes.
        zipped: the same, gzipped; the body itself when that gains nothing.
        content_type: with its charset.
        version: short hash of the body, part of its address.
    """

    body: bytes
    zipped: bytes
    content_type: str
    version: str


def load_assets(theme: str = "neutre", dsfr: str = "", folder: Path = HERE / "static") -> dict[str, Asset]:
    """Read every static file; keys are their names, those of the DSFR start with ``dsfr/``.

    Args:
        theme: whose colours the widget takes.
        dsfr: folder ``dsfr/dist`` of an installed DSFR, read when ``theme`` is "dsfr".
        folder: of our own files.

    Raises:
        SettingsError: the theme is "dsfr" and its files are not where the settings say.
    """
    found = {path.name: _asset(path.read_bytes(), path.suffix) for path in sorted(folder.iterdir()) if path.suffix in _TYPES}
    found["widget.css"] = _asset(_widget_style(found, theme).encode(), ".css")
    if theme == "dsfr":
        found.update(_dsfr_assets(dsfr))
    return found


def _asset(body: bytes, suffix: str) -> Asset:
    zipped = body if suffix.startswith(".woff") else gzip.compress(body, 9, mtime=0)
    return Asset(body, zipped, _TYPES[suffix], hashlib.sha256(body).hexdigest()[:12])


def _widget_style(files: Mapping[str, Asset], theme: str) -> str:
    """Return the one style sheet of the widget: nothing of it applies outside the element, whatever the host's root is.

    The colours go on the element instead of the host's root, and sizes follow ``--al-rem``, since some hosts shrink the rem.
    """
    reset, parts = files["widget.css"].body.decode().split("/* --- parts --- */")
    colours = files[f"theme-{theme}.css"].body.decode().replace(":root", "assistant-lot")
    style = f"{colours}\n{reset}\n{files['assistant.css'].body.decode()}\n{parts}"
    lines = (
        line if line.lstrip().startswith(("@", "--al-rem")) else _REM.sub(r"calc(\1 * var(--al-rem))", line) for line in style.split("\n")
    )
    return "\n".join(lines)


def _dsfr_assets(setting: str) -> dict[str, Asset]:
    """Read the DSFR's style sheet and the fonts and icons it names, and nothing else."""
    folder = Path(setting)
    style = folder / "dsfr.min.css"
    if not setting or not style.is_file():
        raise SettingsError(
            f"Thème dsfr : le fichier {style} manque. Donnez à BOT_DSFR le dossier « dsfr/dist » d'un DSFR installé, "
            "par exemple celui du paquet django-dsfr (dsfr/static/dsfr/dist), ou choisissez BOT_THEME=neutre."
        )
    css = style.read_bytes()
    found = {f"{DSFR_PREFIX}dsfr.min.css": _asset(css, ".css")}
    for name in sorted({*_DSFR_FILES.findall(css.decode("utf-8", "replace")), "favicon/favicon.svg"}):
        path = folder / name
        if ".." not in name and path.is_file():
            found[DSFR_PREFIX + name] = _asset(path.read_bytes(), path.suffix)
    return found


class Pages:
    """Renders the HTML pages.

    Args:
        assets: to write their versioned addresses.
        theme: name of the theme.
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
        self._environment.globals.update(
            communes_du_lot=communes_path,
            cadre_du_lot=f"0 0 {WIDTH} {HEIGHT}",
            static=lambda name: f"/static/{name}?v={assets[name].version}",
            theme=f"theme-{theme}.css",
            dsfr=theme == "dsfr",
        )

    def render(self, template: str, **values: Any) -> str:
        """Return a page as text."""
        return self._environment.get_template(template).render(**values)
