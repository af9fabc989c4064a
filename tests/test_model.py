"""The estimator on a tiny corpus, and the model on disk: what does not match its manifest is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pytest

from bot.cleaning import clean
from bot.decision import Thresholds
from bot.errors import ModelCorrupt, ModelMissing, SettingsError
from bot.storage import MANIFEST_FILE, METRICS_FILE, MODEL_FILE, load_model, read_manifest, save_model
from bot.understanding.encoders import get_encoder
from bot.understanding.features import CompactMatrix, NgramConfig
from bot.understanding.model import TopicModel, TopicModelConfig

MESSAGES = {
    "passeport": [
        "je veux refaire mon passeport",
        "mon passeport est périmé",
        "passeport perdu en voyage",
        "combien coûte un passeport",
        "passeport pour mon bébé",
    ],
    "permis_construire": [
        "permis de construire un garage",
        "construire une maison",
        "je veux construire un abri",
        "permis pour ma maison",
        "agrandir ma maison",
    ],
    "saluer": ["bonjour", "salut", "bonsoir à tous", "coucou", "bonjour monsieur"],
}
TEXTS = [clean(t) for texts in MESSAGES.values() for t in texts]
LABELS = [label for label, texts in MESSAGES.items() for _ in texts]
SMALL = NgramConfig(min_word_count=1, min_character_count=1, dimensions=12)
NONSENSE = ["", "🙂", "zzzz", "a" * 4_000, "Привет", "1 2 3"]


def small(**changes: object) -> TopicModelConfig:
    return TopicModelConfig(**{"encoders": (), "ngrams": SMALL, "hidden": 8, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model() -> TopicModel:
    return TopicModel(small()).fit(TEXTS, LABELS)


# The estimator


@pytest.mark.parametrize(
    "changes",
    [{}, {"hidden": 0}, {"keyword_weight": 0.0}, {"encoders": ("use",)}],
    ids=["all", "no perceptron", "no keywords", "sentence encoder"],
)
def test_it_learns_and_probabilities_sum_to_one(changes: dict[str, object]) -> None:
    learnt = TopicModel(small(**changes)).fit(TEXTS, LABELS)
    probabilities = learnt.predict_proba([*TEXTS, *map(clean, NONSENSE)])
    assert probabilities.shape == (len(TEXTS) + len(NONSENSE), 3)
    assert np.isfinite(probabilities).all()
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(probabilities)))
    best = [learnt.labels[i] for i in probabilities[: len(TEXTS)].argmax(axis=1)]
    assert np.mean([b == label for b, label in zip(best, LABELS, strict=True)]) >= 0.9


def test_two_labels_are_enough() -> None:
    pairs = [(t, label) for t, label in zip(TEXTS, LABELS, strict=True) if label != "saluer"]
    learnt = TopicModel(small()).fit(*map(list, zip(*pairs, strict=True)))  # type: ignore[arg-type]
    rows = learnt.predict_proba([clean("mon passeport"), clean("construire une maison")])
    assert rows.sum(axis=1) == pytest.approx([1, 1])
    assert learnt.understand(clean("mon passeport")).best()[0] == "passeport"


@pytest.mark.parametrize("labels", [[], ["un"], ["un", "un"]])
def test_fewer_than_two_labels_are_refused(labels: list[str]) -> None:
    with pytest.raises(ValueError, match="two different labels"):
        TopicModel(small()).fit([clean("x")] * len(labels), labels)


def test_no_text_gives_no_row(model: TopicModel) -> None:
    assert model.predict_proba([]).shape == (0, 3)


def test_a_batch_and_one_by_one_agree(model: TopicModel) -> None:
    together = model.predict_proba(TEXTS)
    apart = np.vstack([model.predict_proba([t]) for t in TEXTS])
    assert together == pytest.approx(apart, abs=1e-6)


def test_fitting_twice_gives_the_same_model(model: TopicModel) -> None:
    again = TopicModel(small()).fit(TEXTS, LABELS)
    assert again.labels == model.labels
    assert np.array_equal(again.predict_proba(TEXTS), model.predict_proba(TEXTS))


def test_the_order_of_labels_does_not_matter() -> None:
    assert TopicModel(small()).fit(TEXTS[::-1], LABELS[::-1]).labels == ("passeport", "permis_construire", "saluer")


def test_the_temperature_changes_confidence_not_the_order() -> None:
    learnt = TopicModel(small()).fit(TEXTS, LABELS)
    usual = learnt.predict_proba(TEXTS)
    learnt.temperature = 3.0
    cooler = learnt.predict_proba(TEXTS)
    assert (usual.argmax(axis=1) == cooler.argmax(axis=1)).all()
    assert (cooler.max(axis=1) <= usual.max(axis=1) + 1e-9).all()
    assert cooler.sum(axis=1) == pytest.approx(np.ones(len(TEXTS)))


def test_progress_is_told_in_words() -> None:
    said: list[str] = []
    TopicModel(small()).fit(TEXTS, LABELS, said.append)
    assert said
    assert all(said)


def test_settings_survive_a_round_trip_and_ignore_what_is_unknown() -> None:
    config = small(hidden=3)
    assert TopicModelConfig.from_mapping(json.loads(json.dumps(config.as_mapping()))) == config
    assert TopicModelConfig.from_mapping({"inconnu": 1, "ngrams": {"inconnu": 2}, "encoders": None}).encoders == ()
    assert TopicModelConfig.from_mapping({}) == TopicModelConfig()


def test_an_unknown_encoder_is_said_in_french() -> None:
    with pytest.raises(SettingsError, match="n'existe pas"):
        get_encoder("nexiste_pas")


def test_the_compact_matrix_is_close_to_the_matrix() -> None:
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(0)
    values, rows = rng.normal(size=(40, 7)), csr_matrix(rng.random((5, 40)) * (rng.random((5, 40)) < 0.3))
    error = np.abs(CompactMatrix(values).left_multiply(rows) - rows @ values)
    allowed = np.abs(rows.toarray()) @ (np.abs(values).max(axis=1) / 254) + 1e-4
    assert (error <= allowed[:, None]).all()
    assert CompactMatrix(np.zeros((3, 2))).left_multiply(csr_matrix(np.ones((1, 3)))).tolist() == [[0.0, 0.0]]


# On disk

METRICS = {"seuils": Thresholds(dis=0.9).as_mapping()}


@pytest.fixture
def folder(model: TopicModel, tmp_path: Path) -> Path:
    save_model(tmp_path / "routeur", model, {"empreinte": "abc"}, METRICS)
    return tmp_path / "routeur"


def test_a_saved_model_says_the_same(model: TopicModel, folder: Path) -> None:
    stored = load_model(folder)
    assert np.array_equal(stored.model.predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert stored.thresholds == Thresholds(dis=0.9)
    assert stored.manifest["empreinte"] == "abc"
    assert stored.metrics == METRICS


def test_saving_again_replaces_and_leaves_nothing_behind(model: TopicModel, folder: Path) -> None:
    save_model(folder, model, {"empreinte": "def"}, METRICS)
    assert load_model(folder).manifest["empreinte"] == "def"
    assert [p.name for p in folder.parent.iterdir()] == ["routeur"]


def test_a_failed_save_keeps_the_old_model(model: TopicModel, folder: Path) -> None:
    with pytest.raises(TypeError):
        save_model(folder, model, {"empreinte": object()}, METRICS)
    assert load_model(folder).manifest["empreinte"] == "abc"
    assert [p.name for p in folder.parent.iterdir()] == ["routeur"]


def test_no_model(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nulle_part"):
        with pytest.raises(ModelMissing, match="bot train"):
            load_model(place)


def _restamp(folder: Path) -> None:
    """Make the manifest match whatever the model file is."""
    import hashlib

    digest = hashlib.sha256((folder / MODEL_FILE).read_bytes()).hexdigest()
    (folder / MANIFEST_FILE).write_text(json.dumps({"sha256": digest}), encoding="utf-8")


def _cut(folder: Path) -> None:
    data = (folder / MODEL_FILE).read_bytes()
    (folder / MODEL_FILE).write_bytes(data[: len(data) // 2])


def _flip(folder: Path) -> None:
    data = bytearray((folder / MODEL_FILE).read_bytes())
    data[len(data) // 2] ^= 0xFF
    (folder / MODEL_FILE).write_bytes(bytes(data))


def _other_object(folder: Path) -> None:
    joblib.dump({"pas": "un modèle"}, folder / MODEL_FILE)
    _restamp(folder)


def _garbage(folder: Path) -> None:
    (folder / MODEL_FILE).write_bytes(b"rien de bon")
    _restamp(folder)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": _cut,
    "one byte changed": _flip,
    "another object": _other_object,
    "garbage with its own hash": _garbage,
    "empty": lambda f: (f / MODEL_FILE).write_bytes(b""),
    "no manifest": lambda f: (f / MANIFEST_FILE).unlink(),
    "manifest is no JSON": lambda f: (f / MANIFEST_FILE).write_text("{", encoding="utf-8"),
    "manifest is a list": lambda f: (f / MANIFEST_FILE).write_text("[]", encoding="utf-8"),
    "manifest without hash": lambda f: (f / MANIFEST_FILE).write_text("{}", encoding="utf-8"),
    "manifest with a wrong hash": lambda f: (f / MANIFEST_FILE).write_text('{"sha256": "0"}', encoding="utf-8"),
    "manifest not in UTF-8": lambda f: (f / MANIFEST_FILE).write_bytes(b"\xff\xfe"),
    "no metrics": lambda f: (f / METRICS_FILE).unlink(),
    "metrics are no JSON": lambda f: (f / METRICS_FILE).write_text("{", encoding="utf-8"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_model_is_refused(name: str, folder: Path) -> None:
    DAMAGES[name](folder)
    with pytest.raises(ModelCorrupt, match="bot train"):
        load_model(folder)


@pytest.mark.parametrize("text", ["[]", "null", '{"seuils": []}', '{"seuils": {"dis": "haut"}}', '{"seuils": {"dis": null}}'])
def test_metrics_of_another_shape_are_refused(text: str, folder: Path) -> None:
    (folder / METRICS_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ModelCorrupt, match="bot train"):
        load_model(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null"])
def test_an_unreadable_manifest_is_empty(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST_FILE).write_text(text, encoding="utf-8")
    assert read_manifest(tmp_path) == {}
    assert read_manifest(tmp_path / "nulle_part") == {}
