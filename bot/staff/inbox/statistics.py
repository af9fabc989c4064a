"""Measures for the dashboard: pure functions over counted rows, so that each can be checked by hand.

Definitions, the same on the page, in the files and in the guide:

- *exchange*: one answered message or pressed button; *message*: an exchange with typed words;
- *request*: a message that got a door, an emergency number, a question, or was not understood; greetings and messages that ask
  for nothing are left out;
- *answered*: requests that got a door or an emergency number at once; *clarified*: those that got a question;
  *not understood*: the rest. The three shares add up to one;
- *door given*: each destination of an answer, pressed buttons included;
- *satisfaction*: share of "yes" among the votes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

ANSWERED = frozenset({"orienter", "hors_perimetre", "urgence"})
CLARIFIED = frozenset({"clarifier"})
NOT_UNDERSTOOD = frozenset({"incompris"})
REQUESTS = ANSWERED | CLARIFIED | NOT_UNDERSTOOD
DOORS = frozenset({"orienter", "hors_perimetre", "urgence"})
SMALL = 5
"""Cells below this are not published: the usual threshold of official statistics against recognising someone."""
UNKNOWN_PLACE = ""


@dataclass(frozen=True)
class Cell:
    """Exchanges counted together.

    Args:
        day: civil date, ``2026-01-31``.
        kind: of the decision.
        dis, service, topic: first door, or empty.
        place: arrondissement, or empty when unknown.
        pressed: whether a button was pressed.
        count: exchanges.
        up, down: votes on them.
    """

    day: str
    kind: str
    dis: str = ""
    service: str = ""
    topic: str = ""
    place: str = UNKNOWN_PLACE
    pressed: bool = False
    count: int = 1
    up: int = 0
    down: int = 0


@dataclass(frozen=True)
class Summary:
    """Measures of a set of cells.

    Args:
        exchanges: all of them.
        messages: with typed words.
        requests: see the module.
        answered, clarified, not_understood: of the requests.
        doors: answers that gave a door.
        emergencies: answers with emergency numbers.
        up, down: votes.
    """

    exchanges: int = 0
    messages: int = 0
    requests: int = 0
    answered: int = 0
    clarified: int = 0
    not_understood: int = 0
    doors: int = 0
    emergencies: int = 0
    up: int = 0
    down: int = 0

    @property
    def answered_share(self) -> float | None:
        """Among requests; ``None`` when there are none."""
        return share(self.answered, self.requests)

    @property
    def clarified_share(self) -> float | None:
        """Among requests; ``None`` when there are none."""
        return share(self.clarified, self.requests)

    @property
    def not_understood_share(self) -> float | None:
        """Among requests; ``None`` when there are none."""
        return share(self.not_understood, self.requests)

    @property
    def satisfaction(self) -> float | None:
        """Among votes; ``None`` when there are none."""
        return share(self.up, self.up + self.down)


def share(part: int, whole: int) -> float | None:
    """Return ``part / whole``, ``None`` when there is nothing to divide."""
    return part / whole if whole else None


def summarize(cells: Iterable[Cell]) -> Summary:
    """Add cells up."""
    total: Counter[str] = Counter()
    for cell in cells:
        total["exchanges"] += cell.count
        total["up"] += cell.up
        total["down"] += cell.down
        total["emergencies"] += cell.count * (cell.kind == "urgence")
        total["doors"] += cell.count * (cell.kind in DOORS and bool(cell.dis))
        if cell.pressed:
            continue
        total["messages"] += cell.count
        total["requests"] += cell.count * (cell.kind in REQUESTS)
        total["answered"] += cell.count * (cell.kind in ANSWERED)
        total["clarified"] += cell.count * (cell.kind in CLARIFIED)
        total["not_understood"] += cell.count * (cell.kind in NOT_UNDERSTOOD)
    return Summary(**total)


def by_day(cells: Sequence[Cell], first: str, last: str) -> Mapping[str, Summary]:
    """Return the measures of each day from ``first`` to ``last``, days without traffic included."""
    grouped: dict[str, list[Cell]] = {day: [] for day in days_between(first, last)}
    for cell in cells:
        if cell.day in grouped:
            grouped[cell.day].append(cell)
    return {day: summarize(group) for day, group in grouped.items()}


def by_place(cells: Iterable[Cell]) -> Mapping[str, Summary]:
    """Return the measures of each arrondissement, the busiest first, unknown last."""
    grouped: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        grouped[cell.place].append(cell)
    found = {place: summarize(group) for place, group in grouped.items()}
    return dict(sorted(found.items(), key=lambda item: (item[0] == UNKNOWN_PLACE, -item[1].exchanges, item[0])))


def doors_given(cells: Iterable[Cell], level: str) -> Mapping[str, int]:
    """Count the doors given, the most frequent first.

    Args:
        cells: to count.
        level: "dis", "service" or "topic"; an answer less precise than the level is left out.
    """
    found: Counter[str] = Counter()
    for cell in cells:
        name = getattr(cell, level)
        if cell.kind in DOORS and name:
            found[name] += cell.count
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def days_between(first: str, last: str) -> Sequence[str]:
    """Return every civil date from ``first`` to ``last``, both included; empty when they are in the wrong order."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(days=n)).isoformat() for n in range((end - start).days + 1)]


def daily_rows(days: Mapping[str, Summary]) -> Sequence[Sequence[str]]:
    """Return the table of the CSV file, its heading first."""
    heading = (
        "jour",
        "echanges",
        "messages",
        "demandes",
        "repondues",
        "precisees",
        "non_comprises",
        "portes_donnees",
        "urgences",
        "avis_oui",
        "avis_non",
    )
    rows = [
        (
            day,
            *map(
                str,
                (
                    s.exchanges,
                    s.messages,
                    s.requests,
                    s.answered,
                    s.clarified,
                    s.not_understood,
                    s.doors,
                    s.emergencies,
                    s.up,
                    s.down,
                ),
            ),
        )
        for day, s in days.items()
    ]
    return [heading, *rows]


def open_rows(cells: Iterable[Cell], names: Mapping[str, str]) -> Sequence[Sequence[str]]:
    """Return the table to publish, its heading first: counts by month, arrondissement, service and decision, no text.

    A cell under :data:`SMALL` is published as « < 5 ». No total is published beside the cells, so that a hidden one cannot be
    found by subtraction.

    Args:
        cells: to count.
        names: plain name of each service.
    """
    found: Counter[tuple[str, str, str, str, str]] = Counter()
    for cell in cells:
        if cell.kind in REQUESTS:
            found[(cell.day[:7], cell.place, cell.dis, cell.service, cell.kind)] += cell.count
    rows = [
        (month, place or "non précisé", dis, service, names.get(service, ""), kind, str(count) if count >= SMALL else f"< {SMALL}")
        for (month, place, dis, service, kind), count in sorted(found.items())
    ]
    return [("mois", "arrondissement", "delegation", "service", "nom_du_service", "decision", "nombre"), *rows]
