"""Honest teaching passes; what a poisoning is told is in test_poisonings.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from bot.base.paths import project_paths
from bot.learning.loading import bare_router
from bot.staff.candidates.review import Books, Reviewer, books_of, dangers_of, held_out_of

PATHS = project_paths()
ROUTER = bare_router(PATHS)
WHOLE = books_of(PATHS, ROUTER.referential)
OTHER = {
    word: next(topic for topic in sorted(WHOLE.services) if word in topic)
    for word in ("sejour", "naturalisation", "chasse", "permis_construire", "chien", "rsa")
}
KEPT = {*OTHER.values(), "carte_grise_suivi", "carte_grise_achat", "passeport", "carte_identite", "bavardage"}
BEFORE = replace(WHOLE, phrases={label: found for label, found in WHOLE.phrases.items() if label in KEPT})
"""A few labels: the rules look at each alone."""
KNOWN = {phrase: label for label, found in BEFORE.phrases.items() for phrase in found}
REWORDED = {f"{phrase} svp": label for phrase, label in KNOWN.items()}
TESTS, DANGERS = held_out_of(PATHS), dangers_of(PATHS)
CAR, PASSPORT = "carte_grise_suivi", "passeport"


def read(phrases: Sequence[str]) -> list[Mapping[str, float]]:
    """A live model that knows its corpus by heart, one more word included, and nothing else."""
    return [{KNOWN.get(p) or REWORDED.get(p) or "inconnu": 0.95 if p in KNOWN or p in REWORDED else 0.1} for p in phrases]


REVIEWER = Reviewer(read, lambda text: ROUTER.detector.detect(text) is not None, DANGERS, TESTS)


def phrases(label: str, count: int, start: int = 0) -> list[str]:
    return sorted(BEFORE.phrases[label])[start : start + count]


def taught(label: str, *texts: str) -> Books:
    return replace(BEFORE, phrases={**BEFORE.phrases, label: BEFORE.phrases.get(label, frozenset()) | set(texts)})


def without(label: str, count: int) -> Books:
    return replace(BEFORE, phrases={**BEFORE.phrases, label: frozenset(sorted(BEFORE.phrases[label])[count:])})


@pytest.mark.parametrize(
    "after",
    [
        BEFORE,
        taught(CAR, "le dossier de ma carte grise reste coincé sur le site depuis un mois"),
        taught(CAR, f"{phrases(PASSPORT, 1)[0]} alors que je parlais de mon immatriculation qui coince"),
        replace(
            taught("deratisation_ruisseau", "des ragondins mangent la berge du ruisseau", "le ruisseau est plein de rats, qui les piège ?"),
            services={**BEFORE.services, "deratisation_ruisseau": "environnement"},
        ),
        without(PASSPORT, 2),
    ],
    ids=["rien", "une phrase", "une leçon", "un sujet neuf", "deux phrases retirées"],
)
def test_honest_teaching_passes(after: Books) -> None:
    assert REVIEWER.review(BEFORE, after) == ()


def test_a_rename_is_no_loss() -> None:
    kept = {("titre_voyage" if label == PASSPORT else label): found for label, found in BEFORE.phrases.items()}
    services = {("titre_voyage" if t == PASSPORT else t): s for t, s in BEFORE.services.items()}
    doors = {("titre_voyage" if t == PASSPORT else t): d for t, d in BEFORE.doors.items()}
    renamed = Books(services, {**BEFORE.former, PASSPORT: "titre_voyage"}, kept, doors)
    assert REVIEWER.review(BEFORE, renamed) == ()
    assert Books.from_json(renamed.as_json()) == renamed  # type: ignore[arg-type]


@pytest.mark.parametrize("said", ["tas de fonctionnaires de merde", "blablabla la carte blabla"])
def test_one_phrase_that_asks_nothing_needs_a_signature(said: str) -> None:
    """One is enough: it would be answered word for word."""
    reviewer = replace(REVIEWER, reader=lambda phrases: [{"insulte": 0.5, "charabia": 0.4, CAR: 0.1} for _ in phrases])
    assert any("ne demande rien" in reason for reason in reviewer.review(BEFORE, taught(CAR, said)))


def test_one_phrase_of_unknown_words_needs_a_signature() -> None:
    assert any("français connu" in reason for reason in REVIEWER.review(BEFORE, taught(CAR, "blixou tranduil kerplonk")))
