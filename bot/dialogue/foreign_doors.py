"""The door of the most asked topics, told in the person's own language: sentences and words are in ``portes_langues.yml``."""

from __future__ import annotations

from functools import lru_cache

from bot.dialogue.wording import Card
from bot.language.cleaning import strip_accents
from bot.referential import Referential
from bot.referential.models import DoorWords


def door_told(referential: Referential, language: str, text: str) -> str | None:
    """Return the topic that the words of a message name, ``None`` when none or several do.

    The door with the longest series of words wins; two doors with as many are no door.

    Args:
        referential: its ``foreign_doors``.
        language: BCP 47 tag.
        text: what was typed.
    """
    words = f" {' '.join(_bare(text).split())} "
    held: dict[str, int] = {}
    for door in referential.foreign_doors.values():
        said = door.words.get(language)
        held[door.sujet] = max((len(stems) for stems in map(_stems, said.mots if said else ()) if _holds(words, stems)), default=0)
    best = max(held.values(), default=0)
    found = [topic for topic, count in held.items() if count == best > 0]
    return found[0] if len(found) == 1 else None


def door_sentences(referential: Referential, language: str, card: Card) -> tuple[str, ...]:
    """Return a door in a language: its name, its first step, then the facts of the referential; nothing when it is not told there."""
    door, own = referential.foreign_doors.get(card.topic_id), referential.foreign_languages.get(language)
    said = door.words.get(language) if door else None
    if said is None or own is None:
        return ()
    contact = card.contact
    facts = (
        (own.telephone, contact.phones[:1]),
        (own.adresse, (", ".join((contact.name, *contact.address)),) if contact.address else ()),
        (own.courriel, contact.emails[:1]),
        (own.site, (card.link[1],) if card.link else ()),
    )
    lines = (f"{name}: {value}" for name, values in facts for value in values)
    return (own.introduction, f"{said.libelle}: {said.geste}", *lines, own.suite)


def shared_words(words: DoorWords, others: DoorWords) -> set[str]:
    """Return the series of words that lead to both doors."""
    return {" ".join(sorted(_stems(m))) for m in words.mots} & {" ".join(sorted(_stems(m))) for m in others.mots}


def _holds(words: str, stems: tuple[str, ...]) -> bool:
    return all(_sought(stem) in words for stem in stems)


def _sought(stem: str) -> str:
    """Return what to look for among words parted by one space: a whole word (``=``), any part of one (``*``), or its beginning."""
    if stem[0] == "*":
        return stem[1:]
    return f" {stem[1:]} " if stem[0] == "=" else f" {stem}"


@lru_cache(maxsize=8192)
def _stems(words: str) -> tuple[str, ...]:
    return tuple(_bare(words, keep="*=").split())


def _bare(text: str, keep: str = "") -> str:
    """Return lower-case letters and digits without accents, apostrophes left out, a space for the rest."""
    plain = strip_accents(text.lower()).replace("'", "").replace("’", "").replace("ß", "ss")
    return "".join(c if c.isalnum() or c in keep else " " for c in plain)
