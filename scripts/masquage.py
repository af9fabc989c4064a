"""Learn again what masking reads: ``python -m scripts.masquage``, some minutes."""

from __future__ import annotations

from bot.base.paths import project_paths
from bot.language.tagger import WEIGHTS
from bot.learning.masking import write_weights

if __name__ == "__main__":
    write_weights(project_paths())
    print(f"{WEIGHTS.name} : {WEIGHTS.stat().st_size // 1024} Kio")
