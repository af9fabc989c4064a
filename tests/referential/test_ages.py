"""Each kind of fact has its own age limit; a check by a person renews what an old sheet says."""

from __future__ import annotations

from datetime import date

from bot.referential import Facts, Referential, Sheet
from bot.referential.ages import due_facts, months_before

TODAY = date(2026, 11, 26)


def with_facts(referential: Referential, facts: Facts) -> Referential:
    topic = referential.topics["passeport"]
    sheet = Sheet(numero="F1", titre="Passeport", date=date(2026, 1, 1))
    known = topic.copy(update={"fiche": sheet, "faits": facts})
    return referential.copy(update={"topics": {"passeport": known}})


def due(referential: Referential, today: date) -> set[str]:
    return {f.kind for f in due_facts(referential, today) if f.owner == "passeport"}


def test_a_price_is_due_before_a_right(referential: Referential) -> None:
    known = with_facts(referential, Facts(cout="C'est gratuit.", qui="Vous-même."))
    assert due(known, date(2026, 3, 1)) == set()
    assert due(known, TODAY) == {"cout"}
    assert due(known, date(2029, 1, 1)) == {"cout", "qui", "sujet"}


def test_a_check_by_a_person_renews_a_sheet(referential: Referential) -> None:
    known = with_facts(referential, Facts(cout="C'est gratuit.", verifie_le=date(2026, 11, 1)))
    assert due(known, TODAY) == set()


def test_topics_are_due_after_their_own_limit(referential: Referential) -> None:
    assert not [f for f in due_facts(referential, TODAY) if f.kind == "sujet"]
    assert len([f for f in due_facts(referential, date(2028, 11, 26)) if f.kind == "sujet"]) == len(referential.topics)


def test_the_oldest_and_the_never_checked_come_first(referential: Referential) -> None:
    days = [f.checked or date.min for f in due_facts(referential, date(2028, 11, 26))]
    assert days == sorted(days)


def test_months_end_where_the_month_ends() -> None:
    assert months_before(date(2026, 3, 31), 1) == date(2026, 2, 28)
    assert months_before(date(2026, 1, 15), 13) == date(2024, 12, 15)
