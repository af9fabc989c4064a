"""How well personal data are masked, on labelled lines: what to mask stands between ``[[`` and ``]]``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from bot.base.paths import ProjectPaths
from bot.language.privacy import mask
from bot.learning.masking import masked_spans, unlabelled
from scripts.mesures.pages import write_between

START, END = "<!-- masquage:début -->", "<!-- masquage:fin -->"
FILES = {
    "masquage_aveugle_9.txt": "200 lignes d'une main qui n'avait rien lu du masquage ni des lignes apprises, mesurées une fois",
    "masquage_aveugle_8.txt": "de même, 51 lignes",
}


@dataclass(frozen=True)
class Masking:
    """What was measured on one file.

    Args:
        labelled: pieces to mask.
        hidden: those of which no letter nor figure is left.
        tokens: pieces that were masked.
        right: those that touch a piece to mask.
        tempting: lines with nothing to mask.
        untouched: those that came out as they were.
        milliseconds: of processor, a line.
    """

    labelled: int
    hidden: int
    tokens: int
    right: int
    tempting: int
    untouched: int
    milliseconds: float

    @property
    def recall(self) -> float:
        return self.hidden / self.labelled

    @property
    def precision(self) -> float:
        return self.right / self.tokens


def measure(path: Path) -> Masking:
    """Mask every line of a file and compare with its labels."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    texts = [unlabelled(line) for line in lines]
    masked = [mask(text) for text, _ in texts]  # loads the tables of phone numbers before anything is timed
    started = time.process_time()
    for text, _ in texts:
        mask(text)
    seconds = time.process_time() - started
    labelled = hidden = tokens = right = tempting = untouched = 0
    for (text, labels), result in zip(texts, masked, strict=True):
        found = masked_spans(text, result)
        labelled += len(labels)
        hidden += sum(all(_inside(i, found) for i in range(*span) if text[i].isalnum()) for span in labels)
        tokens += len(found)
        right += sum(any(a < stop and start < b for a, b in labels) for start, stop in found)
        tempting += not labels
        untouched += not labels and result == text
    return Masking(labelled, hidden, tokens, right, tempting, untouched, 1000 * seconds / len(lines))


def run(paths: ProjectPaths) -> None:
    """Write the figures between the markers of ``docs/menaces.md``, and print them."""
    rows = ["| fichier de `tests/data/` | rappel | précision | lignes sans rien à masquer laissées intactes |", "|---|---|---|---|"]
    for name, what in FILES.items():
        m = measure(paths.root / "tests" / "data" / name)
        rows.append(
            f"| `{name}` ({what}) | {m.hidden} / {m.labelled} ({_percent(m.recall)}) | {m.right} / {m.tokens} ({_percent(m.precision)}) "
            f"| {m.untouched} / {m.tempting} |"
        )
        print(f"{name} : rappel {_percent(m.recall)}, précision {_percent(m.precision)}, {m.milliseconds:.2f} ms par message")
    write_between(paths.docs / "menaces.md", START, END, rows)


def _inside(index: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= index < stop for start, stop in spans)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %".replace(".", ",")
