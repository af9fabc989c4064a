"""Where a training works, apart from the model that serves. Light: imports no numerical library."""

from __future__ import annotations

import shutil
from pathlib import Path

from bot.base.paths import ProjectPaths

WORK_PREFIX = ".travail-"


def work_folder(paths: ProjectPaths, name: str) -> Path:
    """Return the folder where a training works; it can be removed when nobody works in it."""
    return paths.models / f"{WORK_PREFIX}{name}"


def remove_work(folder: Path) -> None:
    """Remove what a training leaves behind."""
    shutil.rmtree(folder, ignore_errors=True)


def leftover_work(paths: ProjectPaths) -> list[Path]:
    """Return the folders that trainings left behind."""
    return [p for p in paths.models.glob(f"{WORK_PREFIX}*") if p.is_dir()] if paths.models.exists() else []
