"""What a run's memory is made of."""

from typing import Final, Literal

import msgspec

from engine.core.ids import IterationNumber, TodoId

Role = Literal["worker", "mentor", "person"]
"""Who wrote something down."""

NoteKind = Literal["note", "exploration"]
"""`note`: of the work. `exploration`: what was found out about the data."""

LONGEST_TODO: Final = 220
LONGEST_NOTE: Final = 500
"""Characters."""

KEPT_RESOLVED: Final = 200
KEPT_NOTES: Final = 200
"""How many a state keeps; older ones are in the journal alone."""


class Housekeeping(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker or a mentor wants to be remembered of its turn."""

    todo_new: list[str] = []
    notes_update: str = ""
    data_exploration_update: str = ""
    resolve_shared_todo_ids: list[str] = []


class Todo(msgspec.Struct, kw_only=True):
    """A piece of open work. `iteration` is in which it was written down, None by a person.

    `resolved` says by whom and why it is none any more.
    """

    id: TodoId
    text: str
    role: Role
    by: str
    since: str
    at_iteration: IterationNumber
    iteration: IterationNumber | None = None
    resolved: str | None = None


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was noted, when, and in which iteration."""

    text: str
    by: str
    since: str
    iteration: IterationNumber


class Memory(msgspec.Struct, kw_only=True):
    """What a state keeps: open work, what was resolved lately, the last notes.

    `added` and `taken` count all that there ever were.
    """

    todos: dict[TodoId, Todo] = {}
    added: int = 0
    notes: list[Note] = []
    explorations: list[Note] = []
    taken: int = 0

    @property
    def open(self) -> list[Todo]:
        """What is to be done, the oldest first."""
        return [todo for todo in self.todos.values() if todo.resolved is None]


class MemoryRules(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be written down in a turn.

    From `backlog` open items on each role may add one a turn, from twice as many on none.
    """

    worker: int = 2
    mentor: int = 1
    backlog: int = 24
