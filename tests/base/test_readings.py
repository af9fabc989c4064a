"""What was read of a file is kept by its hash, and never taken for what another content says."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bot.base.readings import kept_reading
from bot.base.yaml_lines import LocatedYaml, load_located


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BOT_RACINE", str(tmp_path))
    monkeypatch.setenv("BOT_MODELES", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "fiche.yml"


def kept(file: Path) -> Path:
    return file.parents[1] / "models" / "cache" / "lectures" / "fiche.yml.json"


def asked(file: Path, value: Any = "vieux", content: bytes = b"a", salt: str = "") -> tuple[Any, bool]:
    """What is read, and whether it was read again."""
    calls = []
    return kept_reading(file, content, lambda: calls.append(1) or value, salt), bool(calls)


def test_it_is_read_once_for_one_content(file: Path) -> None:
    value = {"id": "a", "jours": [date(2026, 1, 31), 2, None, 1.5], "clé": {"x": True}}
    assert asked(file, value) == (value, True)
    assert asked(file, "neuf") == (value, False)
    assert asked(file, "neuf", b"b") == ("neuf", True)
    assert asked(file, "autre", b"b", "sel") == ("autre", True)


@pytest.mark.parametrize("damage", [b"", b"0\n{}", b"{", b"\xff\xfe"])
def test_a_damaged_copy_is_made_again(file: Path, damage: bytes) -> None:
    asked(file)
    kept(file).write_bytes(damage)
    assert asked(file, "neuf") == ("neuf", True)
    assert asked(file, "autre") == ("neuf", False)


def test_a_copy_cut_short_is_made_again(file: Path) -> None:
    asked(file, {"a": "b"})
    kept(file).write_bytes(kept(file).read_bytes()[:-1])
    assert asked(file, "neuf") == ("neuf", True)


@pytest.mark.parametrize("value", [{1: "un"}, ("a",), {"a": object()}])
def test_what_json_cannot_say_is_not_kept(file: Path, value: Any) -> None:
    assert asked(file, value) == (value, True)
    assert asked(file, value) == (value, True) and not kept(file).exists()


def test_nothing_is_kept_outside_data_or_without_models(file: Path) -> None:
    assert asked(file.parents[1] / "fiche.yml") == ("vieux", True)
    (file.parents[1] / "models").rmdir()
    assert asked(file) == asked(file) == ("vieux", True)
    assert not (file.parents[1] / "models").exists()


def test_a_kept_document_still_knows_its_lines(file: Path) -> None:
    file.write_text("sujets:\n- id: a\n  verifie_le: 2026-01-31\n", encoding="utf-8")
    first, second = load_located(file), load_located(file)
    assert isinstance(first, LocatedYaml) and isinstance(second, LocatedYaml) and kept(file).exists()
    assert second.data == first.data == {"sujets": [{"id": "a", "verifie_le": date(2026, 1, 31)}]}
    assert second.line(("sujets", 0, "verifie_le", "x")) == 3


def test_a_file_with_a_mistake_says_it_each_time(file: Path) -> None:
    file.write_text("a: 1\na: 2\n", encoding="utf-8")
    assert load_located(file) == load_located(file)
    assert "deux fois" in str(load_located(file)[0]) and not kept(file).exists()  # type: ignore[index]
