"""The messages that staff should read: grouped when alike, ranked by what labelling them is worth, settled in one gesture.

Which messages come in (:func:`bot.staff.inbox.events.worth_reading`): those not understood, those answered by a question, those
answered with a low confidence, those taken for no request of ours (a request that no topic knows yet often ends there), and
those a person found unhelpful. Words arrive already masked.

The ranking. The expected gain of labelling a group is::

    gain = doubt × (0.25 + 0.75 × novelty) × log2(1 + count) × (1 + log2(1 + thumbs_down))

- *doubt* in [0, 1]: one minus the confidence of the best door ("least confident" sampling), the mean over the group; never
  less than the share of thumbs down, for a sure answer that did not help is a mistake to learn from;
- *novelty* in [0, 1]: distance to the nearest training message; a group already in the corpus keeps a quarter of its weight,
  because it may still show a conflict between topics;
- *count*: how often it comes, in a logarithm so that one frequent message does not hide ten others;
- *thumbs_down*: how often it did not help.

Doubt times density is the information density of Settles and Craven ("An Analysis of Active Learning Strategies for Sequence
Labeling Tasks", EMNLP 2008; see also Settles, "Active Learning Literature Survey", 2009, §3.1 and §3.6), with the frequency of
a group as its density. The factor of the thumbs down is our own.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import func, select, update
from sqlalchemy.engine import Connection

from bot.base.errors import InboxError
from bot.language.cleaning import strip_accents
from bot.staff.accounts import audit
from bot.staff.candidates.exam import NO_REQUEST, SPECIAL, URGENT
from bot.staff.inbox.events import DOOR_MAY_BE_RIGHT, TurnEvent
from bot.staff.inbox.similarity import ALIKE, band_keys, exact_key, likeness, pack, signature, unpack
from bot.staff.nearness import CorpusIndex
from bot.staff.schema import bands, groups, labels, turns, votes
from bot.staff.storage import Storage

REJECTED_DOUBT = 0.3
"""Doubt of a message taken for no request: no probability says how sure that was; it ranks below real doubts."""
REPORTED_DOUBT = 1.0
"""Doubt of a sure answer that staff found wrong."""
OPEN, WAITING, ATTACHED, IGNORED, EXPIRED, KEPT = "ouvert", "attente", "rattache", "ignore", "perime", "examen"
DRAWN, RIGHT = "controle", "juste"
STATES = {
    OPEN: "À traiter",
    DRAWN: "À contrôler",
    RIGHT: "Contrôlés, justes",
    WAITING: "À relire",
    KEPT: "Gardés pour l'examen",
    ATTACHED: "Rattachés",
    IGNORED: "Écartés",
    EXPIRED: "Périmés",
}
NOTHING = "divers_sans_demande"
"""What a message that asks for nothing is taught as (``data/referentiel/conversation.yml``)."""
VARIANTS = 8
SUGGESTIONS = 6
_BATCH = 500
GONE = "Ce message n'est plus dans la boîte : une autre personne l'a déjà traité."
UNKNOWN_TOPIC = "Ce sujet n'existe pas. Cherchez-le par son nom, ou créez-le."
SAME_READER = "La seconde lecture doit être faite par une autre personne."


class PhraseWriter(Protocol):
    """What writes phrases into the corpus (``bot.staff.editing.corpus_editor.CorpusEditor``)."""

    def add_phrases(self, topic: str, texts: Sequence[str], author: str) -> Any:
        """Add messages to a topic; raises :class:`EditError`."""

    def keep_for_exam(self, text: str, wanted: str, author: str) -> Any:
        """Keep a message to judge models on; raises :class:`EditError`."""

    def remove_phrase(self, topic: str, text: str, author: str) -> Any:
        """Remove a message from a topic; raises :class:`EditError`."""

    def phrases(self, topic: str) -> tuple[str, ...]:
        """Return the messages of a topic."""


@dataclass(frozen=True)
class Group:
    """Messages that are alike.

    Args:
        id: in the database.
        text: the first of them, masked; ``None`` once deleted.
        state: a key of :data:`STATES`.
        count: how many came.
        down: how many did not help.
        doubt: mean doubt, in [0, 1].
        novelty: in [0, 1], ``None`` until it is measured.
        gain: see the module.
        first_at, last_at: seconds since 1970.
        suggestions: topics to attach to, the best first: the model's own, then the nearest of the corpus.
        topic: what it was attached to.
        labelled_by, labelled_at: who and when.
        confirmed_by, confirmed_at: second reader and when.
    """

    id: int
    text: str | None
    state: str
    count: int
    down: int
    doubt: float
    novelty: float | None
    gain: float
    first_at: float
    last_at: float
    suggestions: tuple[str, ...]
    topic: str | None
    labelled_by: str | None
    labelled_at: float | None
    confirmed_by: str | None
    confirmed_at: float | None


@dataclass(frozen=True)
class Exchange:
    """One exchange of a group: what was answered, and what the person said of it.

    Args:
        at: seconds since 1970.
        kind: of decision.
        doors: ids of what was shown: topics, else services, else delegations.
        confidence: of the first door, in [0, 1], ``None`` without a door.
        helpful: what was voted, ``None`` when nothing was.
        reason: a key of :data:`bot.staff.inbox.events.REASONS`, or ``None``.
        comment: what the person wrote, masked, or ``None``.
    """

    at: float
    kind: str
    doors: tuple[str, ...]
    confidence: float | None
    helpful: bool | None
    reason: str | None
    comment: str | None


@dataclass(frozen=True)
class Label:
    """One decision about a group."""

    at: float
    author: str
    action: str
    topic: str | None


def expected_gain(doubt: float, novelty: float | None, count: int, down: int) -> float:
    """Return what labelling a group is worth; see the module. An unmeasured novelty counts as full."""
    fresh = 1.0 if novelty is None else novelty
    sure = max(doubt, min(1.0, down / count) if count else 0.0)
    return sure * (0.25 + 0.75 * fresh) * math.log2(1 + count) * (1 + math.log2(1 + down))


def doubt_of(event: TurnEvent) -> float:
    """Return the doubt of an answer, in [0, 1]."""
    if event.doors:
        return 1.0 - (event.confidence or 0.0)
    if event.kind == "hors_sujet":
        return REJECTED_DOUBT
    return 1.0 if event.kind in {"incompris", "clarifier"} else 0.0


def receive(connection: Connection, event: TurnEvent) -> int | None:
    """Put an exchange in its group, new or known.

    An ignored message, or one nearly the same, only adds to the count of its group: it never returns. One drawn among the sure
    answers waits apart, until it is checked, a person says that it did not help, or a doubt comes.

    Returns:
        The id of the group; the caller keeps the words only when :func:`keeps_words` says so.
    """
    found = _find(connection, event.text)
    doubt = doubt_of(event)
    state = DRAWN if event.drawn else OPEN
    if found is None:
        return _create(connection, event, doubt, state)
    doubt_now = (found.doubt * found.count + doubt) / (found.count + 1)
    values: dict[str, Any] = {"count": found.count + 1, "doubt": doubt_now, "last_at": max(found.last_at, event.at)}
    values["gain"] = expected_gain(doubt_now, found.novelty, found.count + 1, found.down)
    if found.state == EXPIRED or (found.state in {OPEN, DRAWN} and not found.text):
        values.update(state=state, text=event.text, novelty=None)
    elif found.state in {DRAWN, RIGHT} and not event.drawn:
        values.update(state=OPEN, text=event.text, novelty=None)
    if found.state in {OPEN, EXPIRED, DRAWN}:
        values["suggestions"] = json.dumps(_merged(json.loads(found.suggestions), _model_topics(event)))
    connection.execute(update(groups).where(groups.c.id == found.id).values(**values))
    return int(found.id)


def keeps_words(connection: Connection, group: int) -> bool:
    """Whether the words of a new exchange of this group are still of use: an ignored or settled group needs none."""
    return connection.execute(select(groups.c.state).where(groups.c.id == group)).scalar() in {OPEN, DRAWN}


def count_vote(connection: Connection, group: int, change: int) -> None:
    """Add a thumbs down to a group, or take one back."""
    row = connection.execute(select(groups).where(groups.c.id == group)).first()
    if row is not None:
        down = max(0, row.down + change)
        gain = expected_gain(row.doubt, row.novelty, row.count, down)
        state = OPEN if row.state == DRAWN and change > 0 else row.state
        connection.execute(update(groups).where(groups.c.id == group).values(down=down, gain=gain, state=state))


class Inbox:
    """What staff do with the groups.

    Args:
        storage: where they are.
        writer: of the corpus.
        topics: label of each topic that exists.
        second_reader: whether a phrase waits for a second reader before it is written.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        storage: Storage,
        writer: PhraseWriter,
        topics: Mapping[str, str],
        second_reader: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._storage = storage
        self._writer = writer
        self._topics = topics
        self._second_reader = second_reader
        self._clock = clock

    def page(
        self, state: str = OPEN, limit: int = 20, offset: int = 0, words: str = "", keep: Callable[[Group], bool] | None = None
    ) -> tuple[Sequence[Group], int]:
        """Return the groups of a state, and how many there are: those to treat by gain, the others by date.

        Args:
            state: a key of :data:`STATES`.
            limit, offset: part of the list.
            words: all in the message, accents and capitals aside; "" for any message.
            keep: says which of them are wanted.
        """
        settled = (groups.c.labelled_at.desc(), groups.c.id.desc())
        order = {OPEN: (groups.c.gain.desc(), groups.c.last_at.desc()), DRAWN: (groups.c.id,)}.get(state, settled)
        with self._storage.read() as connection:
            total = connection.execute(select(func.count()).select_from(groups).where(groups.c.state == state)).scalar() or 0
            chosen = select(groups).where(groups.c.state == state).order_by(*order)
            if not words.strip() and keep is None:
                return [self._group(connection, row) for row in connection.execute(chosen.limit(limit).offset(offset)).all()], total
            asked = strip_accents(words.lower()).split()
            rows = [r for r in connection.execute(chosen).all() if all(w in strip_accents((r.text or "").lower()) for w in asked)]
            found = [g for g in (self._group(connection, row) for row in rows) if keep is None or keep(g)]
            return found[offset : offset + limit], len(found)

    def waiting_texts(self, state: str = OPEN, limit: int = 500) -> dict[int, str]:
        """Return the messages that wait by id, those worth the most first."""
        with self._storage.read() as connection:
            chosen = select(groups.c.id, groups.c.text).where(groups.c.state == state, groups.c.text.is_not(None))
            rows = connection.execute(chosen.order_by(groups.c.gain.desc()).limit(limit)).all()
        return {int(row.id): str(row.text) for row in rows}

    def recent_texts(self, since: float, limit: int) -> dict[int, str]:
        """Return the messages received since a moment whose words are still kept, by group, the most frequent first."""
        with self._storage.read() as connection:
            chosen = select(groups.c.id, groups.c.text).where(groups.c.last_at >= since, groups.c.text.is_not(None))
            rows = connection.execute(chosen.order_by(groups.c.count.desc(), groups.c.id).limit(limit)).all()
        return {int(row.id): str(row.text) for row in rows}

    def counts(self) -> Mapping[str, int]:
        """Return how many groups are in each state."""
        with self._storage.read() as connection:
            rows = connection.execute(select(groups.c.state, func.count()).group_by(groups.c.state)).all()
        return dict.fromkeys(STATES, 0) | dict(list(map(tuple, rows)))

    def get(self, group: int) -> Group:
        """Return one group.

        Raises:
            InboxError: unknown.
        """
        with self._storage.read() as connection:
            return self._group(connection, self._row(connection, group))

    def variants(self, group: int) -> Sequence[str]:
        """Return other wordings of a group, the most frequent first; without the one that stands for it."""
        with self._storage.read() as connection:
            kept = connection.execute(select(groups.c.text).where(groups.c.id == group)).scalar()
            condition = (turns.c.group_id == group) & turns.c.text.is_not(None)
            rows = connection.execute(
                select(turns.c.text).where(condition).group_by(turns.c.text).order_by(func.count().desc(), turns.c.text).limit(50)
            ).scalars()
            seen, found = {exact_key(kept or "")}, []
            for text in rows:
                if exact_key(text) not in seen:
                    seen.add(exact_key(text))
                    found.append(text)
            return found[:VARIANTS]

    def waiting_variants(self, group: int) -> Sequence[str]:
        """Return the other wordings that wait for a second reader with their group."""
        with self._storage.read() as connection:
            kept = json.loads(self._row(connection, group).variants or "[]")
        return [text for text in self.variants(group) if exact_key(text) in kept] if kept else []

    def exchanges(self, group: int, limit: int = 10) -> Sequence[Exchange]:
        """Return the last exchanges of a group, those that did not help first."""
        joined = turns.outerjoin(votes, votes.c.answer == turns.c.id)
        order = (votes.c.helpful.is_(None), votes.c.helpful, turns.c.at.desc())
        chosen = select(*_EXCHANGE).select_from(joined).where(turns.c.group_id == group)
        with self._storage.read() as connection:
            return [_exchange(row) for row in connection.execute(chosen.order_by(*order).limit(limit))]

    def reasons(self, state: str = OPEN) -> Mapping[int, Exchange]:
        """Return the exchange that says why each group of a state is to be read: one that did not help, else the last."""
        joined = turns.join(groups, groups.c.id == turns.c.group_id).outerjoin(votes, votes.c.answer == turns.c.id)
        order = (votes.c.helpful.is_not(None), votes.c.helpful.desc(), turns.c.at)  # the last of each group is kept
        with self._storage.read() as connection:
            rows = connection.execute(
                select(turns.c.group_id, *_EXCHANGE).select_from(joined).where(groups.c.state == state).order_by(*order)
            )
            return {row.group_id: _exchange(row[1:]) for row in rows}

    def history(self, group: int) -> Sequence[Label]:
        """Return every decision about a group, the oldest first."""
        with self._storage.read() as connection:
            rows = connection.execute(select(labels).where(labels.c.group_id == group).order_by(labels.c.id))
            return [Label(row.at, row.author, row.action, row.topic) for row in rows]

    def attach(self, group: int, topic: str, author: str, others: Sequence[str] = ()) -> Group:
        """Attach a group to a topic; its text goes to the corpus now, or after a second reading.

        Args:
            group: to attach.
            topic: id of a topic that exists.
            author: account.
            others: variants to write too, among :meth:`variants`.

        Raises:
            InboxError: already settled, or an unknown topic.
            EditError: the corpus refuses the phrase (personal data left, already in another topic…).
        """
        if topic not in self._topics:
            raise InboxError(UNKNOWN_TOPIC)
        found = self.get(group)
        if found.state not in {OPEN, DRAWN} or not found.text:
            raise InboxError(GONE)
        answered = self.answered(group)
        texts = [found.text, *(t for t in self.variants(group) if t in others)]
        waits = self._second_reader
        if not waits:
            self._write(topic, texts, author)
        with self._storage.write() as connection:
            row = self._row(connection, group)
            if row.state != found.state:
                raise InboxError(GONE)
            if row.state == DRAWN:
                self._label(connection, group, author, "juste" if topic == answered else "faux", None)
            now = self._clock()
            values = {"state": WAITING if waits else ATTACHED, "topic": topic, "labelled_by": author, "labelled_at": now}
            values |= {"written": not waits, "confirmed_by": None, "confirmed_at": None}
            values |= {"variants": json.dumps([exact_key(t) for t in texts[1:]]) if waits else None}
            connection.execute(update(groups).where(groups.c.id == group).values(**values))
            self._label(connection, group, author, "rattacher", topic)
            audit.record(connection, author, "message_rattache", topic, {"message": group})
        return self.get(group)

    def keep(self, group: int, wanted: str, author: str) -> None:
        """Keep the message of a group to judge models on: nothing learns it, and no page shows it any more.

        Args:
            group: to keep.
            wanted: id of a topic, or one of :data:`bot.staff.candidates.exam.SPECIAL`.
            author: account.

        Raises:
            InboxError: already settled, or an unknown topic.
            EditError: the message was taught, or holds personal data.
        """
        if wanted not in self._topics and wanted not in SPECIAL:
            raise InboxError(UNKNOWN_TOPIC)
        found = self.get(group)
        if found.state not in {OPEN, DRAWN} or not found.text:
            raise InboxError(GONE)
        answered = self.answered(group) if found.state == DRAWN else None
        self._writer.keep_for_exam(found.text, wanted, author)
        with self._storage.write() as connection:
            self._close(connection, group, KEPT, author, "garder", wanted)
            if answered is not None:
                self._label(connection, group, author, "juste" if wanted == answered else "faux", None)

    def answered(self, group: int) -> str:
        """Return what was last answered, as the exam says it; "" when it named no single topic."""
        last = next(iter(self.exchanges(group, 1)), None)
        if last is None or last.kind in {"urgence", "conversation"}:
            return "" if last is None else URGENT if last.kind == "urgence" else NO_REQUEST
        return last.doors[0] if len(last.doors) == 1 and last.doors[0] in self._topics else ""

    def check(self, group: int, right: bool, author: str) -> None:
        """Say whether a drawn answer was right; a wrong one joins the messages to treat.

        Raises:
            InboxError: not drawn, or checked already.
        """
        with self._storage.write() as connection:
            row = self._row(connection, group)
            if row.state != DRAWN or not row.text:
                raise InboxError(GONE)
            if right:
                self._close(connection, group, RIGHT, author, "juste", None)
            else:
                doubt = max(row.doubt, REPORTED_DOUBT)
                given = {door for each in self.exchanges(group) for door in each.doors}
                others = [topic for topic in json.loads(row.suggestions) if topic not in given]
                values = {"state": OPEN, "doubt": doubt, "gain": expected_gain(doubt, row.novelty, row.count, row.down)}
                connection.execute(update(groups).where(groups.c.id == group).values(suggestions=json.dumps(others), **values))
                self._label(connection, group, author, "faux", next((door for door in sorted(given) if door in self._topics), None))

    def checked(self, since: float) -> tuple[int, int]:
        """Return how many drawn answers were found right since a moment, and how many were checked."""
        with self._storage.read() as connection:
            chosen = select(labels.c.action, func.count()).where(labels.c.at >= since, labels.c.action.in_(["juste", "faux"]))
            found = {str(action): int(count) for action, count in connection.execute(chosen.group_by(labels.c.action))}
        return found.get("juste", 0), sum(found.values())

    def settle_written(self, group: int, topic: str, author: str) -> None:
        """Note that the phrase of a group has been written under a topic elsewhere (a new topic was made of it).

        Raises:
            InboxError: already settled.
        """
        with self._storage.write() as connection:
            if self._row(connection, group).state != OPEN:
                raise InboxError(GONE)
            self._settle(connection, group, topic, author)

    def confirm(self, group: int, author: str) -> Group:
        """Confirm a label as a second reader; a phrase that waited is written now.

        Raises:
            InboxError: nothing to confirm, or the same person labelled it.
            EditError: the corpus refuses the phrase.
        """
        found = self.get(group)
        self._check_reader(found, author)
        if found.state == WAITING:
            self._write(found.topic or "", [found.text or "", *self.waiting_variants(group)], found.labelled_by or author)
        with self._storage.write() as connection:
            self._check_reader(self._group(connection, self._row(connection, group)), author)
            values = {"state": ATTACHED, "written": True, "variants": None, "confirmed_by": author, "confirmed_at": self._clock()}
            connection.execute(update(groups).where(groups.c.id == group).values(**values))
            self._label(connection, group, author, "confirmer", found.topic)
            audit.record(connection, author, "message_confirme", found.topic or "", {"message": group})
        return self.get(group)

    def refuse(self, group: int, author: str) -> Group:
        """Refuse a label: the phrase leaves the corpus, the group comes back to the inbox.

        Raises:
            InboxError: nothing to refuse.
            EditError: the phrase cannot be taken out of the corpus.
        """
        found = self.get(group)
        if found.state not in {WAITING, ATTACHED} or not found.text:
            raise InboxError(GONE)
        if found.state == ATTACHED and found.topic:
            self._take_back(found.topic, found.text, author)
        self._reopen(group, author, "refuser", "message_refuse", found.topic)
        return self.get(group)

    def ignore(self, group: int, author: str) -> None:
        """Put a group aside for ever: neither it nor nearly the same messages return.

        Raises:
            InboxError: already settled.
        """
        with self._storage.write() as connection:
            self._close(connection, group, IGNORED, author, "ignorer", None)
            audit.record(connection, author, "message_ignore", "", {"message": group})

    def reopen(self, group: int, author: str) -> None:
        """Bring an ignored group back, when it was put aside by mistake.

        Raises:
            InboxError: not ignored, or its words are deleted.
        """
        found = self.get(group)
        if found.state != IGNORED or not found.text:
            raise InboxError("Ce message ne peut plus revenir : son texte est effacé.")
        self._reopen(group, author, "rouvrir", "message_rouvert", None)

    def measure_novelty(self, index: CorpusIndex, again: int = 0) -> int:
        """Measure how new the open groups are, and settle those that the corpus already holds word for word.

        Args:
            index: of the corpus.
            again: how many of those already measured to measure again, the best ranked first (the corpus has changed).

        Returns:
            How many were measured.
        """
        waiting = (groups.c.state == OPEN) & groups.c.text.is_not(None)
        done, last = 0, 0
        while True:
            condition = waiting & groups.c.novelty.is_(None) & (groups.c.id > last)
            with self._storage.read() as connection:
                rows = connection.execute(select(groups).where(condition).order_by(groups.c.id).limit(_BATCH)).all()
            if not rows:
                break
            last = rows[-1].id
            done += self._measure(index, rows)
        if again:
            with self._storage.read() as connection:
                rows = connection.execute(select(groups).where(waiting).order_by(groups.c.gain.desc()).limit(again)).all()
            done += self._measure(index, rows)
        return done

    def _measure(self, index: CorpusIndex, rows: Sequence[Any]) -> int:
        nearness = index.compare([row.text for row in rows])
        with self._storage.write() as connection:
            for row, near in zip(rows, nearness, strict=True):
                now = self._row(connection, row.id)  # counts may have moved, or someone settled it meanwhile
                if now.state != OPEN:
                    continue
                if near.same in self._topics and now.novelty:  # new when first measured: put in the corpus since
                    self._settle(connection, row.id, str(near.same), "corpus")
                    continue
                gain = expected_gain(now.doubt, near.novelty, now.count, now.down)
                values = {"novelty": near.novelty, "gain": gain, "nearest": json.dumps(near.topics)}
                connection.execute(update(groups).where(groups.c.id == row.id).values(**values))
        return len(rows)

    def _group(self, connection: Connection, row: Any) -> Group:
        known = [t for t in dict.fromkeys([*json.loads(row.suggestions), *json.loads(row.nearest)]) if t in self._topics]
        wrong = _refused(connection, row.id) | (_reported(connection, row.id) if row.down else set())
        known = [t for t in known if t not in wrong]  # it is still found by its name
        return Group(
            row.id,
            row.text,
            row.state,
            row.count,
            row.down,
            row.doubt,
            row.novelty,
            row.gain,
            row.first_at,
            row.last_at,
            tuple(known[:SUGGESTIONS]),
            row.topic,
            row.labelled_by,
            row.labelled_at,
            row.confirmed_by,
            row.confirmed_at,
        )

    def _row(self, connection: Connection, group: int) -> Any:
        row = connection.execute(select(groups).where(groups.c.id == group)).first()
        if row is None:
            raise InboxError("Ce message n'existe pas.")
        return row

    def _close(self, connection: Connection, group: int, state: str, author: str, action: str, topic: str | None) -> None:
        """Put a group aside for good; the words of its exchanges go, and those of the group too once they are kept elsewhere."""
        if self._row(connection, group).state not in {OPEN, EXPIRED, DRAWN}:
            raise InboxError(GONE)
        values: dict[str, Any] = {"state": state, "labelled_by": author, "labelled_at": self._clock(), "topic": topic}
        values |= {"text": None} if state in {KEPT, RIGHT} else {}
        connection.execute(update(groups).where(groups.c.id == group).values(**values))
        connection.execute(update(turns).where(turns.c.group_id == group).values(text=None))
        self._label(connection, group, author, action, topic)

    def _settle(self, connection: Connection, group: int, topic: str, author: str) -> None:
        values = {"state": ATTACHED, "topic": topic, "labelled_by": author, "labelled_at": self._clock(), "written": True}
        connection.execute(update(groups).where(groups.c.id == group).values(**values))
        self._label(connection, group, author, "rattacher", topic)
        audit.record(connection, author, "message_rattache", topic, {"message": group})

    def _check_reader(self, group: Group, author: str) -> None:
        if group.state not in {WAITING, ATTACHED} or group.confirmed_by or not group.text:
            raise InboxError(GONE)
        if group.labelled_by == author:
            raise InboxError(SAME_READER)

    def _reopen(self, group: int, author: str, action: str, journalled: str, topic: str | None) -> None:
        with self._storage.write() as connection:
            values = {"state": OPEN, "topic": None, "labelled_by": None, "labelled_at": None, "written": False}
            values |= {"confirmed_by": None, "confirmed_at": None, "novelty": None, "variants": None}
            connection.execute(update(groups).where(groups.c.id == group).values(**values))
            self._label(connection, group, author, action, topic)
            audit.record(connection, author, journalled, topic or "", {"message": group})

    def _label(self, connection: Connection, group: int, author: str, action: str, topic: str | None) -> None:
        connection.execute(labels.insert().values(group_id=group, at=self._clock(), author=author, action=action, topic=topic))

    def _write(self, topic: str, texts: Sequence[str], author: str) -> None:
        known = {exact_key(p) for p in self._writer.phrases(topic)}
        missing = [t for t in texts if exact_key(t) not in known]
        if missing:
            self._writer.add_phrases(topic, missing, author)

    def _take_back(self, topic: str, text: str, author: str) -> None:
        key = exact_key(text)
        written = next((p for p in self._writer.phrases(topic) if exact_key(p) == key), None)
        if written is not None:
            self._writer.remove_phrase(topic, written, author)


