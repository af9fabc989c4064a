"""A tiny project tree: the real referential, a few topics, no sentence encoder."""

from __future__ import annotations

from pathlib import Path

import yaml

from bot.base.paths import ProjectPaths
from bot.learning.corpus import read_corpus

ROOT = Path(__file__).resolve().parents[2]
TOPICS = ("hygiene_restaurant", "medaille_travail", "marche_public", "passeport", "permis_construire", "hebergement_urgence")
ACTS = ("saluer", "remercier", "demander_contact", "parler_humain", "meteo")
SMALL = {"encoders": [], "word_vectors": "", "hidden": 0, "ngrams": {"dimensions": 60, "min_word_count": 1, "min_character_count": 2}}


def make_tree(root: Path, labels: tuple[str, ...] = TOPICS + ACTS) -> ProjectPaths:
    """Write a small tree under ``root`` that shares the referential, the domain and the rules of the project."""
    (root / "data" / "nlu").mkdir(parents=True)
    for name in ("data/referentiel", "data/rules", "domain.yml", "endpoints.yml", "credentials.yml"):
        (root / name).symlink_to(ROOT / name)
    config = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    for entry in config["pipeline"]:
        if entry["name"].endswith("TopicClassifier"):
            entry.update(SMALL)
    (root / "config.yml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    write_corpus(root / "data" / "nlu" / "petit.yml", labels)
    write_dangers(root / "data" / "urgences")
    return ProjectPaths(root)


def write_dangers(folder: Path) -> None:
    """Write one real message in sixteen of those the emergency detector learns from: it trains in seconds."""
    folder.mkdir()
    for source in sorted((ROOT / "data" / "urgences").glob("*.jsonl")):
        lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / source.name).write_text("".join(lines[::16]), encoding="utf-8")


def write_corpus(path: Path, labels: tuple[str, ...]) -> None:
    """Write the real messages of a few labels, in Rasa's format."""
    blocks = []
    for label in labels:
        lines = "".join(f"    - {e.text}\n" for e in read_corpus(ROOT / "data" / "nlu") if e.label == label)
        if lines:
            blocks.append(f"- intent: {label}\n  examples: |\n{lines}")
    path.write_text('version: "3.1"\nnlu:\n' + "".join(blocks), encoding="utf-8")
