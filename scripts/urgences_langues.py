"""Learn again what hears dangers in other languages: ``python -m scripts.urgences_langues``.

A few minutes the first time; then the vectors of messages are kept beside the models.
"""

from __future__ import annotations

from bot.base.paths import project_paths
from bot.learning.abroad import write_weights

if __name__ == "__main__":
    written = write_weights(project_paths())
    print(f"{len(written.poids)} poids, niveaux {written.niveaux}, à deux voix {written.niveaux_ensemble}")
