"""The room, driven by keys."""

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from engine.core.commands import Pause, Resume, Stop
from tests.screens import fakes
from tui.actions import ACTIONS
from tui.app import RoomApp
from tui.ink import text_of
from tui.room import Said
from tui.screens.dialogue import AskStop, Help
from tui.screens.room import RoomScreen
from tui.views.log import LogEntry
from tui.widgets.board import BoardPane
from tui.widgets.log import LogPane
from tui.widgets.painted import Painted

pytestmark = pytest.mark.anyio
TOLD = fakes.events_of_run(60)


def feed_of(word: str = "running") -> fakes.FakeFeed:
    return fakes.FakeFeed(fakes.room_of(TOLD, fakes.condition_of(word)), fakes.log_of(TOLD))


def footer(app: RoomApp) -> str:
    return text_of(app.query_one("#footer", Painted).lines[0])


async def settle(pilot: Pilot[None]) -> None:
    """Lets the screen take the newest room, and everything that follows from it."""
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, RoomScreen)
    screen.refresh_room()
    await pilot.pause()


async def test_p_pauses_and_says_so_until_the_answer() -> None:
    feed = feed_of()
    app = RoomApp(feed, fakes.CLOCK)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("p")
        await settle(pilot)
        assert feed.sent == [Pause()]
        assert "p pausing…" in footer(app)
        await pilot.press("p")
        assert feed.sent == [Pause()]
        feed.show(fakes.room_of(TOLD, fakes.condition_of("paused", reason="by hand")))
        await settle(pilot)
        assert "p resume" in footer(app)
        await pilot.press("p")
        assert feed.sent == [Pause(), Resume()]


async def test_x_asks_first() -> None:
    feed = feed_of()
    app = RoomApp(feed, fakes.CLOCK)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("x")
        assert isinstance(app.screen, AskStop)
        await pilot.press("n")
        assert feed.sent == []
        await pilot.press("x", "enter")
        assert feed.sent == []
        await pilot.press("x", "y")
        assert feed.sent == [Stop()]


async def test_a_run_without_an_engine_cannot_be_paused_and_says_why() -> None:
    feed = feed_of("crashed")
    app = RoomApp(feed, fakes.CLOCK)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("p", "x")
        assert feed.sent == []
        assert not isinstance(app.screen, AskStop)
        (first, *_) = app._notifications
        assert "no engine holds this run: it is crashed" in first.message


async def test_q_leaves_and_closes_the_feed() -> None:
    feed = feed_of()
    app = RoomApp(feed, fakes.CLOCK)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert feed.started
        await pilot.press("q")
    assert app.return_code == 0
    assert feed.closed
    assert feed.sent == []


@pytest.mark.parametrize("key", ["question_mark", "f1"])
async def test_help_names_every_action(key: str) -> None:
    app = RoomApp(feed_of(), fakes.CLOCK)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(key)
        assert isinstance(app.screen, Help)
        text = str(app.screen.query_one(".dialogue-text").render())
        for action in ACTIONS:
            assert action.title in text
            assert action.help in text
        await pilot.press("escape")
        assert not isinstance(app.screen, Help)


async def test_every_action_has_a_key_a_method_and_a_place_in_the_palette() -> None:
    app = RoomApp(feed_of(), fakes.CLOCK)
    async with app.run_test(size=(80, 24)):
        titles = {command.title for command in app.get_system_commands(app.screen)}
        keys = [key for action in ACTIONS for key in action.keys]
        assert len(keys) == len(set(keys))
        for action in ACTIONS:
            assert callable(getattr(app, f"action_{action.id}"))
            assert action.id == "command_palette" or action.title in titles


