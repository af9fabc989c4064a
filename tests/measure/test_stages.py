"""Each stage of a turn is timed, inside its turn, and only while somebody asks."""

from __future__ import annotations

from conftest import MakeRouter

from bot.base.stopwatch import Stopwatch, stage, timing
from bot.measure.stages import time_stages


def test_every_stage_is_named_and_their_sum_is_the_turn(make_router: MakeRouter) -> None:
    found = time_stages(make_router({"carte": {"carte_grise_achat": 0.98}}), "je voudrais refaire ma carte grise", runs=1)
    assert {"urgence", "masquage", "nettoyage", "tableaux", "découpe en demandes", "commune", "décision"} < {*found}
    assert [*found][-2:] == ["le reste", "en tout"]
    assert abs(sum(found.values()) - 2 * found["en tout"]) < 1e-6
    assert found["en tout"] > 0


def test_what_is_inside_is_counted_once(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    clock = iter([0.0, 1.0, 3.0, 10.0])
    monkeypatch.setattr("bot.base.stopwatch.time.thread_time", lambda: next(clock))
    watch = Stopwatch()
    with watch.around("dehors"), watch.around("dedans"):
        pass
    assert watch.own == {"dedans": 2.0, "dehors": 8.0}


def test_a_stage_is_timed_only_when_asked() -> None:
    @stage("double")
    def double(number: int) -> int:
        return 2 * number

    with timing() as watch:
        assert double(2) == 4
    assert [*watch.own] == ["double"]
    before = dict(watch.own)
    assert double(3) == 6 and watch.own == before
