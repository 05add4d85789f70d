"""The room: all panes of one run."""

from collections.abc import Iterator
from typing import Final

from textual.containers import Container, Vertical
from textual.content import Content
from textual.events import DescendantBlur, DescendantFocus, Resize
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tui.actions import PANES, footer_line
from tui.clock import Clock
from tui.room import Feed, Room
from tui.views.condition import Notice
from tui.views.header import header_line
from tui.widgets.board import BoardPane
from tui.widgets.chart import ChartPane
from tui.widgets.log import LogPane
from tui.widgets.painted import Painted
from tui.widgets.pane import Pane
from tui.widgets.slots import SlotsPane
from tui.widgets.todos import TodosPane

TICK_S: Final = 1 / 10
SMALLEST: Final = (60, 16)
COMPACT: Final = (100, 30)
WIDE: Final = 160
TALL: Final = 48


class RoomScreen(Screen[None]):
    """Takes the newest views ten times a second and paints what changed and is seen."""

    def __init__(self, feed: Feed, clock: Clock) -> None:
        super().__init__()
        self._feed, self._clock = feed, clock
        self._room: Room | None = None
        self._painted: dict[str, object] = {}
        self._shown = "log"
        self._header, self._footer = Painted(id="header"), Painted(id="footer")
        self._notice = Static(id="notice")
        self._slots, self._chart = SlotsPane(id="slots"), ChartPane(id="chart")
        self._log, self._board = LogPane(clock.zone, id="log"), BoardPane(id="board")
        self._todos = TodosPane(id="todos")
        bodies: dict[str, Widget] = {
            "slots": self._slots,
            "chart": self._chart,
            "log": self._log,
            "board": self._board,
            "todos": self._todos,
        }
        self._panes = {name: Pane(name, digit, title, bodies[name]) for name, digit, title in PANES}

    def compose(self) -> Iterator[Widget]:
        """First line, sentence, two columns of panes, last line."""
        panes = self._panes
        yield self._header
        yield self._notice
        with Container(id="columns"):
            yield Vertical(panes["slots"], panes["log"], id="left", classes="column")
            yield Vertical(
                panes["chart"], panes["board"], panes["todos"], id="right", classes="column"
            )
        yield self._footer
        yield Static(id="too-small")

    def on_mount(self) -> None:
        """Starts to look, after the frame is on the terminal."""
        self._log.focus()
        self.refresh_room()
        self.call_after_refresh(self._feed.start)
        self.set_interval(TICK_S, self.refresh_room)
        self.set_interval(1.0, self.refresh_ages)

    @property
    def room(self) -> Room:
        """What is shown now."""
        return self._room or self._feed.room()

    @property
    def log_pane(self) -> LogPane:
        """The log."""
        return self._log

    @property
    def todos_pane(self) -> TodosPane:
        """The open work."""
        return self._todos

    def refresh_room(self) -> None:
        """Takes the newest views and paints the panes that changed."""
        room = self._feed.room()
        first, self._room = self._room is None, room
        now = self._clock.now()
        if self._changed("header", (room.header, room.condition)) or first:
            self._paint_header(now)
        if self._changed("footer", (room.condition, room.pending)) or first:
            self._paint_footer(now)
        if self._changed("notice", room.notice):
            self._paint_notice(room.notice)
        if self._changed("slots", room.slots) or first:
            self._slots.show(room.slots, now)
            self._panes["slots"].say()
        self._refresh_panes(room)

    def _refresh_panes(self, room: Room) -> None:
        if self._chart.is_on_screen and self._changed("chart", room.chart):
            self._chart.show(room.chart)
            self._panes["chart"].say(aside=room.chart.title)
        if self._board.is_on_screen and self._changed("board", room.board):
            self._board.show(room.board)
            count = len(room.board.rows)
            self._panes["board"].say(aside=f"{count:,} candidates" if count else "")
        if self._changed("todos", room.todos):
            self.set_class(bool(room.todos.rows), "has-todos")
            self._todos.show(room.todos)
            self._panes["todos"].say(aside=room.todos.aside)
        if self._log.is_on_screen or not self._log.rows:
            self._log.extend(self._feed.take_lines())
            self._panes["log"].say(note=self._log.standing)

    def refresh_ages(self) -> None:
        """Once a second: what grows by itself."""
        now = self._clock.now()
        self._paint_header(now)
        self._slots.tick(now)
        if self.room.pending is not None:
            self._paint_footer(now)

    def _changed(self, what: str, view: object) -> bool:
        known = self._painted.get(what)
        if what in self._painted and (known is view or known == view):
            return False
        self._painted[what] = view
        return True

    def _paint_header(self, now: float) -> None:
        self._header.paint([header_line(self.room.header, self.size.width, now)])

    def _paint_footer(self, now: float) -> None:
        self._footer.paint([footer_line(self.room, self.size.width, now)])

    def _paint_notice(self, notice: Notice | None) -> None:
        self._notice.set_class(notice is not None, "shown")
        self._notice.set_class(notice is not None and notice.alarm, "alarm")
        self._notice.update(Content(notice.text if notice else ""))

    def on_resize(self, event: Resize) -> None:
        """Chooses the layout for the terminal's size."""
        width, height = event.size
        self.set_class(width < SMALLEST[0] or height < SMALLEST[1], "tiny")
        self.set_class(width < COMPACT[0] or height < COMPACT[1], "compact")
        self.set_class(width >= WIDE, "wide")
        self.set_class(height >= TALL, "tall")
        card = f"The room needs {SMALLEST[0]}×{SMALLEST[1]} characters; here are {width}×{height}."
        self.query_one("#too-small", Static).update(Content(f"{card}\nq leaves; the run goes on."))
        self._show_pane(self._shown)
        now = self._clock.now()
        self._paint_header(now)
        self._paint_footer(now)

    def go_to(self, name: str) -> None:
        """Puts the keys on a pane; on a small terminal, shows it instead of the one before."""
        if name != "slots":
            self._shown = name
        self._show_pane(self._shown)
        self._panes[name].body.focus()

    def _show_pane(self, name: str) -> None:
        for other, _, _ in PANES:
            self.set_class(other == name, f"show-{other}")

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Marks the title of the pane that has the keys now."""
        del event
        self._paint_titles()

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        """Takes the mark away."""
        del event
        self._paint_titles()

    def _paint_titles(self) -> None:
        for pane in self._panes.values():
            pane.paint_title()
