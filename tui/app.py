"""The application: actions, theme and how it ends."""

import traceback
from collections.abc import Iterator
from typing import ClassVar

from rich.segment import Segments
from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from engine.core.commands import (
    AddTodo,
    CancelFinish,
    EditTodo,
    Finish,
    Pause,
    ResolveTodo,
    Resume,
    Review,
    Stop,
)
from tui import styles
from tui.actions import ACTIONS, PAUSED_WORDS
from tui.clock import Clock
from tui.life import Life
from tui.room import Feed, Said
from tui.screens.dialogue import AskFinish, AskResolve, AskStop, AskText, Choices, Help
from tui.screens.room import RoomScreen

_BY_ID = {action.id: action for action in ACTIONS}


def _bindings() -> list[BindingType]:
    return [
        Binding(",".join(action.keys), action.id, action.title, id=action.id, show=False)
        for action in ACTIONS
    ]


class RoomApp(App[None]):
    """The screen of one run."""

    CSS = styles.CSS
    TITLE = "controlroom"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = _bindings()

    def __init__(self, feed: Feed, clock: Clock | None = None) -> None:
        super().__init__()
        self._feed = feed
        self._told = 0
        self._life = Life(self.leave_quietly)
        self._clock = clock or Clock()
        self._room_screen = RoomScreen(feed, self._clock)
        self.animation_level = "none"
        self.register_theme(styles.THEME)
        self.theme = "room"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own names for colours, for themes that lack them."""
        return styles.DEFAULTS

    def get_default_screen(self) -> Screen[None]:
        """The room."""
        return self._room_screen

    def on_mount(self) -> None:
        """Listens to signals, to the terminal and to answers."""
        self._life.begin()
        self._room_screen.set_class(self.no_color, "colourless")
        self.set_interval(0.2, self._tell_answers)

    def on_unmount(self) -> None:
        """Stops reading."""
        self._feed.close()
        self._life.end()

    def leave_quietly(self, status: int) -> None:
        """Ends the screen for a signal or a terminal that is gone."""
        self.exit(return_code=status)

    def action_toggle_pause(self) -> None:
        """Asks the run to pause, or to go on."""
        if self._may("toggle_pause"):
            paused = self._feed.room().condition.word in PAUSED_WORDS
            self._feed.send(Resume() if paused else Pause())

    def action_ask_stop(self) -> None:
        """Asks the person, then the run, to stop."""
        if self._may("ask_stop"):
            room = self._feed.room()
            steps = sum(row.since is not None and row.slot is not None for row in room.slots.rows)
            self.push_screen(AskStop(room.run, steps), self._stop_answered)

    def _stop_answered(self, yes: bool | None) -> None:  # noqa: FBT001 - a dialogue's answer
        if yes:
            self._feed.send(Stop())

    def action_ask_finish(self) -> None:
        """Shows the finish that is planned, or asks whether there shall be one."""
        if self._may("ask_finish"):
            room = self._feed.room()
            card = AskFinish(room.run, lambda: self._feed.room().finish, self._clock)
            self.push_screen(card, self._finish_answered)

    def _finish_answered(self, what: str | None) -> None:
        match what:
            case "now":
                self._feed.send(Finish())
            case "report":
                self._feed.send(Finish(report_only=True))
            case "cancel":
                self._feed.send(CancelFinish())
            case "minutes":
                self.push_screen(AskText("Over in how many minutes?"), self._minutes_answered)
            case _:
                pass

    def _minutes_answered(self, text: str | None) -> None:
        if not text:
            return
        try:
            minutes = float(text)
        except ValueError:
            self.notify(f"{text} is no number of minutes.", severity="error", markup=False)
            return
        self._feed.send(Finish(minutes=minutes))

    def action_leave(self) -> None:
        """Closes the screen."""
        self.exit()

    async def action_quit(self) -> None:
        """What Textual binds to its own key for quitting: the same as leaving."""
        self.exit()

    def action_help(self) -> None:
        """Shows the keys."""
        self.push_screen(Help())

    def action_follow(self) -> None:
        """Shows the log and follows it."""
        self._room_screen.go_to("log")
        self._room_screen.log_pane.follow()

    def action_pane_slots(self) -> None:
        """Goes to the slots."""
        self._room_screen.go_to("slots")

    def action_pane_chart(self) -> None:
        """Goes to the champion's curve."""
        self._room_screen.go_to("chart")

    def action_pane_log(self) -> None:
        """Goes to the log."""
        self._room_screen.go_to("log")

    def action_pane_board(self) -> None:
        """Goes to the leaderboard."""
        self._room_screen.go_to("board")

    def action_pane_todos(self) -> None:
        """Goes to the open work."""
        self._room_screen.go_to("todos")

    def action_ask_mentor(self) -> None:
        """Asks for a review now."""
        if self._may("ask_mentor"):
            self._feed.send(Review())

    def action_choices(self) -> None:
        """Shows what reviews looked at, and what they said of it."""
        if self._may("choices"):
            self.push_screen(Choices(lambda: self._feed.room().choices))

    def action_add_todo(self) -> None:
        """Asks for a sentence, and puts it into the queue."""

        def answered(text: str | None) -> None:
            if text:
                self._feed.send(AddTodo(text=text))

        if self._may("add_todo"):
            self.push_screen(AskText("What is to be done?"), answered)

    def action_edit_todo(self) -> None:
        """Asks for other words for the marked item."""
        row = self._room_screen.todos_pane.marked

        def answered(text: str | None) -> None:
            if text and row is not None and text != row.text:
                self._feed.send(EditTodo(todo=row.id, text=text))

        if self._may("edit_todo") and row is not None:
            self.push_screen(AskText(f"{row.id}, in other words:", row.text), answered)

    def action_resolve_todo(self) -> None:
        """Asks whether the marked item is done."""
        row = self._room_screen.todos_pane.marked

        def answered(yes: bool | None) -> None:  # noqa: FBT001 - a dialogue's answer
            if yes and row is not None:
                self._feed.send(ResolveTodo(todo=row.id))

        if self._may("resolve_todo") and row is not None:
            self.push_screen(AskResolve(row.id, row.text), answered)

    def get_system_commands(self, screen: Screen[object]) -> Iterator[SystemCommand]:
        """The palette: our actions, and Textual's choice of themes."""
        del screen
        for action in ACTIONS:
            if action.id != "command_palette":
                yield SystemCommand(action.title, action.help, getattr(self, f"action_{action.id}"))
        yield SystemCommand("Theme", "Choose other colours", self.action_change_theme)

    def _may(self, action: str) -> bool:
        """Whether the action can be done now; if not, the person is told why."""
        reason = _BY_ID[action].unavailable(self._feed.room())
        if reason:
            self.notify(f"Not now: {reason}.", markup=False)
        return not reason

    def _tell_answers(self) -> None:
        said = self._feed.room().said
        if said is not None and said.number != self._told:
            self._told = said.number
            self._tell(said)

    def _tell(self, said: Said) -> None:
        self.notify(said.text, severity="error" if said.refused else "information", markup=False)

    def _fatal_error(self) -> None:
        """Textual's own report prints local variables, and with them whatever secret they hold."""
        trace = Text(traceback.format_exc())
        self._exit_renderables.append(Segments(self.console.render(trace, self.console.options)))
        self._close_messages_no_wait()
