"""Growth: how sizes are made, what is added for what was not run, what the page reads in the figures."""

from __future__ import annotations

import math
import os
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bot.base.errors import AssistantError
from bot.base.paths import ProjectPaths
from bot.learning.corpus import Example
from bot.understanding.config import TopicModelConfig
from scripts.mesures import growth
from scripts.mesures.growth import POINTS, Point, abridged, crossing, exponent, grown, pace, whole_seconds, write_page

EXAMPLES = [Example(f"je voudrais renouveler mon passeport périmé numéro {i}", "passeport", "x", i) for i in range(20)] + [
    Example(f"bonjour à toute votre équipe {i}", "saluer", "x", i) for i in range(6)
]


def test_topics_are_cut_in_parts_that_share_their_phrases() -> None:
    texts, labels, sources = grown(EXAMPLES, Point(topics=5), frozenset({"passeport"}))
    assert texts == [e.text for e in EXAMPLES] and sources == list(range(26))
    counts = Counter(labels)
    assert counts.pop("saluer") == 6, "a conversation act stays whole"
    assert counts == {"passeport": 4, **{f"passeport_partie{i}": 4 for i in range(1, 5)}}


def test_phrases_are_written_again_as_people_type() -> None:
    texts, labels, sources = grown(EXAMPLES, Point(phrases=10), frozenset({"passeport"}))
    assert len(texts) == len(labels) == 260 and Counter(labels) == {"passeport": 200, "saluer": 60}
    assert texts[:26] == [e.text for e in EXAMPLES]
    assert all(EXAMPLES[source].label == label for source, label in zip(sources, labels, strict=True))
    assert len(set(texts)) > 150, "a short one may come out the same twice"
    assert grown(EXAMPLES, Point(phrases=10), frozenset())[0] == texts, "always the same"
    with pytest.raises(ValueError, match="10 times"):
        grown(EXAMPLES, Point(phrases=11), frozenset())


def test_a_part_of_the_passes_is_one_at_least() -> None:
    config = TopicModelConfig(epochs=10, keyword_passes=3)
    assert abridged(config, 1.0) == config
    short = abridged(config, 1 / 10)
    assert (short.epochs, short.keyword_passes) == (1, 1)


def row(**figures: Any) -> dict[str, Any]:
    stages = {"mots": 1.0, "reduction": 10.0, "mots_cles": 5.0, "perceptron": 20.0}
    return {
        "messages": 1000,
        "distincts": 990,
        "sujets": 428,
        "vocabulaire": 5000,
        "nettoyage": 2.0,
        "calcul": 40.0,
        "etapes": stages,
        "passes": {"perceptron": [10, 10], "mots_cles": [3, 3]},
        "encodage": 30.0,
        "memoire_apprentissage": 1e9,
        "machine": 24e9,
        "disque": 1e8,
        "memoire_service": 4e8,
        "latence": 9.0,
        "latence_p95": 20.0,
        **figures,
    }


def test_the_passes_left_out_are_added() -> None:
    assert whole_seconds(row()) == 72.0
    abridged_ = row(
        calcul=15.0,
        etapes={"mots": 1.0, "reduction": 10.0, "mots_cles": 2.0, "perceptron": 2.0},
        passes={"perceptron": [1, 10], "mots_cles": [1, 3]},
    )
    # cleaning 2 + timed 15 + vectors 30 + keywords 2 more passes of 2 + perceptron 9 more passes of 2
    assert whole_seconds(abridged_) == pytest.approx(2 + 15 + 30 + 4 + 18)


def test_how_a_figure_grows() -> None:
    assert exponent([1, 2, 10], [3, 6, 30]) == pytest.approx(1.0)
    assert exponent([1, 2, 10], [3, 3, 3]) == pytest.approx(0.0)
    assert [pace(p) for p in (0.0, 0.5, 1.0, 1.4)] == [
        "ne bouge presque pas",
        "grandit moins vite",
        "grandit d'autant",
        "grandit plus vite",
    ]


def test_where_a_limit_is_passed() -> None:
    assert crossing([1, 2, 10], [10, 20, 100], 50) == pytest.approx(5.0)
    assert crossing([1, 2, 10], [10, 20, 100], 1000) == pytest.approx(100.0), "carried on past the last point"
    assert crossing([1, 2, 10], [10, 20, 100], 9) == 1.0
    assert crossing([1, 2, 10], [10, 10, 10], 50) == math.inf


def test_the_page_reads_the_points_and_says_which_were_stopped(tmp_path: Path) -> None:
    rows = {
        "base": row(),
        "sujets-2": row(sujets=800, calcul=90.0, disque=2e8, memoire_service=5e8),
        "sujets-5": row(sujets=2000, calcul=220.0, disque=5e8, memoire_service=8e8),
        "sujets-10": {"arret": "arrêté après 12 minutes (apprendre)", "octets": 9e9},
        "phrases-2": row(messages=2000, passes={"perceptron": [1, 10], "mots_cles": [3, 3]}),
        "base-abrege": row(calcul=22.0),
    }
    text = write_page(rows, tmp_path)
    assert "jamais la justesse" in text
    assert "| × 5 | 1 000 | 990 | 2 000 |" in text
    assert "× 10 : arrêté après 12 minutes (apprendre), 9.0 Go." in text
    assert "Modèle sur le disque : grandit d'autant (× 5,0 pour 5 fois plus de sujets)" in text
    assert "| mémoire pour répondre | 900 Mo" in text and "vers × 6," in text and "(prolongé)" in text
    assert " * |" in text, "what is partly added is marked"
    assert "base : 54 s annoncées, 72 s mesurées (-25 %)" in text
    for axis in ("sujets", "phrases"):
        ET.parse(tmp_path / "images" / f"croissance-{axis}.svg")
    assert (tmp_path / "croissance.md").read_text(encoding="utf-8") == text


def test_a_point_that_takes_too_long_is_stopped(paths: ProjectPaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    forever = tmp_path / "forever.py"
    forever.write_text("import time\ntime.sleep(60)\n", encoding="utf-8")
    real = growth.subprocess.Popen
    monkeypatch.setattr(growth.subprocess, "Popen", lambda _command, **options: real([sys.executable, str(forever)], **options))
    done = growth._child(["apprendre", "base"], paths, 0.5)
    assert done["arret"].startswith("arrêté après") and done["octets"] > os.sysconf("SC_PAGE_SIZE")


def test_points_are_kept_and_not_measured_twice(paths: ProjectPaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tree = ProjectPaths(tmp_path)
    measured: list[str] = []
    monkeypatch.setattr(growth, "_state", lambda *_: "maintenant")
    monkeypatch.setattr(growth, "_measure", lambda _paths, name, *_: measured.append(name) or row())
    growth.run(tree, False, 1.0, ["base"])
    growth.run(tree, False, 1.0, [])
    assert measured == list(POINTS)
    growth.run(tree, False, 1.0, ["base"])
    assert measured[-1] == "base", "asked for by name: measured again"
    with pytest.raises(AssistantError, match="sujets-3"):
        growth.run(tree, False, 1.0, ["sujets-3"])
