"""Each stage of a turn is timed, inside its turn, and the router is left as it was."""

from __future__ import annotations

from bot.measure.stages import stages_of, time_stages
from bot.routing import router as flow
from bot.routing.router import Router


def test_every_stage_is_named_and_their_sum_is_the_turn(bare_router: Router) -> None:
    before = flow.mask, flow.clean
    found = time_stages(bare_router, "je voudrais refaire ma carte grise", runs=1)
    assert [*found] == [*(name for name, *_ in stages_of(bare_router)), "le reste", "en tout"]
    assert abs(sum(found.values()) - 2 * found["en tout"]) < 1e-6
    assert found["en tout"] > 0
    assert (flow.mask, flow.clean) == before
    assert "read" not in vars(bare_router)
