"""Models by content: live by one rename, back by another, and nothing corrupt ever goes live."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from trees import make_tree

from bot.base.errors import GateRefused, ModelCorrupt, ModelMissing
from bot.base.paths import ProjectPaths
from bot.learning.freshness import kept_by_workshop, live_mark, needs_training
from bot.learning.store import MODEL_FILE, load_model
from bot.learning.tuning import ensure_model
from bot.staff.candidates.gate import Verdict
from bot.staff.candidates.registry import ModelRegistry


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ProjectPaths:
    paths = make_tree(tmp_path_factory.mktemp("arbre"), git=False)
    ensure_model(paths, lambda _s: None)
    return paths


@pytest.fixture
def tree(trained: ProjectPaths, tmp_path: Path) -> ProjectPaths:
    shutil.copytree(trained.root, tmp_path / "arbre", symlinks=True)
    return ProjectPaths(tmp_path / "arbre")


def another(tree: ProjectPaths, change: dict[str, Any]) -> Path:
    """A draft that differs by its thresholds."""
    draft = tree.models / ".brouillon"
    shutil.copytree(tree.router_model.resolve(), draft)
    metrics = json.loads((draft / "metrics.json").read_text())
    metrics["seuils"].update(change)
    (draft / "metrics.json").write_text(json.dumps(metrics))
    return draft


def test_the_model_of_bot_train_is_taken_in_and_still_answers(tree: ProjectPaths) -> None:
    before = load_model(tree.router_model).manifest["sha256"]
    card = ModelRegistry(tree).adopt()
    assert card is not None and card.live and tree.router_model.is_symlink()
    assert load_model(tree.router_model).manifest["sha256"] == before
    assert ModelRegistry(tree).adopt() == card
    moved = tree.root.with_name("ailleurs")
    shutil.copytree(tree.root, moved, symlinks=True)
    shutil.rmtree(tree.root)
    assert load_model(ProjectPaths(moved).router_model).manifest["sha256"] == before


def test_bot_train_writes_over_a_linked_model_without_touching_the_registry(tree: ProjectPaths) -> None:
    registry = ModelRegistry(tree)
    first = registry.adopt()
    assert first is not None
    for _ in range(2):
        ensure_model(tree, lambda _s: None, force=True)
    registry.verify(registry.get(first.id))
    assert load_model(tree.router_model)


def test_the_mark_moves_when_the_first_archive_of_the_agent_is_ready(tree: ProjectPaths) -> None:
    """It comes after the router: without this, the first start went on without an agent."""
    before = live_mark(tree)
    (tree.models / "rasa").mkdir(exist_ok=True)
    (tree.models / "rasa" / "manifeste.json").write_text("{}", encoding="utf-8")
    assert live_mark(tree) != before


def test_promote_then_roll_back_and_the_mark_moves_each_time(tree: ProjectPaths) -> None:
    registry = ModelRegistry(tree)
    first = registry.adopt()
    assert first is not None
    marks = [live_mark(tree)]
    second = registry.add(another(tree, {"dis": 0.5}), {"auteur": "Zoé", "parent": first.id})
    assert not second.live and live_mark(tree) == marks[0]
    registry.promote(second.id, "Zoé", Verdict())
    marks.append(live_mark(tree))
    assert load_model(tree.router_model).thresholds.dis == 0.5
    assert registry.previous() == registry.get(first.id)
    registry.roll_back("Luc")
    marks.append(live_mark(tree))
    assert registry.live() == registry.get(first.id) and len(set(marks[:2])) == 2 and marks[2] != marks[1]
    assert [(e["action"], e["modele"], e["auteur"]) for e in registry.history()] == [
        ("adopter", first.id, "bot train"),
        ("activer", second.id, "Zoé"),
        ("revenir", first.id, "Luc"),
    ]
    with pytest.raises(ModelMissing, match="précédent"):
        registry.roll_back("Luc")


def test_three_models_roll_back_one_by_one(tree: ProjectPaths) -> None:
    registry = ModelRegistry(tree)
    first = registry.adopt()
    assert first is not None
    second = registry.add(another(tree, {"dis": 0.5}), {})
    third = registry.add(another(tree, {"dis": 0.6}), {})
    registry.promote(second.id, "Zoé", Verdict())
    registry.promote(third.id, "Zoé", Verdict())
    assert registry.roll_back("Zoé").id == second.id
    assert registry.roll_back("Zoé").id == first.id
    registry.promote(third.id, "Zoé", Verdict())
    assert registry.roll_back("Zoé").id == first.id


def test_a_corrupt_or_unknown_model_is_refused_and_the_live_one_stays(tree: ProjectPaths) -> None:
    registry = ModelRegistry(tree)
    first = registry.adopt()
    assert first is not None
    bad = registry.add(another(tree, {"dis": 0.5}), {})
    data = (bad.folder / MODEL_FILE).read_bytes()
    (bad.folder / MODEL_FILE).write_bytes(data[:-100] + b"x" * 100)
    with pytest.raises(ModelCorrupt):
        registry.promote(bad.id, "Zoé", Verdict())
    (bad.folder / MODEL_FILE).write_bytes(data)
    metrics = json.loads((bad.folder / "metrics.json").read_text())
    metrics["seuils"]["dis"] = 0.01
    (bad.folder / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(ModelCorrupt, match="empreinte"):
        registry.promote(bad.id, "Zoé", Verdict())
    for unknown in ("0123456789abcdef", "../../etc", ""):
        with pytest.raises(ModelMissing):
            registry.promote(unknown, "Zoé", Verdict())
    assert registry.live() == registry.get(first.id)


def test_a_closed_gate_needs_a_written_reason_kept_in_the_history(tree: ProjectPaths) -> None:
    registry = ModelRegistry(tree)
    registry.adopt()
    card = registry.add(another(tree, {"dis": 0.5}), {})
    closed = Verdict(("Plus de mauvaises portes.",))
    for reason in ("", "trop court", " " * 40):
        with pytest.raises(GateRefused, match="mauvaises portes"):
            registry.promote(card.id, "Zoé", closed, reason)
    registry.promote(card.id, "Zoé", closed, "Demandé par le préfet avant la fête votive.")
    last = registry.history()[-1]
    assert last["motif"].startswith("Demandé") and last["reserves"] == ["Plus de mauvaises portes."]


def test_old_models_go_but_never_the_live_one_nor_the_one_before(tree: ProjectPaths) -> None:
    registry = ModelRegistry(tree)
    first = registry.adopt()
    assert first is not None
    second = registry.add(another(tree, {"dis": 0.31}), {})
    registry.promote(second.id, "Zoé", Verdict())
    for i in range(14):
        registry.add(another(tree, {"dis": 0.4 + i / 100}), {"date": f"2099-01-{i + 1:02d}T00:00:00+00:00"})
    kept = {c.id for c in registry.all()}
    assert {first.id, second.id} <= kept and len(kept) == 12


def test_a_restart_does_not_go_round_the_gate(tree: ProjectPaths) -> None:
    """« bot train » rules while nobody uses the workshop; then the live model stays, whatever the files say."""
    path = tree.corpus / "titres.yml"
    sound = path.read_text(encoding="utf-8")
    path.write_text(sound.replace("    - ", "    - s'il vous plaît ", 1), encoding="utf-8")
    assert needs_training(tree) and not kept_by_workshop(tree)
    path.write_text(sound, encoding="utf-8")
    registry = ModelRegistry(tree)
    first = registry.adopt()
    assert first is not None and kept_by_workshop(tree)
    path.write_text(sound.replace("    - ", "    - s'il vous plaît ", 1), encoding="utf-8")
    assert not needs_training(tree)
    second = registry.add(another(tree, {"dis": 0.5}), {})
    registry.promote(second.id, "Zoé", Verdict())
    assert not needs_training(tree) and kept_by_workshop(tree)
    ensure_model(tree, lambda _s: None)
    assert not kept_by_workshop(tree) and not needs_training(tree), "« bot train » by hand still decides"
