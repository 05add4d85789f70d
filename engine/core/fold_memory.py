"""From events of a run's memory to its state; a part of `engine.core.fold`."""

from typing import assert_never

from engine.core import events as e
from engine.core.fold_reviews import note_written_down
from engine.core.memory.parts import KEPT_NOTES, KEPT_RESOLVED, Memory, Note, Todo
from engine.core.state import RunState

MemoryEvent = e.TodoAdded | e.TodoLeftOut | e.TodoEdited | e.TodoResolved | e.NoteTaken


def fold_memory(state: RunState, event: MemoryEvent, time: str) -> None:
    """Change the state by what was written down."""
    memory = state.memory
    match event:
        case e.TodoAdded():
            memory.added += 1
            memory.todos[event.todo] = Todo(
                id=event.todo,
                text=event.text,
                role=event.role,
                by=event.by,
                since=time,
                at_iteration=state.last_iteration,
                iteration=event.iteration,
            )
            note_written_down(state, event)
        case e.TodoLeftOut():
            pass
        case e.TodoEdited():
            memory.todos[event.todo].text = event.text
        case e.TodoResolved():
            _resolve(memory, event)
        case e.NoteTaken():
            memory.taken += 1
            kept = memory.notes if event.kind == "note" else memory.explorations
            kept.append(Note(text=event.text, by=event.by, since=time, iteration=event.iteration))
            del kept[:-KEPT_NOTES]
        case _:
            assert_never(event)


def _resolve(memory: Memory, event: e.TodoResolved) -> None:
    """Keep it as the newest of those that are resolved."""
    todo = memory.todos.pop(event.todo)
    todo.resolved = f"by {event.by}{f': {event.reason}' if event.reason else ''}"
    memory.todos[event.todo] = todo
    resolved = [each.id for each in memory.todos.values() if each.resolved is not None]
    for name in resolved[:-KEPT_RESOLVED]:
        del memory.todos[name]
