"""The draft where edits wait: a copy of the files, changed at leisure, published as one batch or thrown away.

Texts, contacts, merges, renamings, retirements and new topics are seen by nobody before they are published. What others saved
meanwhile stays: the batch changes its own lines only. A published batch is taken back in one gesture.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bot.base.errors import EditError
from bot.base.files import drafting, finish_batch, locked, read_json, write_json
from bot.base.paths import ProjectPaths
from bot.staff.editing.workspace import DRAFT_MARK, Change, MixedChanges, Workspace, carry_over, read_text
from bot.staff.witness import ALONE, Edit, Signature

NAME_FILE = "nom.json"
KEPT = 20
"""Published batches that can still be taken back."""


Texts = dict[Path, tuple[str | None, str | None]]
"""Path inside the tree → text before, text after."""


@dataclass(frozen=True)
class Batch:
    """A published batch.

    Args:
        id: its name on the disk.
        name: what it was called.
        author: who published it.
        at: seconds since 1970.
        undone: whether it was taken back.
    """

    id: str
    name: str
    author: str
    at: float
    undone: bool


class Drafts:
    """The draft of a tree, and what was published from it.

    Args:
        paths: the tree that serves.
    """

    def __init__(self, paths: ProjectPaths) -> None:
        self._paths = paths
        self._folder = paths.variable / "brouillon"
        self._batches = paths.published
        self.tree = ProjectPaths(self._folder / "arbre", paths.models, tests_folder=paths.test_sets)

    @property
    def is_open(self) -> bool:
        """Whether a draft waits; one that was published, and that a stop left there, waits no more."""
        return self._folder.exists() and not self._is_published()

    @property
    def name(self) -> str:
        """Name of the draft, "" when there is none."""
        return str(self._named().get("nom", "")) if self.is_open else ""

    @property
    def edited(self) -> ProjectPaths:
        """The tree as it will be: that of the draft, or the one that serves."""
        return self.tree if self.is_open else self._paths

    def open(self, name: str = "") -> ProjectPaths:
        """Return the tree of the draft, made from the files as they are now when there was none.

        Args:
            name: of the draft, when it is made; after the day by default.
        """
        self.recover()
        with locked(self._paths.editing_lock):
            finish_batch(self._paths.batch)
            if not self.is_open:
                self.discard()
                with drafting(self._folder) as draft:
                    for copy in ("arbre", "avant"):
                        shutil.copytree(self._paths.root / "data", draft / copy / "data", ignore=shutil.ignore_patterns(".*"))
                    (draft / "arbre" / DRAFT_MARK).touch()
                    write_json(draft / NAME_FILE, {"nom": name or f"Brouillon du {date.today():%d/%m/%Y}", "id": secrets.token_hex(8)})
                    os.replace(draft, self._folder)
        return self.tree

    def recover(self) -> None:
        """Finish an edit that a stop left half written in the draft, unless someone is writing."""
        if self.is_open:
            Workspace(self.tree).recover()

    def rename(self, name: str) -> None:
        """Give the draft another name."""
        if self.is_open and name.strip():
            write_json(self._folder / NAME_FILE, {**self._named(), "nom": " ".join(name.split())[:80]})

    def edits(self) -> Sequence[Edit]:
        """Return what waits, the oldest first."""
        rows = [read_json(path) for path in sorted(self.tree.deeds[0].glob("*.json"))] if self.is_open else []
        return [Edit(r["acteur"], r["action"], r["cible"]) for r in rows if r]

    def publish(
        self,
        author: str,
        objections: Callable[[ProjectPaths, ProjectPaths], Sequence[str]],
        reason: str = "",
        signature: Signature = ALONE,
    ) -> Change:
        """Put the draft in place of the files, as one batch.

        Args:
            author: who publishes.
            objections: what is to be said against it, given the tree that serves and the one of the draft.
            reason: written to go through objections.
            signature: who must agree.

        Raises:
            GateRefused: there are objections and no reason.
            EditError: nothing to publish, another person must, or someone changed the same lines meanwhile.
        """
        self.recover()
        edits, name = self.edits(), self.name
        if not self.is_open or not edits:
            raise EditError("Le brouillon est vide : il n'y a rien à publier.")
        signature.check(author, edits, lambda: objections(self._paths, self.tree), reason, "ce brouillon")
        change = self._apply(self._folder / "avant", self.tree.root, author, f"Lot « {name} » publié", "lot_publie", name)
        self.discard()
        return change

    def discard(self) -> None:
        """Throw the draft away."""
        with drafting(self._folder) as aside, contextlib.suppress(FileNotFoundError):
            os.replace(self._folder, aside / "jete")

    def batches(self) -> Sequence[Batch]:
        """Return the published batches, the newest first."""
        found = []
        for path in sorted(self._batches.glob("*.json"), reverse=True):
            row = read_json(path)
            if row:
                found.append(Batch(path.stem, row["nom"], row["auteur"], row["le"], row["annule"]))
        return found

    def undo(self, batch: str, author: str) -> Change:
        """Take a published batch back: its own lines only.

        Raises:
            EditError: unknown, already taken back, or someone changed the same lines since.
        """
        path = self._batches / f"{batch}.json"
        row = read_json(path) if batch.isalnum() else {}
        if not row or row["annule"]:
            raise EditError("Ce lot n'existe pas, ou il est déjà annulé.")
        texts = {Path(name): (after, before) for name, (before, after) in row["textes"].items()}
        undone = {path: json.dumps({**row, "annule": True}, ensure_ascii=False)}
        return self._write(texts, author, f"Lot « {row['nom']} » annulé", "lot_annule", row["nom"], {"lot": batch}, lambda _: undone)

    def _apply(self, before: Path, after: Path, author: str, summary: str, action: str, name: str) -> Change:
        names = {path.relative_to(root) for root in (before, after) for path in (root / "data").rglob("*") if path.is_file()}
        texts = {}
        for inside in sorted(names):
            old, new = read_text(before / inside), read_text(after / inside)
            if old != new and not any(part.startswith(".") for part in inside.parts):
                texts[inside] = (old, new)
        path = self._batches / f"{time.time_ns():020d}.json"
        row = {"nom": name, "auteur": author, "le": time.time(), "annule": False, "brouillon": self._named().get("id")}
        gestures = [[edit.action, edit.target, edit.author] for edit in self.edits()]

        def remember(applied: Texts) -> Mapping[Path, str]:
            """With the files, as one: what was published is always known, and only that."""
            texts = {str(inside): list(pair) for inside, pair in applied.items()}
            return {path: json.dumps({**row, "textes": texts}, ensure_ascii=False)}

        change = self._write(texts, author, summary, action, name, {"lot": path.stem, "gestes": gestures}, remember)
        for old_batch in sorted(self._batches.glob("*.json"))[:-KEPT]:
            old_batch.unlink(missing_ok=True)
        return change

    def _named(self) -> dict[str, Any]:
        return read_json(self._folder / NAME_FILE)

    def _is_published(self) -> bool:
        latest = max(self._batches.glob("*.json"), default=None)
        return latest is not None and read_json(latest).get("brouillon") == self._named().get("id", "")

    def _write(
        self,
        texts: Texts,
        author: str,
        summary: str,
        action: str,
        name: str,
        details: Mapping[str, Any],
        remember: Callable[[Texts], Mapping[Path, str]],
    ) -> Change:
        done: list[Change] = []
        with Workspace(self._paths).editing(author, summary, done, action, name, details) as draft:
            applied: Texts = {}
            for inside, (old, new) in texts.items():
                now = read_text(self._paths.root / inside)
                try:
                    applied[inside] = (now, new if now == old else carry_over(old, new, now))
                except MixedChanges:
                    raise EditError(
                        f"Une autre personne a changé la même chose entre-temps (« {inside.stem} »). Refaites ce changement."
                    ) from None
            draft.beside.update(remember(applied))
            draft.changed.update({self._paths.root / inside: text for inside, (_, text) in applied.items()})
        if not done:
            raise EditError("Rien n'a changé.")
        return done[0]
