"""What is to be said against a set of edits before any model learns from it: a pure function of what was written.

A gate that only measures a model on test messages is fooled by what those do not hold. This one reads the edits themselves:
phrases of another request, look-alikes of dangers, copies of test messages, sentences made of one mould, requests that
disappear. A single phrase that the live model reads otherwise is a lesson; a third of them is another request.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.base.paths import ProjectPaths
from bot.language.cleaning import clean
from bot.language.privacy import holds_personal_data
from bot.learning.corpus import CARRIER_REPEATS, CARRIER_WORDS, NEAR_DUPLICATE, listed_phrases, read_jsonl
from bot.referential import Referential
from bot.routing.memory import near_key, spoken

if TYPE_CHECKING:
    from bot.understanding.model import TopicModel

SURE = 0.8
"""Probability of a label from which the live model is sure of a phrase."""
FOREIGN_SHARE, FOREIGN_LEAST = 0.3, 3
"""Share and number of the new phrases of a topic read as one same other from which they are of that other."""
LOST_SHARE, LOST_LEAST = 0.3, 8
"""Share and number of the phrases of a topic whose removal is no tidying any more."""
FLOOD = 200
"""Phrases taught at once to one topic that nobody can have read one by one."""
NO_REQUEST = ("insulte", "charabia")
"""Acts of which no phrase of a topic may be."""
UNKNOWN_WORDS = 0.6
"""Share of words that the corpus never saw from which a phrase means nothing."""
SHOWN = 3

Reader = Callable[[Sequence[str]], Sequence[Mapping[str, float]]]
"""What the live model reads in each of several phrases: label → probability."""
Rule = Callable[["Books", "Books", Mapping[str, Sequence[str]]], Iterable[str]]
"""What one rule says, given what was written before and after, and the new phrases of each label."""


@dataclass(frozen=True)
class Books:
    """What was written at one moment.

    Args:
        services: topic → its service.
        former: id that is no topic any more → the topic it leads to.
        phrases: label → its phrases.
        doors: topic → what tells where it sends: the entry point, the body outside, the official link.
        retired: ids of the topics that left.
    """

    services: Mapping[str, str]
    former: Mapping[str, str]
    phrases: Mapping[str, frozenset[str]]
    doors: Mapping[str, str] = field(default_factory=dict)
    retired: frozenset[str] = frozenset()

    def label(self, former: str) -> str:
        """Return what a label of before is called now."""
        return former if former in self.phrases else self.former.get(former, former)

    def as_json(self) -> dict[str, object]:
        """Return plain values."""
        phrases = {label: sorted(found) for label, found in self.phrases.items()}
        plain = {"services": dict(self.services), "anciens": dict(self.former), "portes": dict(self.doors)}
        return {**plain, "phrases": phrases, "retires": sorted(self.retired)}

    @classmethod
    def from_json(cls, row: Mapping[str, dict[str, object]]) -> Books:
        """Read back what :meth:`as_json` gave."""
        phrases = {label: frozenset(map(str, found)) for label, found in row["phrases"].items()}  # type: ignore[call-overload]
        plain = [{k: str(v) for k, v in row[name].items()} for name in ("services", "anciens", "portes")]
        return cls(plain[0], plain[1], phrases, plain[2], frozenset(row.get("retires", ())))


def books_of(paths: ProjectPaths, referential: Referential) -> Books:
    """Return what a tree holds now."""
    phrases: dict[str, set[str]] = defaultdict(set)
    for path in sorted(paths.corpus.glob("*.yml")):
        for label, phrase in listed_phrases(path.read_text(encoding="utf-8")):
            phrases[label].add(phrase)
    topics = referential.topics.values()
    return Books(
        {t.id: t.service for t in topics},
        dict(referential.aliases),
        {label: frozenset(found) for label, found in phrases.items()},
        {t.id: f"{t.guichet} {t.organisme} {t.lien.url if t.lien else ''}" for t in topics},
        frozenset(path.stem for path in paths.retired.glob("*.yml")),
    )


def held_out_of(paths: ProjectPaths) -> tuple[str, ...]:
    """Return the messages kept for tests, tuning and the exam: none may be taught."""
    folders = (paths.test_sets, paths.tuning, paths.exam.parent)
    return tuple(str(row["texte"]) for folder in folders for path in sorted(folder.glob("*.jsonl")) for row in read_jsonl(path))


def dangers_of(paths: ProjectPaths) -> tuple[str, ...]:
    """Return the messages that tell a danger."""
    return tuple(str(row["texte"]) for path in sorted(paths.dangers.glob("*.jsonl")) for row in read_jsonl(path) if row.get("situation"))


@dataclass(frozen=True)
class Reviewer:
    """What the edits are held against.

    Args:
        reader: the live model.
        alarm: whether a phrase sounds as an emergency.
        dangers: messages that tell a danger.
        held_out: messages kept for tests.
        names: label → plain name.
        vocabulary: common French words, besides those of the corpus.
        recognised: whether a phrase may lead to someone.
        french: whether half of the words of a phrase are French.
    """

    reader: Reader
    alarm: Callable[[str], bool]
    dangers: Sequence[str] = ()
    held_out: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    vocabulary: frozenset[str] = frozenset()
    recognised: Callable[[str], bool] = holds_personal_data
    french: Callable[[str], bool] = bool

    def reused(self, before: Books, after: Books) -> tuple[str, ...]:
        """Return the names given again to another request: what was written before would lead elsewhere, so nobody may publish them."""
        return tuple(dict.fromkeys(self._reused(before, after)))

    def review(self, before: Books, after: Books) -> tuple[str, ...]:
        """Return what is to be said against the edits between two moments: French sentences, none when all is well."""
        rules = (self._topics, self._lost, self._twins, self._foreign, self._alarming, self._tested, self._moulds, self._odd)
        return self._all(before, after, rules)

    def _all(self, before: Books, after: Books, rules: Sequence[Rule]) -> tuple[str, ...]:
        known: dict[str, set[str]] = defaultdict(set)
        for label, found in before.phrases.items():
            known[after.label(label)] |= found
        added = {label: sorted(found - known[label]) for label, found in after.phrases.items()}
        flooded = [label for label, found in added.items() if len(found) > FLOOD]
        added = {label: found[:FLOOD] for label, found in added.items() if found}
        flood = [
            f"{len(after.phrases[label])} phrases d'un coup pour {self._name(label)} : personne ne peut les relire." for label in flooded
        ]
        return tuple(dict.fromkeys([*flood, *(reason for rule in rules for reason in rule(before, after, added))]))

    def _name(self, label: str) -> str:
        return f"« {self.names.get(label, label)} »"

    def _topics(self, before: Books, after: Books, _: Mapping[str, Sequence[str]]) -> Iterator[str]:
        for topic, service in before.services.items():
            now = after.former.get(topic, topic)
            if now not in after.services:
                yield f"La demande {self._name(topic)} disparaît : plus rien ne lui répond."
            elif now in before.services and now != topic:
                yield f"{self._name(topic)} est fondu dans {self._name(now)} : ses {len(before.phrases.get(topic, ()))} phrases y mènent."
            elif after.services[now] != service:
                yield f"{self._name(topic)} passe au service {self._name(after.services[now])}, au lieu de {self._name(service)}."
            elif before.doors.get(topic) != after.doors.get(now):
                yield f"{self._name(topic)} envoie à une autre porte qu'avant (guichet, organisme ou lien)."
        for former, topic in after.former.items():
            if before.former.get(former, topic) != topic and after.former.get(before.former[former]) != topic:
                yield f"L'ancien nom « {former} » mène à {self._name(topic)}, au lieu de {self._name(before.former[former])}."
        yield from self._reused(before, after)

    def _reused(self, before: Books, after: Books) -> Iterator[str]:
        for topic in after.services:
            back = after.former.get(before.former.get(topic, "")) == topic  # a request takes its own former name again
            taken = topic not in before.services and (topic in before.retired or (topic in before.former and not back))
            if taken or topic in after.former:
                yield f"Le nom « {topic} » a déjà servi à une autre demande : il ne peut pas être repris."

    def _lost(self, before: Books, after: Books, _: Mapping[str, Sequence[str]]) -> Iterator[str]:
        for label, known in before.phrases.items():
            now = after.former.get(label, label)
            lost = known - after.phrases.get(now, frozenset())
            if len(lost) >= max(LOST_LEAST, LOST_SHARE * len(known)):
                yield f"{self._name(label)} perd {len(lost)} de ses {len(known)} phrases : il ne sera plus reconnu."

    def _twins(self, before: Books, after: Books, added: Mapping[str, Sequence[str]]) -> Iterator[str]:
        known: dict[str, str] = {}
        for label, found in after.phrases.items():
            for phrase in found:
                known.setdefault(spoken(phrase), label)
        rows = [(label, phrase) for label, found in added.items() for phrase in found]
        for (label, phrase), other in twins(rows, ((words, found) for words, found in known.items()), lambda a, b: a != b):
            yield f"« {cut(phrase)} » est presque une phrase de {self._name(other)} : elle ne peut pas mener aussi à {self._name(label)}."

    def _foreign(self, before: Books, after: Books, added: Mapping[str, Sequence[str]]) -> Iterator[str]:
        former = {phrase: label for label, found in before.phrases.items() for phrase in found}
        rows = [(label, phrase) for label, found in added.items() for phrase in found]
        readings = self.reader([phrase for _, phrase in rows])
        for (label, phrase), reading in zip(rows, readings, strict=True):
            if label in after.services and sum(reading.get(act, 0.0) for act in NO_REQUEST) >= SURE:
                yield f"« {cut(phrase)} » (ajoutée à {self._name(label)}) ne demande rien : injure, ou mots sans suite."
        read: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for (label, phrase), reading in zip(rows, readings, strict=True):
            best = max(reading, key=reading.__getitem__, default="")
            other = former.get(phrase) or (best if best and reading[best] >= SURE else "")
            other = after.former.get(other, other)
            if other and other != label:
                read[label].append((other, phrase))
        for label, found in read.items():
            other, count = Counter(o for o, _ in found).most_common(1)[0]
            if count >= max(FOREIGN_LEAST, FOREIGN_SHARE * len(added[label])):
                shown = ", ".join(f"« {cut(p)} »" for o, p in found if o == other and p)[:300]
                yield (
                    f"{count} des {len(added[label])} phrases ajoutées à {self._name(label)} sont des demandes de {self._name(other)} "
                    f"pour l'assistant d'aujourd'hui : {shown}."
                )
            elif len(found) >= max(2 * FOREIGN_LEAST, 2 * FOREIGN_SHARE * len(added[label])):
                yield f"{len(found)} des {len(added[label])} phrases ajoutées à {self._name(label)} sont de plusieurs sujets différents."

    def _alarming(self, before: Books, after: Books, added: Mapping[str, Sequence[str]]) -> Iterator[str]:
        rows = [(label, phrase) for label, found in added.items() for phrase in found]
        close = {phrase for (_, phrase), _ in twins(rows, ((spoken(d), "") for d in self.dangers), threshold=0.6)}
        for label, phrase in rows:
            if phrase in close or self.alarm(phrase):
                yield f"« {cut(phrase)} » (ajoutée à {self._name(label)}) parle d'un danger : les numéros d'urgence lui répondent."

    def _tested(self, before: Books, after: Books, added: Mapping[str, Sequence[str]]) -> Iterator[str]:
        rows = [(label, phrase) for label, found in added.items() for phrase in found]
        for (label, phrase), _source in twins(rows, ((spoken(text), "") for text in self.held_out)):
            yield f"« {cut(phrase)} » (ajoutée à {self._name(label)}) est un message d'essai : l'apprendre fausserait les mesures."

    def _moulds(self, before: Books, after: Books, added: Mapping[str, Sequence[str]]) -> Iterator[str]:
        for label, found in added.items():
            words = [spoken(p).split() for p in after.phrases[label]]
            new = [spoken(p).split() for p in found]
            for verb, end in (("commencent", slice(None, CARRIER_WORDS)), ("finissent", slice(-CARRIER_WORDS, None))):
                of_new = Counter(" ".join(w[end]) for w in new if len(w) > CARRIER_WORDS)
                of_all = Counter(" ".join(w[end]) for w in words if len(w) > CARRIER_WORDS)
                for mould, count in of_new.most_common(1):
                    if count >= 3 and of_all[mould] >= CARRIER_REPEATS:
                        yield f"{of_all[mould]} phrases de {self._name(label)} {verb} par « {mould} » : des phrases à trous."

    def _odd(self, before: Books, after: Books, added: Mapping[str, Sequence[str]]) -> Iterator[str]:
        known = {word for found in before.phrases.values() for phrase in found for word in spoken(phrase).split()} | self.vocabulary
        for label, found in added.items():
            odd = []
            for phrase in found:
                words = spoken(phrase).split()
                if self.recognised(phrase):
                    yield f"« {cut(phrase)} » (ajoutée à {self._name(label)}) parle de quelqu'un que l'on pourrait reconnaître."
                if not words or not self.french(phrase) or sum(w not in known for w in words) >= max(2, UNKNOWN_WORDS * len(words)):
                    odd.append(phrase)
            if odd and len(odd) >= FOREIGN_SHARE * len(found):
                yield f"{len(odd)} phrases ajoutées à {self._name(label)} ne sont pas du français connu : « {cut(odd[0])} »…"


def twins(
    rows: Sequence[tuple[str, str]],
    known: Iterable[tuple[str, str]],
    differ: Callable[[str, str], bool] = lambda _a, _b: True,
    threshold: float = NEAR_DUPLICATE,
) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the few new (label, phrase) that share :data:`NEAR_DUPLICATE` of their words with a known one, and its label.

    Args:
        rows: new phrases.
        known: (plain words, label) of many.
        differ: on two labels; pairs it refuses are skipped.
        threshold: Jaccard share of words in common, in (0, 1].
    """
    others = [(words, frozenset(words.split()), label) for words, label in known]
    frequency = Counter(word for _, bag, _ in others for word in bag)
    bags = [frozenset(spoken(phrase).split()) for _, phrase in rows]
    keys = [near_key(spoken(phrase)) for _, phrase in rows]
    holders: dict[str, list[int]] = defaultdict(list)
    for i, bag in enumerate(bags):  # two sets this alike must share one of their rarest words
        for word in sorted(bag, key=lambda w: (frequency[w], w))[: len(bag) - int(threshold * len(bag) + 0.999) + 1]:
            holders[word].append(i)
    found: set[int] = set()
    for words, bag, label in others:
        for i in {i for word in bag for i in holders.get(word, ())} - found:
            alike = len(bag & bags[i]) >= threshold * len(bag | bags[i]) or near_key(words) == keys[i]
            if alike and differ(rows[i][0], label):
                found.add(i)
                yield rows[i], label


def reader_of(model: TopicModel | None) -> Reader:
    """Return the reader of a topic model; without a model nothing is read."""

    def read(phrases: Sequence[str]) -> list[Mapping[str, float]]:
        if model is None or not phrases:
            return [{} for _ in phrases]
        return [model.understanding(row).probabilities for row in model.predict_proba([clean(p) for p in phrases])]

    return read


def cut(text: str, limit: int = 80) -> str:
    """Return the start of a text."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
