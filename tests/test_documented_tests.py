"""Each test that the threat model names exists; each direct dependency is in the review."""

from __future__ import annotations

import re
from pathlib import Path

from bot.base.paths import ProjectPaths
from scripts.mesures.dependencies import PURPOSES, direct

ROOT = Path(__file__).resolve().parent.parent
THREATS = (ROOT / "docs" / "menaces.md").read_text(encoding="utf-8")
_TEST = re.compile(r"`((?:[\w/]+\.py)?)((?:::)?test_\w+)?`")


def test_every_test_named_by_the_threat_model_exists() -> None:
    rows = THREATS.split("## Attaques, défenses, tests")[1].split("\n## ")[0].splitlines()
    named = 0
    for row in [r for r in rows if r.startswith("| ") and r.count(" | ") == 2][1:]:
        attack, _, tests = row.strip("| ").split(" | ")
        current: Path | None = None
        for file, name in _TEST.findall(tests):
            named += 1
            if file:
                current = ROOT / file if file.startswith("tests/") else ROOT / "tests" / "web" / file
                assert current.is_file(), (attack, file)
            wanted = name.removeprefix("::")
            if wanted:
                places = [current] if name.startswith("::") and current else sorted((ROOT / "tests" / "web").glob("test_*.py"))
                assert any(re.search(rf"def {wanted}\b", place.read_text(encoding="utf-8")) for place in places), (attack, wanted)
    assert named >= 60


def test_every_dependency_is_reviewed() -> None:
    names = direct(ProjectPaths(ROOT))
    review = (ROOT / "docs" / "dependances.md").read_text(encoding="utf-8")
    assert set(names) == set(PURPOSES)
    assert all(f"| {name} |" in review for name in names)
