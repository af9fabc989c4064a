"""Learn again what the notions of other languages weigh: ``python -m scripts.urgences_langues``, a few seconds."""

from __future__ import annotations

from bot.base.paths import project_paths
from bot.learning.abroad import write_weights

if __name__ == "__main__":
    written = write_weights(project_paths())
    print(f"{len(written.poids)} poids, seuil {written.seuil}, sûr à partir de {written.sur}")
