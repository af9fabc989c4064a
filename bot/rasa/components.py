"""Graph components: each hands the message to one step of the core and writes down what it answered.

``MessageCleaner → SpacyFrenchTokenizer → TopicClassifier → CommuneExtractor → RequestRouter``. The topic model is one
estimator (n-grams, sentence encoder, calibrated classifier), trained and stored as a whole by :mod:`bot.learning.tuning`:
cutting it into Rasa featurizers would load it three times and compute its features twice.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.base.errors import AssistantError, CorpusError, ModelCorrupt, Problem
from bot.base.paths import ProjectPaths, project_paths
from bot.language.cleaning import CleanText, Script, clean
from bot.language.privacy import mask
from bot.learning.corpus import read_corpus
from bot.learning.loading import bare_router
from bot.learning.store import MANIFEST_FILE, StoredModel, load_model, load_model_of, read_manifest, save_model
from bot.learning.tuning import ensure_model, fingerprint, model_config
from bot.rasa.quiet import hush_warnings
from bot.referential.communes import Commune, Gazetteer
from bot.routing.router import Router
from bot.routing.types import DecisionKind, RoutingDecision
from bot.routing.wire import CHOOSE_INTENT, ROUTING, decision_as_mapping
from bot.understanding.model import TopicModel, TopicModelConfig
from bot.understanding.outcome import Understanding
from bot.understanding.use import Fragments

hush_warnings()

ORIGINAL = "original_text"
CLEAN = "clean_text"
UNDERSTANDING = "understanding"
FRAGMENTS = "fragments"
STORED_MODEL = "stored_model"
RANKING_LENGTH = 20
PAYLOAD = f"/{CHOOSE_INTENT}{{"
"""How the payload of our buttons starts: the only explicit intent that may be typed."""
FINAL_INTENTS = {
    DecisionKind.URGENCE: "urgence",
    DecisionKind.CLARIFIER: "clarifier",
    DecisionKind.INCOMPRIS: "nlu_fallback",
}
SEVERAL_REQUESTS = "plusieurs_demandes"
COMMUNE = "commune"
NAMED = "sha256_du_routeur"
"""In the manifest of an archive that holds no model: the SHA-256 of the router's."""


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class MessageCleaner(GraphComponent):
    """Cleans and masks what was typed; a leading « / » is taken away, unless it is one of our buttons."""

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> MessageCleaner:
        return cls()

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave training messages as they are: the core cleans them when it learns."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the cleaned text, and make it the text of the message."""
        for message in messages:
            original = message.get(TEXT) or ""
            cleaned = clean(mask(original))
            message.set(ORIGINAL, original)
            message.set(CLEAN, cleaned)
            if not original.startswith(PAYLOAD):
                message.set(TEXT, cleaned.display.lstrip("/ "))
        return messages


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class SpacyFrenchTokenizer(Tokenizer):
    """spaCy's French tokeniser (elisions, compound words, abbreviations), for whatever reads tokens in the pipeline.

    Only the tokeniser of the model is loaded: no vectors, tagger or parser, which nothing here reads. It is loaded with the
    first message, and never in our own server, where nobody reads tokens.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return the defaults: see :class:`rasa.nlu.tokenizers.tokenizer.Tokenizer` for the last four."""
        return {
            "model": "fr_core_news_md",
            "intent_tokenization_flag": False,
            "intent_split_symbol": "_",
            "token_pattern": None,
            "prefix_separator_symbol": None,
        }

    @staticmethod
    def required_packages() -> list[str]:
        return ["spacy"]

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._model = config["model"]
        self._read = _SERVED.get() is None
        if importlib.util.find_spec(self._model) is None:
            raise AssistantError(f"Le modèle spaCy « {self._model} » n'est pas installé. Lancez « uv sync ».")

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave training messages as they are: nothing learns from tokens."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the tokens of each message, where somebody reads them."""
        return super().process(messages) if self._read else messages

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """Return the tokens of one attribute of a message."""
        doc = _spacy_tokenizer(self._model).make_doc(message.get(attribute) or "")
        return [Token(token.text, token.idx) for token in doc if not token.is_space]


