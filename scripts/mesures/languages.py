"""What is heard of dangers told in other languages, on messages nobody learnt from: a table of docs/menaces.md."""

from __future__ import annotations

import time

from bot.base.paths import ProjectPaths
from bot.emergency.situations import load_situations
from bot.learning.loading import load_detector
from bot.learning.metrics import proportion
from bot.measure.abroad import BLIND, measure, read_rows, right_numbers
from bot.measure.reports import percent, table
from scripts.mesures.pages import write_between

START, END = "<!-- langues:début -->", "<!-- langues:fin -->"
TIMES = 3


def run(paths: ProjectPaths) -> None:
    """Measure, print, and write the table again."""
    detector = load_detector(paths)
    rows = read_rows(paths.test_sets / BLIND)
    found = measure(detector, rows)
    flawless = [language for language, (seen, dangers, alarms, _) in found.items() if seen == dangers and not alarms]
    lines = [
        (language, percent(_share(seen, dangers)), percent(_share(alarms, calm)))
        for language, (seen, dangers, alarms, calm) in found.items()
        if language not in flawless
    ]
    seen, dangers, alarms, calm = (sum(column) for column in zip(*found.values(), strict=True))
    right, shown = right_numbers(detector, rows, load_situations(paths.referential / "urgences.yml"))
    lines.append(("toutes", percent(_share(seen, dangers)), percent(_share(alarms, calm))))
    started = time.process_time()
    for _ in range(TIMES):
        for row in rows:
            detector.detect(row["texte"])
    milliseconds = 1000 * (time.process_time() - started) / TIMES / len(rows)
    said = (
        f"Bon numéro affiché, parmi les dangers vus : {percent(_share(right, shown))}. Temps : {f'{milliseconds:.1f}'.replace('.', ',')} ms"
    )
    others = f"Sans aucune erreur : {', '.join(flawless)}. " if flawless else ""
    written = [*table(("langue", "dangers vus", "fausses alertes"), lines), "", f"{others}{said} de processeur par message."]
    print("\n".join(written))
    write_between(paths.docs / "menaces.md", START, END, written)


def _share(part: int, whole: int) -> dict[str, float | int | None]:
    return proportion([i < part for i in range(whole)])
