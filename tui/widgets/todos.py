"""The queue of open work, with a mark on the row that keys act on."""

from typing import ClassVar

from textual.binding import Binding, BindingType

from tui.ink import Line
from tui.views.todos import TodoRow, TodosView, no_todos, todo_line
from tui.widgets.rows import Rows


class TodosPane(Rows):
    """All open work; the arrows move the mark."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._view = TodosView()
        self._marked = 0

    @property
    def marked(self) -> TodoRow | None:
        """What keys act on."""
        return self._view.rows[self._marked] if self._view.rows else None

    def show(self, view: TodosView) -> None:
        """Shows the queue as it is now; the mark stays on its item while that is open."""
        before = self.marked
        self._view = view
        ids = [row.id for row in view.rows]
        if before is not None and before.id in ids:
            self._marked = ids.index(before.id)
        self._marked = max(0, min(self._marked, len(ids) - 1))
        self.set_count(len(ids))

    def action_move(self, by: int) -> None:
        """Moves the mark, and what is seen with it."""
        last = len(self._view.rows) - 1
        self._marked = max(0, min(self._marked + by, last))
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if self._marked < top or self._marked >= top + height:
            self.scroll_to(y=max(0, self._marked - height + 1), animate=False)
        self.refresh()

    def on_resize(self) -> None:
        """Rows are as wide as the pane."""
        self.set_count(len(self._view.rows))

    def row(self, index: int, width: int) -> Line:
        """The row of one item."""
        return todo_line(self._view, index, width, marked=index == self._marked)

    def when_empty(self) -> Line:
        """What to expect here."""
        return no_todos()
