"""Graph components: each does its step, alone and on nonsense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.modele

from rasa.engine.graph import ExecutionContext, GraphSchema  # noqa: E402
from rasa.engine.storage.local_model_storage import LocalModelStorage  # noqa: E402
from rasa.engine.storage.resource import Resource  # noqa: E402
from rasa.shared.core.trackers import DialogueStateTracker  # noqa: E402
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RANKING_KEY, TEXT  # noqa: E402
from rasa.shared.nlu.training_data.message import Message  # noqa: E402
from rasa.shared.nlu.training_data.training_data import TrainingData  # noqa: E402
from rasa_tree import SMALL  # noqa: E402

from bot.base.errors import CorpusError, ModelCorrupt  # noqa: E402
from bot.base.paths import ProjectPaths  # noqa: E402
from bot.language.cleaning import MAX_CHARACTERS  # noqa: E402
from bot.learning.corpus import read_corpus  # noqa: E402
from bot.learning.loading import load_router  # noqa: E402
from bot.learning.store import MANIFEST_FILE, MODEL_FILE, load_model, read_manifest  # noqa: E402
from bot.learning.tuning import ensure_model, model_config  # noqa: E402
from bot.rasa.components import (  # noqa: E402
    HEARD,
    NAMED,
    NAMED_ONLY,
    RANKING_LENGTH,
    CommuneExtractor,
    MessageCleaner,
    RequestRouter,
    TopicClassifier,
)
from bot.routing.wire import decision_as_mapping  # noqa: E402

ODD = ["", " ", "????", "😀", "помогите", "a" * 10_000, "<b>", "\x00", "/", "//", "/ /restart", "&#47;restart", "\u200b/restart"]


class Pipeline:
    """The pipeline of ``config.yml`` by hand."""

    def __init__(self, tree: ProjectPaths, storage: LocalModelStorage, classifier: TopicClassifier | None) -> None:
        context = ExecutionContext(GraphSchema({}), "m")
        resource = Resource("x")
        self.tree = tree
        self.steps: list[Any] = [
            MessageCleaner.create({}, storage, resource, context),
            *([classifier] if classifier else []),
            CommuneExtractor.create({}, storage, resource, context),
        ]
        self.router = RequestRouter.create({}, storage, resource, context)

    def __call__(self, text: Any, profile: str | None = None) -> Message:
        messages = [Message({TEXT: text})]
        for step in self.steps:
            messages = step.process(messages)
        tracker = DialogueStateTracker("c", [])
        tracker.get_slot = lambda _name: profile  # type: ignore[method-assign]
        return self.router.process(messages, tracker)[0]


def classifier_of(config: dict[str, Any], folder: Path) -> TopicClassifier:
    return TopicClassifier.create(config, LocalModelStorage(folder), Resource("topics"), ExecutionContext(GraphSchema({}), "m"))


def training_data(examples: list[tuple[str, str]]) -> TrainingData:
    return TrainingData([Message({TEXT: text, INTENT: label}) for text, label in examples])


@pytest.fixture(scope="module")
def archive(tree: ProjectPaths, tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalModelStorage, Resource]:
    """What ``train`` puts into the Rasa archive for the corpus of the tree."""
    ensure_model(tree, lambda _sentence: None)
    storage = LocalModelStorage(tmp_path_factory.mktemp("ressources"))
    config = model_config(tree.config).as_mapping()
    component = TopicClassifier.create(config, storage, Resource("topics"), ExecutionContext(GraphSchema({}), "m"))
    resource = component.train(training_data([(e.text, e.label) for e in read_corpus(tree.corpus)]))
    return storage, resource


@pytest.fixture(scope="module")
def pipeline(tree: ProjectPaths, archive: tuple[LocalModelStorage, Resource]) -> Pipeline:
    storage, resource = archive
    classifier = TopicClassifier.load({}, storage, resource, ExecutionContext(GraphSchema({}), "m"))
    return Pipeline(tree, storage, classifier)


@pytest.fixture(scope="module")
def without_model(tree: ProjectPaths, archive: tuple[LocalModelStorage, Resource]) -> Pipeline:
    return Pipeline(tree, archive[0], None)


def test_the_archive_holds_the_router_model_itself(tree: ProjectPaths, archive: tuple[LocalModelStorage, Resource]) -> None:
    storage, resource = archive
    with storage.read_from(resource) as folder:
        assert read_manifest(Path(folder))["sha256"] == read_manifest(tree.router_model)["sha256"]


@pytest.mark.parametrize(
    "text",
    [
        "refaire mon passeport",
        "bonjour",
        "je veux construire un garage à Figeac",
        "passeport ou permis ou médaille",
        "mon bébé ne respire plus",
    ],
)
def test_the_decision_is_the_router_s(pipeline: Pipeline, tree: ProjectPaths, text: str) -> None:
    assert dict(pipeline(text).get("routing")) == decision_as_mapping(load_router(tree).route(text), None, text)


def test_profile_weighs_the_decision_as_in_the_router(pipeline: Pipeline, tree: ProjectPaths) -> None:
    text = "marché public"
    expected = load_router(tree).route(text, "agent").as_json(None, text)
    assert pipeline(text, "agent").get("routing")["destinations"] == expected["destinations"]


def test_intent_ranking_and_understanding(pipeline: Pipeline) -> None:
    message = pipeline("refaire mon passeport")
    ranking = message.get(INTENT_RANKING_KEY)
    assert message.get(INTENT) == ranking[0]
    assert ranking[0]["name"] == "passeport"
    assert len(ranking) <= RANKING_LENGTH
    assert sum(message.get(HEARD).understanding.probabilities.values()) == pytest.approx(1, abs=1e-3)
    public = message.as_dict(only_output_properties=True)
    assert set(public) == {TEXT, INTENT, INTENT_RANKING_KEY, ENTITIES, "routing"}


def test_the_intent_read_stays_and_the_decision_goes_beside_it(pipeline: Pipeline) -> None:
    message = pipeline("mon bébé ne respire plus")
    read = load_router(pipeline.tree).understand([message.get(HEARD)])[0].understanding
    assert message.get(INTENT)["name"] == message.get(INTENT_RANKING_KEY)[0]["name"] == read.best()[0]
    assert message.get("routing")["decision"] == "urgence"
    assert message.get("routing")["urgence"][0] == "15"


def test_emergencies_need_no_classifier(without_model: Pipeline) -> None:
    assert without_model("mon bébé ne respire plus").get("routing")["decision"] == "urgence"
    assert without_model("refaire mon passeport").get("routing")["decision"] == "incompris"
    assert without_model("refaire mon passeport").get(INTENT)["name"] == "nlu_fallback"


def test_only_what_the_router_reads_is_kept(pipeline: Pipeline) -> None:
    message = pipeline("je veux un passeport " * 1000)
    assert len(message.get(TEXT)) <= MAX_CHARACTERS


@pytest.mark.parametrize("text", ODD, ids=lambda t: ascii(t)[:20])
def test_odd_messages_always_get_a_decision(pipeline: Pipeline, text: str) -> None:
    message = pipeline(text)
    assert message.get(INTENT)["name"]
    assert message.get("routing")["decision"]


@pytest.mark.parametrize(
    "text", ["/restart", "//restart", "/ /restart", " / restart", "&#47;restart", "\u200b/restart", '/urgence{"a": 1}']
)
def test_a_typed_slash_names_no_intent(pipeline: Pipeline, text: str) -> None:
    assert not pipeline(text).get(TEXT).startswith("/")


def test_our_buttons_keep_theirs(pipeline: Pipeline) -> None:
    payload = '/choisir{"choix": "passeport"}'
    assert pipeline(payload).get(TEXT) == payload


def test_personal_data_is_masked_before_anything_is_kept(pipeline: Pipeline) -> None:
    message = pipeline("passeport, mon numéro est 06 12 34 56 78")
    assert "06 12" not in str(message.as_dict(only_output_properties=True))
    assert "06 12" not in message.get(HEARD).text.original


def test_communes_are_placed_in_the_text(pipeline: Pipeline) -> None:
    message = pipeline("J'habite à Saint-Céré, près de Figeac.")
    places = {e["value"]: message.get(TEXT)[e["start"] : e["end"]] for e in message.get(ENTITIES)}
    assert places == {"Saint-Céré": "Saint-Céré", "Figeac": "Figeac"}
    assert {e["extractor"] for e in message.get(ENTITIES)} == {"CommuneExtractor"}


def test_another_corpus_gets_a_model_of_its_own(tree: ProjectPaths, tmp_path: Path) -> None:
    rows = [(e.text, e.label) for e in read_corpus(tree.corpus) if e.label in {"passeport", "permis_construire", "saluer"}]
    component = classifier_of(SMALL, tmp_path)
    component.train(training_data(rows))
    loaded = TopicClassifier.load(SMALL, LocalModelStorage(tmp_path), Resource("topics"), ExecutionContext(GraphSchema({}), "m"))
    message = loaded.process([Message({TEXT: "refaire mon passeport"})])[0]
    assert {r["name"] for r in message.get(INTENT_RANKING_KEY)} == {"passeport", "permis_construire", "saluer"}
    assert message.get(INTENT)["name"] == "passeport"


@pytest.mark.parametrize("rows", [[], [("bonjour", "saluer")], [("a", "x"), ("b", "y")]])
def test_a_corpus_too_small_is_said_in_french(tree: ProjectPaths, tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    with pytest.raises(CorpusError, match="messages"):
        classifier_of({**SMALL, "ngrams": {"min_word_count": 2, "min_character_count": 3}}, tmp_path).train(training_data(rows))


def test_a_tampered_archive_is_refused(tree: ProjectPaths, tmp_path: Path) -> None:
    rows = [(e.text, e.label) for e in read_corpus(tree.corpus) if e.label in {"passeport", "saluer"}]
    component = classifier_of(SMALL, tmp_path)
    component.train(training_data(rows))
    with (tmp_path / "topics" / MODEL_FILE).open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(ModelCorrupt):
        TopicClassifier.load(SMALL, LocalModelStorage(tmp_path), Resource("topics"), ExecutionContext(GraphSchema({}), "m"))


def test_an_archive_of_the_project_names_the_router_s_model_and_no_other_will_do(tree: ProjectPaths, tmp_path: Path) -> None:
    def load() -> TopicClassifier:
        return TopicClassifier.load(SMALL, LocalModelStorage(tmp_path), Resource("topics"), ExecutionContext(GraphSchema({}), "m"))

    classifier_of({**SMALL, NAMED_ONLY: True}, tmp_path).train(training_data([]))
    assert [path.name for path in (tmp_path / "topics").iterdir()] == [MANIFEST_FILE]
    in_use = load_model(tree.router_model)
    assert load()._router.model is in_use.model  # type: ignore[union-attr]
    named = tmp_path / "topics" / MANIFEST_FILE
    named.write_text(json.dumps({NAMED: "0" * 64}), encoding="utf-8")
    with pytest.raises(ModelCorrupt, match="autre modèle"):
        load()


def test_an_archive_without_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelCorrupt):
        TopicClassifier.load({}, LocalModelStorage(tmp_path), Resource("topics"), ExecutionContext(GraphSchema({}), "m"))
