"""What is known of each door, and what is due: the page ``docs/portes.md`` and ``bot portes``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from bot.learning.corpus import read_jsonl
from bot.measure.reports import table
from bot.referential import Referential, Topic
from bot.referential.ages import due_facts
from bot.referential.doors import OUTSIDE, can_write_to, desks_of, exact_link, has_address, has_phone
from bot.referential.hours import french_date
from bot.referential.sheets import changed_sheets

MARK = "<!-- chiffres : écrits par « bot portes --rapport », ne pas modifier à la main -->"

Holds = Callable[[Referential, Topic], bool]


def _phone(referential: Referential, topic: Topic) -> bool:
    return any(has_phone(referential, desk) for desk in desks_of(referential, topic))


def _place(referential: Referential, topic: Topic) -> bool:
    return any(can_write_to(referential, desk) for desk in desks_of(referential, topic))


def _link(_: Referential, topic: Topic) -> bool:
    return bool(exact_link(topic))


def _complete(referential: Referential, topic: Topic) -> bool:
    return _link(referential, topic) and _phone(referential, topic) and _place(referential, topic)


def _reachable(referential: Referential, topic: Topic) -> bool:
    return any(has_phone(referential, desk) and has_address(referential, desk) for desk in desks_of(referential, topic))


def _told_without(referential: Referential, topic: Topic) -> bool:
    return bool(topic.sans_page) and not _link(referential, topic)


MEASURES: Sequence[tuple[str, Holds]] = (
    ("Lien exact : page, service en ligne, formulaire ou fiche officielle", _link),
    ("Sans page connue, et la carte le dit", _told_without),
    ("Téléphone, de qui reçoit ou du guichet unique", _phone),
    ("Adresse, courriel ou formulaire de contact", _place),
    ("**Porte complète : les trois à la fois**", _complete),
    ("**Un endroit avec adresse et téléphone, la commune connue**", _reachable),
    ("Fiche officielle, avec son numéro et sa date", lambda _, t: t.fiche is not None),
    ("Papiers à apporter", lambda _, t: bool(t.a_apporter)),
    ("Prix", lambda _, t: bool(t.faits.cout)),
    ("Délai", lambda _, t: bool(t.faits.delai)),
    ("Qui peut le faire", lambda _, t: bool(t.faits.qui)),
    ("En ligne, par courrier ou sur place", lambda _, t: bool(t.faits.comment)),
    ("Rendez-vous", lambda _, t: bool(t.faits.rendez_vous)),
    ("En cas de refus", lambda _, t: bool(t.faits.recours)),
    ("Formulaire", lambda _, t: t.faits.formulaire is not None),
)


def most_asked(referential: Referential, folder: Path, count: int = 100) -> list[Topic]:
    """Return the topics that most messages of the test sets name, the most asked first.

    Args:
        referential: the topics; those named as often as each other come in its order.
        folder: of ``demandes_*.jsonl``; a set that names no topic counts for nothing.
        count: how many.
    """
    rows = (row for path in sorted(folder.glob("demandes_*.jsonl")) for row in read_jsonl(path))
    times: Counter[str] = Counter()
    for row in rows:
        several = row.get("sujets")
        named = {str(name) for name in (several if isinstance(several, list) and several else [row.get("sujet")])}
        times.update(referential.aliases.get(name, name) for name in named)
    return sorted(referential.topics.values(), key=lambda topic: -times[topic.id])[:count]


def as_text(referential: Referential, asked: Sequence[Topic]) -> str:
    """Return the share of topics for which each thing is known, as Markdown: all, the State's, the others', and those most asked."""
    topics = list(referential.topics.values())
    outside = [t for t in topics if referential.delegation_of(t.id).id == OUTSIDE]
    inside = [t for t in topics if t not in outside]

    def share(holds: Holds, among: Sequence[Topic]) -> str:
        count = sum(holds(referential, t) for t in among)
        return f"{count} ({100 * count / max(1, len(among)):.0f} %)"

    groups = (topics, inside, outside, asked)
    names = (f"{len(topics)} sujets", f"{len(inside)} de l'État", f"{len(outside)} d'autres organismes", f"les {len(asked)} plus demandés")
    rows = [(name, *(share(holds, group) for group in groups)) for name, holds in MEASURES]
    return "\n".join(table(("ce que l'on sait", *names), rows))


def due_lines(referential: Referential, today: date) -> list[str]:
    """Return the facts to check again, one a line, the oldest first."""
    facts = due_facts(referential, today)
    lines = [
        f"{fact.kind:12} {fact.owner} : {f'du {french_date(fact.checked)}' if fact.checked else 'jamais vérifié'} ({fact.label})"
        for fact in facts
    ]
    return [*lines, f"{len(facts)} faits à revérifier."]


def changed_lines(referential: Referential, package: Path) -> list[str]:
    """Return the official sheets that changed since facts were taken from them, one a line.

    Raises:
        MissingSheets: there is no sheet in that folder.
    """
    changed = changed_sheets(referential, package)
    lines = [
        f"{c.sheet.numero} ({c.topic}) : {f'changée le {french_date(c.now)}' if c.now else 'introuvable'}, "
        f"nous avons celle du {french_date(c.sheet.date)}. {c.sheet.url}"
        for c in changed
    ]
    used = sum(t.fiche is not None for t in referential.topics.values())
    return [*lines, f"{len(changed)} sujets sur {used} s'appuient sur une fiche qui a changé."]
