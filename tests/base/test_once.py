"""What is asked twice in a turn is worked out once, and nothing is kept after it."""

from __future__ import annotations

from bot.base.once import once, turn


class Counter:
    def __init__(self) -> None:
        self.asked: list[object] = []

    @once
    def of(self, thing: object) -> int | None:
        self.asked.append(thing)
        return len(self.asked) if thing else None


def test_a_turn_asks_once_and_forgets() -> None:
    counter = Counter()
    text = "bonjour"
    with turn():
        with turn():  # a turn inside another is part of it
            assert counter.of(text) == counter.of("".join(["bon", "jour"])) == 1
        assert counter.of(text) == 1
        assert counter.of("") is counter.of("") is None
    assert counter.asked == [text, ""]
    assert counter.of(text) == 3
    assert counter.of(text) == 4
    with turn():
        assert counter.of(text) == 5


def test_objects_are_known_by_themselves_not_by_what_they_hold() -> None:
    counter = Counter()
    with turn():
        first, second = [1], [1]
        assert (counter.of(first), counter.of(second), counter.of(first)) == (1, 2, 1)
        assert Counter().of(first) == 1  # another object asks for itself
        for number in range(100):  # an object that is gone gives its place to no other
            assert counter.of([number]) == number + 3
