"""What events of a run's memory say to people: a line each."""

from typing import assert_never

from engine.core import events as e
from engine.core.fold_memory import MemoryEvent


def memory_line(event: MemoryEvent) -> str:
    """The event in a line, without its iteration."""
    match event:
        case e.TodoAdded():
            return f"{event.todo} to do, by {event.by}: {event.text}"
        case e.TodoLeftOut():
            return f"not written down for {event.by}, {event.reason}: {event.text}"
        case e.TodoEdited():
            return f"{event.todo} edited by {event.by}: {event.text}"
        case e.TodoResolved():
            why = f": {event.reason}" if event.reason else ""
            return f"{event.todo} resolved by {event.by}{why}"
        case e.NoteTaken():
            what = "noted" if event.kind == "note" else "found out about the data"
            return f"{what} by {event.by}: {event.text}"
        case _:
            assert_never(event)
