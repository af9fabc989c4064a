"""Write the figures of an evaluation for people: a text for the terminal, Markdown and charts for the docs, a list of errors."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.base.errors import MissingTestSets, Problem
from bot.learning.tuning import WANTED_RISK
from bot.measure.charts import draw_reliability, draw_risk_coverage, draw_trade_off
from bot.measure.evaluation import TEST_SETS, labelled_rows, route_rows
from bot.routing.router import Router

MARK = "<!-- chiffres : écrits par « bot evaluate --rapport », ne pas modifier à la main -->"
IMAGES = "images"

_LABELS = {
    "dis_juste": "Bonne délégation (d'emblée ou parmi les choix)",
    "dis_juste_d_emblee": "Bonne délégation d'emblée",
    "service_juste": "Bon service (d'emblée ou parmi les choix)",
    "service_juste_d_emblee": "Bon service d'emblée",
    "sujet_juste": "Bon sujet, quand un sujet est nommé",
    "questions": "Messages qui reçoivent une question",
    "mauvaises_portes": "Mauvaises portes parmi les réponses données",
    "portes_en_trop": "Deux portes données pour une seule demande",
    "demandes_refusees": "Vraies demandes prises pour autre chose",
    "fausses_urgences": "Fausses alertes d'urgence",
}


def percent(figure: Mapping[str, Any]) -> str:
    """Return a figure with its interval, in French; a dash when nothing was measured."""
    if figure["valeur"] is None:
        return "–"
    return f"{100 * figure['valeur']:.1f} % ({100 * figure['bas']:.1f} à {100 * figure['haut']:.1f})".replace(".", ",")


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return the lines of a Markdown table, ``|`` escaped in its cells."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return lines


def as_text(report: Mapping[str, Any]) -> str:
    """Return the report as Markdown that also reads well in a terminal."""
    main = report["demandes"]
    lines = ["### Les demandes", "", f"{main['messages']} demandes jamais vues (intervalle à 95 %) :", ""]
    lines += table(("mesure", "valeur"), ((label, percent(main[key])) for key, label in _LABELS.items()))
    lines += ["", "Selon la longueur du message :", ""]
    lines += table(
        ("longueur", "messages", "délégation juste", "service juste", "questions", "mauvaises portes"),
        (
            (name, row["messages"], *(percent(row[k]) for k in ("dis_juste", "service_juste", "questions", "mauvaises_portes")))
            for name, row in report["longueurs"].items()
        ),
    )
    lines += ["", "### Demander ou répondre", "", *_trade_off(report["arbitrage"])]
    lines += ["", *_calibration(report["confiance"])]
    lines += ["", "### Pièges, partenaires, urgences, cas particuliers", "", *_special(report)]
    if "conversations" in report:
        lines += ["", "### Les conversations", "", *_conversations(report["conversations"])]
    if "paires" in report:
        lines += ["", "### Les paires qui se ressemblent", "", *_pairs(report["paires"])]
    lines += ["", "### Le bruit", "", *_noise(report["bruit"])]
    lines += ["", "### Service par service", "", *_services(main["par_service"])]
    confusions = " ; ".join(f"{c['attendu']} → {c['donne']} {c['messages']}" for c in main["confusions"]) or "aucune"
    return "\n".join([*lines, "", f"Confusions les plus fréquentes, parmi les réponses données d'emblée : {confusions}."])


def with_images(text: str, report: Mapping[str, Any], folder: Path) -> str:
    """Draw the charts in ``folder`` and return ``text`` with a section that shows them."""
    certainty = report["confiance"]
    draw_reliability(certainty, folder / "calibration.svg")
    draw_risk_coverage(certainty, folder / "risque-couverture.svg")
    draw_trade_off(report["arbitrage"], folder / "demander-ou-repondre.svg")
    point = certainty["point"]
    alt = {
        "calibration.svg": "Diagramme de fiabilité : part de réponses justes selon la confiance annoncée, pour la délégation "
        f"(erreur de calibration {_pc(certainty['delegation']['ece'])}) et le service ({_pc(certainty['service']['ece'])}).",
        "risque-couverture.svg": "Courbe risque-couverture : le taux d'erreur monte avec la part de demandes qui reçoivent une réponse. "
        f"Réglage livré : {_pc(point['couverture'])} de réponses, {_pc(point['risque'])} de mauvaises portes.",
        "demander-ou-repondre.svg": "Bonnes portes d'emblée et mauvaises portes selon la part de questions posées ; "
        "les valeurs sont dans le tableau « Demander ou répondre ».",
    }
    images = [f"![{description}]({folder.name}/{name})" for name, description in alt.items()]
    return "\n\n".join(["### En images", *images, text])


def write_report(report: Mapping[str, Any], target: str) -> None:
    """Write the Markdown report and its charts (in ``images`` next to it); what stands before :data:`MARK` is kept."""
    path = Path(target)
    write_figures(path, with_images(as_text(report), report, path.parent / IMAGES), MARK, "# Résultats mesurés")


def write_figures(path: Path, body: str, mark: str, title: str) -> None:
    """Replace what stands after the line ``mark`` of a page; the page starts with ``title`` when it is new."""
    head = path.read_text(encoding="utf-8").split(mark)[0] if path.exists() else title
    path.write_text(f"{head.rstrip()}\n\n{mark}\n\n{body}\n", encoding="utf-8")


def write_errors(router: Router, folder: Path, target: str) -> None:
    """Write the requests that did not get the right service, one JSON object a line, most confident first.

    Raises:
        MissingTestSets: there is no request to read.
    """
    rows = labelled_rows(folder, TEST_SETS["demandes"])
    if not rows:
        raise MissingTestSets([Problem(f"{folder}/{TEST_SETS['demandes']}", 0, "aucun message. Remettez ce jeu d'essai (git checkout).")])
    outcomes = [o for o in route_rows(router, rows) if not o.right_service]
    outcomes.sort(key=lambda o: -(o.decision.destinations[0].confiance if o.decision.destinations else 0))
    with Path(target).open("w", encoding="utf-8") as stream:
        for outcome in outcomes:
            stream.write(json.dumps({**outcome.row, "obtenu": outcome.decision.as_json(None, "")}, ensure_ascii=False) + "\n")


def _trade_off(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    keys = ("questions", "juste_d_emblee", "juste_parmi_les_choix", "juste", "mauvaises_portes")
    head = ("seuil", "questions", "bonne porte d'emblée", "bonne porte parmi les choix", "bonne porte en tout", "mauvaises portes")
    body = []
    for row in rows:
        name = _number(row["seuil"])
        cells = [_pc(row[k]["valeur"]) for k in keys]
        body.append([f"**{c}**" for c in (f"{name} (livré)", *cells)] if row["livre"] else [name, *cells])
    return [
        "Sous le seuil de confiance en la délégation, l'assistant pose une question. Ce que donnerait un autre seuil :",
        "",
        *table(head, body),
        "",
        "« Parmi les choix » : part des questions dont un choix est le bon. « Mauvaises portes » : part des réponses données d'emblée.",
    ]


def _calibration(certainty: Mapping[str, Any]) -> list[str]:
    lines = [
        f"Erreur de calibration (ECE) : {_pc(certainty['delegation']['ece'])} pour la délégation, "
        f"{_pc(certainty['service']['ece'])} pour le service. Aire sous la courbe risque-couverture : "
        f"{_pc(certainty['courbe']['aire'])} et {_pc(certainty['courbe_service']['aire'])}.",
        "",
    ]
    return (
        lines
        + table(
            ("confiance annoncée", "messages", "confiance moyenne", "délégation juste"),
            (
                (f"{100 * p['bas']:.0f} à {100 * p['haut']:.0f} %", p["messages"], _pc(p["confiance"]), percent(p["justesse"]))
                for p in certainty["delegation"]["classes"]
            ),
        )
        + [
            "",
            "Porte par porte, la confiance est-elle aussi juste ? « Seuil suffisant » : la plus basse confiance à partir de laquelle "
            f"cette porte, à elle seule, ne se trompe pas plus de {_pc(WANTED_RISK)} "
            "du temps, sur ces messages. « Seuil livré » : celui du "
            "calage, plus strict pour une porte qui s'y trompe plus que les autres.",
            "",
            *table(
                ("porte la plus probable", "messages", "confiance moyenne", "délégation juste", "seuil suffisant", "seuil livré"),
                (
                    (name, row["messages"], _pc(row["confiance"]), percent(row["justesse"]), _number(row["seuil"]), _number(row["livre"]))
                    for name, row in certainty["par_delegation"].items()
                ),
            ),
        ]
    )


def _special(report: Mapping[str, Any]) -> list[str]:
    traps, partners, urgent = report["pieges"], report["partenaires"], report["urgences"]
    several, vague, silent = report["multi"], report["flou"], report["hors_sujet"]

    def line(name: str, figure: Mapping[str, Any]) -> tuple[str, Any, str]:
        return name, figure["messages"], percent(figure)

    lines = table(
        ("mesure", "messages", "valeur"),
        [
            line("Pièges : porte acceptable, d'emblée ou parmi les choix", traps["porte_acceptable"]),
            line("Pièges : mauvaises portes parmi les réponses", traps["mauvaises_portes"]),
            line("Pièges : urgences vues, bon numéro d'abord", traps["urgences_vues"]),
            line("Partenaires : porte acceptable, d'emblée ou parmi les choix", partners["porte_acceptable"]),
            line("Partenaires : mauvaises portes parmi les réponses", partners["mauvaises_portes"]),
            line("Urgences jamais vues : reconnues", urgent["vues"]),
            line("Urgences reconnues : bon numéro d'abord", urgent["bon_numero"]),
            *(line(f"Fausses alertes : {genre}", figure) for genre, figure in urgent["fausses_alertes"].items()),
            line("Fausses alertes, sur les demandes d'essai", urgent["fausses_alertes_demandes"]),
            line("Deux demandes, deux portes", several["deux_portes"]),
            line("Deux demandes, les deux services justes", several["deux_services"]),
            line("Deux demandes, au moins une porte", several["au_moins_une"]),
            line("Message trop vague : question posée, ou porte avec des choix", vague["question_posee"]),
            line("Message trop vague : un choix plausible parmi ceux proposés", vague["choix_plausible"]),
            line("Messages sans demande reconnus", silent["reconnus"]),
        ],
    )
    for name, rows in (("Pièges", traps["manques"]), ("Partenaires", partners["manques"])):
        if rows:
            lines += ["", f"{name}, messages manqués :", "", *(f"- {r['id']} : « {r['texte']} »" for r in rows)]
    if urgent["manquees"]:
        lines += ["", f"Urgences manquées : {', '.join(urgent['manquees'])}."]
    lines += ["", "Les urgences par situation :", "", *_kinds(("situation", "messages", "vues"), urgent["par_situation"])]
    lines += ["", "Les messages sans demande, par sorte :", ""]
    return lines + _kinds(("sorte", "messages", "reconnus"), silent["par_type"])


def _conversations(report: Mapping[str, Any]) -> list[str]:
    """« Juste » : the last door given is right; « avec la question » : it is, or it is among the choices of a question."""
    return [
        f"{report['conversations']} conversations de deux à six tours. Au dernier tour, la personne est à la bonne porte : "
        f"{percent(report['dernier_tour_juste'])} ; en comptant les choix d'une question : {percent(report['avec_question'])}. "
        f"Une ouverture vague reçoit une question, ou une porte avec des choix : {percent(report['ouvertures_vagues'])}. "
        f"Un tour qui demande ou précise ne reçoit que des mots aimables : {percent(report['prises_pour_du_bavardage'])}.",
        "",
        *table(
            ("tour", "tours", "juste", "avec la question"),
            ((k, row["juste"]["messages"], percent(row["juste"]), percent(row["avec_question"])) for k, row in report["genres"].items()),
        ),
    ]


def _kinds(head: Sequence[str], report: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a table of the kinds where something was missed, and one line for those where nothing was."""
    whole = ", ".join(f"`{name}` {row['messages']}" for name, row in report.items() if row["valeur"] == 1)
    missed = [(f"`{name}`", row["messages"], percent(row)) for name, row in report.items() if row["valeur"] != 1]
    return [
        *(table(head, missed) if missed else []),
        *([""] if missed and whole else []),
        *([f"Tous, sans exception : {whole}."] if whole else []),
    ]


