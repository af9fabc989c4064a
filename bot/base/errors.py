"""Every error of the project, under one root.

AssistantError
├── ReferentialError     the referential files are wrong (all mistakes at once)
├── CorpusError          the training messages are wrong
├── MissingTestSets      the test messages are not there
├── MissingSheets        no national sheet where one was said to be
├── ModelError           no model, or a model that cannot be read
│   ├── ModelMissing
│   └── ModelCorrupt
├── BrokenFile           a file given to an import is not what it should be
├── DoorCodeError        a code carried from an answer cannot be read
├── BadMessage           what a person sent cannot be handled
├── StorageError         the workshop's database does not answer
├── AccountError         an account, a password or a role is not as it should
├── InboxError           a message of the inbox cannot be settled that way
├── SwitchError          the public banner is not as it should
├── EditError            a change to the files is refused; nothing was written
│   └── EditConflict     someone else changed the same thing meanwhile
├── GateRefused          a candidate model may not go live
├── TrainingError        a training cannot start, or has failed
└── SettingsError        a setting has a value that makes no sense

Every message is a French sentence that can be shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class AssistantError(Exception):
    """Root of the project's errors; ``str(error)`` is a ready French sentence."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a data file.

    Args:
        fichier: path of the file, relative to the project.
        ligne: 1-based line number, or 0 when the whole file is concerned.
        message: what is wrong and what to do, in French.
    """

    fichier: str
    ligne: int
    message: str

    def __str__(self) -> str:
        place = f"{self.fichier}:{self.ligne}" if self.ligne else self.fichier
        return f"{place} : {self.message}"


class _ProblemList(AssistantError):
    title = "Erreurs"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [f"{self.title} ({len(self.problems)}) :", *(f"- {p}" for p in self.problems)]
        super().__init__("\n".join(lines))


class ReferentialError(_ProblemList):
    """The referential cannot be used; carries every :class:`Problem` found."""

    title = "Le référentiel contient des erreurs"


class CorpusError(_ProblemList):
    """The training corpus cannot be used; carries every :class:`Problem` found."""

    title = "Le corpus contient des erreurs"


class MissingTestSets(_ProblemList):
    """Test sets are missing; carries one :class:`Problem` per set."""

    title = "Il manque des messages d'essai"


class MissingSheets(AssistantError):
    """The folder given as that of the national sheets holds none."""


class ModelError(AssistantError):
    """Something is wrong with the trained model."""


class ModelMissing(ModelError):
    """There is no trained model."""


class ModelCorrupt(ModelError):
    """The trained model cannot be read or does not match its manifest."""


class BrokenFile(AssistantError):
    """A file given to an import is cut short, or is not what it should be; nothing was written."""


class DoorCodeError(AssistantError):
    """A code carried from an answer is mistyped, or its topic is no more."""


class BadMessage(AssistantError):
    """What was sent is not a message (not text, not JSON…)."""


class StorageError(AssistantError):
    """The workshop's database does not answer, or cannot be used."""


class AccountError(AssistantError):
    """An account, a password or a role is not as it should."""


class EditError(AssistantError):
    """A change to the files is refused; nothing was written."""


class EditConflict(EditError):
    """Someone else changed the same fields meanwhile: the person sees both and chooses, field by field.

    Args:
        current: field → value as it is now, of the fields that both changed.
        proposed: the same fields, as the person wanted them.
        version: of the record as it is now, to send back with the choice.
    """

    def __init__(self, current: Mapping[str, Any], proposed: Mapping[str, Any], version: str) -> None:
        self.current = current
        self.proposed = proposed
        self.version = version
        super().__init__("Une autre personne a changé cette fiche pendant votre saisie. Comparez les deux versions et choisissez.")


class GateRefused(AssistantError):
    """A candidate model may not go live.

    Args:
        reasons: French sentences.
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("\n".join(["Ce modèle ne peut pas être mis en service :", *(f"- {r}" for r in self.reasons)]))


class TrainingError(AssistantError):
    """A training cannot start, or has failed."""


class InboxError(AssistantError):
    """A message of the inbox cannot be settled that way, often because someone else just did."""


class SwitchError(AssistantError):
    """The public banner is not as it should."""


class SettingsError(AssistantError):
    """A setting has a value that makes no sense."""
