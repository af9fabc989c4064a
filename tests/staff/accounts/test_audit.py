"""The journal's chain: every way of tampering with it shows."""

from __future__ import annotations

import pytest

from bot.staff.accounts import audit
from bot.staff.storage import Storage


@pytest.fixture
def chain(storage: Storage) -> Storage:
    with storage.write() as connection:
        for number in range(5):
            audit.record(connection, "ada", "mode", f"cible {number}", {"valeur": number, "accent": "é"})
    return storage


def test_an_untouched_chain_holds(chain: Storage) -> None:
    verdict = audit.verify(chain)
    lines, total = audit.entries(chain, limit=2)
    assert (verdict.lines, verdict.broken, verdict.last) == (5, None, lines[0].digest)
    assert total == 5 and [e.id for e in lines] == [5, 4] and lines[0].details == {"accent": "é", "valeur": 4}
    assert lines[0].previous == lines[1].digest and lines[0].sentence == "a changé le mode de l'assistant"


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("UPDATE audit SET actor = 'bob' WHERE id = 3", 3),
        ("UPDATE audit SET at = at + 60 WHERE id = 2", 2),
        ("UPDATE audit SET details = '{}' WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 2", 3),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("UPDATE audit SET id = id + 10 WHERE id = 5", 15),
    ],
)
def test_tampering_shows(chain: Storage, tampering: str, broken: int) -> None:
    with chain.write() as connection:
        connection.exec_driver_sql(tampering)
    assert audit.verify(chain).broken == broken


def test_cutting_the_end_shows_against_a_noted_digest(chain: Storage) -> None:
    noted = audit.verify(chain).last
    with chain.write() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE id = 5")
    assert audit.verify(chain).last != noted


def test_a_deed_that_fails_leaves_no_line(storage: Storage) -> None:
    with pytest.raises(KeyError), storage.write() as connection:
        audit.record(connection, "ada", "mode")
        raise KeyError
    assert audit.verify(storage) == audit.Verdict(0, None, audit.ORIGIN)


def test_lines_are_filtered(chain: Storage) -> None:
    with chain.write() as connection:
        audit.record(connection, "bob", "bandeau")
    assert audit.entries(chain, actor="bob")[1] == 1
    assert audit.entries(chain, action="mode")[1] == 5
    assert audit.entries(chain, actor="bob", action="mode")[1] == 0
