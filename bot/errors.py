"""Every error of the project, under one root.

AssistantError
├── ReferentialError     the referential files are wrong (all mistakes at once)
├── CorpusError          the training messages are wrong
├── ModelError           no model, or a model that cannot be read
│   ├── ModelMissing
│   └── ModelCorrupt
├── BadMessage           what a person sent cannot be handled
├── StorageError         the workshop's database does not answer
├── AccountError         an account, a password or a role is not as it should
└── SettingsError        a setting has a value that makes no sense

Every message is a French sentence that can be shown as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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


class ModelError(AssistantError):
    """Something is wrong with the trained model."""


class ModelMissing(ModelError):
    """There is no trained model."""


class ModelCorrupt(ModelError):
    """The trained model cannot be read or does not match its manifest."""


class BadMessage(AssistantError):
    """What was sent is not a message (not text, not JSON…)."""


class StorageError(AssistantError):
    """The workshop's database does not answer, or cannot be used."""


class AccountError(AssistantError):
    """An account, a password or a role is not as it should."""


class SettingsError(AssistantError):
    """A setting has a value that makes no sense."""
