"""What happened to a run's memory; see `engine.core.events`."""

from engine.core.event import Event
from engine.core.ids import IterationNumber, TodoId
from engine.core.memory.parts import NoteKind, Role


class TodoAdded(Event, frozen=True, kw_only=True):
    """A piece of work waits to be done. `iteration` is None where a person wrote it down."""

    todo: TodoId
    text: str
    role: Role
    by: str
    iteration: IterationNumber | None = None


class TodoLeftOut(Event, frozen=True, kw_only=True):
    """What somebody wanted to be done was not written down, and why."""

    text: str
    role: Role
    by: str
    reason: str
    iteration: IterationNumber | None = None


class TodoEdited(Event, frozen=True, kw_only=True):
    """A piece of work is described in other words."""

    todo: TodoId
    text: str
    by: str


class TodoResolved(Event, frozen=True, kw_only=True):
    """A piece of work is done, or not to be done any more."""

    todo: TodoId
    reason: str
    by: str
    iteration: IterationNumber | None = None


class NoteTaken(Event, frozen=True, kw_only=True):
    """Something is to be remembered."""

    kind: NoteKind
    text: str
    role: Role
    by: str
    iteration: IterationNumber
