"""Change the project's files safely: one writer at a time, all or nothing, each change recorded as a commit."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dulwich.errors import NotGitRepository
from dulwich.index import index_entry_from_stat
from dulwich.object_store import commit_tree_changes
from dulwich.objects import Blob, Commit, Tree
from dulwich.repo import Repo

from bot.base.errors import CorpusError, EditError, ReferentialError
from bot.base.files import finish_batch, locked, read_json, try_lock, write_batch, write_json
from bot.base.paths import ProjectPaths
from bot.emergency.known import load_known
from bot.emergency.rules import load_rules
from bot.emergency.situations import load_situations
from bot.language.cleaning import strip_accents
from bot.language.foreign import load_languages
from bot.learning.corpus import read_corpus
from bot.referential import load_referential

COMMITTER = b"Atelier de l'assistant <atelier@assistant.invalid>"
LOCK_SECONDS = 20.0
DRAFT_MARK = ".brouillon"
"""In the root of a copy where edits wait: its changes are no commits yet (see :mod:`bot.staff.editing.drafts`)."""
COMMIT_ATTEMPTS = 5

NO_REPOSITORY = "Les fichiers sont enregistrés, mais ce dossier n'est pas un dépôt git : il n'y a pas d'historique."
MIXED = "Les fichiers sont enregistrés, mais pas dans git : ils portent au même endroit des changements non enregistrés."
GIT_BUSY = "Les fichiers sont enregistrés, mais git n'a pas pu les garder dans l'historique ({reason})."


@dataclass(frozen=True)
class Change:
    """What was done to the files.

    Args:
        summary: in French, one line.
        author: name of the person.
        files: paths changed, relative to the project.
        commit: id of the git commit, ``None`` when there is none.
        note: French sentence when the history could not be kept, else "".
        diff: unified diff of the change.
    """

    summary: str
    author: str
    files: tuple[str, ...]
    commit: str | None
    note: str
    diff: str


@dataclass
class Draft:
    """Files being changed; nothing is written before the end of :meth:`Workspace.editing`."""

    root: Path
    changed: dict[Path, str | None] = field(default_factory=dict)
    beside: dict[Path, str] = field(default_factory=dict)
    """What is written with them, as one, and is neither checked nor recorded in git."""

    def exists(self, path: Path) -> bool:
        """Whether the file is there, changes of this draft included."""
        return self.changed[path] is not None if path in self.changed else path.exists()

    def read(self, path: Path) -> str:
        """Return the text of a file, changes of this draft included.

        Raises:
            EditError: it cannot be read.
        """
        if path in self.changed:
            text = self.changed[path]
            if text is not None:
                return text
        text = read_text(path)
        if text is None:
            raise EditError(f"Le fichier {path.relative_to(self.root)} manque ou n'est pas lisible.")
        return text

    def write(self, path: Path, text: str) -> None:
        """Set the new text of a file."""
        self.changed[path] = text

    def delete(self, path: Path) -> None:
        """Remove a file."""
        self.changed[path] = None


class Workspace:
    """The files of a project tree, as staff change them.

    Args:
        paths: the tree.
    """

    def __init__(self, paths: ProjectPaths) -> None:
        self.paths = paths

    @contextlib.contextmanager
    def editing(
        self, author: str, summary: str, done: list[Change], action: str = "", target: str = "", details: Mapping[str, Any] | None = None
    ) -> Iterator[Draft]:
        """Open a draft, alone; at the end check it, write it and record it. Nothing is written when an error is raised.

        The files, the commit and the line of the journal are one step: what a crash leaves undone is done later.

        Args:
            author: name of the person.
            summary: what is done, in French: the message of the commit.
            done: receives the :class:`Change`, unless nothing changed.
            action, target, details: of the journal's line (see :mod:`bot.staff.accounts.audit`); none without an action.

        Raises:
            EditError: another person is writing, or the files would become wrong.
        """
        author = " ".join(author.split()) or "Atelier"
        with self._alone():
            self._finish()
            draft = Draft(self.paths.root)
            yield draft
            before = {path: read_text(path) for path in draft.changed}
            after = {path: text for path, text in draft.changed.items() if text != before[path]}
            if not after:
                return
            self._check(after)
            names = tuple(str(path.relative_to(self.paths.root)) for path in sorted(after))
            texts = {str(path.relative_to(self.paths.root)): [before[path], after[path]] for path in after}
            deed = {"acteur": author, "action": action, "cible": target, "resume": summary, "textes": texts, "plus": details or {}}
            file = deed_file(self.paths.deeds[0])
            try:
                write_batch(self.paths.batch, {**after, **draft.beside, file: json.dumps(deed, ensure_ascii=False)})
            except OSError as error:
                raise EditError(f"Le disque refuse l'enregistrement ({error.strerror}). Rien n'a changé.") from error
            commit, note = self._record(file)
            done.append(Change(summary, author, names, commit, note, _diff(self.paths.root, before, after)))

    def recover(self) -> None:
        """Finish what a crash left undone, unless someone is writing."""
        if not self.paths.batch.exists() and not any(self.paths.deeds[0].glob("*.json")):
            return
        lock = try_lock(self.paths.editing_lock)
        if lock is not None:
            with lock:
                self._finish()

    def _finish(self) -> None:
        finish_batch(self.paths.batch)
        for file in sorted(self.paths.deeds[0].glob("*.json")):
            if "textes" in read_json(file):
                free_git(self.paths.root, file.stat().st_mtime)
                self._record(file)

    def _record(self, file: Path) -> tuple[str | None, str]:
        """Make the commit of a deed; its line then waits for the journal."""
        deed = read_json(file)
        changes = {self.paths.root / name: (before, after) for name, (before, after) in deed.pop("textes").items()}
        summary, more = deed.pop("resume"), deed.pop("plus", {})
        kept = (self.paths.root / DRAFT_MARK).exists()
        commit, note = (None, "") if kept else record(self.paths.root, changes, deed["acteur"], summary)
        if deed["action"]:
            names = sorted(str(path.relative_to(self.paths.root)) for path in changes)
            write_json(file, {**deed, "details": {"fichiers": names, "commit": commit or "", **more}})
        else:
            file.unlink(missing_ok=True)
        return commit, note

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(self.paths.editing_lock, LOCK_SECONDS))
            except TimeoutError:
                raise EditError("Une autre personne enregistre un changement. Attendez un instant, puis recommencez.") from None
            yield

    def _check(self, after: dict[Path, str | None]) -> None:
        """Read the files as they would be: a mistake is refused before anything is written."""
        with tempfile.TemporaryDirectory(prefix="atelier-") as name:
            folder = Path(name)
            if any(self.paths.referential in path.parents for path in after):
                shutil.copytree(self.paths.referential, folder / "referentiel")
                _place(after, self.paths.referential, folder / "referentiel")
                try:
                    load_referential(folder / "referentiel")
                    load_languages(folder / "referentiel")
                    situations = load_situations(folder / "referentiel" / "urgences.yml")
                    load_rules(folder / "referentiel" / "urgences_mots.yml", situations)
                    load_known(folder / "referentiel", situations)
                except ReferentialError as error:
                    raise EditError("\n".join(["Ce changement est refusé :", *(f"- {p}" for p in error.problems)])) from error
            corpus = {path: text for path, text in after.items() if self.paths.corpus in path.parents and text is not None}
            if corpus:
                (folder / "nlu").mkdir()
                _place(corpus, self.paths.corpus, folder / "nlu")
                try:
                    read_corpus(folder / "nlu")
                except CorpusError as error:
                    raise EditError("\n".join(["Ce changement est refusé :", *(f"- {p}" for p in error.problems)])) from error


def deed_file(folder: Path) -> Path:
    """Return the path of a new deed, after those that wait in ``folder``."""
    return folder / f"{time.time_ns():020d}-{secrets.token_hex(4)}.json"


def free_git(root: Path, since: float) -> None:
    """Remove the locks that a killed save left in git: they would refuse every commit to come.

    Args:
        root: inside the repository.
        since: when that save began, in seconds since 1970.
    """
    with contextlib.suppress(NotGitRepository, OSError), contextlib.closing(Repo.discover(str(root))) as repository:
        for lock in Path(repository.controldir()).rglob("*.lock"):
            if lock.stat().st_mtime >= since:
                lock.unlink(missing_ok=True)


def record(root: Path, changes: dict[Path, tuple[str | None, str | None]], author: str, summary: str) -> tuple[str | None, str]:
    """Record files as a commit on the current branch: those files only, whatever else is staged or changed.

    Args:
        root: inside the repository.
        changes: path → (text before, text after); ``None`` for a file that is not there.
        author: name of the person.
        summary: message of the commit.

    Returns:
        The id of the commit, or ``None`` and a French sentence that says why there is none.
    """
    try:
        repository = Repo.discover(str(root))
    except NotGitRepository:
        return None, NO_REPOSITORY
    try:
        with contextlib.closing(repository):
            for _ in range(COMMIT_ATTEMPTS):
                done = _commit_once(repository, changes, author, summary)
                if done is not None:
                    return done
        return None, GIT_BUSY.format(reason="d'autres enregistrements arrivent en même temps")
    except MixedChanges:
        return None, MIXED
    except Exception as error:  # the files are written: whatever git says is only told
        return None, GIT_BUSY.format(reason=type(error).__name__)


class MixedChanges(Exception):
    """A file carries uncommitted changes at the very place that was edited."""


def _commit_once(repository: Any, changes: dict[Path, tuple[str | None, str | None]], author: str, summary: str) -> tuple[str, str] | None:
    top = Path(repository.path).resolve()
    store = repository.object_store
    try:
        parent = repository.head()
    except KeyError:
        parent = None
    tree: Any = store[repository[parent].tree] if parent else Tree()
    if parent is None:
        store.add_object(tree)
    wanted: list[tuple[bytes, int | None, Any]] = []
    entries: dict[bytes, tuple[Path, bytes | None]] = {}
    for path, (before, after) in changes.items():
        inside = path.resolve().relative_to(top).as_posix().encode()
        committed = _committed_text(repository, tree.id, inside)
        if committed == after:  # a save that was stopped right after its commit
            entries[inside] = (path, Blob.from_string(after.encode("utf-8")).id if after is not None else None)
            continue
        text = after if committed == before else carry_over(before, after, committed)
        if text is None:
            wanted.append((inside, None, None))
            entries[inside] = (path, None)
            continue
        blob: Any = Blob.from_string(text.encode("utf-8"))
        store.add_object(blob)
        wanted.append((inside, stat.S_IFREG | 0o644, blob.id))
        entries[inside] = (path, blob.id)
    if parent is not None and not wanted:
        _refresh_index(repository, entries)
        return parent.decode(), ""
    commit: Any = Commit()
    commit.tree = commit_tree_changes(store, tree.id, wanted)
    commit.parents = [parent] if parent else []
    commit.author = f"{re.sub(r'[<>]', '', author)} <{_slug(author)}@atelier.invalid>".encode()
    commit.committer = COMMITTER
    commit.author_time = commit.commit_time = int(time.time())
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding = b"UTF-8"
    commit.message = f"{summary}\n".encode()
    store.add_object(commit)
    refs: Any = repository.refs
    moved = refs.set_if_equals(b"HEAD", parent, commit.id) if parent else refs.add_if_new(b"HEAD", commit.id)
    if not moved:
        return None
    _refresh_index(repository, entries)
    return commit.id.decode(), ""


def _committed_text(repository: Any, tree: bytes, inside: bytes) -> str | None:
    try:
        _, blob = repository[tree].lookup_path(repository.object_store.__getitem__, inside)
    except KeyError:
        return None
    return bytes(repository[blob].data).decode("utf-8", errors="surrogateescape")


def carry_over(before: str | None, after: str | None, committed: str | None) -> str | None:
    """Return the committed text with only our change in it, when someone else's change waits in the same file."""
    if before is None or after is None or committed is None:
        raise MixedChanges
    old, new, target = (text.splitlines(keepends=True) for text in (before, after, committed))
    line_in_target = {}
    for a, b, size in difflib.SequenceMatcher(None, old, target, autojunk=False).get_matching_blocks():
        line_in_target.update({a + i: b + i for i in range(size)})
    line_in_target[len(old)] = len(target)
    result = list(target)
    for tag, i1, i2, j1, j2 in reversed(difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()):
        if tag == "equal":
            continue
        # The lines replaced, and the line before an insertion, must stand in the committed text too.
        touched = range(i1, i2) if i2 > i1 else range(max(0, i1 - 1), i1)
        if any(i not in line_in_target for i in touched):
            raise MixedChanges
        start = line_in_target[i1] if i2 > i1 else (line_in_target[i1 - 1] + 1 if i1 else 0)
        if [line_in_target[i] for i in range(i1, i2)] != list(range(start, start + i2 - i1)):
            raise MixedChanges
        result[start : start + i2 - i1] = new[j1:j2]
    return "".join(result)


