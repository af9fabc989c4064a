"""Put off what Rasa imports and our serving process never uses: TensorFlow, training tools, connectors of other channels.

Nothing is replaced: a module put off is the real one, run when something first reads a name in it. Rasa's own commands
do not go through here.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from types import ModuleType
from typing import Any

CHANNELS = "rasa.core.channels"
COMMON_TO_CHANNELS = ("InputChannel", "OutputChannel", "UserMessage", "CollectingOutputChannel")
UNUSED = (
    "rasa.core.test",
    "rasa.utils.plotting",
    "rasa.utils.train_utils",
    "rasa.utils.tensorflow.model_data_utils",
    "rasa.cli.utils",
    "rasa.telemetry",
    CHANNELS,
)
"""Modules of Rasa that import much (TensorFlow, Telegram, Slack…) and that answering never reads."""

TRAINING_CHECK = "rasa.graph_components.validators.default_recipe_validator"
CALLED_LATER = {
    "rasa.utils.tensorflow.model_data": {"sklearn.model_selection": "train_test_split"},
    "rasa.core.tracker_store": {"boto3.dynamodb.conditions": "Key", "pymongo.collection": "Collection"},
}
"""Module of Rasa that answering reads → what it imports and only calls to train, or to store in DynamoDB or MongoDB."""

_RUNNING = threading.RLock()


class DeferredModule(ModuleType):
    """A module that runs at the first name read in it, then is an ordinary module."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by the import system itself
            raise AttributeError(name)
        with _RUNNING:
            if type(self) is DeferredModule:
                self.__class__ = ModuleType  # type: ignore[assignment]
                spec = self.__spec__
                assert spec is not None and spec.loader is not None
                spec.loader.exec_module(self)
        return getattr(self, name)


def defer(name: str) -> None:
    """Put off the module ``name``, unless it runs already.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(name, name=name)
    plain = importlib.util.module_from_spec(spec)
    module = DeferredModule(name, plain.__doc__)
    module.__dict__.update(plain.__dict__)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


def defer_unused() -> None:
    """Put off :data:`UNUSED` and what is only called later; call it before anything imports ``rasa``."""
    for name in UNUSED:
        defer(name)
    # The package of the channels re-exports what they share: those names are read without running the connectors.
    common = importlib.import_module(f"{CHANNELS}.channel")
    for name in COMMON_TO_CHANNELS:
        setattr(sys.modules[CHANNELS], name, getattr(common, name))
    for importer, sources in CALLED_LATER.items():
        _import_with_calls_put_off(importer, sources)
    _put_off_training_check()


def _put_off_training_check() -> None:
    """Name the check of training settings, which every archive names, without importing all that it can check."""
    if TRAINING_CHECK in sys.modules:
        return
    from rasa.engine.graph import GraphComponent
    from rasa.shared.importers.importer import TrainingDataImporter

    class DefaultV1RecipeValidator(GraphComponent):  # the name that Rasa reads in the archive
        @classmethod
        def create(cls, *arguments: Any, **options: Any) -> Any:
            sys.modules.pop(TRAINING_CHECK, None)
            return importlib.import_module(TRAINING_CHECK).DefaultV1RecipeValidator.create(*arguments, **options)

        def validate(self, importer: Any) -> Any:  # a training calls it by this class on what ``create`` made: the real one
            return type(self).validate(self, importer)

    DefaultV1RecipeValidator.validate.__annotations__ = {"importer": TrainingDataImporter, "return": TrainingDataImporter}
    DefaultV1RecipeValidator.__module__ = TRAINING_CHECK  # written in the archives
    DefaultV1RecipeValidator.__qualname__ = "DefaultV1RecipeValidator"
    module = ModuleType(TRAINING_CHECK)
    vars(module)["DefaultV1RecipeValidator"] = DefaultV1RecipeValidator
    sys.modules[TRAINING_CHECK] = module


def _import_with_calls_put_off(importer: str, sources: dict[str, str]) -> None:
    """Import a module that takes one name of each of ``sources``, which are imported at its first call."""
    if importer in sys.modules:
        return
    standing_in: dict[str, ModuleType] = {}
    for source, name in sources.items():
        if source in sys.modules:
            continue
        parts = source.split(".")
        for end in range(1, len(parts) + 1):
            path = ".".join(parts[:end])
            if path not in sys.modules:
                standing_in.setdefault(path, ModuleType(path)).__path__ = []
        setattr(standing_in[source], name, _calling(source, name))
    sys.modules.update(standing_in)
    try:
        importlib.import_module(importer)
    finally:
        for path in standing_in:
            sys.modules.pop(path, None)


def _calling(source: str, name: str) -> Any:
    def call(*arguments: Any, **options: Any) -> Any:
        return getattr(importlib.import_module(source), name)(*arguments, **options)

    return call
