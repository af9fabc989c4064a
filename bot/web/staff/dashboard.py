"""The dashboard: what is asked, what is answered, who is helped; and the files to take away."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from aiohttp import web

from bot.referential import Referential
from bot.serving.refusals import Refusal
from bot.staff.inbox import statistics as measures
from bot.staff.inbox.traffic import cells_between, conversations_between, more_doors
from bot.staff.storage import civil_day
from bot.web.staff import charts
from bot.web.staff.framework import page, workshop

PATH = "/atelier/tableau"
PERIODS = {7: "7 jours", 30: "30 jours", 90: "90 jours", 365: "un an"}
LONGEST = 3_660
TOP = 15
HELP = (
    "Une demande est un message qui cherche un service : bonjour et merci n'en sont pas. Répondue : une porte ou un numéro d'urgence tout "
    "de suite. Précisée : une question d'abord. Les trois parts font 100 %. La satisfaction est la part des « oui » parmi les avis. "
    "Aucun texte n'est dans cette page ni dans ses fichiers."
)


def add(app: web.Application) -> None:
    """Add the page and its files."""
    app.add_routes([web.get(PATH, show), web.get(PATH + ".csv", daily_file), web.get("/atelier/donnees-ouvertes.csv", open_file)])


async def show(request: web.Request) -> web.StreamResponse:
    """GET: the measures of a period, 30 days by default."""
    first, last = _period(request)
    storage, referential = workshop(request).storage, workshop(request).referential()
    cells = cells_between(storage, first, last)
    doors = [*cells, *more_doors(storage, first, last)]
    days = measures.by_day(cells, first, last)
    parts = (
        ("at-serie-1", [s.answered for s in days.values()]),
        ("at-serie-2", [s.clarified for s in days.values()]),
        ("at-serie-3", [s.not_understood for s in days.values()]),
    )
    return page(
        request,
        "tableau.html",
        section="tableau",
        titre="Tableau de bord",
        aide=HELP,
        du=first,
        au=last,
        periodes=PERIODS,
        bilan=measures.summarize(cells),
        visites=conversations_between(storage, first, last),
        jours=days,
        graphe=charts.columns(list(days), parts, f"Demandes par jour, du {charts.short_day(first)} au {charts.short_day(last)}"),
        lieux=measures.by_place(cells),
        sujets=_named(measures.doors_given(doors, "topic"), _topic_names(referential), "Sujet retiré", referential.aliases),
        services=_named(measures.doors_given(doors, "service"), _service_names(referential), "Service retiré"),
        barre=charts.bar,
        petit=measures.SMALL,
    )


async def daily_file(request: web.Request) -> web.StreamResponse:
    """GET: the measures of each day, as CSV."""
    first, last = _period(request)
    rows = measures.daily_rows(measures.by_day(cells_between(workshop(request).storage, first, last), first, last))
    return _csv(rows, f"assistant-par-jour-{first}-{last}.csv")


async def open_file(request: web.Request) -> web.StreamResponse:
    """GET: the counts to publish, as CSV: no text, no small cell."""
    first, last = _period(request)
    names = _service_names(workshop(request).referential())
    rows = measures.open_rows(cells_between(workshop(request).storage, first, last), names)
    return _csv(rows, f"assistant-donnees-ouvertes-{first}-{last}.csv")


def _period(request: web.Request) -> tuple[str, str]:
    today = date.fromisoformat(civil_day(time.time()))
    query = request.query
    try:
        if query.get("du") or query.get("au"):
            last = date.fromisoformat(query.get("au") or today.isoformat())
            first = date.fromisoformat(query.get("du") or (last - timedelta(days=29)).isoformat())
        else:
            length = int(query.get("jours", "30"))
            first, last = today - timedelta(days=(length if length in PERIODS else 30) - 1), today
    except ValueError as error:
        raise Refusal(422, "Une date s'écrit ainsi : 2026-01-31.") from error
    if first > last:
        raise Refusal(422, "La première date est après la dernière. Inversez-les.")
    if (last - first).days > LONGEST:
        raise Refusal(422, "La période dépasse dix ans. Choisissez des dates plus proches.")
    return first.isoformat(), last.isoformat()


def _topic_names(referential: Referential) -> Mapping[str, str]:
    return {t.id: t.libelle for t in referential.topics.values()}


def _service_names(referential: Referential) -> Mapping[str, str]:
    return {s.id: s.nom_clair for s in referential.services.values()}


def _named(counts: Mapping[str, int], names: Mapping[str, str], gone: str, today: Mapping[str, str] = {}) -> Sequence[tuple[str, int]]:
    """Return the doors most given, by name: a topic that was renamed or merged counts with what it became."""
    found = Counter[str]()
    for key, count in counts.items():
        found[names.get(today.get(key, key), gone)] += count
    return found.most_common(TOP)


def _csv(rows: Sequence[Sequence[str]], name: str) -> web.Response:
    """Return a CSV file that French spreadsheets open: semicolons, UTF-8 with its mark."""
    stream = io.StringIO()
    csv.writer(stream, delimiter=";", lineterminator="\r\n").writerows(rows)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=("\ufeff" + stream.getvalue()).encode(), content_type="text/csv", charset="utf-8", headers=headers)
