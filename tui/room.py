"""What the screen knows at one moment, and where it gets it from."""

from dataclasses import dataclass, field
from typing import Protocol

from engine.core.commands import AnyCommand
from tui.views.board import BoardView
from tui.views.chart import ChartView
from tui.views.choices import ChoicesView
from tui.views.condition import Condition, Notice
from tui.views.finish import FinishView
from tui.views.header import HeaderView
from tui.views.log import LogEntry
from tui.views.slots import SlotsView
from tui.views.todos import TodosView


@dataclass(frozen=True, slots=True)
class Pending:
    """A command that was sent and not answered yet."""

    name: str
    since: float


@dataclass(frozen=True, slots=True)
class Said:
    """An answer to tell the person once; `number` tells it from the one before."""

    number: int
    text: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """All panes at one moment. A pane's view is the same object as long as nothing changed."""

    run: str
    condition: Condition
    header: HeaderView
    slots: SlotsView = field(default_factory=SlotsView)
    board: BoardView = field(default_factory=BoardView)
    chart: ChartView = field(default_factory=ChartView)
    todos: TodosView = field(default_factory=TodosView)
    finish: FinishView = field(default_factory=FinishView)
    choices: ChoicesView = field(default_factory=ChoicesView)
    notice: Notice | None = None
    pending: Pending | None = None
    said: Said | None = None


class Feed(Protocol):
    """Where a screen gets its views; its work is done off the screen's loop."""

    def start(self) -> None:
        """Begins to read; before that, `room` says that the run is being opened."""
        ...

    def room(self) -> Room:
        """The newest views; returns at once."""
        ...

    def take_lines(self) -> list[LogEntry]:
        """The log lines since the last call, at most as many as a pane keeps."""
        ...

    def send(self, command: AnyCommand) -> None:
        """Asks the run for something; `room().pending` is set until the answer is read."""
        ...

    def close(self) -> None:
        """Stops reading; returns at once."""
        ...
