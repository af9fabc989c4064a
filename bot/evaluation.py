"""Evaluate the router on messages it never saw: delegations, services, questions, refusals, noise, with intervals."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bot.cleaning import strip_accents
from bot.corpus import read_jsonl
from bot.router import Router
from bot.types import DecisionKind, RoutingDecision

SILENT = frozenset({DecisionKind.CONVERSATION, DecisionKind.HORS_SUJET, DecisionKind.INCOMPRIS})
ANSWERED = frozenset({DecisionKind.ORIENTER, DecisionKind.HORS_PERIMETRE})
RESAMPLES = 1000


@dataclass(frozen=True)
class Outcome:
    """One evaluated message.

    Args:
        row: the labelled message.
        decision: what the router decided.
    """

    row: dict[str, Any]
    decision: RoutingDecision

    @property
    def answered(self) -> bool:
        """Whether a door was given at once."""
        return self.decision.decision in ANSWERED or (self.decision.decision is DecisionKind.URGENCE and bool(self.decision.destinations))

    @property
    def asked(self) -> bool:
        """Whether a question was asked."""
        return self.decision.decision is DecisionKind.CLARIFIER

    @property
    def right_dis(self) -> bool:
        """Whether the right delegation was given first, or is among the choices."""
        doors = self.decision.destinations if self.asked else self.decision.destinations[:1]
        return any(d.dis == self.row["dis"] for d in doors)

    @property
    def right_service(self) -> bool:
        """Whether the right service was given first, or is among the choices (any, when the label names none)."""
        doors = self.decision.destinations if self.asked else self.decision.destinations[:1]
        return any(d.dis == self.row["dis"] and self.row.get("service") in {None, d.service} for d in doors)


def evaluate(router: Router, folder: Path) -> dict[str, Any]:
    """Return every figure of the report on the test sets of ``folder`` (``tests/data``)."""
    requests = labelled_rows(folder, "demandes_*.jsonl")
    report: dict[str, Any] = {"demandes": summarise(route_rows(router, requests))}
    report["multi"] = _several(router, labelled_rows(folder, "multi_*.jsonl"))
    report["flou"] = _vague(router, labelled_rows(folder, "flou_*.jsonl"))
    report["hors_sujet"] = _silent(router, labelled_rows(folder, "hors_sujet_*.jsonl"))
    report["bruit"] = noise(router, requests)
    return report


def route_rows(router: Router, rows: Sequence[dict[str, Any]], change: Callable[[str], str] = str) -> list[Outcome]:
    """Route labelled rows, in batches, after an optional change of their text."""
    decisions: list[RoutingDecision] = []
    for start in range(0, len(rows), 64):
        decisions.extend(router.route_many([change(r["texte"]) for r in rows[start : start + 64]]))
    return [Outcome(row, decision) for row, decision in zip(rows, decisions, strict=True)]


def summarise(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the main figures with 95 % bootstrap intervals, and a line per service."""
    if not outcomes:
        return {"messages": 0}
    answered = [o for o in outcomes if o.answered]
    table: dict[str, dict[str, int]] = {}
    for outcome in outcomes:
        name = outcome.row.get("service") or f"{outcome.row['dis']} (tous)"
        line = table.setdefault(name, Counter())  # type: ignore[arg-type]
        line["messages"] += 1
        line["dis_juste"] += outcome.right_dis
        line["service_juste"] += outcome.right_service
        line["questions"] += outcome.asked
        line["mauvaises_portes"] += outcome.answered and not outcome.right_dis
    return {
        "messages": len(outcomes),
        "dis_juste": with_interval([o.right_dis for o in outcomes]),
        "service_juste": with_interval([o.right_service for o in outcomes]),
        "questions": with_interval([o.asked for o in outcomes]),
        "mauvaises_portes": with_interval([not o.right_dis for o in answered]),
        "demandes_refusees": with_interval([o.decision.decision in SILENT for o in outcomes]),
        "fausses_urgences": with_interval([o.decision.decision is DecisionKind.URGENCE for o in outcomes]),
        "par_service": {k: dict(v) for k, v in sorted(table.items())},
        "confusions": _confusions(outcomes),
    }


