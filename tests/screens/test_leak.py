"""What a screen that stays up for days must not do."""

import gc
from pathlib import Path

import pytest

from tests.screens import fakes
from tui.app import RoomApp
from tui.styles_cache import close_leak
from tui.views.log import LogEntry

pytestmark = pytest.mark.anyio


def resident_bytes() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.parametrize(
    ("count", "most_bytes"),
    [(20, 1_500_000), pytest.param(200, 5_000_000, marks=pytest.mark.long)],
)
async def test_dialogues_leave_nothing_behind(count: int, most_bytes: int) -> None:
    close_leak()
    told = fakes.events_of_run(60)
    feed = fakes.FakeFeed(fakes.room_of(told, fakes.condition_of("running")), fakes.log_of(told))
    app = RoomApp(feed, fakes.CLOCK)
    async with app.run_test(size=(120, 40)) as pilot:
        for _ in range(5):
            await pilot.press("x", "n", "question_mark", "escape")
        before = resident_bytes()
        for _ in range(count // 2):
            await pilot.press("x", "n", "question_mark", "escape")
        assert resident_bytes() - before <= most_bytes


async def test_a_full_log_does_not_grow() -> None:
    told = fakes.events_of_run(5)
    feed = fakes.FakeFeed(fakes.room_of(told, fakes.condition_of("running")))
    app = RoomApp(feed, fakes.CLOCK)
    async with app.run_test(size=(120, 40)) as pilot:
        log = app.query_one("#log")
        batch = [LogEntry(fakes.NOW, "0", "cost", "x" * 90 + str(i)) for i in range(1000)]
        for _ in range(12):
            log.extend(list(batch))
            await pilot.pause()
        before = resident_bytes()
        for number in range(20):
            log.extend([entry._replace(text=f"{entry.text} {number}") for entry in batch])
            await pilot.pause()
        assert len(log.rows) == 20_000
        assert resident_bytes() - before <= 5_000_000
