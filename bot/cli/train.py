"""``bot train``: the model that answers, or one to compare with it."""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

from bot.base.errors import AssistantError
from bot.base.paths import project_paths
from bot.cli.registry import Registry, say


def add_commands(registry: Registry) -> None:
    """Add the command to ``bot``."""
    train = registry.add("train", _train, "entraîne le modèle si ses données ont changé")
    train.add_argument("--force", action="store_true", help="entraîne même si rien n'a changé")
    train.add_argument("--routeur-seul", action="store_true", help="n'entraîne pas le modèle Rasa")
    train.add_argument("--urgences-seules", action="store_true", help="n'entraîne que le détecteur d'urgences")
    train.add_argument("--candidat", action="store_true", help="entraîne un modèle à comparer, sans toucher à celui qui répond")
    train.add_argument("--auteur", default="bot train", help="avec --candidat : qui le demande")
    train.add_argument("--travail", metavar="NOM", default="", help=argparse.SUPPRESS)


def _train(arguments: argparse.Namespace) -> int:
    if arguments.candidat:
        return _train_candidate(arguments)
    if arguments.urgences_seules:
        train_detector(arguments.force)
        return 0
    train_what_changed(with_agent=not arguments.routeur_seul, force=arguments.force)
    return 0


def train_detector(force: bool = False) -> None:
    """Train the emergency detector when it is missing or out of date: it is ready before the rest."""
    from bot.learning.emergencies import ensure_detector
    from bot.learning.store import one_at_a_time

    paths = project_paths()
    with one_at_a_time(paths.models):
        ensure_detector(paths, say, force=force)


def train_what_changed(with_agent: bool, force: bool = False) -> None:
    """Train what is missing or out of date, one process at a time, and say what the model holds.

    Args:
        with_agent: the Rasa model too.
        force: even when nothing changed.
    """
    from bot.learning.store import one_at_a_time
    from bot.learning.tuning import ensure_model

    train_detector(force)
    paths = project_paths()
    with one_at_a_time(paths.models):
        stored = ensure_model(paths, say, force=force)
        if with_agent:
            from bot.rasa.training import ensure_rasa_model

            ensure_rasa_model(paths, say, force=force)
    print(f"Modèle du {stored.manifest['date']} : {stored.manifest['messages']} messages, {stored.manifest['sujets']} sujets.")


def _train_candidate(arguments: argparse.Namespace) -> int:
    """Train apart. With ``--travail`` the workshop's queue reads one JSON object a line, and its end is ours."""
    if arguments.travail:
        from bot.staff.candidates.lifeline import end_with_parent

        end_with_parent()
    from bot.base.paths import ProjectPaths
    from bot.staff.candidates.candidate import copy_tree, link_live, train_candidate
    from bot.staff.candidates.registry import ModelRegistry
    from bot.staff.candidates.work_folders import remove_work, work_folder

    def tell(**said: Any) -> None:
        if arguments.travail:
            print(json.dumps(said, ensure_ascii=False), flush=True)
        elif "message" in said:
            say(said["message"])

    paths = ProjectPaths(project_paths().root, project_paths().models)
    work = work_folder(paths, arguments.travail or f"commande-{os.getpid()}")
    try:
        ModelRegistry(paths).adopt()
        tell(message="copie des fichiers")
        copied = ProjectPaths(copy_tree(paths, work).root, work / "modeles")
        card = train_candidate(paths, copied, arguments.auteur, lambda sentence: tell(message=sentence))
        tell(candidat=card.id, message=f"modèle {card.id} prêt à comparer")
        if not arguments.routeur_seul:
            from bot.rasa.training import ensure_rasa_model

            link_live(copied.models, card)
            ensure_rasa_model(copied, lambda sentence: tell(message=sentence))
    except AssistantError as error:
        tell(erreur=str(error))
        raise
    finally:
        remove_work(work)
    if not arguments.travail:
        print(f"Modèle candidat : {card.id}. Comparez-le avec « bot modele comparer {card.id} ».")
    return 0
