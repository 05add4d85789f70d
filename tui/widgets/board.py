"""The leaderboard's rows: made when they are seen."""

from typing import ClassVar

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.views.board import BoardView, board_line, empty_line
from tui.widgets.painted import INK_CLASSES, strip_of


class BoardPane(ScrollView, can_focus=True):
    """All candidates in order. Line by line, as a `DataTable` costs 30 ms for a changed cell."""

    COMPONENT_CLASSES: ClassVar[set[str]] = INK_CLASSES

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="pane-body")
        self._view = BoardView()

    @property
    def view(self) -> BoardView:
        """What is shown."""
        return self._view

    def show(self, view: BoardView) -> None:
        """Shows the board as it is now; the place scrolled to stays."""
        self._view = view
        self._resize()
        self.refresh()

    def on_resize(self) -> None:
        """Rows are as wide as the pane."""
        self._resize()

    def _resize(self) -> None:
        size = Size(max(1, self.size.width), len(self._view.rows))
        if size != self.virtual_size:
            self.virtual_size = size

    def render_line(self, y: int) -> Strip:
        """The row in line `y` of the pane."""
        width, index = self.size.width, self.scroll_offset.y + y
        if not self._view.rows and y == 0:
            strip = strip_of(self, empty_line(self._view))
        elif index < len(self._view.rows):
            strip = strip_of(self, board_line(self._view, index, width))
        else:
            return Strip.blank(width, self.rich_style)
        return strip.crop_extend(0, width, self.rich_style)
