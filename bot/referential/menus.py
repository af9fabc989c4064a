"""Which choices to offer when a message names a thing but not what is wanted of it (« un permis svp »)."""

from __future__ import annotations

from bot.language.cleaning import CleanText, clean
from bot.referential import Referential
from bot.referential.models import Menu

SHORT_WORDS = 8
"""A longer message tells enough for the model's own choices."""


class Menus:
    """Finds the menu of a vague message in ``data/referentiel/menus.yml``.

    Args:
        referential: who does what.
    """

    def __init__(self, referential: Referential) -> None:
        self._by_words: dict[str, Menu] = {}
        for menu in referential.menus:
            for words in menu.mots:
                self._by_words.setdefault(clean(words).plain, menu)
        self.general = next((m for m in referential.menus if not m.mots), None)

    def opening(self, text: CleanText) -> Menu | None:
        """Return the menu of a message that is one of its expressions and nothing more: it names a thing, not what is wanted of it."""
        return self._by_words.get(text.plain)

    def find(self, text: CleanText) -> Menu | None:
        """Return the menu of the longest expression that ``text`` holds, ``None`` for a long text or when none is held."""
        if len(text.plain.split()) > SHORT_WORDS:
            return None
        padded = f" {text.plain} "
        held = [words for words in self._by_words if f" {words} " in padded]
        return self._by_words[max(held, key=len)] if held else None
