"""Where things are: the only module that knows the layout of the project on disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProjectPaths:
    """Folders and files of one project tree.

    Args:
        root: top folder, the one that holds ``config.yml``.
        models_folder: where the models are; ``BOT_MODELES`` or ``models`` by default.
        referential_folder: where who does what is; ``data/referentiel`` by default.
        tests_folder: where the labelled messages are; ``BOT_ESSAIS`` or ``tests/data`` by default.
    """

    root: Path
    models_folder: Path | None = None
    referential_folder: Path | None = None
    tests_folder: Path | None = None

    @property
    def referential(self) -> Path:
        if self.referential_folder is not None:
            return self.referential_folder
        return self.root / "data" / "referentiel"

    @property
    def last_numbers(self) -> Path:
        """The emergency numbers to give when the referential cannot be read."""
        return self.root / "data" / "secours.txt"

    @property
    def corpus(self) -> Path:
        return self.root / "data" / "nlu"

    @property
    def dangers(self) -> Path:
        """Messages that tell a danger, and others that look like it."""
        return self.root / "data" / "urgences"

    @property
    def retired(self) -> Path:
        """Topics that left the routing, kept with their messages."""
        return self.root / "data" / "retires"

    @property
    def masking(self) -> Path:
        """Messages where what leads to someone is marked."""
        return self.root / "data" / "masquage"

    @property
    def tuning(self) -> Path:
        return self.root / "data" / "calage"

    @property
    def exam(self) -> Path:
        """Messages of the public kept, masked, to judge models: nothing learns them, no page shows them."""
        return self.root / "data" / "examen" / "messages.jsonl"

    @property
    def config(self) -> Path:
        return self.root / "config.yml"

    @property
    def models(self) -> Path:
        if self.models_folder is not None:
            return self.models_folder
        override = os.environ.get("BOT_MODELES")
        return Path(override) if override else self.root / "models"

    @property
    def router_model(self) -> Path:
        return self.models / "routeur"

    @property
    def emergency_model(self) -> Path:
        return self.models / "urgences"

    @property
    def use_weights(self) -> Path:
        """The sentence encoder, unpacked: made again when it is missing."""
        return self.models / "encodeur"

    @property
    def language_tables(self) -> Path:
        """The tables that tell languages apart, unpacked: made again when they are missing."""
        return self.models / "langues"

    @property
    def vectors(self) -> Path:
        """Sentence vectors of the corpus, kept from one training to the next."""
        return self.models / "cache"

    @property
    def readings(self) -> Path:
        """Files of ``data`` as they were read: made again when they are missing."""
        return self.models / "cache" / "lectures"

    @property
    def test_sets(self) -> Path:
        """Labelled messages never trained on. A server needs them to compare models."""
        if self.tests_folder is not None:
            return self.tests_folder
        override = os.environ.get("BOT_ESSAIS")
        return Path(override) if override else self.root / "tests" / "data"

    @property
    def variable(self) -> Path:
        """What the running assistant writes: the workshop's database, events that wait."""
        return self.root / "var"

    @property
    def sound(self) -> Path:
        """The last referentials that were read without a mistake."""
        return self.variable / "valides"

    @property
    def batch(self) -> Path:
        """A save that is being written: see :func:`bot.base.files.write_batch`."""
        return self.root / "data" / ".lot"

    @property
    def published(self) -> Path:
        """What each published batch changed, to take it back: beside the files, so that a backup holds both."""
        return self.root / "data" / ".lots"

    @property
    def restoring(self) -> Path:
        """A backup that is being put back: what a stop leaves undone is done later."""
        return self.root / ".restauration"

    @property
    def models_batch(self) -> Path:
        """The same for the model that goes live."""
        return self.models / ".lot"

    @property
    def deeds(self) -> tuple[Path, Path]:
        """What was done to the files and to the models, until the journal holds it."""
        return self.root / "data" / ".gestes", self.models / ".gestes"

    @property
    def editing_lock(self) -> Path:
        return self.models / ".edition.verrou"

    @property
    def registry_lock(self) -> Path:
        return self.models / ".registre.verrou"

    @property
    def docs(self) -> Path:
        return self.root / "docs"


def project_paths() -> ProjectPaths:
    """Return the paths of the tree this code runs from (``BOT_RACINE`` overrides it)."""
    override = os.environ.get("BOT_RACINE")
    return ProjectPaths(Path(override).resolve() if override else Path(__file__).resolve().parents[2])
