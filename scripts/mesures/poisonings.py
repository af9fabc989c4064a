"""Real trainings on poisoned files: what the rules say before, and what the measure alone says after."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.base.paths import ProjectPaths
from bot.learning.corpus import label_in, phrase_in
from bot.learning.freshness import fingerprint, model_config
from bot.learning.loading import load_detector
from bot.learning.store import load_model
from bot.learning.tuning import train
from bot.learning.vector_cache import remembered_vectors
from bot.referential import load_referential
from bot.staff.candidates.candidate import copy_tree, reviewer_of, router_of
from bot.staff.candidates.comparison import evaluate_model, verdict_of
from bot.staff.candidates.gate import Margins
from bot.staff.candidates.review import books_of
from scripts.mesures.pages import write_between

START, END = "<!-- empoisonnements:début -->", "<!-- empoisonnements:fin -->"
CAR, PASSPORT, LEAVING, BUILDING = "carte_grise_suivi", "passeport", "etranger_eloignement", "permis_construire"


@dataclass(frozen=True)
class Poisoning:
    """One poisoning of the whole corpus.

    Args:
        name: in French.
        relabel: the label of a phrase once poisoned, given its label and its rank in it.
    """

    name: str
    relabel: Callable[[str, int], str]


POISONINGS = (
    Poisoning("30 phrases d'éloignement données à la carte grise", lambda label, n: CAR if label == LEAVING and n < 30 else label),
    Poisoning("une phrase de passeport sur deux donnée à la carte grise", lambda label, n: CAR if label == PASSPORT and n % 2 else label),
    Poisoning(
        "les étiquettes du passeport et du permis de construire échangées",
        lambda label, _: {PASSPORT: BUILDING, BUILDING: PASSPORT}.get(label, label),
    ),
    Poisoning(
        "une phrase de passeport sur deux prise pour un bonjour", lambda label, n: "saluer" if label == PASSPORT and n % 2 else label
    ),
)


def run(paths: ProjectPaths) -> None:
    """Train a model on each poisoned corpus, and write the table of ``docs/menaces.md``; some minutes each."""
    live = load_model(paths.router_model)
    reference = evaluate_model(router_of(paths, live, load_detector(paths)), paths.test_sets, print, paths.tuning, paths.exam)
    rows = [_line(poisoning, paths, reference) for poisoning in POISONINGS]
    day = datetime.now(UTC)
    head = [
        f"Le {day:%d/%m/%Y}, avec le corpus entier, face au modèle {live.manifest['sha256'][:8]} :",
        "",
        "| ce qui est fait au corpus | les règles, avant d'entraîner | la mesure seule, après | durée |",
        "|---|---|---|---|",
    ]
    write_between(paths.docs / "menaces.md", START, END, [*head, *rows])


def _line(poisoning: Poisoning, paths: ProjectPaths, reference: Mapping[str, Any]) -> str:
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="empoisonnement-") as name:
        copied = ProjectPaths(copy_tree(paths, Path(name)).root, Path(name) / "models")
        poison(copied.corpus, poisoning.relabel)
        referential, config = load_referential(copied.referential), model_config(copied.config)
        reviewer = reviewer_of(paths, load_model(paths.router_model).model, referential)
        said = reviewer.review(books_of(paths, referential), books_of(copied, referential))
        with remembered_vectors(paths.vectors, config.encoders):
            stored = train(copied, config, fingerprint(copied, config), print)
            evaluation = evaluate_model(router_of(copied, stored, load_detector(paths)), paths.test_sets, print, paths.tuning, paths.exam)
        shutil.rmtree(copied.models, ignore_errors=True)
    names = {t.id: t.libelle for t in referential.topics.values()} | {s.id: s.nom_clair for s in referential.services.values()}
    measured = verdict_of(reference, evaluation, Margins(), names).reasons
    cells = [poisoning.name, _told(said), _told(measured), f"{round((time.monotonic() - start) / 60)} min"]
    print(cells)
    return f"| {' | '.join(cells)} |"


def _told(reasons: Sequence[str]) -> str:
    if not reasons:
        return "rien"
    more = f" (et {len(reasons) - 1} autres raisons)" if len(reasons) > 1 else ""
    return f"refusé : {reasons[0].split(' : «')[0].rstrip('.').replace('|', '/')}{more}"


def poison(corpus: Path, relabel: Callable[[str, int], str]) -> None:
    """Write the files of a corpus again, each phrase under the label it is given."""
    texts: dict[str, list[str]] = {}
    for path in sorted(corpus.glob("*.yml")):
        label, rank = "", 0
        for line in path.read_text(encoding="utf-8").splitlines():
            if found := label_in(line):
                label, rank = found, 0
            if phrase := phrase_in(line):
                texts.setdefault(relabel(label, rank), []).append(phrase)
                rank += 1
        path.unlink()
    blocks = (f"- intent: {label}\n  examples: |\n" + "".join(f"    - {p}\n" for p in found) for label, found in texts.items())
    (corpus / "tout.yml").write_text('version: "3.1"\nnlu:\n' + "".join(blocks), encoding="utf-8")
