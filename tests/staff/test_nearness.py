"""How new a message is next to the corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.base.paths import ProjectPaths
from bot.staff import nearness
from bot.staff.nearness import CorpusIndex, Part, index_of


def test_novelty_is_the_distance_to_the_nearest_training_message() -> None:
    index = CorpusIndex(
        [("refaire ma carte grise", "carte_grise"), ("carte grise perdue", "carte_grise"), ("vider mon étang", "vidange_etang")]
    )
    same, near, far = index.compare(["Vider mon ETANG !", "ma carte grise est abîmée", "quel zébu pour mon wagon"])
    assert same.same == "vidange_etang" and same.novelty == pytest.approx(0, abs=1e-3)
    assert near.same is None and 0 < near.novelty < 0.8 and near.topics[0] == "carte_grise"
    assert far.novelty > 0.8 and near.novelty < far.novelty
    assert CorpusIndex([]).compare(["x"])[0].novelty == 1.0


def test_parts_made_ready_apart_count_as_one_corpus() -> None:
    rows = [(f"refaire ma carte grise numero {n}", "carte_grise") for n in range(40)] + [("vider mon étang", "vidange_etang")]
    whole, joined = CorpusIndex(rows), CorpusIndex(parts=[Part(rows[:15]), Part(rows[15:])])
    texts = ["ma carte grise numero", "vider mon grand étang", "refaire la carte", "zébu"]
    assert joined.compare(texts) == whole.compare(texts)
    assert [joined.nearest(t, "vidange_etang") for t in texts] == [whole.nearest(t, "vidange_etang") for t in texts]


def test_only_the_file_that_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = ProjectPaths(tmp_path)
    paths.corpus.mkdir(parents=True)
    for name in ("a", "b"):
        text = f'version: "3.1"\nnlu:\n- intent: {name}\n  examples: |\n    - mon {name} zébré\n'
        (paths.corpus / f"{name}.yml").write_text(text, encoding="utf-8")
    read: list[str] = []
    monkeypatch.setattr(nearness, "read_text", lambda path: (read.append(path.name), path.read_text(encoding="utf-8"))[1])
    index_of(paths)
    with (paths.corpus / "b.yml").open("a", encoding="utf-8") as file:
        file.write("    - un tapir égaré\n")
    assert index_of(paths).compare(["un tapir égaré"])[0].same == "b"
    assert read == ["a.yml", "b.yml", "b.yml"]
