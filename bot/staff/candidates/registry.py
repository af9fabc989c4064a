"""The registry of models: every one is kept by its content, one is live, and going live or back takes one rename.

``models/registre/<id>/`` holds a model, its manifest and its measures; ``models/routeur`` is a symbolic link to the one
that is live. A Rasa archive made from a model stands beside it, under ``rasa/``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.base.errors import ModelCorrupt, ModelError, ModelMissing
from bot.base.files import drafting, finish_batch, locked, read_json, write_batch, write_json
from bot.base.paths import ProjectPaths
from bot.learning.freshness import HISTORY_FILE, MANIFEST_FILE, is_current, read_manifest
from bot.learning.store import METRICS_FILE, load_model
from bot.referential import load_referential
from bot.staff.candidates.gate import Verdict
from bot.staff.candidates.review import Books, books_of
from bot.staff.editing.workspace import deed_file
from bot.staff.witness import ALONE, Edit, Signature

REGISTRY = "registre"
EVALUATION_FILE = "evaluation.json"
BOOKS_FILE = "appris.json"
"""What a model learnt: see :class:`bot.staff.candidates.review.Books`."""
RASA = "rasa"
KEEP = 10
"""Models kept: the live one and the one before are never removed."""
DEEDS = {"activer": "modele_active", "revenir": "modele_retour"}
"""What the journal says of what is done to the live model."""
_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class ModelCard:
    """A model of the registry.

    Args:
        id: hash of its content.
        folder: where it is.
        manifest: hashes of its inputs, date, author, parent, kind.
        metrics: what was measured when it was trained.
        live: whether it answers now.
    """

    id: str
    folder: Path
    manifest: Mapping[str, Any]
    metrics: Mapping[str, Any]
    live: bool

    @property
    def date(self) -> datetime:
        """When it was trained, in UTC."""
        try:
            return datetime.fromisoformat(str(self.manifest.get("date")))
        except ValueError:
            return datetime.fromtimestamp(0, UTC)

    @property
    def read_at(self) -> float:
        """When the files it learnt were read, in seconds since 1970: what is published later, it does not hold."""
        return float(self.manifest.get("lu") or self.date.timestamp())

    @property
    def author(self) -> str:
        """Who had it trained."""
        return str(self.manifest.get("auteur") or "bot train")


class ModelRegistry:
    """The models of a tree.

    Args:
        paths: the tree.
    """

    def __init__(self, paths: ProjectPaths) -> None:
        self._paths = paths
        self.folder = paths.models / REGISTRY

    def adopt(self, author: str = "bot train") -> ModelCard | None:
        """Take in the model that « bot train » wrote, when the live one is not of the registry yet; ``None`` when there is none."""
        link = self._paths.router_model
        with self._alone():
            if link.is_symlink() or not (link / MANIFEST_FILE).exists():
                return self.live()
            try:
                identifier = content_id(link)
            except ModelError:
                return None
            manifest = {"auteur": author, "genre": "complet", **read_manifest(link)}
            target = self.folder / identifier
            self.folder.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                with drafting(target) as draft:
                    shutil.copytree(link, draft, dirs_exist_ok=True)
                    write_json(draft / MANIFEST_FILE, manifest)
                    self._adopt_rasa(draft, manifest)
                    if is_current(self._paths):
                        write_json(draft / BOOKS_FILE, books_of(self._paths, load_referential(self._paths.referential)).as_json())
                    os.chmod(draft, 0o755)
                    os.replace(draft, target)
            self._put_live("adopter", identifier, author)
            return self.live()

    def add(self, draft: Path, manifest: Mapping[str, Any], evaluation: Mapping[str, Any] | None = None) -> ModelCard:
        """Take in a trained model; it does not go live.

        Args:
            draft: folder written by :func:`bot.learning.store.save_model`, on the same disk; it is moved.
            manifest: what to add to its manifest: ``auteur``, ``parent``, ``genre``.
            evaluation: what was measured on the frozen test set.

        Raises:
            ModelMissing, ModelCorrupt: the draft is no model.
        """
        load_model(draft)
        identifier = content_id(draft)
        write_json(draft / MANIFEST_FILE, {**read_manifest(draft), **manifest})
        if evaluation is not None:
            write_json(draft / EVALUATION_FILE, evaluation)
        with self._alone():
            self.folder.mkdir(parents=True, exist_ok=True)
            target = self.folder / identifier
            if not target.exists():
                os.chmod(draft, 0o755)
                os.replace(draft, target)
            elif evaluation is not None:
                write_json(target / EVALUATION_FILE, evaluation)
            self._prune()
        return self.get(identifier)

    def all(self) -> tuple[ModelCard, ...]:
        """Return every model, the newest first."""
        live = self._live_id()
        found = [self._card(p, live) for p in self.folder.glob("*") if _ID.fullmatch(p.name)] if self.folder.exists() else []
        return tuple(sorted(found, key=lambda c: (c.date, c.id), reverse=True))

    def get(self, identifier: str) -> ModelCard:
        """Return a model by its id, or by the start of it.

        Raises:
            ModelMissing: none, or several, start like this.
        """
        found = [c for c in self.all() if c.id.startswith(identifier)] if re.fullmatch(r"[0-9a-f]{1,16}", identifier) else []
        if len(found) != 1:
            raise ModelMissing(f"Aucun modèle « {identifier} » dans le registre. Voyez « bot modele lister ».")
        return found[0]

    def live(self) -> ModelCard | None:
        """Return the model that answers now, ``None`` when it is not of the registry."""
        live = self._live_id()
        return self._card(self.folder / live, live) if live else None

    def previous(self) -> ModelCard | None:
        """Return the model that a roll back would put live."""
        live = self._live_id()
        stack: list[str] = []
        for event in self.history():
            if event["action"] == "revenir" and len(stack) > 1:
                stack.pop()
            if not stack or stack[-1] != event["modele"]:
                stack.append(event["modele"])
        while stack and (stack[-1] == live or not (self.folder / stack[-1]).exists()):
            stack.pop()
        return self.get(stack[-1]) if stack else None

    def promote(
        self,
        identifier: str,
        author: str,
        verdict: Verdict | None = None,
        reason: str = "",
        signature: Signature = ALONE,
        edits: Sequence[Edit] = (),
    ) -> ModelCard:
        """Put a model live, at once and for every process that watches.

        Args:
            identifier: its id.
            author: name of the person.
            verdict: what the gate says; ``None`` only when there is nothing to compare with.
            reason: written by an administrator to go through a closed gate.
            signature: who must agree.
            edits: what it learnt that the live one did not (see :func:`bot.staff.candidates.candidate.learnt_since`).

        Raises:
            ModelMissing, ModelCorrupt: the model cannot be used; the live one stays.
            EditError: another person must put it live.
            GateRefused: the gate is closed and no reason is given.
        """
        card = self.get(identifier)
        self.verify(card)
        reasons = () if verdict is None else verdict.reasons
        signature.check(author, edits, lambda: reasons, reason, "ce modèle")
        with self._alone():
            self._put_live("activer", card.id, author, " ".join(reason.split()), reasons)
        return self.get(card.id)

    def roll_back(self, author: str) -> ModelCard:
        """Put the model before live again.

        One person is enough: it was live with its own signature, and a wrong door must not wait for a colleague. A model that
        was left this way goes live again by :meth:`promote` only.

        Raises:
            ModelMissing: there is none.
            ModelCorrupt: it cannot be used any more; the live one stays.
        """
        card = self.previous()
        if card is None:
            raise ModelMissing("Il n'y a pas de modèle précédent où revenir.")
        self.verify(card)
        with self._alone():
            self._put_live("revenir", card.id, author)
        return self.get(card.id)

    def verify(self, card: ModelCard) -> None:
        """Read a model whole.

        Raises:
            ModelMissing, ModelCorrupt: a file is missing, unreadable, or not the one of this id.
        """
        load_model(card.folder)
        if content_id(card.folder) != card.id:
            raise ModelCorrupt(f"Le modèle {card.id} ne correspond pas à son empreinte : il est refusé.")

    def history(self) -> tuple[dict[str, Any], ...]:
        """Return what went live when, by whom and why, the oldest first."""
        try:
            lines = (self._paths.models / HISTORY_FILE).read_text(encoding="utf-8").splitlines()
        except OSError:
            return ()
        events = []
        for line in lines:
            with contextlib.suppress(ValueError):
                events.append(json.loads(line))
        return tuple(events)

    def evaluation(self, card: ModelCard) -> dict[str, Any] | None:
        """Return what was measured on the frozen test set, ``None`` when it was not."""
        return read_json(card.folder / EVALUATION_FILE) or None

    def books(self, card: ModelCard) -> Books | None:
        """Return what a model learnt, ``None`` when it was not kept."""
        row = read_json(card.folder / BOOKS_FILE)
        return Books.from_json(row) if row else None

    def keep_evaluation(self, card: ModelCard, evaluation: Mapping[str, Any]) -> None:
        """Keep what was measured on the frozen test set."""
        write_json(card.folder / EVALUATION_FILE, evaluation)

    def _card(self, folder: Path, live: str | None) -> ModelCard:
        return ModelCard(folder.name, folder, read_manifest(folder), read_json(folder / METRICS_FILE), folder.name == live)

    def _live_id(self) -> str | None:
        link = self._paths.router_model
        if not link.is_symlink():
            return None
        name = Path(os.readlink(link)).name
        return name if _ID.fullmatch(name) and (self.folder / name).exists() else None

    def _put_live(self, action: str, identifier: str, author: str, reason: str = "", refused: tuple[str, ...] = ()) -> None:
        """Move the link, and note it: one step, for the history as for the journal (see :func:`bot.staff.accounts.audit.deliver`)."""
        told = {**({"motif": reason} if reason else {}), **({"reserves": list(refused)} if refused else {})}
        date = datetime.now(UTC).isoformat(timespec="seconds")
        event = {"date": date, "action": action, "modele": identifier, "auteur": author, **told}
        history = self._paths.models / HISTORY_FILE
        before = history.read_text(encoding="utf-8") if history.exists() else ""
        files = {history: before + json.dumps(event, ensure_ascii=False) + "\n"}
        if action in DEEDS:
            name = "modele_force" if refused else DEEDS[action]
            deed = {"acteur": author, "action": name, "cible": identifier, "details": told}
            files[deed_file(self._paths.deeds[1])] = json.dumps(deed, ensure_ascii=False)
        write_batch(self._paths.models_batch, files, {self._paths.router_model: f"{REGISTRY}/{identifier}"})

    def _adopt_rasa(self, draft: Path, manifest: Mapping[str, Any]) -> None:
        """The Rasa archive of « bot train » goes with its model when it was made after it."""
        folder = self._paths.models / RASA
        if str(read_manifest(folder).get("date") or "") >= str(manifest.get("date") or ""):
            with contextlib.suppress(OSError):
                shutil.copytree(folder, draft / RASA, ignore=shutil.ignore_patterns(".*"))

    def _prune(self) -> None:
        previous = self.previous()
        kept = {c.id for c in self.all()[:KEEP]} | {self._live_id(), previous.id if previous else None}
        for card in self.all():
            if card.id not in kept:
                shutil.rmtree(card.folder, ignore_errors=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with locked(self._paths.registry_lock):
            finish_batch(self._paths.models_batch)
            yield


def content_id(folder: Path) -> str:
    """Return the id of the model in ``folder``: a hash of what answers, the model and its thresholds.

    Raises:
        ModelMissing: there is no model.
    """
    try:
        metrics = (folder / METRICS_FILE).read_bytes()
    except OSError as error:
        raise ModelMissing("Aucun modèle entraîné. Lancez « bot train ».") from error
    digest = hashlib.sha256(str(read_manifest(folder).get("sha256")).encode())
    digest.update(metrics)
    return digest.hexdigest()[:16]
