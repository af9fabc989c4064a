"""Advisories are found for the locked versions they touch, and for no other, whatever the file they come in."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import CI, ROOT

from bot.cli.advisories import advisories_of, locked_versions, records
from bot.cli.main import main

LOCK = """
[[package]]
name = "My_Package"
version = "1.4.2"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "assistant"
version = "1.0"
source = { editable = "." }
"""


def record(*events: dict[str, str], name: str = "my-package", **more: Any) -> dict[str, Any]:
    spans = [{"type": "ECOSYSTEM", "events": list(events)}]
    affected = {"package": {"ecosystem": "PyPI", "name": name}, "ranges": spans}
    return {"id": "PYSEC-1", "aliases": ["CVE-1"], "summary": "A hole", "affected": [affected], **more}


HOLE = record({"introduced": "0"}, {"fixed": "1.4.10"})


@pytest.mark.parametrize(
    ("found", "touched"),
    [
        (HOLE, True),
        (record({"introduced": "0"}, {"fixed": "1.4.2"}), False),
        (record({"introduced": "1.4.2"}), True),
        (record({"introduced": "1.4.3"}), False),
        (record({"introduced": "0"}, {"last_affected": "1.4.2"}), True),
        (record({"introduced": "0"}, {"last_affected": "1.4.1"}), False),
        (record({"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "1.4"}, {"fixed": "1.5"}), True),
        (record({"introduced": "0"}, {"fixed": "1.0"}, {"introduced": "1.5"}), False),
        (record({"introduced": "0"}, name="another"), False),
        (record({"introduced": "0"}, withdrawn="2026-01-01T00:00:00Z"), False),
        ({"id": "x", "affected": [{"package": {"ecosystem": "PyPI", "name": "My.Package"}, "versions": ["1.4.2"]}]}, True),
        ({"id": "x", "affected": [{"package": {"ecosystem": "npm", "name": "my-package"}, "versions": ["1.4.2"]}]}, False),
    ],
)
def test_a_version_is_touched_or_not(found: dict[str, Any], touched: bool) -> None:
    assert bool(advisories_of(found, {"my-package": "1.4.2"})) is touched


def test_the_sbom_lists_every_package_of_the_lock(tmp_path: Path) -> None:
    """By the command of ``make sbom``, which CI runs."""
    uv = shutil.which("uv") or shutil.which(ROOT / ".outils" / "bin" / "uv")
    if uv is None and not CI:
        pytest.skip("uv est absent : make uv")
    assert uv is not None
    line = next(line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if line.startswith("\t$(UV) export"))
    options = line.partition("export ")[2].partition(" -o ")[0].split()
    written = tmp_path / "sbom.json"
    subprocess.run([uv, "export", "--offline", *options, "-o", str(written)], cwd=ROOT, check=True, capture_output=True)
    found = {row["name"]: row["version"] for row in json.loads(written.read_text(encoding="utf-8"))["components"]}
    assert found == locked_versions(ROOT / "uv.lock")


def test_every_form_of_the_database_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "base"
    (folder / "vulns").mkdir(parents=True)
    (folder / "vulns" / "one.yaml").write_text(yaml.safe_dump(HOLE))
    (folder / "two.json").write_text(json.dumps([HOLE, HOLE]))
    (folder / "not.json").write_text("{")
    (folder / "README.md").write_text("no record")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(folder / "two.json", "two.json")
    assert [len(list(records(base))) for base in (folder, tmp_path / "all.zip", folder / "two.json")] == [3, 2, 2]


def test_the_command_tells_the_package_the_name_and_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "uv.lock").write_text(LOCK)
    (tmp_path / "a.json").write_text(json.dumps([HOLE, HOLE]))
    assert main(["failles", str(tmp_path / "a.json"), "--verrou", str(tmp_path / "uv.lock")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "my-package 1.4.2 : PYSEC-1, CVE-1 – A hole (corrigé : 1.4.10)" and lines[1].startswith("1 avis sur 1 paquets")
    (tmp_path / "a.json").write_text(json.dumps([record({"introduced": "2"})]))
    assert main(["failles", str(tmp_path / "a.json"), "--verrou", str(tmp_path / "uv.lock")]) == 0


@pytest.mark.parametrize("base", ["nowhere", "empty.json"])
def test_a_base_without_any_record_is_no_good_news(tmp_path: Path, base: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.json").write_text("[]")
    assert main(["failles", str(tmp_path / base), "--verrou", str(ROOT / "uv.lock")]) == 2
    assert base in capsys.readouterr().err


def test_the_lock_of_the_project_is_read(paths: Any) -> None:
    locked = locked_versions(paths.root / "uv.lock")
    assert len(locked) > 100 and "rasa" in locked
