"""The report for people: the terminal, the page, its charts, the list of errors."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from test_evaluation import SETS, TABLE

from bot.base.errors import MissingTestSets, SettingsError
from bot.measure.evaluation import evaluate
from bot.measure.noise import NOISES
from bot.measure.reports import MARK, as_text, percent, table, with_images, write_errors, write_report
from bot.routing.router import Router


@pytest.fixture(scope="module")
def fake(make_router) -> Router:  # type: ignore[no-untyped-def]
    return make_router(TABLE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("essais")
    for name, rows in SETS.items():
        (place / name).write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return place


@pytest.fixture(scope="module")
def report(fake: Router, folder: Path) -> dict[str, Any]:
    return evaluate(fake, folder)


def test_figures_are_written_in_french() -> None:
    assert percent({"valeur": 0.5, "bas": 0.25, "haut": 0.755}) == "50,0 % (25,0 à 75,5)"
    assert percent({"valeur": None, "bas": None, "haut": None}) == "–"
    assert table(("a", "b"), [(1, "x|y"), ("deux\nlignes", 2)]) == ["| a | b |", "|---|---|", "| 1 | x\\|y |", "| deux lignes | 2 |"]


def test_the_terminal(report: dict[str, Any]) -> None:
    text = as_text(report)
    assert "4 demandes jamais vues" in text
    assert "| Bonne délégation (d'emblée ou parmi les choix) | 50,0 % (15,0 à 85,0) |" in text
    assert "| titres | 4 | 50,0 % | 50,0 % (15,0 à 85,0) | 1 | 1 | 0 |" in text
    assert "| **0,7 (livré)** | **25,0 %** |" in text
    assert "| Urgences jamais vues : reconnues | 3 | 66,7 %" in text
    assert "- P2 : « je veux construire là »" in text
    assert "Urgences manquées : u2." in text
    assert all(f"| {name.replace('_', ' ')} |" in text for name in NOISES if not name.endswith("ici") and not name.startswith("d_"))
    assert "paires" not in text
    assert "None" not in text
    assert "svg" not in text


def test_every_line_of_a_table_has_as_many_cells(report: dict[str, Any]) -> None:
    width = 0
    for line in as_text(report).splitlines():
        cells = line.count("|") if line.startswith("|") else 0
        assert not (cells and width) or cells == width, line
        width = cells


def test_pairs_in_the_report(report: dict[str, Any]) -> None:
    figure = {"valeur": 0.5, "bas": 0.25, "haut": 0.75, "nombre": 2, "messages": 4}
    row = {"service_juste": figure, "service_juste_d_emblee": figure, "questions": figure, "cotes": {"titres": figure}}
    text = as_text({**report, "paires": {"a / b": row}})
    assert "| a / b | 4 | 50,0 % (25,0 à 75,0) | 50,0 % | 50,0 % | titres 2/4 |" in text


def test_the_page_keeps_its_head_and_shows_its_charts(report: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "resultats.md"
    page.write_text(f"# À la main\n\nUn mot.\n\n{MARK}\n\nvieux chiffres\n", encoding="utf-8")
    write_report(report, str(page))
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# À la main\n\nUn mot.\n")
    assert "vieux chiffres" not in text
    assert as_text(report) in text
    for image in (tmp_path / "images").iterdir():
        assert f"](images/{image.name})" in text
    assert text.count("![](") == 0
    write_report(report, str(page))
    assert page.read_text(encoding="utf-8") == text


def test_the_charts_are_readable_and_never_change(report: dict[str, Any], tmp_path: Path) -> None:
    for name in ("un", "deux"):
        with_images("", report, tmp_path / name)
    files = sorted((tmp_path / "un").iterdir())
    assert [f.name for f in files] == ["calibration.svg", "demander-ou-repondre.svg", "risque-couverture.svg"]
    for file in files:
        assert file.read_bytes() == (tmp_path / "deux" / file.name).read_bytes()
        words = " ".join(ElementTree.parse(file).getroot().itertext())
        assert words.count("(%)") >= 2, "axis labels"
        assert "dc:date" not in file.read_text(encoding="utf-8")


def test_without_matplotlib_the_remedy_is_said(report: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert as_text(report)
    with pytest.raises(SettingsError, match="make install"):
        write_report(report, str(tmp_path / "page.md"))
    assert not (tmp_path / "page.md").exists()


def test_the_errors_are_written_most_confident_first(fake: Router, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "erreurs.txt"
    write_errors(fake, folder, str(target))
    rows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [r["id"] for r in rows] == ["2", "4"]
    assert rows[0]["obtenu"]["destinations"][0]["service"] == "equipement_agriculture"


def test_no_request_no_list_of_errors(fake: Router, tmp_path: Path) -> None:
    with pytest.raises(MissingTestSets):
        write_errors(fake, tmp_path, str(tmp_path / "erreurs.txt"))
