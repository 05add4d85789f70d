"""What the screen shows of the finish, and the key that plans and cancels it."""

import pytest

from engine.core import events as e
from engine.core.commands import CancelFinish, Finish
from tests.screens import fakes
from tui.app import RoomApp
from tui.ink import text_of
from tui.screens.dialogue import AskFinish
from tui.views.finish import finish_of, plan_lines
from tui.views.header import header_line

TOLD = fakes.events_of_run(20)
AT = fakes.NOW - 60
PLANNED = e.FinishPlanned(
    by="ann", source="command", activate_at=fakes.iso(fakes.NOW + 120),
    deadline=fakes.iso(fakes.NOW + 3720), final_rounds=1, top_k=10, note="go home",
)  # fmt: skip
BEGAN = e.FinishBegan(
    deadline=PLANNED.deadline, latest_start=fakes.iso(fakes.NOW + 60),
    cut_at=fakes.iso(fakes.NOW + 600), report_at=fakes.iso(fakes.NOW + 1200),
    final_rounds=1, leaders=10, left_out=["no time for 2 leaders"],
)  # fmt: skip
SCHEDULED = [*TOLD, (AT, PLANNED)]
FROZEN = [*SCHEDULED, (AT, BEGAN)]
REPORTING = [*FROZEN, (AT, e.FinishMoved(phase="reporting", reason=""))]


def header_text(events: list[tuple[float, e.AnyEvent]], word: str, width: int = 160) -> str:
    room = fakes.room_of(events, fakes.condition_of(word))
    return text_of(header_line(room.header, width, fakes.NOW))


def test_the_header_counts_down() -> None:
    assert "finish in 2 m 00 s" in header_text(SCHEDULED, "running")
    assert "over in 1 h 02 m" in header_text(FROZEN, "finishing")
    assert "1 h 02 m" in header_text(FROZEN, "finishing", 60)
    assert "over in" not in header_text([*FROZEN, (AT, cancelled())], "running")


def cancelled() -> e.FinishCancelled:
    return e.FinishCancelled(by="ann", phase="final_rounds")


def test_the_plan_is_told_with_its_clock() -> None:
    view = finish_of(fakes.folded(FROZEN))
    lines = plan_lines(view, fakes.NOW)
    assert lines[0] == "final rounds, planned by ann"
    assert "cuts off  in 10 m 00 s" in lines
    assert "no time for 2 leaders" in lines
    assert lines[-1] == "go home"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("events", "word", "keys", "sent"),
    [
        (TOLD, "running", ["f", "y"], [Finish()]),
        (TOLD, "running", ["f", "r"], [Finish(report_only=True)]),
        (TOLD, "running", ["f", "m", "9", "0", "enter"], [Finish(minutes=90)]),
        (TOLD, "running", ["f", "m", "x", "enter"], []),
        (TOLD, "running", ["f", "c", "n"], []),
        (TOLD, "stopped", ["f", "y"], []),
        (SCHEDULED, "running", ["f", "y", "c"], [CancelFinish()]),
        (FROZEN, "finishing", ["f", "c"], [CancelFinish()]),
        (REPORTING, "reporting", ["f", "c", "escape"], []),
    ],
)
async def test_f_plans_shows_and_cancels(
    events: list[tuple[float, e.AnyEvent]], word: str, keys: list[str], sent: list[object]
) -> None:
    feed = fakes.FakeFeed(fakes.room_of(events, fakes.condition_of(word)))
    async with RoomApp(feed, fakes.CLOCK).run_test(size=(120, 40)) as pilot:
        await pilot.press(*keys)
        assert feed.sent == sent


@pytest.mark.anyio
async def test_the_card_shows_the_plan_and_closes() -> None:
    feed = fakes.FakeFeed(fakes.room_of(FROZEN, fakes.condition_of("finishing")))
    async with RoomApp(feed, fakes.CLOCK).run_test(size=(120, 40)) as pilot:
        await pilot.press("f")
        card = pilot.app.screen
        assert isinstance(card, AskFinish)
        shown = str(card.query_one(".dialogue-text").render())
        assert "cuts off  in 10 m 00 s" in shown
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, AskFinish)
