"""Compare the directory with a published file in the background: it takes minutes, and nobody's page waits."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path

from bot.base.errors import AssistantError, EditError
from bot.base.paths import ProjectPaths
from bot.referential import load_referential
from bot.referential.communes import load_gazetteer
from bot.staff.editing.directory_import import DirectoryImport, Plan, Reading
from bot.staff.editing.drafts import Drafts
from bot.staff.editing.workspace import Change

LARGEST = 2 << 30
"""Bytes of a file: the national archive has some hundred million."""
_NAME = re.compile(r"[\w][\w.-]{0,200}\.(json|bz2|gz|tbz2|csv)")
STALE = "Cette comparaison n'est plus là. Comparez à nouveau."


@dataclass(frozen=True)
class Comparison:
    """What is known of one comparison.

    Args:
        name: of the file.
        author: who asked for it.
        importer: what writes it.
        reading: what the file says; ``None`` while it is read.
        plan: what writing would do, likewise.
        mistake: why it failed, in French, empty otherwise.
    """

    name: str
    author: str
    importer: DirectoryImport | None = None
    reading: Reading | None = None
    plan: Plan | None = None
    mistake: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the file is still being read."""
        return self.plan is None and not self.mistake


class Comparisons:
    """One comparison at a time for a tree, kept in memory until the next.

    Args:
        paths: the tree; files are put in ``var/annuaire`` by who runs the machine.
    """

    def __init__(self, paths: ProjectPaths) -> None:
        self._paths = paths
        self._lock = threading.Lock()
        self.latest: Comparison | None = None

    @property
    def folder(self) -> Path:
        """Where the files to import are put: no page reads anything else of the machine."""
        return self._paths.variable / "annuaire"

    def files(self) -> list[Path]:
        """Return the files that may be compared, the last put first."""
        found = [path for path in self.folder.glob("*") if _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()]
        return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)

    def start(self, name: str, france_services: bool, day: str, author: str) -> threading.Thread:
        """Start to compare.

        Args:
            name: of one of :meth:`files`.
            france_services: whether it is the ANCT's list.
            day: of the file, when its name does not say it.
            author: who asks.

        Raises:
            EditError: there is no such file, it is too big, or a comparison runs.
        """
        path = next((path for path in self.files() if path.name == name), None)
        if path is None:
            raise EditError("Choisissez un fichier de la liste.")
        if path.stat().st_size > LARGEST:
            raise EditError("Ce fichier est trop gros pour être l'annuaire.")
        with self._lock:
            if self.latest is not None and self.latest.is_open:
                raise EditError("Une comparaison est déjà en cours. Attendez sa fin.")
            self.latest = Comparison(name, author)
        work = threading.Thread(target=self._compare, args=(path, france_services, day, author), name="annuaire", daemon=True)
        work.start()
        return work

    def write(self, author: str, draft: ProjectPaths) -> Change | None:
        """Write what was compared in the draft, and forget it; returns ``None`` when nothing changes.

        Args:
            author: name of the person.
            draft: the tree of the draft.

        Raises:
            EditError: nothing is compared, or the directory changed meanwhile; nothing was written.
        """
        with self._lock:
            compared = self.latest
            if compared is None or compared.importer is None or compared.plan is None or compared.reading is None:
                raise EditError(STALE)
            change = compared.importer.write(compared.plan, compared.reading, author, draft)
            self.latest = None
        return change

    def _compare(self, path: Path, france_services: bool, day: str, author: str) -> None:
        try:
            tree = Drafts(self._paths).edited
            importer = DirectoryImport(tree, load_referential(tree.referential), load_gazetteer(tree.referential))
            reading = (importer.read_france_services if france_services else importer.read_dila)(path, day)
            self.latest = Comparison(path.name, author, importer, reading, importer.plan(reading))
        except AssistantError as error:
            self.latest = Comparison(path.name, author, mistake=str(error))
        except Exception:
            self.latest = Comparison(path.name, author, mistake="La comparaison a échoué. Rien n'est écrit.")
            raise
