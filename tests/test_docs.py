"""What the pages name exists: files, commands, settings, links. Of a decision record, only its links."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from bot.base.settings import Settings
from bot.cli.main import commands

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "deploy" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LIVING = [page for page in PAGES if page.parent.name != "adr"]
TRACKED = set(subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
FOLDERS = {str(parent) for name in TRACKED for parent in Path(name).parents}
MADE = {"data/examen/messages.jsonl", "data/retires"}
"""Made by the program when it is first needed."""
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FOLDER_PATH = re.compile(r"(?<![\w/.-])(?:bot|actions|data|docs|scripts|tests|deploy)/(?:[\w.-]+/?)*")
MODULE = re.compile(r"(?<![\w/.*-])(?:[\w-]+/)*[\w-]+\.py\b")
COMMAND = re.compile(r"(?<![\w/.-])(?:\.venv/bin/)?bot ([a-z]+)")
TARGET = re.compile(r"(?<!\w)make ([a-z]+)")
VARIABLE = re.compile(r"\bBOT_[A-Z_]*[A-Z]\b")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def code_of(page: Path) -> str:
    return "\n".join(CODE.findall(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    links = [link.split("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", LIVING, ids=name_of)
def test_files_exist(page: Path) -> None:
    code = code_of(page)
    named = {path.rstrip("/.") for path in FOLDER_PATH.findall(code) if "*" not in path and not path.endswith(("_", "-"))}
    missing = {path for path in named - MADE if path not in TRACKED | FOLDERS and not any(t.startswith(path) for t in TRACKED)}
    missing |= {name for name in MODULE.findall(code) if not any(t == name or t.endswith("/" + name) for t in TRACKED)}
    assert missing == set()


@pytest.mark.parametrize("page", LIVING, ids=name_of)
def test_commands_and_settings_exist(page: Path) -> None:
    code, known = code_of(page), set(commands()[1].parsers)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    settings = {variable for variable, _, _ in Settings.describe()} | {"BOT_RACINE", "BOT_MODELES", "BOT_ESSAIS", "BOT_TOURS"}
    assert set(COMMAND.findall(code)) - known == set()
    assert [t for t in TARGET.findall(code) if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []
    assert set(VARIABLE.findall(page.read_text(encoding="utf-8"))) - settings == set()


def test_every_setting_is_in_the_guide_and_every_decision_in_its_index() -> None:
    guide = (ROOT / "docs" / "guide-exploitation.md").read_text(encoding="utf-8")
    assert [variable for variable, _, _ in Settings.describe() if f"`{variable}`" not in guide] == []
    index = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in (ROOT / "docs" / "adr").glob("0*.md") if f"]({page.name})" not in index] == []