def _pairs(report: Mapping[str, Any]) -> list[str]:
    return table(
        ("paire", "messages", "bon service", "bon service d'emblée", "questions", "par côté"),
        (
            (
                name,
                row["service_juste"]["messages"],
                percent(row["service_juste"]),
                _pc(row["service_juste_d_emblee"]["valeur"]),
                _pc(row["questions"]["valeur"]),
                ", ".join(f"{side} {f['nombre']}/{f['messages']}" for side, f in row["cotes"].items()),
            )
            for name, row in report.items()
        ),
    )


def _noise(report: Mapping[str, Any]) -> list[str]:
    clean = report["propre"]
    rows = [("propre", percent(clean["dis_juste"]), "", "", "", percent(clean["urgences_vues"]), "")]
    for name, row in report.items():
        if name == "propre":
            continue
        drop = row["baisse"]
        points = f"{100 * drop['valeur']:.1f} ({100 * drop['bas']:.1f} à {100 * drop['haut']:.1f})".replace(".", ",").replace("-", "−")
        rows.append(
            (
                name.replace("d_une", "d'une").replace("d_ici", "d'ici").replace("_", " "),
                percent(row["dis_juste"]),
                points,
                _pc(row["questions"]["valeur"]),
                _pc(row["mauvaises_portes"]["valeur"]),
                percent(row["urgences_vues"]),
                _pc(row["fausses_alertes"]["valeur"]),
            )
        )
    head = ("bruit", "bonne délégation", "baisse (points)", "questions", "mauvaises portes", "urgences vues", "fausses alertes")
    return table(head, rows)


def _services(report: Mapping[str, Any]) -> list[str]:
    return table(
        ("service", "messages", "délégation juste", "service juste", "questions", "mauvaises portes", "reçus à tort"),
        (
            (
                name,
                row["messages"],
                _pc(row["dis_juste"]["valeur"]),
                percent(row["service_juste"]),
                row["questions"],
                row["mauvaises_portes"],
                row["recus_a_tort"],
            )
            for name, row in report.items()
        ),
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}".replace(".", ",")


def _pc(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %".replace(".", ",")