_EXCHANGE = (turns.c.at, turns.c.kind, turns.c.doors, turns.c.confidence, votes.c.helpful, votes.c.reason, votes.c.comment)


def _exchange(row: Sequence[Any]) -> Exchange:
    at, kind, doors, *said = row
    return Exchange(at, kind, _shown(doors), *said)


def _shown(doors: str) -> tuple[str, ...]:
    """Return the ids of the doors of an exchange."""
    return tuple(str(door.get("sujet") or door.get("service") or door.get("dis")) for door in json.loads(doors))


def _refused(connection: Connection, group: int) -> set[str]:
    """Return the topics that staff said were not those of a group: at a check, or at a second reading."""
    where = (labels.c.group_id == group, labels.c.action.in_(["faux", "refuser"]), labels.c.topic.is_not(None))
    return set(connection.execute(select(labels.c.topic).where(*where)).scalars())


def _reported(connection: Connection, group: int) -> set[str]:
    """Return the doors that a person said did not help, but where the door itself was not what was wrong."""
    joined = turns.join(votes, votes.c.answer == turns.c.id)
    blamed = votes.c.reason.is_(None) | votes.c.reason.not_in(DOOR_MAY_BE_RIGHT)
    where = (turns.c.group_id == group, votes.c.helpful.is_(False), blamed)
    rows = connection.execute(select(turns.c.doors).select_from(joined).where(*where))
    return {door for row in rows for door in _shown(row.doors)}


