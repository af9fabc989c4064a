"""The inbox: what comes in, how it is grouped and ranked, and each gesture of staff, with what is kept of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import func, select

from bot.base.errors import EditError, InboxError
from bot.staff.accounts import audit
from bot.staff.inbox.events import FeedbackEvent, TurnEvent, from_line, to_line, without_useless_words, worth_reading
from bot.staff.inbox.inbox import ATTACHED, DRAWN, IGNORED, KEPT, OPEN, RIGHT, WAITING, Inbox, doubt_of, expected_gain
from bot.staff.inbox.intake import Intake
from bot.staff.nearness import CorpusIndex
from bot.staff.schema import groups, turns, votes
from bot.staff.storage import Storage

TOPICS = {"vidange_etang": "Vider un étang", "carte_grise": "Refaire une carte grise", "permis_chasser": "Permis de chasser"}


class Corpus:
    """A corpus in memory."""

    def __init__(self) -> None:
        self.held: list[tuple[str, str, str]] = []
        self.exam: list[tuple[str, str]] = []
        self.error: Exception | None = None

    def keep_for_exam(self, text: str, wanted: str, author: str) -> None:
        self.exam.append((text, wanted))

    def add_phrases(self, topic: str, texts: Sequence[str], author: str) -> None:
        if self.error:
            raise self.error
        self.held.extend((topic, text, author) for text in texts)

    def remove_phrase(self, topic: str, text: str, author: str) -> None:
        self.held = [row for row in self.held if row[:2] != (topic, text)]

    def phrases(self, topic: str) -> tuple[str, ...]:
        return tuple(text for held, text, _ in self.held if held == topic)


@pytest.fixture
def corpus() -> Corpus:
    return Corpus()


@pytest.fixture
def inbox(storage: Storage, corpus: Corpus, clock: Any) -> Inbox:
    return Inbox(storage, corpus, TOPICS, clock=clock)


@pytest.fixture
def intake(storage: Storage) -> Intake:
    return Intake(storage)


def door(topic: str, confidence: float) -> dict[str, Any]:
    return {"dis": "territoire", "service": "environnement", "sujet": topic, "confiance": confidence, "extrait": "des mots"}


_numbers = iter(range(10**9))


def turn(text: str, kind: str = "incompris", *doors: dict[str, Any], **others: Any) -> TurnEvent:
    return TurnEvent(f"a{next(_numbers)}", 1_790_000_000.0, text, kind, doors, **others)


def texts(inbox: Inbox, state: str = OPEN) -> list[str | None]:
    return [g.text for g in inbox.page(state)[0]]


# --- what comes in


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (turn("un étang"), True),
        (turn("un étang", "clarifier", door("a", 0.9)), True),
        (turn("un étang", "orienter", door("a", 0.59)), True),
        (turn("un étang", "orienter", door("a", 0.6)), False),
        (turn("un étang", "hors_perimetre", door("a", 0.3)), True),
        (turn("merci", "conversation"), False),
        (turn("au feu", "urgence"), False),
        (turn("une nouvelle demande", "hors_sujet"), True),
        (turn("  "), False),
        (turn("x", "clarifier", pressed=True), False),
        (turn("x", "sans_decision"), False),
    ],
)
def test_what_has_something_to_teach_comes_in(event: TurnEvent, expected: bool) -> None:
    assert worth_reading(event) is expected


def test_words_of_a_sure_answer_are_never_kept(intake: Intake, storage: Storage, inbox: Inbox) -> None:
    intake([turn("mon étang est plein", "orienter", door("vidange_etang", 0.95)), turn("un truc flou")])
    with storage.read() as connection:
        rows = connection.execute(select(turns.c.text, turns.c.doors).order_by(turns.c.id)).all()
    assert [row.text for row in rows] == [None, "un truc flou"] and "des mots" not in repr(rows)
    assert texts(inbox) == ["un truc flou"]


def test_the_same_event_twice_counts_once(intake: Intake, storage: Storage, inbox: Inbox) -> None:
    event = turn("un truc flou")
    vote = FeedbackEvent(event.id, 2.0, False)
    intake([event, event, vote])
    intake([event, vote])
    (group,) = inbox.page()[0]
    assert (group.count, group.down) == (1, 1)


def test_alike_messages_are_one_group_whatever_their_order(intake: Intake, inbox: Inbox) -> None:
    intake([turn("comment vider mon étang"), turn("Vider mon ETANG svp"), turn("je veux un permis de chasse"), turn("vider étang ?")])
    rows = {g.text: g.count for g in inbox.page()[0]}
    assert rows == {"comment vider mon étang": 3, "je veux un permis de chasse": 1}
    many = next(g.id for g in inbox.page()[0] if g.count == 3)
    assert inbox.variants(many) == ["Vider mon ETANG svp", "vider étang ?"]


def test_an_unhelpful_sure_answer_joins_the_inbox(intake: Intake, inbox: Inbox, storage: Storage) -> None:
    sure = turn("mon étang est plein", "orienter", door("carte_grise", 0.97))
    intake([sure])
    assert texts(inbox) == []
    intake([FeedbackEvent(sure.id, 3.0, False, "mauvaise_porte", None, sure)])
    (group,) = inbox.page()[0]
    assert group.text == "mon étang est plein" and group.down == 1 and group.suggestions == ()  # what was just refused is not proposed
    intake([FeedbackEvent(sure.id, 4.0, True)])  # a change of mind
    assert inbox.get(group.id).down == 0
    intake([FeedbackEvent(sure.id, 1.0, False)])  # an older vote, delivered late
    with storage.read() as connection:
        assert connection.execute(select(votes.c.helpful)).scalar() is True


def test_why_it_did_not_help_is_shown_and_what_was_wrong_is_not_proposed(intake: Intake, inbox: Inbox) -> None:
    wrong = turn("mon étang est plein", "orienter", door("carte_grise", 0.97), alternatives=(door("vidange_etang", 0.02),))
    intake([wrong, FeedbackEvent(wrong.id, 3.0, False, "mauvaise_porte", "je parlais de pêche", wrong)])
    (group,), _ = inbox.page()
    assert group.suggestions == ("vidange_etang",)
    alone = turn("où pêcher", "orienter", door("permis_chasser", 0.97))
    intake([alone, FeedbackEvent(alone.id, 3.0, False, "incomplet", None, alone)])
    assert inbox.get(2).suggestions == ("permis_chasser",)  # the door may be right, it is the answer that lacks something
    (exchange,) = inbox.exchanges(group.id)
    assert (exchange.doors[0], exchange.helpful, exchange.reason, exchange.comment) == (
        "carte_grise",
        False,
        "mauvaise_porte",
        "je parlais de pêche",
    )


def test_a_vote_that_arrives_before_its_answer_is_kept(intake: Intake, inbox: Inbox) -> None:
    event = turn("un truc flou")
    intake([FeedbackEvent(event.id, 2.0, False, turn=event)])
    intake([event])
    (group,) = inbox.page()[0]
    assert (group.count, group.down) == (1, 1)


# --- the ranking


@pytest.mark.parametrize(
    ("doubt", "novelty", "count", "down", "gain"),
    [
        (1.0, 1.0, 1, 0, 1.0),  # 1 × 1 × log2(2) × 1
        (1.0, 0.0, 1, 0, 0.25),  # already in the corpus: a quarter
        (0.5, 1.0, 1, 0, 0.5),
        (0.5, 1.0, 3, 0, 1.0),  # log2(4) = 2
        (0.5, 1.0, 7, 1, 3.0),  # log2(8) = 3, × (1 + log2(2))... doubt 0.5
        (0.0, 1.0, 1, 1, 2.0),  # a sure answer that did not help: doubt 1
        (0.0, 1.0, 4, 0, 0.0),
        (1.0, None, 1, 0, 1.0),  # not measured yet
    ],
)
def test_the_expected_gain_of_a_table_made_by_hand(doubt: float, novelty: float | None, count: int, down: int, gain: float) -> None:
    assert expected_gain(doubt, novelty, count, down) == pytest.approx(gain)


def test_the_gain_grows_with_each_of_its_four_causes() -> None:
    base = expected_gain(0.5, 0.5, 5, 1)
    for other in (
        expected_gain(0.6, 0.5, 5, 1),
        expected_gain(0.5, 0.6, 5, 1),
        expected_gain(0.5, 0.5, 6, 1),
        expected_gain(0.5, 0.5, 5, 2),
    ):
        assert other > base


def test_doubt_is_what_the_model_lacks() -> None:
    assert doubt_of(turn("x")) == doubt_of(turn("x", "clarifier")) == 1.0
    assert doubt_of(turn("x", "clarifier", door("a", 0.4), door("b", 0.3))) == pytest.approx(0.6)
    assert 0.0 == doubt_of(turn("x", "conversation")) < doubt_of(turn("x", "hors_sujet")) < doubt_of(turn("x", "orienter", door("a", 0.5)))


def test_the_inbox_is_ranked_and_paged(intake: Intake, inbox: Inbox) -> None:
    intake([turn("vider mon étang", "clarifier", door("carte_grise", 0.5))])
    intake([turn("zébu et wagon")])
    intake([turn("permis pour ma grue") for _ in range(3)])
    assert texts(inbox) == ["permis pour ma grue", "zébu et wagon", "vider mon étang"]
    page, total = inbox.page(limit=1, offset=1)
    assert total == 3 and [g.text for g in page] == ["zébu et wagon"]


def test_novelty_ranks_and_suggests(intake: Intake, inbox: Inbox) -> None:
    intake([turn("refaire ma carte grise vite"), turn("quel zébu pour mon wagon")])
    index = CorpusIndex([("refaire ma carte grise", "carte_grise")])
    assert inbox.measure_novelty(index) == 2 and inbox.measure_novelty(index) == 0
    first, second = inbox.page()[0]
    assert first.text == "quel zébu pour mon wagon" and (first.novelty or 0) > (second.novelty or 1)
    assert second.suggestions == ("carte_grise",)


def test_what_was_written_elsewhere_meanwhile_is_settled(intake: Intake, inbox: Inbox) -> None:
    intake([turn("vider mon grand étang")])
    inbox.measure_novelty(CorpusIndex([("autre chose", "carte_grise")]))
    inbox.measure_novelty(CorpusIndex([("vider mon grand étang", "vidange_etang")]), again=10)
    assert texts(inbox) == []
    (group,) = inbox.page(ATTACHED)[0]
    assert (group.topic, group.labelled_by) == ("vidange_etang", "corpus")


def test_measuring_never_undoes_what_someone_did_meanwhile(intake: Intake, inbox: Inbox) -> None:
    intake([turn("vider mon grand étang")])
    inbox.measure_novelty(CorpusIndex([("autre chose", "carte_grise")]))

    class Slow(CorpusIndex):
        def compare(self, texts: Sequence[str]) -> Any:
            inbox.attach(1, "permis_chasser", "remi")
            return super().compare(texts)

    inbox.measure_novelty(Slow([("vider mon grand étang", "vidange_etang")]), again=10)
    assert (inbox.get(1).topic, inbox.get(1).labelled_by) == ("permis_chasser", "remi")


def test_a_message_the_corpus_already_held_stays_to_be_read(intake: Intake, inbox: Inbox) -> None:
    intake([turn("vider mon étang")])
    inbox.measure_novelty(CorpusIndex([("vider mon étang", "vidange_etang")]))
    assert texts(inbox) == ["vider mon étang"]


# --- the gestures


def only(inbox: Inbox, state: str = OPEN) -> Any:
    (group,) = inbox.page(state)[0]
    return group


def test_attaching_writes_the_phrase_once_and_keeps_who(intake: Intake, inbox: Inbox, corpus: Corpus, storage: Storage, clock: Any) -> None:
    intake([turn("vider mon étang"), turn("vider mon étang vite")])
    group = only(inbox)
    inbox.attach(group.id, "vidange_etang", "remi", ["vider mon étang vite", "une phrase qui n'y était pas"])
    assert corpus.held == [("vidange_etang", "vider mon étang", "remi"), ("vidange_etang", "vider mon étang vite", "remi")]
    settled = inbox.get(group.id)
    assert (settled.state, settled.topic, settled.labelled_by, settled.labelled_at) == (ATTACHED, "vidange_etang", "remi", clock.now)
    assert [(x.author, x.action, x.topic) for x in inbox.history(group.id)] == [("remi", "rattacher", "vidange_etang")]
    assert audit.entries(storage)[0][0].action == "message_rattache"
    with pytest.raises(InboxError, match="déjà traité"):
        inbox.attach(group.id, "carte_grise", "ada")
    intake([turn("vider mon étang")])
    assert inbox.get(group.id).count == 3 and texts(inbox) == []


def test_a_phrase_already_under_the_topic_is_not_written_twice(intake: Intake, inbox: Inbox, corpus: Corpus) -> None:
    corpus.held = [("vidange_etang", "Vider mon étang !", "autre")]
    intake([turn("vider mon étang")])
    inbox.attach(only(inbox).id, "vidange_etang", "remi")
    assert len(corpus.held) == 1


def test_a_phrase_the_corpus_refuses_stays_in_the_inbox(intake: Intake, inbox: Inbox, corpus: Corpus) -> None:
    corpus.error = EditError("Cette phrase existe déjà ailleurs.")
    intake([turn("vider mon étang")])
    with pytest.raises(EditError):
        inbox.attach(only(inbox).id, "vidange_etang", "remi")
    assert texts(inbox) == ["vider mon étang"]
    with pytest.raises(InboxError, match="n'existe pas"):
        inbox.attach(only(inbox).id, "sujet_invente", "remi")
    with pytest.raises(InboxError, match="n'existe pas"):
        inbox.get(99)


def test_an_ignored_message_never_returns_nor_what_is_nearly_the_same(intake: Intake, inbox: Inbox, storage: Storage) -> None:
    intake([turn("vous êtes des nuls franchement")])
    group = only(inbox)
    inbox.ignore(group.id, "remi")
    intake([turn("vous êtes des nuls franchement"), turn("franchement VOUS ETES DES NULS !!"), turn("vous etes nuls franchement")])
    assert texts(inbox) == [] and inbox.get(group.id).count == 4 and inbox.get(group.id).state == IGNORED
    with storage.read() as connection:
        assert connection.execute(select(func.count()).select_from(turns).where(turns.c.text.is_not(None))).scalar() == 0
        connection.rollback()
    with storage.write() as connection:
        connection.execute(groups.update().values(text=None))  # long after: the words are gone, the signature stays
    intake([turn("des nuls, vous êtes, franchement")])
    assert texts(inbox) == []
    with pytest.raises(InboxError, match="effacé"):
        inbox.reopen(group.id, "ada")


def test_a_message_ignored_by_mistake_comes_back(intake: Intake, inbox: Inbox) -> None:
    intake([turn("vider mon étang")])
    group = only(inbox)
    inbox.ignore(group.id, "remi")
    inbox.reopen(group.id, "ada")
    assert texts(inbox) == ["vider mon étang"]
    assert [x.action for x in inbox.history(group.id)] == ["ignorer", "rouvrir"]


def test_a_second_reader_confirms_and_it_cannot_be_the_first(intake: Intake, inbox: Inbox, corpus: Corpus) -> None:
    intake([turn("vider mon étang")])
    group = only(inbox)
    inbox.attach(group.id, "vidange_etang", "remi")
    with pytest.raises(InboxError, match="autre personne"):
        inbox.confirm(group.id, "remi")
    assert inbox.confirm(group.id, "ada").confirmed_by == "ada"
    with pytest.raises(InboxError, match="déjà traité"):
        inbox.confirm(group.id, "lea")
    assert len(corpus.held) == 1


def test_a_second_reader_refuses_and_the_phrase_leaves_the_corpus(intake: Intake, inbox: Inbox, corpus: Corpus) -> None:
    intake([turn("vider mon étang")])
    inbox.attach(only(inbox).id, "carte_grise", "remi")
    inbox.refuse(only(inbox, ATTACHED).id, "ada")
    assert corpus.held == [] and texts(inbox) == ["vider mon étang"]
    assert [x.action for x in inbox.history(only(inbox).id)] == ["rattacher", "refuser"]
    intake([turn("vider mon étang", "clarifier", door("carte_grise", 0.5), door("vidange_etang", 0.4))])
    assert only(inbox).suggestions == ("vidange_etang",)  # what a reader refused is not proposed again


def test_when_a_second_reading_is_asked_the_phrase_waits_for_it(storage: Storage, corpus: Corpus, intake: Intake) -> None:
    inbox = Inbox(storage, corpus, TOPICS, second_reader=True)
    intake([turn("vider mon étang")])
    inbox.attach(only(inbox).id, "vidange_etang", "remi")
    assert corpus.held == [] and only(inbox, WAITING).labelled_by == "remi"
    inbox.confirm(only(inbox, WAITING).id, "ada")
    assert corpus.held == [("vidange_etang", "vider mon étang", "remi")] and only(inbox, ATTACHED).confirmed_by == "ada"


def test_the_wordings_ticked_wait_too_and_are_written_with_their_message(storage: Storage, corpus: Corpus, intake: Intake) -> None:
    inbox = Inbox(storage, corpus, TOPICS, second_reader=True)
    intake([turn("comment vider mon étang"), turn("Vider mon ETANG svp"), turn("vider étang ?")])
    inbox.attach(only(inbox).id, "vidange_etang", "remi", ["vider étang ?", "jamais dite"])
    group = only(inbox, WAITING).id
    assert corpus.held == [] and inbox.waiting_variants(group) == ["vider étang ?"]
    inbox.confirm(group, "ada")
    assert [text for _, text, _ in corpus.held] == ["comment vider mon étang", "vider étang ?"]
    assert inbox.waiting_variants(group) == []


def test_two_people_on_one_message_never_both_win(intake: Intake, inbox: Inbox, storage: Storage, corpus: Corpus) -> None:
    intake([turn("vider mon étang")])
    group = only(inbox)
    inbox.ignore(group.id, "ada")
    with pytest.raises(InboxError, match="déjà traité"):
        inbox.attach(group.id, "vidange_etang", "remi")
    assert corpus.held == [] and inbox.counts()[IGNORED] == 1


def test_a_topic_made_of_a_message_settles_it(intake: Intake, inbox: Inbox) -> None:
    intake([turn("vider mon étang")])
    group = only(inbox)
    inbox.settle_written(group.id, "vidange_etang", "remi")
    assert inbox.get(group.id).state == ATTACHED
    with pytest.raises(InboxError):
        inbox.settle_written(group.id, "vidange_etang", "remi")


def test_one_more_message_costs_the_same_in_a_full_inbox(intake: Intake, inbox: Inbox, storage: Storage) -> None:
    """The cost of one more message does not grow with the inbox: the last batch against the first."""
    import random

    chance = random.Random(46)
    words = ["".join(chance.choice("aeioulnrstcdmp") for _ in range(chance.randint(4, 9))) for _ in range(2000)]
    times = []
    for _ in range(4):
        batch = [turn(" ".join(chance.sample(words, 7))) for _ in range(200)]
        started = time.perf_counter()
        intake(batch)
        times.append(time.perf_counter() - started)
    assert times[-1] < 3 * times[0] + 0.5
    assert inbox.page()[1] > 750


def test_a_message_kept_for_the_exam_is_neither_taught_nor_shown_again(
    storage: Storage, inbox: Inbox, corpus: Corpus, intake: Intake
) -> None:
    intake([turn("vider mon étang", "clarifier"), turn("une voiture en rouge feu", "clarifier")])
    with pytest.raises(InboxError, match="n'existe pas"):
        inbox.keep(1, "inconnu", "remi")
    inbox.keep(1, "vidange_etang", "remi")
    inbox.keep(2, "sans_urgence", "remi")
    assert corpus.exam == [("vider mon étang", "vidange_etang"), ("une voiture en rouge feu", "sans_urgence")] and not corpus.held
    assert texts(inbox) == [] and texts(inbox, KEPT) == [None, None] and [h.action for h in inbox.history(1)] == ["garder"]
    intake([turn("vider mon étang", "incompris")])
    assert inbox.get(1).count == 2 and inbox.get(1).state == KEPT and inbox.get(1).text is None
    with storage.read() as connection:
        assert connection.execute(select(func.count()).where(turns.c.text.is_not(None))).scalar() == 0
    with pytest.raises(InboxError):
        inbox.keep(1, "vidange_etang", "remi")


# --- the sample of sure answers


def drawn(text: str, kind: str = "orienter", *doors: dict[str, Any]) -> TurnEvent:
    return turn(text, kind, *(doors or (door("permis_chasser", 0.97),)), drawn=True)


def test_one_sure_answer_in_so_many_keeps_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    sure, button = turn("chasser", "orienter", door("permis_chasser", 0.97)), turn("", "orienter", pressed=True)
    assert without_useless_words(sure).text == "" and not without_useless_words(sure).drawn  # type: ignore[union-attr]
    kept = without_useless_words(sure, 1)
    assert isinstance(kept, TurnEvent) and kept.text == "chasser" and kept.drawn and from_line(to_line(kept)) == kept
    assert not without_useless_words(button, 1).drawn  # type: ignore[union-attr]
    doubt = turn("chasser ?", "clarifier", door("permis_chasser", 0.4))
    assert without_useless_words(doubt, 1) == doubt
    count = sum(without_useless_words(sure, 10).drawn for _ in range(5000))  # type: ignore[union-attr]
    assert 350 < count < 650


def test_a_drawn_message_waits_apart_until_it_is_checked(inbox: Inbox, intake: Intake, corpus: Corpus) -> None:
    intake([drawn("ouverture de la chasse"), drawn("mon étang déborde"), drawn("le permis de mon frère"), drawn("bonjour", "conversation")])
    assert texts(inbox) == [] and inbox.counts()[DRAWN] == 4
    inbox.check(1, True, "remi")
    inbox.check(2, False, "remi")
    inbox.keep(3, "permis_chasser", "remi")
    assert inbox.checked(0) == (2, 3) and corpus.exam == [("le permis de mon frère", "permis_chasser")]
    assert texts(inbox) == ["mon étang déborde"] and inbox.get(2).doubt == 1.0
    intake([turn("mon étang déborde", "clarifier", door("permis_chasser", 0.4))])
    assert "permis_chasser" not in inbox.get(2).suggestions  # however often it comes back
    assert inbox.get(1).text is None and inbox.counts()[RIGHT] == 1
    with pytest.raises(InboxError):
        inbox.check(1, False, "remi")
    inbox.attach(4, "carte_grise", "remi")
    assert inbox.checked(0) == (2, 4) and corpus.held == [("carte_grise", "bonjour", "remi")]


def test_a_drawn_message_that_a_person_reports_or_that_is_doubted_is_to_treat(inbox: Inbox, intake: Intake) -> None:
    reported = drawn("ouverture de la chasse")
    intake([reported, drawn("mon étang déborde")])
    intake([FeedbackEvent(reported.id, 1_790_000_001.0, False, "mauvaise_porte", None, reported), turn("mon étang déborde", "clarifier")])
    assert sorted(filter(None, texts(inbox))) == ["mon étang déborde", "ouverture de la chasse"]
    assert inbox.counts()[DRAWN] == 0


# --- search and filters


def test_search_and_filter(inbox: Inbox, intake: Intake) -> None:
    intake([turn("L'Étang déborde"), turn("la carte grise"), turn("l'étang est vide", "clarifier", door("vidange_etang", 0.4))])
    assert inbox.page(OPEN, words="etang")[1] == 2 and inbox.page(OPEN, words="ETANG vide")[1] == 1
    found, total = inbox.page(OPEN, 1, 0, "etang", lambda g: bool(g.suggestions))
    assert total == 1 and found[0].text == "l'étang est vide" and inbox.page(OPEN, 1, 1, "etang")[1] == 2
    assert set(inbox.waiting_texts().values()) == {"L'Étang déborde", "la carte grise", "l'étang est vide"}
