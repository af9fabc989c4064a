"""Rules about the source itself: no phone number in code, actions that open no file, errors and settings all documented."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import bot.base.errors
from bot.base.errors import AssistantError
from bot.base.settings import Settings
from bot.referential import Referential

ROOT = Path(__file__).resolve().parent.parent
PHONE = re.compile(r"(?<![\d.,#])(?:\+33|0033|0)\s?[1-9](?:[ .-]?\d{2}){4}(?!\d)")
CODE = [
    path
    for folder in ("bot", "actions", "scripts")
    for pattern in ("*.py", "*.html", "*.js", "*.css", "*.svg")
    for path in sorted((ROOT / folder).rglob(pattern))
]
CONFIGURATION = [p for name in ("config.yml", "domain.yml", "endpoints.yml", "credentials.yml") if (p := ROOT / name).exists()]
OPENERS = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "safe_load", "load", "loads", "glob", "rglob", "iterdir"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    """The Python of the project, each file parsed once."""
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in CODE if path.suffix == ".py"}


def test_the_pattern_knows_a_phone_number() -> None:
    assert all(PHONE.search(t) for t in ("05 65 00 00 00", "0565000000", "+33 5 65 00 00 00", "05.65.00.00.00"))
    assert not any(PHONE.search(t) for t in ("46100", "2024-2025", "0.5", "131_072", "#0123456789"))


def test_no_phone_number_in_code_nor_in_the_corpus() -> None:
    corpus = sorted((ROOT / "data" / "nlu").glob("*.yml"))
    assert len(CODE) > 200 and len(corpus) > 20
    found = {name_of(path): PHONE.findall(path.read_text(encoding="utf-8")) for path in [*CODE, *CONFIGURATION, *corpus]}
    assert {name: numbers for name, numbers in found.items() if numbers} == {}


def test_no_emergency_number_in_code(referential: Referential, trees: dict[Path, ast.Module]) -> None:
    numbers = {number.numero for number in referential.emergency_numbers.values()}
    assert "112" in numbers
    found = {}
    for path, tree in trees.items():
        texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        found[name_of(path)] = numbers & {word for text in texts for word in [text.strip(), *re.findall(r"(?:tel|sms):(\d+)", text)]}
    assert {name: numbers for name, numbers in found.items() if numbers} == {}


@pytest.mark.parametrize("path", sorted((ROOT / "actions").glob("*.py")), ids=name_of)
def test_actions_open_no_file(path: Path, trees: dict[Path, ast.Module]) -> None:
    tree = trees[path]
    called = {getattr(n.func, "id", getattr(n.func, "attr", "")) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    assert called & OPENERS == set()
    imported = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {(n.module or "").split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert imported & {"yaml", "pathlib", "csv", "sqlite3", "io", "shutil", "ruamel"} == set()


def test_every_module_says_why_it_exists(trees: dict[Path, ast.Module]) -> None:
    assert [name_of(path) for path, tree in trees.items() if tree.body and not ast.get_docstring(tree)] == []


def test_every_error_is_in_the_tree_of_the_docstring_and_under_one_root() -> None:
    errors = [
        c for _, c in inspect.getmembers(bot.base.errors, inspect.isclass) if issubclass(c, Exception) and not c.__name__.startswith("_")
    ]
    assert len(errors) >= 8
    for error in errors:
        assert issubclass(error, AssistantError)
        assert re.search(rf"\b{error.__name__}\b", bot.base.errors.__doc__ or ""), error
        assert error.__doc__, error


def test_every_setting_has_a_french_sentence_and_a_variable() -> None:
    rows = Settings.describe()
    assert len({variable for variable, _, _ in rows}) == len(rows)
    for variable, _, sentence in rows:
        assert variable.startswith("BOT_")
        assert sentence.endswith(".")


def test_every_variable_read_from_the_environment_is_known() -> None:
    """``BOT_…`` names in the code are settings, or one of the three that say where files are."""
    known = {variable for variable, _, _ in Settings.describe()} | {"BOT_RACINE", "BOT_MODELES", "BOT_ESSAIS"}
    used = {name for p in CODE if p.suffix == ".py" for name in re.findall(r"\bBOT_[A-Z_]+[A-Z]\b", p.read_text(encoding="utf-8"))}
    assert used - known == set()


@pytest.mark.parametrize("package", ["bot.referential"])
def test_public_names_are_listed_and_sorted(package: str) -> None:
    import importlib

    module = importlib.import_module(package)
    assert sorted(module.__all__) == list(module.__all__)
    assert [n for n in module.__all__ if not hasattr(module, n)] == []
