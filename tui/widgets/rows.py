"""A scrolled list of rows whose growth costs no layout of the screen."""

from typing import ClassVar, Final

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.ink import EMPTY, Line
from tui.widgets.painted import INK_CLASSES, strip_of

STEP: Final = 1024


class Rows(ScrollView, can_focus=True):
    """Paints a row when it is seen.

    A changed `virtual_size` makes Textual lay out and paint the whole screen, so the size grows in
    steps, and how far one can scroll follows the rows that are there.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = INK_CLASSES

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes="pane-body")
        self._count = 0

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._count

    def row(self, index: int, width: int) -> Line:
        """The line in row `index`; a subclass says what it is."""
        raise NotImplementedError

    def when_empty(self) -> Line:
        """What is said when there are no rows."""
        return EMPTY

    def set_count(self, count: int) -> None:
        """Says how many rows there are, and paints them."""
        self._count = count
        size = Size(max(1, self.size.width), -(-max(1, count) // STEP) * STEP)
        if size != self.virtual_size:
            self.virtual_size = size
        self._measure_bar()
        self.refresh()

    @property
    def max_scroll_y(self) -> int:
        """The last row is the lowest that can be reached."""
        return max(0, self._count - self.size.height)

    def render_line(self, y: int) -> Strip:
        """The line in row `y` of the pane."""
        width, index = self.size.width, self.scroll_offset.y + y
        if index >= self._count and (self._count or y):
            return Strip.blank(width, self.rich_style)
        pieces = self.row(index, width) if self._count else self.when_empty()
        return strip_of(self, pieces).crop_extend(0, width, self.rich_style)

    def _scroll_update(self, virtual_size: Size) -> None:
        super()._scroll_update(virtual_size)
        self._measure_bar()

    def _measure_bar(self) -> None:
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.window_virtual_size = max(self._count, self.size.height, 1)
