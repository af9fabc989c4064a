"""What is done for a label that has few messages."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from bot.language.cleaning import clean
from bot.understanding import fitting
from bot.understanding.config import NgramConfig, TopicModelConfig
from bot.understanding.fitting import ENOUGH, MOST_LIFT, lift_of, read_again
from bot.understanding.model import TopicModel

ANIMALS = ("chien", "chat", "cheval", "âne", "chèvre", "mouton", "poule", "canard", "lapin", "vache", "porc", "dindon", "faisan", "paon")
PLACES = ("grange", "cour", "pré", "bois", "cave", "jardin", "village", "marché", "parking", "école")
CONFIG = TopicModelConfig(
    encoders=(), word_vectors="", ngrams=NgramConfig(min_word_count=1, min_character_count=2, dimensions=40), hidden=32, epochs=4
)
BEES = ["mon essaim", "mon apiculteur", "mon miel"]
UNSEEN = [
    f"une {word} est posée près de la {place}, avec mon {bee}"
    for bee in ("essaim", "miel")
    for word in ("citerne", "antenne")
    for place in PLACES
]


def corpus(taught: int) -> tuple[list[str], list[str]]:
    """Two topics that have plenty of messages, and one on bees that has few and shares all its other words with them."""
    rows = [(f"mon {a} est perdu dans la {p}", "animal") for a in ANIMALS for p in PLACES]
    rows += [(f"une {w} est posée près de la {p}", "maison") for w in ("clôture", "véranda", "citerne", "antenne") for p in PLACES]
    rows += [(f"{BEES[n % 3]} est perdu dans la {PLACES[n % 10]}", "ruche") for n in range(taught)]
    return [text for text, _ in rows], [label for _, label in rows]


def test_a_scarce_label_is_read_as_often_as_the_least_of_the_others() -> None:
    targets = np.array([0] * 200 + [1] * 80 + [2] * 15 + [3] * 60)
    texts = [clean(f"message {n}") for n in range(len(targets))]
    again, labels = read_again(texts, targets)
    assert Counter(labels.tolist()) == {0: 200, 1: 80, 2: ENOUGH, 3: 60}
    assert again[: len(texts)] == texts and {t.plain for t in again[len(texts) :]} == {t.plain for t in texts[280:295]}


def test_only_a_scarce_label_is_lifted_the_more_the_scarcer() -> None:
    lift = lift_of(np.array([200, 80, ENOUGH, 40, 20, 2]))
    assert lift[:3].tolist() == [0, 0, 0] and 0 < lift[3] < lift[4] <= lift[5] == MOST_LIFT
    assert not lift_of(np.array([5, 5, 6])).any()  # in a small corpus, none is scarce beside the others


def test_other_messages_of_a_label_taught_little_are_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, labels = corpus(6)
    unseen = [clean(text) for text in UNSEEN]

    def found() -> float:
        model = TopicModel(CONFIG).fit([clean(t) for t in texts], labels)
        return float(np.mean([model.labels[i] == "ruche" for i in model.predict_proba(unseen).argmax(axis=1)]))

    helped = found()
    monkeypatch.setattr(fitting, "ENOUGH", 1)
    alone = found()
    assert helped > alone == 0, (helped, alone)