@lru_cache(maxsize=2)
def _spacy_tokenizer(name: str) -> Any:
    import spacy

    try:
        parts = spacy.util.get_package_path(name)
        config = spacy.util.load_config(next(parts.glob("*/config.cfg")))
        return spacy.load(name, exclude=["vocab", *config["nlp"]["pipeline"]])
    except (OSError, ImportError, StopIteration, KeyError) as error:
        raise AssistantError(f"Le modèle spaCy « {name} » n'est pas installé. Lancez « uv sync ».") from error


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TopicClassifier(GraphComponent, IntentClassifier):
    """The topic model of the core: n-grams and sentence vectors, then a calibrated classifier.

    Args:
        config: the settings of :class:`bot.understanding.model.TopicModelConfig`.
        model_storage: where Rasa keeps trained parts.
        resource: the part that is ours.
        stored: the trained model, ``None`` before training.
    """

    def __init__(self, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, stored: StoredModel | None = None) -> None:
        self._config = TopicModelConfig.from_mapping(config)
        self._storage = model_storage
        self._resource = resource
        self._stored = stored

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> TopicClassifier:
        return cls(config, model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> TopicClassifier:
        """Read the model back from the Rasa archive, or the router's own when the archive only names it.

        Raises:
            ModelMissing, ModelCorrupt: it is not there, or does not match its SHA-256.
        """
        try:
            with model_storage.read_from(resource) as folder:
                named = read_manifest(Path(folder)).get(NAMED)
                stored = load_model_of((_SERVED.get() or project_paths()).router_model, named) if named else load_model(Path(folder))
        except ValueError as error:
            raise ModelCorrupt("L'archive Rasa ne contient pas le modèle des sujets. Relancez « rasa train ».") from error
        return cls(config, model_storage, resource, stored)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Make Rasa train again when thresholds, labels or code changed, not only messages and settings."""
        paths = project_paths()
        try:
            router = read_manifest(paths.router_model).get("sha256")
            return f"{fingerprint(paths, TopicModelConfig.from_mapping(config))} {router}"
        except OSError:
            return None

    def train(self, training_data: TrainingData) -> Resource:
        """Put the model into the archive: the router's own for the corpus of the project, a new one for any other.

        Inside :func:`project_model` the archive only names the router's own, which stands beside it.

        Raises:
            CorpusError: too few messages to learn anything.
        """
        examples = [(m.get(TEXT), m.get(INTENT)) for m in training_data.intent_examples if m.get(TEXT)]
        with self._storage.write_to(self._resource) as folder:
            target = Path(folder)
            if _PROJECT_MODEL.get():
                named = ensure_model(project_paths(), _silent).manifest["sha256"]
                (target / MANIFEST_FILE).write_text(json.dumps({NAMED: named}), encoding="utf-8")
            elif self._is_project(examples):
                ensure_model(project_paths(), _silent)
                _copy_model(project_paths().router_model, target)
            else:
                save_model(target / "neuf", _train_on(examples, self._config), {"messages": len(examples)}, {})
                _copy_model(target / "neuf", target)
                shutil.rmtree(target / "neuf")
        return self._resource

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the most probable label, the first twenty, and the whole :class:`~bot.routing.types.Understanding`."""
        readable = [m for m in messages if _cleaned(m).script is Script.LATIN]
        if self._stored is None or not readable:
            return messages
        model = self._stored.model
        fragments: Fragments = {}
        rows = model.predict_proba([_cleaned(m) for m in readable], fragments)
        for message, row in zip(readable, rows, strict=True):
            understanding = model.understanding(row)
            ranking = _ranking(understanding)
            message.set(UNDERSTANDING, understanding)
            message.set(FRAGMENTS, fragments)
            message.set(STORED_MODEL, self._stored)
            message.set(INTENT, ranking[0], add_to_output=True)
            message.set(INTENT_RANKING_KEY, ranking, add_to_output=True)
        return messages

    def _is_project(self, examples: Sequence[tuple[str, str]]) -> bool:
        paths = project_paths()
        try:
            corpus = {(e.text, e.label) for e in read_corpus(paths.corpus)}
            return corpus == set(examples) and model_config(paths.config) == self._config
        except AssistantError:
            return False


_PROJECT_MODEL: ContextVar[bool] = ContextVar("project_model", default=False)


@contextmanager
def project_model() -> Iterator[None]:
    """Inside, training names the router's own model in the archive, whatever messages Rasa was given."""
    token = _PROJECT_MODEL.set(True)
    try:
        yield
    finally:
        _PROJECT_MODEL.reset(token)


_SERVED: ContextVar[ProjectPaths | None] = ContextVar("served", default=None)


@contextmanager
def serving(paths: ProjectPaths) -> Iterator[None]:
    """Inside, components are made for our own server: the router's model is that of this tree, and nobody reads tokens."""
    token = _SERVED.set(paths)
    try:
        yield
    finally:
        _SERVED.reset(token)


def _silent(_sentence: str) -> None:
    """Rasa tells its own progress."""


def _copy_model(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True)
    load_model(target)  # refuses a copy made while the model was being replaced


def _train_on(examples: Sequence[tuple[str, str]], config: TopicModelConfig) -> TopicModel:
    if len({label for _, label in examples}) < 2:
        raise CorpusError([Problem("data/nlu", 0, "il faut au moins deux intentions avec des messages.")])
    model = TopicModel(config)
    try:
        return model.fit([clean(text) for text, _ in examples], [label for _, label in examples])
    except ValueError as error:
        raise CorpusError([Problem("data/nlu", 0, f"ces messages sont trop peu nombreux pour apprendre ({error}).")]) from error


def _ranking(understanding: Understanding) -> list[dict[str, Any]]:
    probabilities = understanding.probabilities
    best = sorted(probabilities, key=probabilities.__getitem__, reverse=True)[:RANKING_LENGTH]
    return [{"name": label, "confidence": probabilities[label]} for label in best]


def _cleaned(message: Message) -> CleanText:
    found = message.get(CLEAN)
    return found if isinstance(found, CleanText) else clean(mask(message.get(TEXT) or ""))


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class CommuneExtractor(GraphComponent, EntityExtractorMixin):
    """Communes of the gazetteer, as Rasa entities.

    Args:
        gazetteer: the communes.
    """

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> CommuneExtractor:
        return cls(bare_router(project_paths()).gazetteer)

    def process(self, messages: list[Message]) -> list[Message]:
        """Add one ``commune`` entity per place named in each message."""
        for message in messages:
            found = [_entity(*place) for place in self._gazetteer.find_places(message.get(TEXT) or "")]
            message.set(ENTITIES, [*message.get(ENTITIES, []), *self.add_extractor_name(found)], add_to_output=True)
        return messages


def _entity(commune: Commune, start: int, end: int) -> dict[str, Any]:
    return {
        "entity": COMMUNE,
        "value": commune.nom,
        "start": start,
        "end": end,
        "confidence_entity": 1.0,
        "code_insee": commune.code_insee,
        "departement": commune.departement,
    }


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class RequestRouter(GraphComponent, IntentClassifier):
    """The decision of the core, written as the final intent and as ``routing``.

    Emergencies first, several requests in one message, thresholds: all of it is :class:`bot.routing.router.Router`.
    Emergencies are caught even when no topic model answered.

    Args:
        router: without a model; the one that understood each message comes with the message.
    """

    def __init__(self, router: Router) -> None:
        self._bare = router
        self._with_model: OrderedDict[int, tuple[StoredModel, Router]] = OrderedDict()

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> RequestRouter:
        return cls(bare_router(project_paths()))

    def process(self, messages: list[Message], tracker: DialogueStateTracker) -> list[Message]:
        """Decide for each message.

        Args:
            messages: already cleaned and understood.
            tracker: of the conversation; its ``profil`` weighs the topics.
        """
        profile = tracker.get_slot("profil")
        for message in messages:
            decision = self._decide(message, profile)
            _set_final_intent(message, self._final_intent(decision, message))
            values = decision_as_mapping(decision, message.get("message_id"), _cleaned(message).display)
            message.set(ROUTING, values, add_to_output=True)
        return messages

    def router_for(self, stored: StoredModel | None) -> Router:
        """Return the router that uses a model (the last two are kept), or the bare one."""
        if stored is None:
            return self._bare
        if id(stored) not in self._with_model:
            self._with_model[id(stored)] = (stored, self._bare.with_model(stored.model, stored.thresholds))
            while len(self._with_model) > 2:
                self._with_model.popitem(last=False)
        return self._with_model[id(stored)][1]

    def _decide(self, message: Message, profile: str | None) -> RoutingDecision:
        router = self.router_for(message.get(STORED_MODEL))
        text, understanding = _cleaned(message), message.get(UNDERSTANDING)
        emergency = router.detector.detect(message.get(ORIGINAL) or text.display)
        if understanding is None:
            decision = RoutingDecision(DecisionKind.INCOMPRIS)
        else:
            decision = router.decide(text, understanding, profile, fragments=message.get(FRAGMENTS))
        return router.with_context(text, decision, emergency)

    def _final_intent(self, decision: RoutingDecision, message: Message) -> dict[str, Any]:
        name = FINAL_INTENTS.get(decision.decision)
        if name is None and len(decision.destinations) > 1:
            name = SEVERAL_REQUESTS
        if name is not None:
            return {"name": name, "confidence": 1.0}
        if decision.acte:
            return {"name": decision.acte, "confidence": _confidence(message, decision.acte)}
        topic = decision.destinations[0].sujet if decision.destinations else None
        if topic is None:  # a service or a delegation is safe, not a topic: keep the most probable one as the intent
            known = self._bare.referential.topics
            topic = next((r["name"] for r in message.get(INTENT_RANKING_KEY, []) if r["name"] in known), None)
        return {"name": topic or "nlu_fallback", "confidence": _confidence(message, topic or "")}


def _confidence(message: Message, label: str) -> float:
    understanding = message.get(UNDERSTANDING)
    return float(understanding.probabilities.get(label, 0.0)) if understanding else 0.0


def _set_final_intent(message: Message, intent: dict[str, Any]) -> None:
    """Put the intent at rank 0, as Rasa's ``FallbackClassifier`` does."""
    rest = [r for r in message.get(INTENT_RANKING_KEY, []) if r["name"] != intent["name"]]
    message.set(INTENT, intent, add_to_output=True)
    message.set(INTENT_RANKING_KEY, [intent, *rest][:RANKING_LENGTH], add_to_output=True)
