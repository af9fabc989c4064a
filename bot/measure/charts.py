"""Draw the figures of an evaluation as SVG files that only change when the figures do.

matplotlib is a development dependency: it is imported when a chart is drawn, never before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.base.errors import SettingsError

BLUE, ORANGE, GREY, BLACK = "#0072B2", "#D55E00", "#767676", "#1b1b1b"
"""Colours told apart by colour-blind people (Okabe and Ito, 2008)."""


@contextmanager
def chart(target: Path, title: str, x: str, y: str, size: tuple[float, float] = (7.0, 4.6)) -> Iterator[Any]:
    """Yield matplotlib axes with their title and labels, then write them to ``target``.

    Args:
        target: the SVG file; its folder is made.
        title: what the chart shows, in French.
        x: label of the horizontal axis.
        y: label of the vertical axis.
        size: width and height in inches.

    Raises:
        SettingsError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SettingsError("Les graphiques demandent matplotlib. Installez les outils de développement : make install.") from error
    settings = {
        "svg.hashsalt": "assistant-lot",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 11,
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=size, layout="constrained", facecolor="white")
        axes = figure.add_subplot()
        axes.set_title(title, fontsize=12, fontweight="bold", loc="left")
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.grid(True, color="#dddddd", linewidth=0.8)
        axes.set_axisbelow(True)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        axes.xaxis.set_major_formatter(_decimal_comma)
        axes.yaxis.set_major_formatter(_decimal_comma)
        yield axes
        target.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})


def _decimal_comma(value: float, _position: float) -> str:
    return f"{value:g}".replace(".", ",")


def draw_reliability(certainty: Mapping[str, Any], target: Path) -> None:
    """Draw the reliability diagram: how often an answer is right, against how sure the assistant was."""
    with chart(target, "Quand l'assistant est sûr, a-t-il raison ?", "confiance annoncée (%)", "réponses justes (%)") as axes:
        axes.plot([0, 100], [0, 100], color=GREY, linestyle="--", linewidth=1, label="calage parfait")
        for (name, label), colour, marker in zip(
            (("delegation", "délégation"), ("service", "service")), (BLUE, ORANGE), ("o", "s"), strict=True
        ):
            points = certainty[name]["classes"]
            values = [100 * p["justesse"]["valeur"] for p in points]
            spread = [
                [100 * (p["justesse"]["valeur"] - p["justesse"]["bas"]) for p in points],
                [100 * (p["justesse"]["haut"] - p["justesse"]["valeur"]) for p in points],
            ]
            axes.errorbar(
                [100 * p["confiance"] for p in points],
                values,
                yerr=spread,
                color=colour,
                marker=marker,
                capsize=3,
                linewidth=1.5,
                label=f"{label} (erreur de calibration {french(certainty[name]['ece'])} %)",
            )
        axes.set_xlim(0, 102)
        axes.set_ylim(0, 102)
        axes.legend(loc="upper left", frameon=False)


def draw_risk_coverage(certainty: Mapping[str, Any], target: Path) -> None:
    """Draw the risk-coverage curve with the point where the assistant works."""
    with chart(
        target, "Répondre plus souvent, se tromper plus souvent", "demandes qui reçoivent une réponse (%)", "mauvaises réponses (%)"
    ) as axes:
        for name, label, colour, style in (
            ("courbe_service", "service", ORANGE, "--"),
            ("courbe", "délégation", BLUE, "-"),
        ):
            points = certainty[name]["points"]
            axes.plot(
                [100 * p["couverture"] for p in points],
                [100 * p["risque"] for p in points],
                color=colour,
                linestyle=style,
                linewidth=2,
                label=label,
            )
        point = certainty["point"]
        if point["couverture"] is not None and point["risque"] is not None:
            axes.plot(100 * point["couverture"], 100 * point["risque"], marker="D", markersize=8, color=BLACK, linestyle="none")
            axes.annotate(
                f"réglage livré : {french(point['couverture'])} % de réponses,\n{french(point['risque'])} % de mauvaises portes",
                (100 * point["couverture"], 100 * point["risque"]),
                textcoords="offset points",
                xytext=(-14, 46),
                ha="right",
                arrowprops={"arrowstyle": "-", "color": BLACK},
            )
        axes.axhline(2, color=GREY, linestyle=":", linewidth=1.2)
        axes.annotate(
            "objectif : 2 %", (0.01, 2), xycoords=("axes fraction", "data"), textcoords="offset points", xytext=(0, 4), color=GREY
        )
        safe = [p["couverture"] for p in certainty["courbe_service"]["points"] if not p["risque"]]
        axes.set_xlim(max(0, 100 * max(safe, default=0.1) - 10), 101)
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper left", frameon=False)


def draw_trade_off(table: Sequence[Mapping[str, Any]], target: Path) -> None:
    """Draw what each threshold costs in questions and saves in wrong doors."""
    with chart(
        target, "Demander ou répondre : l'effet du seuil", "demandes qui reçoivent une question (%)", "part des messages (%)"
    ) as axes:
        questions = [100 * row["questions"]["valeur"] for row in table]
        for key, label, colour, marker in (
            ("juste_d_emblee", "bonne porte d'emblée (de toutes les demandes)", BLUE, "o"),
            ("mauvaises_portes", "mauvaises portes (des réponses données)", ORANGE, "s"),
        ):
            values = [100 * row[key]["valeur"] if row[key]["valeur"] is not None else float("nan") for row in table]
            axes.plot(questions, values, color=colour, marker=marker, linewidth=1.8, label=label)
        for row in table:
            if row["livre"]:
                axes.axvline(100 * row["questions"]["valeur"], color=BLACK, linestyle=":", linewidth=1.2)
                axes.annotate(
                    "réglage livré",
                    (100 * row["questions"]["valeur"], 25),
                    textcoords="offset points",
                    xytext=(6, 0),
                )
        axes.set_ylim(0, 101)
        axes.legend(loc="center", frameon=True, framealpha=1, edgecolor="none")


def french(share: float) -> str:
    """Return a share as a percentage with a decimal comma, without its sign."""
    return f"{100 * share:.1f}".replace(".", ",")
