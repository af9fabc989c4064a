"""YAML with its lines, and mistakes said where they stand."""

from __future__ import annotations

from pathlib import Path

from bot.base.yaml_lines import load_located


def test_a_date_that_no_calendar_holds_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("sujets:\n- id: a\n  verifie_le: 2026-01-31\n- id: b\n  verifie_le: 2026-13-45\n", encoding="utf-8")
    problems = load_located(path, "a.yml")
    assert isinstance(problems, tuple) and str(problems[0]).startswith("a.yml:5 : cette date n'existe pas")
