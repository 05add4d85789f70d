"""The pane of open work, and the keys that change it."""

import pytest
from textual.pilot import Pilot

from engine.core import events as e
from engine.core.commands import AddTodo, EditTodo, ResolveTodo
from engine.core.ids import TodoId
from tests.screens import fakes
from tui.app import RoomApp
from tui.ink import text_of
from tui.screens.room import RoomScreen
from tui.widgets.todos import TodosPane

pytestmark = pytest.mark.anyio
TOLD = fakes.events_of_run(20)


def added(number: int, text: str, by: str = "codex") -> tuple[float, e.AnyEvent]:
    name = TodoId(f"t-{number:04d}")
    return fakes.NOW - 5, e.TodoAdded(todo=name, text=text, role="worker", by=by)


def feed_of(*texts: str) -> fakes.FakeFeed:
    told = [*TOLD, *(added(number, text) for number, text in enumerate(texts, 1))]
    return fakes.FakeFeed(fakes.room_of(told, fakes.condition_of("running")), fakes.log_of(told))


def pane_of(pilot: Pilot[None]) -> TodosPane:
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, RoomScreen)
    return screen.todos_pane


def shown(pilot: Pilot[None]) -> list[str]:
    pane = pane_of(pilot)
    return [text_of(pane.row(index, 60)) for index in range(pane.count)]


async def test_the_pane_is_there_while_something_is_open() -> None:
    async with RoomApp(feed_of(), fakes.CLOCK).run_test(size=(120, 40)) as pilot:
        assert not pane_of(pilot).is_on_screen
    app = RoomApp(feed_of("look at the copies"), fakes.CLOCK)
    async with app.run_test(size=(120, 40)) as pilot:
        assert pane_of(pilot).is_on_screen
        assert shown(pilot) == [f"▸{'t-0001  look at the copies':<48}  codex, 0 "]


async def test_what_was_typed_is_asked_of_the_run() -> None:
    feed = feed_of()
    async with RoomApp(feed, fakes.CLOCK).run_test(size=(80, 24)) as pilot:
        await pilot.press("t", *"try q", "space", "x", "enter")
        assert feed.sent == [AddTodo(text="try q x")]
        feed.sent.clear()
        await pilot.press("t", "a", "escape")
        await pilot.press("e", "r")
        assert feed.sent == []


async def test_the_marked_item_is_edited_or_resolved() -> None:
    feed = feed_of("first", "[second] item", "third")
    async with RoomApp(feed, fakes.CLOCK).run_test(size=(120, 40)) as pilot:
        await pilot.press("5", "down", "e", "home", "a", "enter")
        assert feed.sent == [EditTodo(todo=TodoId("t-0002"), text="a[second] item")]
        feed.sent.clear()
        feed.show(feed_of("first", "[second] item", "third").room())
        await pilot.press("r", "n")
        assert feed.sent == []
        await pilot.press("down", "down", "down", "up", "r", "y")
        assert feed.sent == [ResolveTodo(todo=TodoId("t-0002"))]


async def test_the_mark_stays_on_its_item() -> None:
    feed = feed_of("first", "second", "third")
    async with RoomApp(feed, fakes.CLOCK).run_test(size=(120, 40)) as pilot:
        await pilot.press("5", "down")
        done = e.TodoResolved(todo=TodoId("t-0001"), reason="", by="codex")
        told = [*TOLD, *(added(n, t) for n, t in enumerate(("first", "second", "third"), 1))]
        feed.show(fakes.room_of([*told, (fakes.NOW, done)], fakes.condition_of("running")))
        pilot.app.screen_stack[0].refresh_room()  # type: ignore[attr-defined]
        marked = pane_of(pilot).marked
        assert marked is not None
        assert marked.id == "t-0002"
