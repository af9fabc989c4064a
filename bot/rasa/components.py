"""Graph components: each hands the message to one step of :class:`bot.routing.router.Router` and keeps what it found.

``MessageCleaner → TopicClassifier → CommuneExtractor → RequestRouter``. The topic model is one estimator (n-grams, sentence
encoder, calibrated classifier), trained and stored as a whole by :mod:`bot.learning.tuning`: cutting it into Rasa featurizers
would load it three times and compute its features twice.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import ENTITIES, INTENT, INTENT_RANKING_KEY, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.base.errors import AssistantError, CorpusError, ModelCorrupt, Problem
from bot.base.paths import project_paths
from bot.language.cleaning import clean
from bot.learning.corpus import read_corpus
from bot.learning.freshness import MANIFEST_FILE, fingerprint, model_config, read_manifest
from bot.learning.loading import bare_router
from bot.learning.store import StoredModel, load_model, load_model_of, save_model
from bot.learning.tuning import ensure_model
from bot.rasa.quiet import hush_warnings
from bot.referential.communes import Commune, Gazetteer
from bot.routing.context import Before
from bot.routing.router import Router
from bot.routing.types import Heard
from bot.routing.wire import CHOOSE_INTENT, ROUTING, decision_as_mapping
from bot.understanding.config import TopicModelConfig
from bot.understanding.model import TopicModel
from bot.understanding.outcome import Understanding

hush_warnings()

HEARD = "heard"
ROUTER = "router"
"""Names of what goes from one component to the next, and no further: the message so far, the router that reads it."""
RANKING_LENGTH = 20
PAYLOAD = f"/{CHOOSE_INTENT}{{"
"""How the payload of our buttons starts: the only explicit intent that may be typed."""
NOTHING_READ = "nlu_fallback"
"""Rasa's own intent for a message that no classifier could read."""
COMMUNE = "commune"
NAMED = "sha256_du_routeur"
"""In the manifest of an archive that holds no model: the SHA-256 of the router's."""
NAMED_ONLY = "du_routeur"
"""Setting of :class:`TopicClassifier` that ``bot train`` adds: whatever messages Rasa was given, name the router's model."""
_LEADING_SLASHES = re.compile(r"^[\s/]+")


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class MessageCleaner(GraphComponent):
    """Masks what was typed; a leading « / » is taken away, unless it is one of our buttons.

    Args:
        router: without a model.
    """

    def __init__(self, router: Router) -> None:
        self._router = router

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> MessageCleaner:
        return cls(bare_router(project_paths()))

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Leave training messages as they are: the core cleans them when it learns."""
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Keep what is heard of each message; from here on its text is the masked one."""
        for message in messages:
            typed = message.get(TEXT) or ""
            heard = self._router.hear(typed)
            message.set(HEARD, heard)
            message.set(ROUTER, self._router)
            if not typed.startswith(PAYLOAD):
                message.set(TEXT, _LEADING_SLASHES.sub("", heard.text.original))
        return messages


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
        self._named = bool(config.get(NAMED_ONLY))
        self._storage = model_storage
        self._resource = resource
        self._router = bare_router(project_paths()).with_model(stored.model, stored.thresholds) if stored else None

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
                stored = load_model_of(project_paths().router_model, named) if named else load_model(Path(folder))
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

        With the setting :data:`NAMED_ONLY` the archive only names the router's own, which stands beside it.

        Raises:
            CorpusError: too few messages to learn anything.
        """
        examples = [(m.get(TEXT), m.get(INTENT)) for m in training_data.intent_examples if m.get(TEXT)]
        with self._storage.write_to(self._resource) as folder:
            target = Path(folder)
            if self._named:
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
        """Set the most probable label and the first twenty: the intent that was read, whatever is then decided."""
        if self._router is None:
            return messages
        for message, heard in zip(messages, self._router.understand([_heard(m, self._router) for m in messages]), strict=True):
            message.set(HEARD, heard)
            message.set(ROUTER, self._router)
            if heard.understanding is not None:
                ranking = _ranking(heard.understanding)
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


def _heard(message: Message, router: Router) -> Heard:
    found = message.get(HEARD)
    return found if isinstance(found, Heard) else router.hear(message.get(TEXT) or "")


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
    """The decision of the core, written beside the intent as ``routing``: :class:`bot.rasa.policy.DecisionPolicy` acts on it.

    Emergencies are caught even when no topic model answered.

    Args:
        router: without a model; the one that understood each message comes with the message.
    """

    def __init__(self, router: Router) -> None:
        self._bare = router

    @classmethod
    def create(
        cls, config: dict[str, Any], model_storage: ModelStorage, resource: Resource, execution_context: ExecutionContext
    ) -> RequestRouter:
        return cls(bare_router(project_paths()))

    def process(self, messages: list[Message], tracker: DialogueStateTracker) -> list[Message]:
        """Decide for each message.

        Args:
            messages: already heard and understood.
            tracker: of the conversation; its ``profil`` weighs the topics.
        """
        profile = tracker.get_slot("profil")
        before = Before.of(*map(tracker.get_slot, ("demande", "destination", "choix", "en_attente", "ecartes", "avant")))
        for message in messages:
            router = message.get(ROUTER) or self._bare
            (heard,) = router.split([router.in_context(_heard(message, router), before)], profile)
            values = decision_as_mapping(router.decide(heard, profile), message.get("message_id"), heard.text.display)
            message.set(ROUTING, values, add_to_output=True)
            if message.get(INTENT) is None:
                message.set(INTENT, {"name": NOTHING_READ, "confidence": 1.0}, add_to_output=True)
        return messages
