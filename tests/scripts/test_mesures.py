"""The long measures, on a corpus of a few topics, and the page of errors, on a table made by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.base.errors import AssistantError
from bot.base.paths import ProjectPaths
from bot.language.cleaning import clean
from bot.learning.corpus import Example, read_corpus
from bot.measure.evaluation import route_rows
from bot.referential import Referential
from bot.routing.router import Router
from bot.understanding.config import NgramConfig, TopicModelConfig
from scripts.mesures.blocks import ContentVectorBlock, MeanVectorBlock, Memory, SyntaxBlock, Word
from scripts.mesures.comparison import OURS, QUICK, compare, scaled, write_page
from scripts.mesures.corpora import messages, sample, score
from scripts.mesures.errors import KINDS, UNREAD, Split, confusion, read_causes, split_cost, worst
from scripts.mesures.errors import write_page as write_errors
from scripts.mesures.pipelines import ByClause, Majority, Ours

TOPICS = ("passeport", "permis_construire", "hygiene_restaurant_signalement", "saluer")


def example(text: str, label: str) -> Example:
    return Example(text, label, "data/nlu/x.yml", 1)


# Samples and scores


def test_a_sample_keeps_the_share_of_every_label_and_can_be_drawn_again() -> None:
    examples = [example(f"a{i}", "a") for i in range(80)] + [example(f"b{i}", "b") for i in range(8)] + [example("c", "c")]
    drawn = sample(examples, 1 / 8)
    assert [sum(e.label == x for e in drawn) for x in "abc"] == [10, 2, 1]
    assert sample(examples, 1 / 8) == drawn
    assert sample(examples, 1 / 8, seed=1) != drawn
    assert len(sample(examples, 1.0)) == len(examples)


def test_scores_add_up_from_topic_to_delegation(referential: Referential) -> None:
    labels = ("carte_identite", "passeport", "permis_construire", "saluer")
    rows = [
        {"dis": "population", "service": "titres", "sujet": "passeport"},
        {"dis": "territoire", "service": "equipement_agriculture", "sujet": "permis_construire"},
        {"dis": "population", "service": None},
        {"dis": "population", "service": "titres", "sujet": "passeport"},
    ]
    assert {*labels} <= {*referential.topics, *referential.acts}
    table = np.array([[0.3, 0.3, 0.4, 0.0], [0.3, 0.3, 0.4, 0.0], [0.0, 0.6, 0.4, 0.0], [0.1, 0.2, 0.1, 0.6]])
    result = score(table, labels, rows, referential)
    assert result.dis.tolist() == [True, False, True, False]
    assert result.service.tolist() == [True, False, True, False]
    assert result.topic.tolist() == [False, True, False]


def test_fewer_messages_are_read_more_times() -> None:
    config = TopicModelConfig(epochs=10, keyword_passes=3)
    assert scaled(config, 1.0) == config
    half, eighth = scaled(config, 1 / 2), scaled(config, 1 / 8)
    assert (half.epochs, half.keyword_passes, eighth.epochs, eighth.keyword_passes) == (20, 6, 20, 6)


# Blocks, without spaCy


def word(lemma: str, pos: str, dep: str = "obj", head: str = "être", at: int = 0) -> Word:
    return Word(lemma, pos, dep, head, np.eye(300, dtype=np.float32)[at])


def words(memory_of: dict[str, tuple[Word, ...]]) -> Memory:
    return Memory(lambda texts: [memory_of[t.original] for t in texts])


def test_content_words_weigh_more_than_the_rest() -> None:
    memory = words(
        {
            "a": (word("le", "DET", at=0), word("chat", "NOUN", at=1), word("rare", "ADJ", at=2)),
            "b": (word("le", "DET", at=0), word("chat", "NOUN", at=1)),
            "c": (word("le", "DET", at=0),),
        }
    )
    texts = [clean(t) for t in "abc"]
    mean = MeanVectorBlock(memory).fit(texts)
    assert mean[0, :3] == pytest.approx([1 / 3**0.5] * 3, abs=1e-5)
    content = ContentVectorBlock(memory).fit(texts)
    assert content[0, 0] == 0.0
    assert content[0, 2] > content[0, 1] > 0.0
    assert content[2, 0] == pytest.approx(1.0)  # nothing but a determiner: it is kept
    assert np.linalg.norm(content, axis=1) == pytest.approx(np.ones(3), abs=1e-5)


def test_syntax_says_who_does_what() -> None:
    memory = words({"a": (word("construire", "VERB", "ROOT", "construire"), word("mur", "NOUN", "obj", "construire"), word("le", "DET"))})
    block = SyntaxBlock(memory)
    assert block.features_of(memory.get([clean("a")])[0]) == ["construire/VERB", "mur/NOUN", "mur<obj<construire", "le<obj<être"]


def test_a_memory_computes_once_and_can_forget() -> None:
    calls: list[int] = []
    memory = Memory(lambda texts: calls.append(len(texts)) or [t.original for t in texts])  # type: ignore[func-returns-value]
    texts = [clean("a"), clean("b"), clean("a")]
    assert memory.get(texts) == ["a", "b", "a"]
    memory.get(texts)
    assert calls == [2]
    memory.forget(texts[:1])
    memory.get(texts)
    assert calls == [2, 1]
    assert memory.seconds([clean("jamais vu")]) == 0.0


def test_clauses_are_put_together() -> None:
    class Counting(Majority):
        labels = ("a", "b")
        seconds = 1.0

        def probabilities(self, texts: Sequence[Any]) -> np.ndarray:
            return np.array([[0.9, 0.1] if "mur" in t.plain else [0.2, 0.8] for t in texts])

    whole = Counting()
    text = clean("je veux construire un mur. mon passeport est perdu depuis hier")
    mean = ByClause(whole, lambda clauses, _whole: clauses.mean(axis=0)).probabilities([text])
    assert mean[0] == pytest.approx([0.55, 0.45])
    top = ByClause(whole, lambda clauses, _whole: clauses.max(axis=0)).probabilities([text])
    assert top[0] == pytest.approx([0.9 / 1.7, 0.8 / 1.7])


def test_our_model_reads_what_its_blocks_remember() -> None:
    class Block:
        dimensions = 4

        def __init__(self) -> None:
            self.memory = Memory(lambda keys: [np.eye(4, dtype=np.float32)[len(k) % 4] for k in keys], key=lambda t: t.unaccented)

        def fit(self, texts: Sequence[Any]) -> np.ndarray:
            return np.array(self.memory.get(texts))

        def encode(self, texts: Sequence[str], fragments: object = None) -> np.ndarray:
            return np.array(self.memory.of(texts), dtype=np.float32)

    ngrams = NgramConfig(min_word_count=1, min_character_count=1, dimensions=4)
    ours = Ours(TopicModelConfig(encoders=("use",), ngrams=ngrams, epochs=1), {"use": Block()})  # type: ignore[dict-item]
    data = messages([example(f"mon passeport {i}", "a") for i in range(6)] + [example(f"un mur {i}", "b") for i in range(6)])
    ours.fit(data)
    assert ours.labels == ("a", "b")
    assert ours.probabilities(data.texts).shape == (12, 2)
    assert ours.seconds > 0


# The whole comparison


def test_a_quick_comparison_on_a_tiny_corpus(paths: ProjectPaths, referential: Referential, tmp_path: Path) -> None:
    for name in ("titres", "equipement_agriculture", "veterinaire", "conversation"):
        shutil.copy(paths.corpus / f"{name}.yml", tmp_path)
    examples = [e for e in read_corpus(tmp_path) if e.label in TOPICS]
    kept = [e for label in TOPICS for e in [x for x in examples if x.label == label][:24]]
    plan = replace(QUICK, share=1 / 2, parts=(1 / 2, 1.0), timed=1, tests=24)
    store = tmp_path / "results" / "mesures.jsonl"
    said: list[str] = []
    result = compare(paths, plan, said.append, kept, store)
    names = [line.name for line in result["echantillon"]]
    assert OURS in names and len(names) == len(set(names)) >= 10
    assert [(q["part"], q["tirage"]) for q in result["courbe"]] == [(0.5, 0), (1.0, 0)]
    assert all(len(line.score.dis) == 24 and line.seconds >= 0 for line in result["echantillon"])
    assert len(said) == 1 + len(store.read_text(encoding="utf-8").splitlines())
    said.clear()
    again = compare(paths, plan, said.append, kept, store)
    assert len(said) == 1, "nothing is measured twice"
    assert not again["manquent"]
    assert [(x.name, x.score.dis.tolist()) for x in again["echantillon"]] == [(x.name, x.score.dis.tolist()) for x in result["echantillon"]]
    late = compare(paths, replace(plan, minutes=0, tests=23), said.append, kept)
    assert not late["echantillon"] and len(late["manquent"]) == len(names) + 2
    page = tmp_path / "docs" / "comparaison.md"
    page.parent.mkdir()
    write_page(result, page)
    text = page.read_text(encoding="utf-8")
    assert all(name in text for name in names)
    assert {f.name for f in (page.parent / "images").iterdir()} == {"apprentissage.svg", "comparaison.svg"}
    assert all(f"](images/{f.name})" in text for f in (page.parent / "images").iterdir())


# The page of errors

TABLE = {
    "passeport": {"passeport": 0.95},
    "construire": {"permis_construire": 0.95},
    "hesite": {"permis_construire": 0.5, "passeport": 0.5},
}
ROWS: list[dict[str, Any]] = [
    {"id": "1", "texte": "mon passeport", "dis": "population", "service": "titres", "sujet": "passeport"},
    {"id": "2", "texte": "construire", "dis": "population", "service": "titres", "sujet": "passeport"},
    {"id": "3", "texte": "j'hésite", "dis": "population", "service": "titres", "sujet": "passeport"},
    {"id": "4", "texte": "blague", "dis": "population", "service": "titres", "sujet": "passeport"},
    {"id": "5", "texte": "passeport", "dis": "population", "service": "action_sociale", "sujet": "asile"},
    {"id": "6", "texte": "j'hésite", "dis": "securite", "service": "securite_civile", "sujet": "risque"},
    {"id": "7", "texte": "il y a le feu dans ma maison", "dis": "population", "service": "titres", "sujet": "passeport"},
]


@pytest.fixture(scope="module")
def fake(make_router) -> Router:  # type: ignore[no-untyped-def]
    return make_router(TABLE)


def test_the_worst_come_first(fake: Router) -> None:
    cases, outcomes = worst(fake, ROWS)
    assert [(c.outcome.row["id"], c.kind) for c in cases] == [
        ("2", KINDS[0]),
        ("4", KINDS[1]),
        ("7", KINDS[2]),
        ("5", KINDS[3]),
        ("6", KINDS[4]),
        ("3", KINDS[5]),
        ("1", KINDS[5]),
    ]
    assert len(worst(fake, ROWS, size=2)[0]) == 2
    matrix = confusion(outcomes)
    assert matrix["titres"] == {"titres": 1, "equipement_agriculture": 1, "question": 1, "refus": 1, "urgence seule": 1}
    assert matrix["action_sociale"] == {"titres": 1}


def test_what_cutting_a_message_costs(make_router) -> None:  # type: ignore[no-untyped-def]
    router = make_router(
        {
            "abri et sinon refaire": {"passeport": 0.55, "permis_construire": 0.4},
            "passeport": {"passeport": 0.95},
            "construire": {"permis_construire": 0.95},
        }
    )
    text = "je veux construire un abri. Et sinon refaire le passeport de ma fille"
    passport = {"texte": text, "dis": "population", "service": "titres"}
    works = {**passport, "dis": "territoire", "service": "equipement_agriculture"}
    elsewhere = {**passport, "dis": "securite", "service": "securite_civile"}
    single = {**passport, "texte": "mon passeport"}
    outcomes = route_rows(router, [passport, works, elsewhere, single])
    assert [len(o.decision.destinations) for o in outcomes] == [2, 2, 2, 1]
    assert split_cost(router, outcomes) == Split(messages=3, wrong=2, second=1, whole=0)


def test_the_page_keeps_what_a_person_noted(fake: Router, tmp_path: Path) -> None:
    notes = tmp_path / "erreurs_causes.yml"
    notes.write_text(
        json.dumps(
            {
                "causes": {"manque": {"nom": "Tournure absente", "fait": "à écrire"}, "rare": {"nom": "Jamais vue", "fait": "rien"}},
                "messages": {"2": {"cause": "manque", "note": "un | mot"}, "absent": {"cause": "rare"}},
            }
        ),
        encoding="utf-8",
    )
    page = tmp_path / "erreurs.md"
    page.write_text("# Titre à la main\n", encoding="utf-8")
    cases, outcomes = worst(fake, ROWS)
    write_errors(cases, outcomes, split_cost(fake, outcomes), read_causes(notes), page)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Titre à la main\n")
    assert "| Tournure absente | 1 | 1 | à écrire |" in text
    assert "Tournure absente : un \\| mot |" in text
    assert f"| {UNREAD} | 6 | 4 |" in text
    assert "Jamais vue" not in text
    assert (tmp_path / "images" / "confusions.svg").exists()


@pytest.mark.parametrize(
    "content",
    [
        "causes: [",
        "messages: {a: {cause: inconnue}}",
        "causes: {a: {nom: A}}",
        "messages: {a: {note: sans cause}}",
        "- une liste",
    ],
)
def test_wrong_notes_are_said_in_french(content: str, tmp_path: Path) -> None:
    path = tmp_path / "erreurs_causes.yml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(AssistantError, match=r"erreurs_causes\.yml"):
        read_causes(path)


def test_no_notes_yet(tmp_path: Path) -> None:
    assert not read_causes(tmp_path / "absent.yml").messages
