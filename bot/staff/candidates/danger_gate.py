"""The gate on dangers: what an edit of the words, the messages or the numbers of the emergencies would change for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.base.paths import ProjectPaths
from bot.emergency.rules import Rules, load_rules, sentences
from bot.emergency.situations import load_situations
from bot.learning.corpus import quoted, read_jsonl
from bot.learning.loading import load_detector, shared_referential
from bot.staff.candidates.exam import CALM, URGENT, read_exam

FILES = ("urgences.yml", "urgences_mots.yml", "urgences_phrases.yml", "urgences_langues.yml", "urgences_poids.json")
"""Of the referential: what decides which message gets which numbers."""
SHOWN = 3


@dataclass(frozen=True)
class DangerVerdict:
    """What an edit changes for the messages whose answer is known.

    Args:
        refused: what nobody may publish, in French sentences.
        objections: what asks for a written reason and an administrator.
    """

    refused: Sequence[str] = ()
    objections: Sequence[str] = ()


@dataclass
class _Heard:
    """What is lost or alarmed, by situation."""

    lost: Counter[str] = field(default_factory=Counter)
    unheard_alone: Counter[str] = field(default_factory=Counter)
    other_numbers: Counter[str] = field(default_factory=Counter)
    alarms: list[str] = field(default_factory=list)


def judge_dangers(live: ProjectPaths, draft: ProjectPaths) -> DangerVerdict:
    """Hold the emergencies of a draft against those that answer now, on every message whose danger, or calm, is known.

    A danger heard today may not be lost, by the whole detector nor by the short list alone, which answers when nothing else is
    there. A false alarm that is new, or other numbers for a danger, ask for a reason.

    Args:
        live: the tree that serves; its messages are read.
        draft: the tree of the draft.
    """
    if all(_bytes(live, name) == _bytes(draft, name) for name in FILES):
        return DangerVerdict()
    before, after = load_detector(live), load_detector(draft)
    cries = [_cries(tree) for tree in (live, draft)]
    heard = _Heard()
    for text, situation in dict(told_messages(live)).items():
        was, now = before.detect(text), after.detect(text)
        if not situation:
            if was is None and now is not None:
                heard.alarms.append(text)
            continue
        told = sentences(text)
        if was is not None and now is None:
            heard.lost[situation] += 1
        elif cries[0].find(told) and not cries[1].find(told):
            heard.unheard_alone[situation] += 1
        elif was is not None and now is not None and was.numeros != now.numeros:
            heard.other_numbers[situation] += 1
    names = {s.id: s.libelle for tree in (draft, live) for s in shared_referential(tree.referential).emergency_situations.values()}
    refused = [f"{_told(heard.lost, names)} ne donneraient plus aucun numéro d'urgence."] if heard.lost else []
    if heard.unheard_alone:
        refused.append(f"{_told(heard.unheard_alone, names)} ne seraient plus entendus par la liste des cris, qui suffit sans modèle.")
    objections = [f"{_told(heard.other_numbers, names)} donneraient d'autres numéros qu'aujourd'hui."] if heard.other_numbers else []
    if heard.alarms:
        shown = ", ".join(quoted(text) for text in heard.alarms[:SHOWN])
        objections.append(f"{len(heard.alarms)} messages sans danger donneraient une fausse alerte : {shown}.")
    return DangerVerdict(refused, objections)


def told_messages(paths: ProjectPaths) -> Iterator[tuple[str, str]]:
    """Yield each message of a tree whose danger is known, and its situation, "" for none; a test set is not read here."""
    for file in (*sorted(paths.dangers.glob("*.jsonl")), paths.tuning / "urgences.jsonl"):
        if file.exists():
            yield from ((str(row["texte"]), str(row.get("situation") or "")) for row in read_jsonl(file))
    for row in read_exam(paths.exam).values():
        if row["attendu"] in (URGENT, CALM):
            yield str(row["texte"]), URGENT if row["attendu"] == URGENT else ""


def _cries(paths: ProjectPaths) -> Rules:
    return load_rules(paths.referential / "urgences_mots.yml", load_situations(paths.referential / "urgences.yml"))


def _bytes(paths: ProjectPaths, name: str) -> bytes:
    path = paths.referential / name
    return path.read_bytes() if path.exists() else b""


def _told(count: Counter[str], names: Mapping[str, str]) -> str:
    shown = ", ".join(f"« {names.get(situation, situation)} » ({n})" for situation, n in count.most_common(SHOWN))
    return f"{count.total()} messages de danger connus ({shown}{'…' if len(count) > SHOWN else ''})"
