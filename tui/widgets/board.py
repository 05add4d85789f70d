"""The leaderboard's rows: made when they are seen."""

from tui.ink import Line
from tui.views.board import BoardView, board_line, empty_line
from tui.widgets.rows import Rows


class BoardPane(Rows):
    """All candidates in order. Line by line, as a `DataTable` costs 30 ms for a changed cell."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._view = BoardView()

    @property
    def view(self) -> BoardView:
        """What is shown."""
        return self._view

    def show(self, view: BoardView) -> None:
        """Shows the board as it is now; the place scrolled to stays."""
        self._view = view
        self.set_count(len(view.rows))

    def on_resize(self) -> None:
        """Rows are as wide as the pane."""
        self.set_count(len(self._view.rows))

    def row(self, index: int, width: int) -> Line:
        """The row of one candidate."""
        return board_line(self._view, index, width)

    def when_empty(self) -> Line:
        """What to expect here."""
        return empty_line(self._view)