async def test_digits_show_one_pane_at_a_time_where_the_terminal_is_small() -> None:
    app = RoomApp(feed_of(), fakes.CLOCK)
    async with app.run_test(size=(80, 24)) as pilot:
        for key, name in (("4", "board"), ("2", "chart"), ("3", "log")):
            await pilot.press(key)
            await settle(pilot)
            assert app.focused is app.query_one(f"#{name}")
            shown = {p for p in ("chart", "log", "board") if app.query_one(f"#{p}").is_on_screen}
            assert shown == {name}
            assert app.query_one("#slots").is_on_screen


async def test_a_hidden_pane_is_painted_when_it_is_shown_again() -> None:
    feed = feed_of()
    app = RoomApp(feed, fakes.CLOCK)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("4")
        await settle(pilot)
        await pilot.press("3")
        more = fakes.events_of_run(80)
        feed.show(fakes.room_of(more, fakes.condition_of("running")))
        await settle(pilot)
        board = app.query_one(BoardPane)
        before = len(board.view.rows)
        await pilot.press("4")
        await settle(pilot)
        assert (before, len(board.view.rows)) == (62, 82)


async def test_scrolling_up_stands_still_and_end_follows_again() -> None:
    feed = feed_of()
    app = RoomApp(feed, fakes.CLOCK)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        log = app.query_one(LogPane)
        assert log.following
        assert log.scroll_y == log.max_scroll_y
        await pilot.press("pageup")
        await pilot.pause()
        place = log.scroll_y
        feed.write([LogEntry(fakes.NOW, "0", "cost", f"line {i}") for i in range(312)])
        await settle(pilot)
        assert (log.following, log.unseen, log.scroll_y) == (False, 312, place)
        assert log.standing == "standing still, 312 new, End follows"
        await pilot.press("end")
        await pilot.pause()
        assert log.following
        assert log.scroll_y == log.max_scroll_y


async def test_the_log_is_capped_and_does_not_move_under_the_reader() -> None:
    app = RoomApp(feed_of(), fakes.CLOCK)
    async with app.run_test(size=(120, 40)) as pilot:
        log = app.query_one(LogPane)
        log._cap = 500
        log.extend([LogEntry(None, "0", "a", f"old {i}") for i in range(600)])
        await pilot.pause()
        assert len(log.rows) == 500
        await pilot.press("pageup")
        await pilot.pause()
        row = log.rows[round(log.scroll_y)]
        log.extend([LogEntry(None, "0", "a", f"new {i}") for i in range(100)])
        await pilot.pause()
        assert len(log.rows) == 500
        assert log.rows[round(log.scroll_y)] == row


async def test_nothing_is_painted_while_nothing_changes() -> None:
    feed = feed_of("paused")
    app = RoomApp(feed, fakes.CLOCK)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await pilot.pause()
        screen = app.screen_stack[0]
        assert isinstance(screen, RoomScreen)
        feed.show(replace(feed.room()))
        for _ in range(5):
            screen.refresh_room()
            screen.refresh_ages()
        names = ("slots", "chart", "log", "board", "header", "footer", "notice")
        assert [name for name in names if app.query_one(f"#{name}")._repaint_required] == []


async def test_a_refusal_is_told_once() -> None:
    feed = feed_of()
    app = RoomApp(feed, fakes.CLOCK)
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        feed.show(
            replace(feed.room(), said=Said(1, "pause was refused: [it] is late", refused=True))
        )
        app._tell_answers()
        app._tell_answers()
        await pilot.pause()
        assert [each.message for each in app._notifications] == ["pause was refused: [it] is late"]


async def test_a_tiny_terminal_gets_a_card_and_q_still_works() -> None:
    app = RoomApp(feed_of(), fakes.CLOCK)
    async with app.run_test(size=(50, 12)) as pilot:
        await pilot.pause()
        assert app.query_one("#too-small").is_on_screen
        assert not app.query_one("#header").is_on_screen
        assert "60×16" in str(app.query_one("#too-small").render())
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert app.query_one("#board").is_on_screen
        await pilot.press("q")
    assert app.return_code == 0
