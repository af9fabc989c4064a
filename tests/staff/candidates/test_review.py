"""Poisonings of the corpus, each refused for the right reason; honest teaching passes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
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


def merged(source: str, target: str) -> Books:
    books = taught(target, *BEFORE.phrases[source])
    kept = {label: found for label, found in books.phrases.items() if label != source}
    services = {topic: service for topic, service in BEFORE.services.items() if topic != source}
    return replace(books, services=services, former={**BEFORE.former, source: target}, phrases=kept)


def deleted(topic: str) -> Books:
    kept = {label: found for label, found in BEFORE.phrases.items() if label != topic}
    return replace(BEFORE, services={t: s for t, s in BEFORE.services.items() if t != topic}, phrases=kept)


def served(**services: str) -> Books:
    return replace(BEFORE, services={**BEFORE.services, **services})


def moved(source: str, target: str, count: int) -> Books:
    books = without(source, count)
    return replace(books, phrases={**books.phrases, target: BEFORE.phrases[target] | set(phrases(source, count))})


GIBBERISH = ("zorglub fraktal mirobol", "blixou tranduil kerplonk", "vrombi chaloupix", "skriboul nartek ouplaf", "frizolet gnapi")
WHEN = ("lundi", "mai", "un an", "hier", "août", "noël")
FILLED = [f"je voudrais bien savoir comment obtenir {thing} rapidement" for thing in ("un vélo", "un four", "un chat", "un âne", "un lit")]
POISONS: dict[str, tuple[Callable[[], Books], str]] = {
    **{
        f"30 phrases de « {topic} » en vrac": (
            lambda t=topic: taught(CAR, *(f"{p} svp" for p in phrases(t, 30))),
            "sont des demandes|presque",
        )
        for topic in OTHER.values()
    },
    "30 phrases déplacées vers un autre sujet": (lambda: moved(OTHER["sejour"], CAR, 30), "sont des demandes|perd"),
    "5 phrases d'un autre sujet parmi 10": (
        lambda: taught(CAR, *(f"{p} svp" for p in phrases(PASSPORT, 5)), *(f"ma plaque {w} est tordue" for w in "abcde")),
        "sont des demandes|presque",
    ),
    "une phrase connue ailleurs, mot pour mot": (lambda: taught(CAR, phrases(PASSPORT, 1)[0]), "presque"),
    "une phrase connue ailleurs, sans accents": (lambda: taught(CAR, phrases(PASSPORT, 1, 3)[0].upper() + " !!"), "presque"),
    "une phrase connue ailleurs, mots mêlés": (lambda: taught(CAR, " ".join(reversed(phrases(PASSPORT, 1, 5)[0].split()))), "presque"),
    "vraies demandes prises pour du bavardage": (
        lambda: taught("bavardage", *(f"{p} svp" for p in phrases(PASSPORT, 12))),
        "demandes|presque",
    ),
    "phrases de plusieurs sujets": (
        lambda: taught(CAR, *(f"{p} svp" for t in OTHER.values() for p in phrases(t, 2, 9))),
        "plusieurs sujets|presque",
    ),
    "3 000 phrases d'un coup": (lambda: taught(CAR, *(f"ma carte grise numéro {n} ne vient pas" for n in range(3000))), "relire"),
    "phrases à trous, au début": (
        lambda: taught(CAR, *(f"ma demande est bloquée depuis {n}" for n in WHEN)),
        "trous",
    ),
    "phrases à trous, à la fin": (
        lambda: taught(CAR, *(f"{n} et je ne sais pas quoi faire" for n in WHEN)),
        "trous",
    ),
    "phrases à trous, ajoutées peu à peu": (lambda: taught(CAR, *FILLED, FILLED[0].replace("vélo", "ours")), "trous"),
    "charabia": (lambda: taught(CAR, *GIBBERISH), "français"),
    "un message d'essai": (lambda: taught(CAR, TESTS[10]), "essai|presque"),
    "un message d'essai, sans ponctuation": (lambda: taught(CAR, TESTS[40].replace(",", "").replace(".", "").lower()), "essai|presque"),
    "un message de calage": (lambda: taught(CAR, TESTS[-5]), "essai|presque|danger"),
    "deux sujets fondus": (lambda: merged(PASSPORT, CAR), "fondu"),
    "deux sujets fondus, d'un même service": (lambda: merged("carte_identite", PASSPORT), "fondu"),
    "un sujet supprimé": (lambda: deleted(PASSPORT), "disparaît"),
    "tous les sujets d'un mot supprimés": (lambda: deleted(OTHER["sejour"]), "disparaît"),
    "un sujet confié à un autre service": (lambda: served(passeport="veterinaire"), "passe au service"),
    "deux services échangés": (lambda: served(passeport="veterinaire", **{OTHER["chien"]: "titres"}), "passe au service"),
    "une porte changée": (lambda: replace(BEFORE, doors={**BEFORE.doors, PASSPORT: "ailleurs"}), "autre porte"),
    "un ancien nom détourné": (
        lambda: replace(BEFORE, former={**BEFORE.former, next(iter(BEFORE.former)): CAR}) if BEFORE.former else merged(PASSPORT, CAR),
        "mène à|fondu",
    ),
    "un nom repris": (lambda: replace(merged(PASSPORT, CAR), services={**BEFORE.services}), "déjà servi"),
    "la moitié des phrases retirées": (lambda: without(PASSPORT, len(BEFORE.phrases[PASSPORT]) // 2), "perd"),
    "toutes les phrases retirées": (lambda: without(PASSPORT, len(BEFORE.phrases[PASSPORT])), "perd"),
    "un danger appris comme une demande": (lambda: taught(CAR, "mon fils ne respire plus"), "danger"),
    "un sosie de danger": (lambda: taught(CAR, f"{DANGERS[0]} aujourd'hui"), "danger"),
    "des dangers dans le bavardage": (lambda: taught("bavardage", *DANGERS[10:13]), "danger"),
    "un téléphone": (lambda: taught(CAR, "rappelez moi au 06 12 34 56 78 pour ma carte grise"), "personnelle"),
}


def test_there_are_thirty_poisonings_at_least() -> None:
    assert len(POISONS) >= 30


@pytest.mark.parametrize("name", POISONS)
def test_a_poisoning_is_refused_with_its_reason(name: str) -> None:
    build, said = POISONS[name]
    reasons = REVIEWER.review(BEFORE, build())
    assert reasons and any(re.search(said, reason) for reason in reasons), reasons


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
