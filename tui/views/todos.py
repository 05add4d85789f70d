"""The queue of open work, the oldest first."""

from dataclasses import dataclass
from typing import Final

from engine.core.ids import TodoId
from engine.core.state import RunState
from tui.ink import Line, Span, cell, crop, line

WHOLE: Final = 50
"""Narrower panes show no authors."""


@dataclass(frozen=True, slots=True)
class TodoRow:
    """A piece of open work; `age` is in iterations."""

    id: TodoId
    text: str
    by: str
    age: int


@dataclass(frozen=True, slots=True)
class TodosView:
    """All open work."""

    rows: tuple[TodoRow, ...] = ()

    @property
    def aside(self) -> str:
        """How many there are, for the pane's title."""
        return f"{len(self.rows)} open" if self.rows else ""


def todos_of(state: RunState | None) -> TodosView:
    """What is to be done."""
    if state is None:
        return TodosView()
    return TodosView(
        tuple(
            TodoRow(todo.id, todo.text, todo.by, max(0, state.last_iteration - todo.at_iteration))
            for todo in state.memory.open
        )
    )


def todo_line(view: TodosView, index: int, width: int, *, marked: bool) -> Line:
    """The row of one piece of work; its author and age go first where the pane is narrow."""
    row = view.rows[index]
    tails = max(len(_tail(each, width)) for each in view.rows)
    room = max(0, width - len(row.id) - tails - 6)
    return (
        Span("▸" if marked else " ", "accent"),
        Span(f"{row.id}  ", "quiet"),
        Span(cell(row.text, room)),
        Span(f"  {_tail(row, width):>{tails}} ", "quiet"),
    )


def _tail(row: TodoRow, width: int) -> str:
    tail = f"{row.by}, {row.age}" if width >= WHOLE else str(row.age)
    return crop(tail, max(0, width // 3))


def no_todos() -> Line:
    """What to expect here."""
    return line(" Nothing is open. t adds something.", "quiet")