def _find(connection: Connection, text: str) -> Any:
    same = connection.execute(select(groups).where(groups.c.key == exact_key(text))).first()
    if same is not None:
        return same
    found = signature(text)
    near = connection.execute(select(bands.c.group_id).where(bands.c.band.in_(band_keys(found))).distinct()).scalars().all()
    best, best_likeness = None, ALIKE
    for start in range(0, len(near), _BATCH):
        for row in connection.execute(select(groups).where(groups.c.id.in_(near[start : start + _BATCH]))):
            alike = likeness(found, unpack(row.signature))
            if alike > best_likeness or (alike == best_likeness and best is None):
                best, best_likeness = row, alike
    return best


def _create(connection: Connection, event: TurnEvent, doubt: float, state: str) -> int:
    found = signature(event.text)
    result = connection.execute(
        groups.insert().values(
            key=exact_key(event.text),
            signature=pack(found),
            text=event.text,
            state=state,
            count=1,
            down=0,
            doubt=doubt,
            novelty=None,
            gain=expected_gain(doubt, None, 1, 0),
            suggestions=json.dumps(_model_topics(event)),
            nearest="[]",
            first_at=event.at,
            last_at=event.at,
            written=False,
        )
    )
    group = int(result.inserted_primary_key[0])
    connection.execute(bands.insert(), [{"band": band, "group_id": group} for band in dict.fromkeys(band_keys(found))])
    return group


def _model_topics(event: TurnEvent) -> list[str]:
    """Return the topics the model thought of, the most probable first."""
    found = sorted((*event.doors, *event.alternatives), key=lambda door: -float(door.get("confiance") or 0.0))
    return list(dict.fromkeys(str(door["sujet"]) for door in found if door.get("sujet")))[:SUGGESTIONS]


def _merged(before: Sequence[str], now: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([*before, *now]))[:SUGGESTIONS]
