"""What the screen shows of the mentor, and the key that calls it."""

from dataclasses import replace

import anyio
import pytest

from engine.core import events as e
from engine.core.commands import Review
from engine.core.event import LogSpan
from engine.core.ids import IterationNumber, ReviewId
from engine.core.reviews.parts import Opinion, Signals
from tests.screens import fakes
from tui.app import RoomApp
from tui.ink import text_of
from tui.views.slots import slot_lines
from tui.widgets.painted import Painted

TOLD = fakes.events_of_run(20)
NAME = ReviewId("r-001")
LOG = LogSpan(path="logs/mentor.log")
SIGNALS = Signals(
    research=0.2, breakout=0.3, todo_pressure=0.0, since_champion=3, since_search=20,
    failures_in_a_row=0, open_todos=0, drifts=False,
)  # fmt: skip
STARTED = e.ReviewStarted(
    review=NAME, at_iteration=IterationNumber(18), reasons=["every 4 iterations"], mode="standard",
    signals=SIGNALS, agent="codex", model=None, effort=None, folder="agents/r-001",
    prompt_sha256="", parts=[], log=LOG,
)  # fmt: skip
ENDED = e.ReviewFinished(
    review=NAME, outcome="answered", detail="", duration_s=3.2, log=LOG,
    opinion=Opinion(course="off_track", critique="The same idea [three] times."),
)  # fmt: skip


def test_while_it_looks_it_has_a_row_below_the_slots() -> None:
    room = fakes.room_of([*TOLD, (fakes.NOW - 7, STARTED)], fakes.condition_of("running"))
    lines = [text_of(each) for each in slot_lines(room.slots, 60, fakes.NOW)]
    assert lines[-1].split() == ["mentor", "r-001:", "every", "4", "iterations", "7", "s"]
    ended = [*TOLD, (fakes.NOW - 7, STARTED), (fakes.NOW - 3, ENDED)]
    assert "mentor" not in str(fakes.room_of(ended, fakes.condition_of("running")).slots)
    said = [(each.source, each.text) for each in fakes.log_of(ended)]
    assert said[-1] == ("mentor", "r-001 off track in 3.2 s: The same idea [three] times.")


@pytest.mark.anyio
async def test_m_calls_it_where_there_is_one() -> None:
    room = fakes.room_of(TOLD, fakes.condition_of("running"))
    feed = fakes.FakeFeed(room)
    async with RoomApp(feed, fakes.CLOCK).run_test(size=(120, 40)) as pilot:
        await pilot.press("m")
        assert feed.sent == []
        feed.show(replace(room, header=replace(room.header, has_mentor=True)))
        pilot.app.screen_stack[0].refresh_room()  # type: ignore[attr-defined]
        await pilot.press("m")
        assert feed.sent == [Review()]
        footer = pilot.app.query_one("#footer", Painted)
        with anyio.fail_after(10):
            while "m mentor" not in text_of(footer.lines[0]):
                await pilot.pause()
