"""What the room looks like. After a change, look, then run with `--snapshot-update`."""

import os
from collections.abc import Callable

import pytest

from engine.core import events as e
from tests.screens import fakes
from tui.app import RoomApp

SIZES = [(80, 24), (120, 40), (200, 50)]
TOLD = fakes.events_of_run()
SHORT = fakes.events_of_run(8, open_steps=1)
ENDED = [
    *fakes.events_of_run(200, open_steps=0),
    (fakes.NOW - 9, e.RunFinished(reason="iterations", detail="200 iterations", exit_status=0)),
    (fakes.NOW - 8, e.EngineStopped(reason="done", exit_status=0, alive_s=12_000.0)),
]


def running() -> fakes.FakeFeed:
    return fakes.FakeFeed(fakes.room_of(TOLD, fakes.condition_of("running")), fakes.log_of(TOLD))


def paused() -> fakes.FakeFeed:
    condition = fakes.condition_of("paused", reason="the fan is loud")
    return fakes.FakeFeed(fakes.room_of(SHORT, condition), fakes.log_of(SHORT))


def crashed() -> fakes.FakeFeed:
    condition = fakes.condition_of("crashed", beat_at=fakes.NOW - 95)
    return fakes.FakeFeed(fakes.room_of(TOLD, condition), fakes.log_of(TOLD))


def empty() -> fakes.FakeFeed:
    condition = fakes.condition_of("starting", pid=None, beat_at=None, alive_s=None)
    return fakes.FakeFeed(fakes.room_of(None, condition))


def done() -> fakes.FakeFeed:
    condition = fakes.condition_of("done", reason="200 iterations", beat_at=fakes.NOW - 8)
    return fakes.FakeFeed(fakes.room_of(ENDED, condition), fakes.log_of(ENDED))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("feed", [running, paused, crashed, empty, done])
def test_room(
    feed: Callable[[], fakes.FakeFeed], size: tuple[int, int], snap_compare: Callable[..., bool]
) -> None:
    assert snap_compare(RoomApp(feed(), fakes.CLOCK), terminal_size=size)


@pytest.mark.parametrize("keys", [["2"], ["4"], ["x"], ["question_mark"]], ids="-".join)
def test_small_terminal(keys: list[str], snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(RoomApp(running(), fakes.CLOCK), terminal_size=(80, 24), press=keys)


def test_tiny_terminal(snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(RoomApp(running(), fakes.CLOCK), terminal_size=(50, 12))


def test_without_colour(snap_compare: Callable[..., bool]) -> None:
    os.environ["NO_COLOR"] = "1"
    try:
        app = RoomApp(crashed(), fakes.CLOCK)
    finally:
        del os.environ["NO_COLOR"]
    assert snap_compare(app, terminal_size=(120, 40))
