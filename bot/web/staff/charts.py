"""Charts drawn by the server as inline SVG, without any script nor inline style; each goes with a table that says the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from markupsafe import Markup

WIDTH, HEIGHT = 720, 220
LEFT, TOP, BOTTOM = 44, 12, 30
_MONTHS = ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc.")


def columns(days: Sequence[str], series: Sequence[tuple[str, Sequence[int]]], title: str) -> Markup:
    """Draw one column per day, its parts stacked in the order of ``series``.

    Args:
        days: civil dates.
        series: (class of the part, value of each day).
        title: what the chart shows, for those who do not see it.
    """
    totals = [sum(values[i] for _, values in series) for i in range(len(days))]
    top = nice_top(max(totals, default=0))
    plot_width, plot_height = WIDTH - LEFT - 4, HEIGHT - TOP - BOTTOM
    step = plot_width / max(1, len(days))
    wide = max(1.0, min(step * 0.78, 36.0))
    parts = [Markup('<svg class="at-graphe" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, title)]
    for level in range(5):
        value = top * level / 4
        y = TOP + plot_height * (1 - level / 4)
        parts.append(Markup('<line class="at-grille" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(LEFT, WIDTH - 4, y, y))
        if value == int(value):
            parts.append(Markup('<text class="at-axe" x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(LEFT - 6, y + 4, int(value)))
    for i in range(len(days)):
        x, y = LEFT + step * i + (step - wide) / 2, float(TOP + plot_height)
        for name, values in series:
            tall = plot_height * values[i] / top
            y -= tall
            if values[i]:
                parts.append(
                    Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(name, x, y, wide, tall)
                )
    for i in _ticks(len(days)):
        parts.append(
            Markup('<text class="at-axe" x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                LEFT + step * (i + 0.5), HEIGHT - 8, short_day(days[i])
            )
        )
    parts.append(Markup("</svg>"))
    return Markup("").join(parts)


def bar(value: int, largest: int) -> Markup:
    """Draw the bar of one line of a table; the number stands beside it."""
    wide = 100 * value / largest if largest else 0
    return Markup(
        '<svg class="at-barre" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="at-barre-fond" width="100" height="10"/><rect class="at-serie-1" width="{:.1f}" height="10"/></svg>'
    ).format(wide)


def nice_top(largest: int) -> int:
    """Return the top of the axis: the next 4, 8, 20, 40, 80, 200… so that its quarters are whole numbers."""
    if largest <= 4:
        return 4
    power = 10 ** int(math.log10(largest))
    return next(
        int(top) for top in (0.4 * power, 0.8 * power, 2 * power, 4 * power, 8 * power, 20 * power) if top >= largest and top % 4 == 0
    )


def short_day(day: str) -> str:
    """Return a date as an axis shows it: "3 févr."."""
    found = date.fromisoformat(day)
    return f"{found.day} {_MONTHS[found.month - 1]}"


def _ticks(count: int, most: int = 7) -> Sequence[int]:
    """Return which days are named under the axis, evenly."""
    every = max(1, math.ceil(count / most))
    return range(every // 2, count, every)
