"""What the workshop does with models and phrases, as commands: the same rules, the same gate."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bot.base.errors import AssistantError, GateRefused
from bot.base.paths import ProjectPaths, project_paths
from bot.base.settings import Settings
from bot.cli.registry import Registry
from bot.cli.staff import console_name, tell_journal

if TYPE_CHECKING:
    from bot.staff.candidates.comparison import Comparison
    from bot.staff.candidates.registry import ModelCard, ModelRegistry


def add_commands(registry: Registry) -> None:
    """Add the commands to ``bot``."""
    model = registry.add("modele", _model, "liste, compare et met en service les modèles")
    model.add_argument("action", choices=["lister", "comparer", "activer", "revenir"], help="lister, comparer, activer ou revenir")
    model.add_argument("modele", nargs="?", default="", help="début de l'identifiant du modèle")
    model.add_argument("--motif", default="", help="avec activer : pourquoi passer outre un refus (20 caractères au moins)")
    phrase = registry.add("phrase", _phrase, "ajoute une phrase à un sujet du corpus")
    phrase.add_argument("action", choices=["ajouter"], help="ajouter")
    phrase.add_argument("sujet", help="identifiant du sujet, par exemple passeport")
    phrase.add_argument("texte", help="la phrase, entre guillemets, sans donnée personnelle")


def _model(arguments: argparse.Namespace) -> int:
    from bot.staff.candidates.registry import ModelRegistry

    paths = project_paths()
    registry = ModelRegistry(paths)
    registry.adopt()
    if arguments.action == "lister":
        return _list(registry)
    if arguments.action == "revenir":
        card = registry.roll_back(console_name())
        tell_journal(paths)
        print(f"Le modèle {card.id} est de nouveau en service.")
        return 0
    if not arguments.modele:
        raise AssistantError(f"Il manque le modèle : bot modele {arguments.action} IDENTIFIANT (voyez « bot modele lister »).")
    card = registry.get(arguments.modele)
    comparison = compare_with_live(registry, card, paths, Settings.from_environment())
    if arguments.action == "comparer":
        print("\n".join(comparison_lines(comparison, card)))
        return 0 if comparison.verdict.open else 1
    try:
        registry.promote(card.id, console_name(), comparison.verdict, arguments.motif)
    except GateRefused as error:
        raise AssistantError(f"{error}\nUn administrateur peut passer outre avec --motif « … » (20 caractères au moins).") from error
    tell_journal(paths)
    print(f"Le modèle {card.id} est en service.")
    return 0


def _list(registry: ModelRegistry) -> int:
    for card in registry.all():
        mark = "*" if card.live else " "
        print(f"{mark} {card.id}  {card.date:%Y-%m-%d %H:%M}  {card.manifest.get('messages', '?')} messages  {card.author}")
    return 0


def _phrase(arguments: argparse.Namespace) -> int:
    from bot.staff.editing.corpus_editor import CorpusEditor

    paths = project_paths()
    change = CorpusEditor(paths).add_phrase(arguments.sujet, arguments.texte, console_name())
    tell_journal(paths)
    print(f"Phrase ajoutée dans {change.files[0]}." + (f" {change.note}" if change.note else ""))
    return 0


def compare_with_live(registry: ModelRegistry, card: ModelCard, paths: ProjectPaths, settings: Settings) -> Comparison:
    """Return a model beside the live one, both measured on the same frozen test set."""
    from bot.referential import load_referential
    from bot.staff.candidates.candidate import ensure_evaluation
    from bot.staff.candidates.comparison import compare, margins_of

    live = registry.live()
    before = ensure_evaluation(registry, live, paths) if live is not None and live.id != card.id else registry.evaluation(card)
    names = {s.id: s.nom_clair for s in load_referential(paths.referential).services.values()}
    return compare(before, ensure_evaluation(registry, card, paths), paths.test_sets, margins_of(settings), names)


def comparison_lines(comparison: Comparison, card: ModelCard) -> list[str]:
    """Return a comparison as lines of text."""
    from bot.staff.candidates.comparison import FIGURE_NAMES

    lines = [f"Modèle {card.id} comparé au modèle en service :", ""]
    for name, label in FIGURE_NAMES.items():
        if name in comparison.figures:
            before, after = comparison.figures[name]
            lines.append(f"{label:40} {_percent(before):>9} → {_percent(after):>9}")
    worse = [c for c in comparison.changes if c.was_right and not c.is_right]
    better = [c for c in comparison.changes if c.is_right and not c.was_right]
    lines += ["", f"{len(comparison.changes)} messages changent de porte : {len(better)} en mieux, {len(worse)} en moins bien."]
    lines += [f"  moins bien : {c.text[:90]} ({c.before} → {c.after})" for c in worse[:10]]
    verdict = comparison.verdict
    lines += ["", "Il peut être mis en service."] if verdict.open else ["", "Il ne peut pas être mis en service :"]
    return [*lines, *(f"- {r}" for r in verdict.reasons)]


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %".replace(".", ",")
