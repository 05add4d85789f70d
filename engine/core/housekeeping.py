"""What is written down, and what is not: pure decisions, as events."""

from collections.abc import Iterator
from typing import Final, assert_never

import msgspec

from engine.core import events as e
from engine.core.answering_steering import Refusal
from engine.core.commands import AddTodo, EditTodo, ResolveTodo
from engine.core.ids import IterationNumber, TodoId
from engine.core.memory.likeness import alike, meaning
from engine.core.memory.parts import (
    LONGEST_NOTE,
    LONGEST_TODO,
    Housekeeping,
    Memory,
    MemoryRules,
    NoteKind,
    Role,
    Todo,
)
from engine.core.state import RunState

MOST_OPEN: Final = 500
"""However many a person adds, a state stays small."""

_MOST_RESOLVED: Final = 6
_MOST_LEFT_OUT: Final = 3


class Author(msgspec.Struct, frozen=True):
    """Who keeps house: in which role, under which name, at the end of which turn, if of one."""

    role: Role
    name: str
    iteration: IterationNumber | None = None


def housekeeping(
    state: RunState, wishes: Housekeeping, author: Author, rules: MemoryRules
) -> list[e.AnyEvent]:
    """The events of what somebody wants to be remembered at the end of a turn.

    What is resolved is resolved first: it makes room, and can be said again in other words.
    """
    return [
        *_resolved(state.memory, wishes, author),
        *_added(state.memory, wishes, author, rules),
        *_noted(state, wishes, author),
    ]


def todo_command(
    state: RunState, command: AddTodo | EditTodo | ResolveTodo, *, by: str
) -> list[e.AnyEvent] | Refusal:
    """The events of a person's command."""
    match command:
        case AddTodo(text=text):
            problem = _text_problem(text) or _no_room(state.memory) or _known(state.memory, text)
            return problem or [_todo_added(state.memory, 1, text, Author("person", by))]
        case EditTodo(todo=name, text=text):
            problem = _not_open(state.memory, name) or _text_problem(text)
            return problem or [e.TodoEdited(todo=name, text=_flat(text), by=by)]
        case ResolveTodo(todo=name, reason=reason):
            problem = _not_open(state.memory, name)
            return problem or [e.TodoResolved(todo=name, reason=_flat(reason), by=by)]
        case _:
            assert_never(command)


def allowed(rules: MemoryRules, role: Role, open_items: int) -> int:
    """How many items a role may add in a turn when so many are open."""
    match role:
        case "worker":
            most = rules.worker
        case "mentor":
            most = rules.mentor
        case "person":
            return max(0, MOST_OPEN - open_items)
        case _:
            assert_never(role)
    if open_items >= 2 * rules.backlog:
        return 0
    return min(most, 1) if open_items >= rules.backlog else most


def _resolved(memory: Memory, wishes: Housekeeping, author: Author) -> Iterator[e.TodoResolved]:
    names = dict.fromkeys(
        TodoId(_flat(name).strip("[]")) for name in wishes.resolve_shared_todo_ids
    )
    for name in list(names)[:_MOST_RESOLVED]:
        if _not_open(memory, name) is None:
            yield e.TodoResolved(todo=name, reason="", by=author.name, iteration=author.iteration)


def _added(
    memory: Memory, wishes: Housekeeping, author: Author, rules: MemoryRules
) -> Iterator[e.TodoAdded | e.TodoLeftOut]:
    gone = {event.todo for event in _resolved(memory, wishes, author)}
    known = [todo for todo in memory.open if todo.id not in gone]
    most, added, left_out = allowed(rules, author.role, len(known)), 0, 0
    meanings = {todo.id: meaning(todo.text) for todo in known}
    for text in filter(None, map(_flat, wishes.todo_new)):
        means = meaning(text)
        same = next((name for name, other in meanings.items() if alike(means, other)), None)
        reason = _left_out(same, added, most, len(known), rules)
        if not reason:
            added += 1
            event = _todo_added(memory, added, text, author)
            meanings[event.todo] = means
            yield event
        elif left_out < _MOST_LEFT_OUT:
            left_out += 1
            yield e.TodoLeftOut(
                text=text[:LONGEST_TODO],
                role=author.role,
                by=author.name,
                reason=reason,
                iteration=author.iteration,
            )


def _left_out(
    same: TodoId | None, added: int, most: int, open_items: int, rules: MemoryRules
) -> str:
    if same is not None:
        return f"it is {same} already"
    if added < most:
        return ""
    if open_items >= rules.backlog:
        return f"{open_items} are open: {most} may be added in a turn"
    return f"{most} may be added in a turn"


def _noted(state: RunState, wishes: Housekeeping, author: Author) -> Iterator[e.NoteTaken]:
    told: tuple[tuple[NoteKind, str], ...] = (
        ("note", wishes.notes_update),
        ("exploration", wishes.data_exploration_update),
    )
    for kind, text in told:
        if flat := _flat(text):
            yield e.NoteTaken(
                kind=kind,
                text=flat[:LONGEST_NOTE],
                role=author.role,
                by=author.name,
                iteration=author.iteration or state.last_iteration,
            )


def _todo_added(memory: Memory, number: int, text: str, author: Author) -> e.TodoAdded:
    """The `number`th new item of a decision: `t-0007`."""
    name = TodoId(f"t-{memory.added + number:04d}")
    return e.TodoAdded(
        todo=name,
        text=_flat(text)[:LONGEST_TODO],
        role=author.role,
        by=author.name,
        iteration=author.iteration,
    )


def _known(memory: Memory, text: str) -> Refusal | None:
    same = _same(memory.open, text)
    return Refusal(f"it is {same.id} already: {same.text}") if same else None


def _same(todos: list[Todo], text: str) -> Todo | None:
    means = meaning(text)
    return next((todo for todo in todos if alike(means, meaning(todo.text))), None)


def _no_room(memory: Memory) -> Refusal | None:
    if len(memory.open) < MOST_OPEN:
        return None
    return Refusal(f"{MOST_OPEN} are open; resolve some first")


def _text_problem(text: str) -> Refusal | None:
    flat = _flat(text)
    if not flat:
        return Refusal("it has no text")
    if len(flat) > LONGEST_TODO:
        return Refusal(f"it has more than {LONGEST_TODO} characters")
    return None


def _not_open(memory: Memory, name: TodoId) -> Refusal | None:
    todo = memory.todos.get(name)
    if todo is None:
        listed = ", ".join(todo.id for todo in memory.open[:12]) or "none"
        return Refusal(f"there is no open {name}; open: {listed}")
    return Refusal(f"{name} is resolved: {todo.resolved}") if todo.resolved is not None else None


def _flat(text: str) -> str:
    """One line, as it can be written to a journal."""
    return " ".join(text.encode("utf-8", "replace").decode().replace("\x00", " ").split())
