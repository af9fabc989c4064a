"""The errors of the test sets: who is taken for whom, and the thirty worst with the cause a person found for each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bot.base.errors import AssistantError
from bot.base.paths import ProjectPaths
from bot.learning.loading import load_router
from bot.measure.charts import chart
from bot.measure.evaluation import Outcome, expected_service, given_service, read_test_sets, remembering, route_rows, understand
from bot.measure.reports import table, write_figures
from bot.routing.router import Router
from bot.routing.types import DecisionKind

MARK = "<!-- chiffres : écrits par « make erreurs », ne pas modifier à la main -->"
KINDS = (
    "mauvaise porte",
    "demande refusée",
    "alerte à tort, sans porte",
    "mauvais service",
    "question sans le bon choix",
    "juste de peu",
)
"""Kinds of errors, the worst first."""
UNREAD = "à lire"
SHOWN_WORDS = 30
"""Of each message on the page; the rest is in the test sets, under its id."""


@dataclass(frozen=True)
class Case:
    """One message to read.

    Args:
        outcome: the message and the decision.
        kind: one of :data:`KINDS`.
        certainty: of the best delegation, in [0, 1].
    """

    outcome: Outcome
    kind: str
    certainty: float

    @property
    def given(self) -> str:
        """What was answered, in a few words."""
        decision = self.outcome.decision
        if self.outcome.asked:
            return "question : " + ", ".join(str(d.service or d.dis) for d in decision.destinations)
        alarm = f"urgence {decision.urgence[0]}" if decision.urgence else ""
        doors = " puis ".join(f"{d.service or d.dis} › {d.sujet or '?'}" for d in decision.destinations)
        return ", ".join(x for x in (alarm, doors) if x) or decision.acte or decision.decision.value


@dataclass(frozen=True)
class Causes:
    """What a person noted, kept in ``docs/erreurs_causes.yml``.

    Args:
        causes: id → ``nom``, ``fait`` (what was or should be done), in the order of the file.
        messages: message id → ``cause`` and an optional ``note``.
    """

    causes: Mapping[str, Mapping[str, str]]
    messages: Mapping[str, Mapping[str, str]]


def read_causes(path: Path) -> Causes:
    """Read the causes noted by a person.

    Raises:
        AssistantError: the file is not as described in :class:`Causes`.
    """
    if not path.exists():
        return Causes({}, {})
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        causes, notes = data.get("causes") or {}, data.get("messages") or {}
        unknown = sorted({str(n["cause"]) for n in notes.values()} - set(causes))
        incomplete = [c for c, v in causes.items() if not (v.get("nom") and v.get("fait"))]
    except (yaml.YAMLError, AttributeError, TypeError, KeyError) as error:
        raise AssistantError(f"{path.name} est illisible : il faut « causes: » (nom, fait) et « messages: » (cause, note).") from error
    if unknown or incomplete:
        wrong = ", ".join([*unknown, *incomplete])
        raise AssistantError(f"{path.name} : causes inconnues ou incomplètes : {wrong}. Chacune a besoin de « nom » et de « fait ».")
    return Causes(causes, {str(k): v for k, v in notes.items()})


def worst(router: Router, rows: Sequence[dict[str, Any]], size: int = 30) -> tuple[list[Case], list[Outcome]]:
    """Return the cases to read, the worst first, and every outcome.

    Errors come first, the most certain first in each kind; then right answers, the least certain first.
    """
    router = remembering(router)
    outcomes = route_rows(router, rows)
    cases = []
    for outcome, understanding in zip(outcomes, understand(router, [o.row["texte"] for o in outcomes]), strict=True):
        sure = router.decider.read(understanding).certainty if understanding else 0.0
        cases.append(Case(outcome, _kind(outcome), sure))
    order = {kind: i for i, kind in enumerate(KINDS)}
    cases.sort(key=lambda c: (order[c.kind], c.certainty if c.kind == KINDS[-1] else -c.certainty, str(c.outcome.row["id"])))
    return cases[:size], outcomes


def _kind(outcome: Outcome) -> str:
    if outcome.right_service:
        return "juste de peu"
    if outcome.asked:
        return "question sans le bon choix" if not outcome.right_dis else "mauvais service"
    if outcome.refused:
        return "demande refusée"
    if outcome.decision.decision is DecisionKind.URGENCE and not outcome.decision.destinations:
        return "alerte à tort, sans porte"
    return "mauvais service" if outcome.right_dis else "mauvaise porte"


@dataclass(frozen=True)
class Split:
    """What cutting single requests into several costs.

    Args:
        messages: requests that got several doors, though one was expected.
        wrong: of these, those whose first door is not the right service.
        second: of these, those whose right service is given, but not first.
        whole: of these, those that the whole message, not cut, would have sent to the right service.
    """

    messages: int
    wrong: int
    second: int
    whole: int


def split_cost(router: Router, outcomes: Sequence[Outcome]) -> Split:
    """Count the requests cut into several, and what the whole message would have given."""
    cut = [o for o in outcomes if o.answered and len(o.decision.destinations) > 1]
    wrong = [o for o in cut if not o.right_service]
    whole = [
        Outcome(o.row, router.decider.decide(router.decider.read(u)))
        for o, u in zip(wrong, understand(router, [o.row["texte"] for o in wrong]), strict=True)
        if u is not None
    ]
    second = [any(Outcome(o.row, replace(o.decision, destinations=(d,))).right_service for d in o.decision.destinations) for o in wrong]
    return Split(len(cut), len(wrong), sum(second), sum(o.answered and o.right_service for o in whole))


def confusion(outcomes: Sequence[Outcome]) -> dict[str, Counter[str]]:
    """Return expected service → what was given first → messages."""
    result: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome in outcomes:
        if outcome.asked:
            name = "question"
        elif outcome.decision.destinations:
            name = given_service(outcome)
        else:
            name = "urgence seule" if outcome.decision.urgence else "refus"
        result[expected_service(outcome.row)][name] += 1
    return dict(sorted(result.items()))


def write_page(cases: Sequence[Case], outcomes: Sequence[Outcome], split: Split, causes: Causes, target: Path) -> None:
    """Write the figures under :data:`MARK` of ``target``, and the chart of confusions in ``images`` next to it."""
    matrix = confusion(outcomes)
    _draw(matrix, target.parent / "images" / "confusions.svg")
    write_figures(target, "\n".join(_body(cases, outcomes, split, causes, matrix)), MARK, "# Les erreurs, lues une par une")


def _body(
    cases: Sequence[Case], outcomes: Sequence[Outcome], split: Split, causes: Causes, matrix: Mapping[str, Counter[str]]
) -> list[str]:
    kinds = Counter(c.kind for c in cases)
    errors = sum(not o.right_service for o in outcomes)
    lines = [
        f"{len(outcomes)} demandes d'essai, {errors} sans le bon service. Les {len(cases)} cas lus :",
        "",
        *table(("sorte", "cas"), ((k, kinds[k]) for k in KINDS if kinds[k])),
        "",
        f"Demandes simples découpées en plusieurs portes : {split.messages}. La première porte est fausse pour {split.wrong}, dont "
        f"{split.second} où la bonne vient ensuite ; lu en entier, le message "
        f"donnait d'emblée le bon service à {split.whole} d'entre elles.",
        "",
        "### Par cause",
        "",
    ]
    cause_of = {str(c.outcome.row["id"]): causes.messages.get(str(c.outcome.row["id"]), {}).get("cause") for c in cases}
    counts = Counter(cause_of.values())
    wrong = Counter(cause_of[str(c.outcome.row["id"])] for c in cases if c.kind != KINDS[-1])
    rows = [
        (v["nom"], counts[k], wrong[k], v["fait"]) for k, v in sorted(causes.causes.items(), key=lambda kv: -counts[kv[0]]) if counts[k]
    ]
    if counts[None]:
        rows.append((UNREAD, counts[None], wrong[None], "Notez la cause dans docs/erreurs_causes.yml."))
    lines += table(("cause", "cas", "dont erreurs", "ce qui est fait ou à faire"), rows)
    lines += ["", "### Qui est pris pour qui", ""]
    lines += ["![Table de confusion : service attendu en ligne, service donné d'emblée en colonne ; "]
    lines[-1] += "les services pris pour un autre sont dans le tableau.](images/confusions.svg)"
    lines += ["", *table(("attendu", "messages", "juste d'emblée", "donné à la place"), _confusion_rows(matrix))]
    lines += ["", "### Les cas, du pire au moins grave", ""]
    body = []
    for number, case in enumerate(cases, start=1):
        row = case.outcome.row
        note = causes.messages.get(str(row["id"]), {})
        name = causes.causes[note["cause"]]["nom"] if note else UNREAD
        expected = f"{row.get('service') or row['dis']} › {row.get('sujet') or '?'}"
        reason = f"{name} : {note['note']}" if note.get("note") else name
        body.append((number, row["id"], _start(row["texte"]), expected, case.given, case.kind, f"{100 * case.certainty:.0f} %", reason))
    return lines + table(("n°", "id", "message", "attendu", "donné", "sorte", "confiance (message entier)", "cause"), body)


def _start(text: str) -> str:
    words = text.split()
    return text if len(words) <= SHOWN_WORDS else " ".join(words[:SHOWN_WORDS]) + " …"


def _confusion_rows(matrix: Mapping[str, Counter[str]]) -> list[tuple[str, int, int, str]]:
    return [
        (name, sum(given.values()), given[name], ", ".join(f"{k} {n}" for k, n in given.most_common() if k != name) or "–")
        for name, given in matrix.items()
        if set(given) - {name, "question"}
    ]


def _draw(matrix: Mapping[str, Counter[str]], target: Path) -> None:
    rows = list(matrix)
    columns = rows + sorted({k for given in matrix.values() for k in given} - set(rows))
    values = np.array([[matrix[r][c] for c in columns] for r in rows], dtype=float)
    shares = values / np.maximum(values.sum(axis=1, keepdims=True), 1)
    size = (0.34 * len(columns) + 3.4, 0.30 * len(rows) + 3.0)
    with chart(target, "Qui est pris pour qui (part de chaque ligne)", "service donné d'emblée", "service attendu", size) as axes:
        axes.grid(False)
        axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
        axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=8)
        axes.set_yticks(range(len(rows)), rows, fontsize=8)
        for i, j in zip(*values.nonzero(), strict=True):
            axes.text(j, i, f"{values[i, j]:.0f}", ha="center", va="center", fontsize=7, color="white" if shares[i, j] > 0.4 else "black")


def run(paths: ProjectPaths) -> None:
    """Write ``docs/erreurs.md`` from the model of the tree and the causes noted by a person."""
    router = remembering(load_router(paths))
    causes = read_causes(paths.docs / "erreurs_causes.yml")
    cases, outcomes = worst(router, read_test_sets(paths.test_sets)["demandes"])
    write_page(cases, outcomes, split_cost(router, outcomes), causes, paths.docs / "erreurs.md")
