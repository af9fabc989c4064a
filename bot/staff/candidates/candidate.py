"""Train a candidate model apart: on a copy of the files, in a folder of its own; the live model is never touched."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bot.base.errors import ModelError
from bot.base.files import finish_batch, locked, write_json
from bot.base.paths import ProjectPaths
from bot.emergency.detector import EmergencyDetector
from bot.language.privacy import mask
from bot.language.spelling import COMMON_WORDS
from bot.learning.corpus import phrase_in, read_corpus
from bot.learning.freshness import fingerprint, model_config
from bot.learning.loading import load_detector, shared_gazetteer
from bot.learning.store import StoredModel, load_model
from bot.learning.tuning import train
from bot.learning.vector_cache import remembered_vectors
from bot.referential import Referential, load_referential
from bot.referential.communes import load_gazetteer
from bot.routing.memory import spoken
from bot.routing.router import Router
from bot.staff.accounts import audit
from bot.staff.candidates.comparison import cross_validate, digest_of_tests, evaluate_model, lessons_learnt
from bot.staff.candidates.exam import read_exam, sit_exam
from bot.staff.candidates.registry import BOOKS_FILE, ModelCard, ModelRegistry
from bot.staff.candidates.review import Books, Reviewer, books_of, dangers_of, held_out_of, reader_of
from bot.staff.storage import Storage
from bot.staff.witness import Edit
from bot.understanding.model import TopicModel

COPIED = ("config.yml", "domain.yml", "endpoints.yml", "credentials.yml")

_AGE = re.compile(r"\b\d{1,2} ?ans\b|\b(?:cp|ce[12]|cm[12]|maternelle)\b", re.IGNORECASE)
"""How old somebody is, in years or by the class of a child."""
MANY = 10_000
"""Published batches between two models, at most."""
HELD_BACK_FROM = 5
"""One newly taught phrase in so many is held back, from so many phrases on; the memory answers it all the same."""

Progress = Callable[[str], None]


def copy_tree(paths: ProjectPaths, folder: Path) -> ProjectPaths:
    """Copy what a training reads: what staff write meanwhile is for the next one.

    Args:
        paths: the tree.
        folder: of the training.
    """
    tree = folder / "arbre"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    with locked(paths.editing_lock):
        finish_batch(paths.batch)
        shutil.copytree(paths.root / "data", tree / "data", symlinks=False, ignore=shutil.ignore_patterns(".*"))
    for name in COPIED:
        if (paths.root / name).exists():
            shutil.copy(paths.root / name, tree / name)
    return ProjectPaths(tree)


def train_candidate(paths: ProjectPaths, copied: ProjectPaths, author: str, progress: Progress) -> ModelCard:
    """Train on the copied files, measure, and put the model into the registry; it does not go live.

    Args:
        paths: the tree that serves.
        copied: from :func:`copy_tree`; its ``models`` must be a folder of its own (``BOT_MODELES``).
        author: who had it trained.
        progress: receives French sentences.

    Raises:
        CorpusError, ReferentialError: the files are wrong.
    """
    read_at = time.time()
    served = ModelRegistry(paths)
    config = model_config(copied.config)
    with remembered_vectors(paths.vectors, config.encoders):
        live = served.live()
        referential = load_referential(copied.referential)
        books, known = books_of(copied, referential), served.books(live) if live is not None else None
        taught = {} if known is None else {label: sorted(f - known.phrases.get(label, frozenset())) for label, f in books.phrases.items()}
        kept_back = frozenset(phrase for found in taught.values() for phrase in held_back(found))
        inputs = fingerprint(copied, config)
        with without_phrases(copied.corpus, kept_back):
            stored = train(copied, config, inputs, progress)
        evaluation = evaluate_model(router_of(copied, stored, load_detector(paths)), paths.test_sets, progress, paths.tuning, paths.exam)
        evaluation["lecons"] = lessons_learnt(router_of(copied, stored, load_detector(paths)), taught, kept_back)
        evaluation["validation_croisee"] = cross_validate(read_corpus(copied.corpus), referential, config.encoders)
        if live is not None:
            with contextlib.suppress(ModelError):  # one that cannot be read any more is nothing to compare with
                ensure_evaluation(served, live, paths, progress)
                evaluation["objections"] = objections_to(served, live, paths, books, referential)
    write_json(copied.router_model / BOOKS_FILE, books.as_json())
    details: dict[str, Any] = {"auteur": author, "parent": live.id if live else None, "genre": "complet", "lu": read_at}
    return served.add(copied.router_model, details, evaluation)


def learnt_since(storage: Storage, live: ModelCard | None, card: ModelCard) -> Sequence[Edit]:
    """Return the edits that a model learnt and the live one did not, its training first.

    Args:
        storage: of the journal, which knows who wrote and who published.
        live: the model that answers.
        card: the other.
    """
    found = [Edit(card.author, "entrainement_demande", "")]
    for entry in audit.entries(storage, action="lot_publie", since=live.read_at if live else 0.0, limit=MANY)[0]:
        if entry.at <= card.read_at:
            for action, target, *named in entry.details["gestes"]:  # an old line names no author: who published
                author = named[0] if named else entry.actor
                found.append(Edit(author, action, target, seen=author != entry.actor))
    return found


def held_back(phrases: Sequence[str]) -> Sequence[str]:
    """Return the part of newly taught phrases that a training does not read, to know whether it understands others like them."""
    if len(phrases) < HELD_BACK_FROM:
        return ()
    return sorted(phrases, key=lambda p: hashlib.sha256(p.encode()).digest())[: len(phrases) // HELD_BACK_FROM]


@contextlib.contextmanager
def without_phrases(corpus: Path, phrases: frozenset[str]) -> Iterator[None]:
    """Take phrases out of the files of a copied corpus, and put them back at the end."""
    texts = {path: path.read_text(encoding="utf-8") for path in corpus.glob("*.yml")} if phrases else {}
    for path, text in texts.items():
        kept = "".join(line for line in text.splitlines(keepends=True) if phrase_in(line) not in phrases)
        if kept != text:
            path.write_text(kept, encoding="utf-8")
    try:
        yield
    finally:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")


def objections_to(registry: ModelRegistry, live: ModelCard, paths: ProjectPaths, books: Books, referential: Referential) -> list[str]:
    """Return what is to be said against what was written since the live model learnt.

    Args:
        registry: holds the live model.
        live: it.
        paths: the tree that serves.
        books: what the candidate learnt.
        referential: names of the topics.
    """
    before = registry.books(live)
    if before is None:
        return []
    return list(reviewer_of(paths, load_model(live.folder).model, referential).review(before, books))


def reviewer_of(paths: ProjectPaths, model: TopicModel | None, *referentials: Referential) -> Reviewer:
    """Return what reads the edits, with the live model of a tree."""
    detector = load_detector(paths)

    def alarm(text: str) -> bool:
        found = detector.detect(text)
        return found is not None and found.sure

    names = {t.id: t.libelle for r in referentials for t in r.topics.values()}
    names |= {a.id: a.libelle for r in referentials for a in r.acts.values()}
    names |= {s.id: s.nom_clair for r in referentials for s in r.services.values()}
    gazetteer = shared_gazetteer(paths.referential)

    def recognised(text: str) -> bool:
        """What is masked most of the time; or an age and a commune together, which tell a person in a village."""
        return mask(text) != text or (_AGE.search(text) is not None and bool(gazetteer.find(text)))

    vocabulary = frozenset(spoken((paths.referential / COMMON_WORDS).read_text(encoding="utf-8")).split())
    return Reviewer(reader_of(model), alarm, dangers_of(paths), held_out_of(paths), names, vocabulary, recognised, detector.is_french)


def ensure_evaluation(
    registry: ModelRegistry, card: ModelCard, paths: ProjectPaths, progress: Progress = lambda _s: None
) -> dict[str, Any]:
    """Return what a model answers to the frozen test set, measured once for each test set, and to the exam as it is now.

    Args:
        registry: holds the model.
        card: the model.
        paths: the tree whose referential it answers with.
        progress: receives French sentences.
    """
    known = registry.evaluation(card)
    if known is not None and known.get("essais") == digest_of_tests(paths.test_sets):
        if known.get("examen", {}).keys() == read_exam(paths.exam).keys():
            return known
        fresh = {**known, "examen": sit_exam(router_of(paths, load_model(card.folder), load_detector(paths)), paths.exam)}
        registry.keep_evaluation(card, fresh)
        return fresh
    progress("mesure du modèle en service")
    router = router_of(paths, load_model(card.folder), load_detector(paths))
    fresh = evaluate_model(router, paths.test_sets, progress, paths.tuning, paths.exam)
    registry.keep_evaluation(card, {**(known or {}), **fresh})
    return fresh


def router_of(paths: ProjectPaths, stored: StoredModel, detector: EmergencyDetector) -> Router:
    """Return a router that answers with a model, the referential of a tree, and the emergency detector of the one that serves."""
    folder = paths.referential
    return Router(load_referential(folder), load_gazetteer(folder), detector, stored.model, stored.thresholds)


def link_live(copied_models: Path, card: ModelCard) -> None:
    """Make the candidate the model of the copied tree, so that its Rasa archive is written beside it."""
    link = copied_models / "routeur"
    if link.is_symlink():
        link.unlink()
    else:
        shutil.rmtree(link, ignore_errors=True)
    copied_models.mkdir(parents=True, exist_ok=True)
    os.symlink(card.folder, link)
