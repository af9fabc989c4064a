"""How new a message is next to the corpus."""

from __future__ import annotations

import pytest

from bot.staff.nearness import CorpusIndex


def test_novelty_is_the_distance_to_the_nearest_training_message() -> None:
    index = CorpusIndex(
        [("refaire ma carte grise", "carte_grise"), ("carte grise perdue", "carte_grise"), ("vider mon étang", "vidange_etang")]
    )
    same, near, far = index.compare(["Vider mon ETANG !", "ma carte grise est abîmée", "quel zébu pour mon wagon"])
    assert same.same == "vidange_etang" and same.novelty == pytest.approx(0, abs=1e-3)
    assert near.same is None and 0 < near.novelty < 0.8 and near.topics[0] == "carte_grise"
    assert far.novelty > 0.8 and near.novelty < far.novelty
    assert CorpusIndex([]).compare(["x"])[0].novelty == 1.0
