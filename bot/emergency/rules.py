"""The gravest dangers, said the plainest way: word patterns that need no model (``urgences_mots.yml`` tells how to write them)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.base.errors import ReferentialError
from bot.base.once import once
from bot.base.yaml_lines import load_located
from bot.language.cleaning import plain_words

GAP = r"(?: [a-z0-9]+){0,4}"
"""What « .. » stands for."""

_SENTENCE_END = re.compile(r"(?<!\.)\.(?!\.)|[!?;।。！？؟؛]|\n\s*\n")
_PART = re.compile(r"\^|\$|\.\.|[@a-z0-9*|]+\??")


@dataclass(frozen=True)
class Rule:
    """Words that tell one situation.

    Args:
        situation: identifier of the situation.
        found: matches a sentence that tells it.
        unless: matches a sentence that does not, whatever ``found`` says; ``None`` for no exception.
    """

    situation: str
    found: re.Pattern[str]
    unless: re.Pattern[str] | None


class Rules:
    """The short list, the most pressing situation first.

    Args:
        rules: tried in order on each sentence.
        unless: exception to all of them.
    """

    def __init__(self, rules: Iterable[Rule], unless: re.Pattern[str] | None = None) -> None:
        self._rules = tuple(rules)
        self._unless = unless

    @property
    def situations(self) -> frozenset[str]:
        """The situations that have a rule."""
        return frozenset(rule.situation for rule in self._rules)

    def find(self, sentences: Iterable[str]) -> str | None:
        """Return the most pressing situation told by one of the sentences.

        Args:
            sentences: plain words, as :func:`bot.language.cleaning.plain_words` gives them.
        """
        padded = [f" {words} " for words in dict.fromkeys(sentences)]
        told = [words for words in padded if self._unless is None or not self._unless.search(words)]
        together = "\n".join(told)  # no pattern goes over a line: one look for all sentences, nearly always the only one
        for rule in self._rules:
            if not rule.found.search(together):
                continue
            if any(rule.found.search(words) and not (rule.unless and rule.unless.search(words)) for words in told):
                return rule.situation
        return None


def load_rules(path: Path, situations: Collection[str]) -> Rules:
    """Read the short list.

    Args:
        path: ``urgences_mots.yml``.
        situations: those that have numbers.

    Raises:
        ReferentialError: the file is missing, badly written, or names an unknown situation or list.
    """
    document = load_located(path)
    if isinstance(document, tuple):
        raise ReferentialError(list(document))
    try:
        words = {name: _words(text) for name, text in document.data["mots"].items()}
        rules = [_rule(row, words) for row in document.data["regles"]]
        unless = _any(document.data["sauf"], words)
        if not rules:
            raise ValueError("la liste « regles » est vide : aucun cri ne serait entendu")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ReferentialError([document.problem((), f"une règle d'urgence est mal écrite ({error}).")]) from error
    unknown = [rule.situation for rule in rules if rule.situation not in situations]
    if unknown:
        raise ReferentialError([document.problem((), f"la situation « {name} » n'est pas dans urgences.yml.") for name in unknown])
    return Rules(rules, unless)


@once
def parts_of(text: str) -> list[str]:
    """Return the sentences of a message as they are, empty ones left out."""
    return [part for part in _SENTENCE_END.split(text) if part.strip()]


@once
def sentences(text: str) -> list[str]:
    """Return the sentences of a message as plain words, empty ones left out."""
    return [plain for part in parts_of(text) if (plain := plain_words(part))]


def compiled(pattern: str, words: Mapping[str, str]) -> str:
    """Return a pattern of the list as a regular expression on a sentence with one space around each word.

    Raises:
        ValueError: it cannot be read.
    """
    parts = pattern.split()
    if not parts or not all(_PART.fullmatch(part) for part in parts) or ".." in (parts[0], parts[-1]):
        raise ValueError(f"motif « {pattern} »")
    expression = ""
    for part in parts:
        if part in ("^", "$"):
            expression += "^" if part == "^" else " $"
        elif part == "..":
            expression += GAP
        else:
            choices = [words[choice[1:]] if choice.startswith("@") else choice for choice in part.rstrip("?").split("|")]
            one = f" (?:{'|'.join(choices)})".replace("*", "[a-z0-9]*")
            expression += f"(?:{one})?" if part.endswith("?") else one
    return expression if expression.endswith("$") else f"{expression}(?= )"


def _rule(row: Mapping[str, Any], words: Mapping[str, str]) -> Rule:
    found = _any(row["motifs"], words)
    if found is None:
        raise ValueError(f"« {row['situation']} » n'a pas de motif")
    return Rule(str(row["situation"]), found, _any(row.get("sauf", []), words))


def _any(patterns: list[str], words: Mapping[str, str]) -> re.Pattern[str] | None:
    if not isinstance(patterns, list):
        raise TypeError("une liste est attendue")
    return re.compile("|".join(compiled(pattern, words) for pattern in patterns), re.MULTILINE) if patterns else None


def _words(text: str) -> str:
    return "|".join(text.split())