def _refresh_index(repository: Any, entries: dict[bytes, tuple[Path, bytes | None]]) -> None:
    """Keep ``git status`` clean for the files recorded; what others have staged stays staged."""
    with contextlib.suppress(Exception):  # a busy index only shows the files as changed until the next refresh
        index = repository.open_index()
        for inside, (path, blob) in entries.items():
            if blob is None:
                with contextlib.suppress(KeyError):
                    del index[inside]
            else:
                index[inside] = index_entry_from_stat(os.lstat(path), blob)
        index.write()


def read_text(path: Path) -> str | None:
    """Return the text of a file with its line ends as they are, ``None`` when it is not there or not UTF-8."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError):
        return None


def _place(texts: Mapping[Path, str | None], source: Path, target: Path) -> None:
    for path, text in texts.items():
        if source not in path.parents:
            continue
        copy = target / path.relative_to(source)
        if text is None:
            copy.unlink(missing_ok=True)
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(text.encode("utf-8"))


def _diff(root: Path, before: dict[Path, str | None], after: dict[Path, str | None]) -> str:
    parts: list[str] = []
    for path in sorted(after):
        name = str(path.relative_to(root))
        old, new = (before[path] or "").splitlines(keepends=True), (after[path] or "").splitlines(keepends=True)
        parts.extend(difflib.unified_diff(old, new, name, name, n=1))
    return "".join(parts)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", ".", strip_accents(name.lower())).strip(".") or "atelier"


def summary_line(text: str, limit: int = 72) -> str:
    """Return a commit summary on one line, cut at ``limit`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def unique(values: Sequence[str]) -> tuple[str, ...]:
    """Return values in order, each once."""
    return tuple(dict.fromkeys(values))
