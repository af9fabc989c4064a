"""Write the figures of an evaluation for people: a text for the terminal, Markdown for the docs, a list of errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.evaluation import labelled_rows, route_rows
from bot.router import Router

MARK = "<!-- chiffres : écrits par « bot evaluate --rapport », ne pas modifier à la main -->"

_LABELS = {
    "dis_juste": "Bonne délégation (d'emblée ou parmi les choix)",
    "service_juste": "Bon service (d'emblée ou parmi les choix)",
    "questions": "Messages qui reçoivent une question",
    "mauvaises_portes": "Mauvaises portes parmi les réponses données",
    "demandes_refusees": "Vraies demandes prises pour autre chose",
    "fausses_urgences": "Fausses alertes d'urgence",
}


def percent(figure: Mapping[str, float]) -> str:
    """Return a figure with its interval, in French."""
    return f"{100 * figure['valeur']:.1f} % ({100 * figure['bas']:.1f} à {100 * figure['haut']:.1f})".replace(".", ",")


def as_text(report: Mapping[str, Any]) -> str:
    """Return the report as Markdown that also reads well in a terminal."""
    main = report["demandes"]
    lines = [f"{main['messages']} demandes jamais vues (intervalle à 95 %) :", ""]
    lines += ["| mesure | valeur |", "|---|---|"]
    lines += [f"| {label} | {percent(main[key])} |" for key, label in _LABELS.items() if key in main]
    several, vague, silent = report["multi"], report["flou"], report["hors_sujet"]
    lines += [
        f"| Deux demandes, deux portes ({several['messages']} messages) | {_pc(several['deux_portes'])} |",
        f"| Deux demandes, au moins une porte | {_pc(several['au_moins_une'])} |",
        f"| Message trop vague : question posée ({vague['messages']} messages) | {_pc(vague['question_posee'])} |",
    ]
    if silent["messages"]:
        lines.append(f"| Messages sans demande reconnus ({silent['messages']} messages) | {percent(silent['reconnus'])} |")
    lines += ["", "| bruit | bonne délégation | baisse (points) |", "|---|---|---|"]
    for name, figure in report["bruit"].items():
        if isinstance(figure, dict):
            drop = f"{100 * figure['baisse']:.1f}".replace(".", ",")
            lines.append(f"| {name.replace('_', ' ')} | {_pc(figure['dis_juste'])} | {drop} |")
    lines += ["", "| service | messages | délégation juste | service juste | questions | mauvaises portes |", "|---|---|---|---|---|---|"]
    for name, row in main["par_service"].items():
        lines.append(
            f"| {name} | {row['messages']} | {row['dis_juste']} | {row['service_juste']} | {row['questions']} | {row['mauvaises_portes']} |"
        )
    lines += ["", "| attendu | donné | messages |", "|---|---|---|"]
    lines += [f"| {c['attendu']} | {c['donne']} | {c['messages']} |" for c in main["confusions"]]
    return "\n".join(lines)


def write_report(report: Mapping[str, Any], target: str) -> None:
    """Write the Markdown report; what stands before the line :data:`MARK` is kept."""
    path = Path(target)
    head = path.read_text(encoding="utf-8").split(MARK)[0] if path.exists() else "# Résultats mesurés\n\n"
    path.write_text(f"{head.rstrip()}\n\n{MARK}\n\n{as_text(report)}\n", encoding="utf-8")


def write_errors(router: Router, folder: Path, target: str) -> None:
    """Write the requests that did not get the right service, one JSON object a line, most confident first."""
    outcomes = [o for o in route_rows(router, labelled_rows(folder, "demandes_*.jsonl")) if not o.right_service]
    outcomes.sort(key=lambda o: -(o.decision.destinations[0].confiance if o.decision.destinations else 0))
    with Path(target).open("w", encoding="utf-8") as stream:
        for outcome in outcomes:
            stream.write(json.dumps({**outcome.row, "obtenu": outcome.decision.as_json(None, "")}, ensure_ascii=False) + "\n")


def _pc(value: float) -> str:
    return f"{100 * value:.1f} %".replace(".", ",")