def with_interval(values: Sequence[bool]) -> dict[str, float]:
    """Return the mean of ``values`` and its 95 % bootstrap interval (percentiles, fixed seed)."""
    if not values:
        return {"valeur": 0.0, "bas": 0.0, "haut": 0.0}
    array = np.array(values, dtype=float)
    draws = np.random.default_rng(0).choice(array, (RESAMPLES, len(array))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"valeur": round(float(array.mean()), 4), "bas": round(float(low), 4), "haut": round(float(high), 4)}


def noise(router: Router, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the share of right delegations under each kind of noise, and the drop from clean text."""
    clean_score = float(np.mean([o.right_dis for o in route_rows(router, rows)])) if rows else 0.0
    result: dict[str, Any] = {"propre": round(clean_score, 4)}
    for name, change in NOISES.items():
        score = float(np.mean([o.right_dis for o in route_rows(router, rows, change)])) if rows else 0.0
        result[name] = {"dis_juste": round(score, 4), "baisse": round(clean_score - score, 4)}
    return result


def typing_errors(text: str) -> str:
    """Swap, drop or double one letter in about one word of eight (fixed by the text itself)."""
    rng = random.Random(len(text) * 7919 + sum(map(ord, text)))
    words = text.split(" ")
    for i, word in enumerate(words):
        if len(word) < 4 or rng.random() > 0.125:
            continue
        at = rng.randrange(1, len(word) - 1)
        words[i] = rng.choice(
            (word[:at] + word[at + 1] + word[at] + word[at + 2 :], word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:])
        )
    return " ".join(words)


def run_on(text: str) -> str:
    """Remove all punctuation."""
    return "".join(c if c.isalnum() or c in " '" else " " for c in text)


def polite(text: str) -> str:
    """Wrap in formulas of politeness."""
    return f"Bonjour madame, monsieur, excusez-moi de vous déranger. {text} Merci beaucoup d'avance, bien cordialement."


_SMS = {
    "je ": "j ",
    "que ": "ke ",
    "pour ": "pr ",
    "quoi": "koi",
    "c'est": "c",
    "j'ai": "g",
    "est-ce que": "esk",
    "vous": "vs",
    "dans": "ds",
}


def sms(text: str) -> str:
    """Write as in a short message: no accents, usual shortenings."""
    text = strip_accents(text.lower())
    for long, short in _SMS.items():
        text = text.replace(long, short)
    return text


NOISES: dict[str, Callable[[str], str]] = {
    "sans_accents": strip_accents,
    "capitales": str.upper,
    "minuscules": str.lower,
    "fautes_de_frappe": typing_errors,
    "sans_ponctuation": run_on,
    "politesse": polite,
    "sms": sms,
}


def _several(router: Router, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    both = one = 0
    for outcome in route_rows(router, rows):
        wanted = {e["dis"] for e in outcome.row["attendus"]}
        given = {d.dis for d in outcome.decision.destinations}
        both += wanted <= given
        one += bool(wanted & given)
    return {"messages": len(rows), "deux_portes": _share(both, rows), "au_moins_une": _share(one, rows)}


def _vague(router: Router, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    outcomes = route_rows(router, rows)
    asked = sum(o.asked or o.decision.decision in SILENT for o in outcomes)
    return {"messages": len(rows), "question_posee": _share(asked, rows)}


def _silent(router: Router, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    outcomes = route_rows(router, rows)
    missed = [o.row["texte"] for o in outcomes if o.decision.decision not in SILENT]
    return {"messages": len(rows), "reconnus": with_interval([o.decision.decision in SILENT for o in outcomes]), "manques": missed[:20]}


def _confusions(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    pairs: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        if outcome.answered and not outcome.right_service:
            door = outcome.decision.destinations[0]
            pairs[(outcome.row.get("service") or outcome.row["dis"], door.service or door.dis)] += 1
    return [{"attendu": a, "donne": b, "messages": n} for (a, b), n in pairs.most_common(25)]


def _share(count: int, rows: Sequence[Any]) -> float:
    return round(count / len(rows), 4) if rows else 0.0


def labelled_rows(folder: Path, pattern: str) -> list[dict[str, Any]]:
    """Return the labelled messages of the files of ``folder`` that match ``pattern``, in order."""
    return [dict(row) for path in sorted(folder.glob(pattern)) for row in read_jsonl(path)]
