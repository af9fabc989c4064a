"""A small project tree that may be written to: the real referential, a few topics with their real messages."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml
from dulwich import porcelain
from rasa_tree import write_dangers

from bot.base.paths import ProjectPaths
from bot.learning.corpus import read_corpus

ROOT = Path(__file__).resolve().parents[2]
SMALL = {"encoders": [], "word_vectors": "", "hidden": 0, "ngrams": {"dimensions": 60, "min_word_count": 1, "min_character_count": 2}}
TOPICS = {
    "titres": ("passeport", "carte_identite"),
    "veterinaire": ("hygiene_restaurant_signalement", "maltraitance_animale"),
    "equipement_agriculture": ("permis_construire",),
    "action_sociale": ("hebergement_urgence",),
    "mairie": (),
    "conversation": ("saluer", "remercier"),
    "hors_sujet": ("meteo",),
}


def make_tree(root: Path, topics: dict[str, tuple[str, ...]] | None = None, git: bool = True) -> ProjectPaths:
    """Write the tree under ``root``; its corpus keeps the layout of the real one."""
    shutil.copytree(ROOT / "data" / "referentiel", root / "data" / "referentiel")
    shutil.copy(ROOT / "data" / "secours.txt", root / "data")
    (root / "data" / "nlu").mkdir()
    (root / "data" / "calage").mkdir()
    shutil.copytree(ROOT / "data" / "rules", root / "data" / "rules")
    for name in ("domain.yml", "endpoints.yml", "credentials.yml"):
        shutil.copy(ROOT / name, root / name)
    config = yaml.safe_load((ROOT / "config.yml").read_text(encoding="utf-8"))
    for entry in config["pipeline"]:
        if entry["name"].endswith("TopicClassifier"):
            entry.update(SMALL)
    (root / "config.yml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    (root / ".gitignore").write_text("models/\n*.db*\n", encoding="utf-8")
    for name, labels in (topics or TOPICS).items():
        write_corpus(root / "data" / "nlu" / f"{name}.yml", labels)
    write_dangers(root / "data" / "urgences")
    if git:
        repository = porcelain.init(str(root))
        porcelain.add(repository, [str(p) for p in root.rglob("*") if p.is_file() and ".git" not in p.parts])
        porcelain.commit(repository, message=b"start", author=b"Dev <dev@example.org>", committer=b"Dev <dev@example.org>")
        repository.close()
    return ProjectPaths(root)


def write_corpus(path: Path, labels: tuple[str, ...]) -> None:
    """Write the real messages of some topics, in the layout of the project."""
    blocks = []
    for label in labels:
        lines = "".join(f"    - {e.text}\n" for e in EXAMPLES if e.label == label)
        if lines:
            blocks.append(f"- intent: {label}\n  examples: |\n{lines}")
    if blocks:
        path.write_text('version: "3.1"\nnlu:\n' + "".join(blocks), encoding="utf-8")


EXAMPLES = read_corpus(ROOT / "data" / "nlu")
