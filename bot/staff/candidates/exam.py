"""The exam: messages of the public that staff validated, kept masked; models are judged on them, nobody is shown them.

What a page shows ends up in the corpus, and a test that was learnt measures nothing. Here only ids and counts leave the file.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.learning.corpus import read_jsonl
from bot.measure.evaluation import SILENT
from bot.routing.router import Router

NO_REQUEST, URGENT, CALM = "sans_demande", "urgence", "sans_urgence"
"""What is expected of a message that asks for no topic: nothing to route, the emergency numbers, no emergency number."""
SPECIAL = {NO_REQUEST: "Pas une demande", URGENT: "Urgence", CALM: "Pas d'urgence"}
LOST_SHARE, LOST_LEAST, LOST_OF_ONE = 0.03, 3, 2
"""Messages lost in all, and of one request, from which a model is worse: two trainings differ by less."""

Results = Mapping[str, tuple[str, bool]]
"""Id of a message → what is expected of it, and whether it is what a model does."""


def exam_id(text: str) -> str:
    """Return what stands for a message outside its file."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_exam(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the messages by id, as ``texte`` and ``attendu``."""
    return {exam_id(str(row["texte"])): row for row in read_jsonl(path)} if path.exists() else {}


def sit_exam(router: Router, path: Path) -> dict[str, tuple[str, bool]]:
    """Return what a model does with each message; one whose topic is gone is left out.

    Args:
        router: with the model, without the memory.
        path: of the exam.
    """
    asked = {}
    for key, row in read_exam(path).items():
        wanted = router.referential.aliases.get(row["attendu"], row["attendu"])
        if wanted in SPECIAL or wanted in router.referential.topics:
            asked[key] = (str(row["texte"]), wanted)
    decisions = router.route_many([text for text, _ in asked.values()])
    found = {}
    for (key, (text, wanted)), decision in zip(asked.items(), decisions, strict=True):
        if wanted in {URGENT, CALM}:
            right = (router.detector.detect(text) is not None) == (wanted == URGENT)
        elif wanted == NO_REQUEST:
            right = decision.decision in SILENT
        else:
            right = any(door.sujet == wanted for door in decision.destinations)
        found[key] = (wanted, right)
    return found


def exam_reasons(live: Results, candidate: Results, names: Mapping[str, str]) -> list[str]:
    """Return why a candidate fails the exam, in French sentences that quote no message.

    A danger may not be lost at all. Elsewhere a gain of one request never hides the loss of another.

    Args:
        live: what the model that answers does.
        candidate: what the other does; only the messages that both had count.
        names: label → plain name.
    """
    both = live.keys() & candidate.keys()
    lost = Counter(candidate[key][0] for key in both if live[key][1] and not candidate[key][1])
    won = Counter(candidate[key][0] for key in both if candidate[key][1] and not live[key][1])
    reasons = []
    if lost[URGENT]:
        reasons.append(f"{lost[URGENT]} urgence(s) du public gardée(s) pour l'examen ne sont plus reconnues. Aucune baisse n'est permise.")
    if lost[CALM]:
        reasons.append(f"{lost[CALM]} message(s) du public sans danger, gardé(s) pour l'examen, donnent maintenant une fausse alerte.")
    plain = {label: count for label, count in lost.items() if label not in {URGENT, CALM}}
    worse = {label: count for label, count in plain.items() if count - won[label] >= LOST_OF_ONE}
    if worse or sum(plain.values()) - sum(won[label] for label in plain) >= max(LOST_LEAST, LOST_SHARE * len(both)):
        told = sorted((worse or plain).items(), key=lambda row: (-row[1], row[0]))
        said = ", ".join(f"« {SPECIAL.get(label) or names.get(label, label)} » ({count})" for label, count in told)
        reasons.append(f"Des messages du public gardés pour l'examen ne trouvent plus leur porte : {said}.")
    return reasons


def exam_score(results: Results) -> tuple[int, int]:
    """Return how many messages are answered as expected, and how many there are."""
    return sum(right for _, right in results.values()), len(results)
