"""`todo`: the queue of open work of a run, read and changed while it goes on."""

import json

import click
import msgspec

from engine.cli.console import readable, user_name
from engine.cli.lines import printable
from engine.cli.looking import open_run
from engine.cli.steering import end_refused, given, say
from engine.client import RunHandle
from engine.core.commands import AddTodo, AnyCommand, EditTodo, ResolveTodo, name_of
from engine.core.events import TodoAdded
from engine.core.ids import TodoId
from engine.core.memory.parts import Todo


def add(run: str | None, text: str, *, as_json: bool) -> None:
    """Let a piece of work be in the queue."""
    _order(run, AddTodo(text=readable(text)), as_json=as_json)


def edit(run: str | None, todo: str, text: str, *, as_json: bool) -> None:
    """Describe a piece of work in other words."""
    _order(run, EditTodo(todo=TodoId(todo), text=readable(text)), as_json=as_json)


def resolve(run: str | None, todo: str, *, reason: str, as_json: bool) -> None:
    """Take a piece of work off the queue."""
    _order(run, ResolveTodo(todo=TodoId(todo), reason=readable(reason)), as_json=as_json)


def list_todos(run: str | None, *, all_of_them: bool, as_json: bool) -> None:
    """Print the open work, the oldest first; with `all_of_them` what was resolved lately too."""
    handle = open_run(run)
    known = handle.state.memory.todos.values() if handle.state else ()
    shown = [each for each in known if all_of_them or each.resolved is None]
    waiting = [each for each in handle.unanswered() if _about_todos(each.command)]
    if as_json:
        listed = [msgspec.to_builtins(each) for each in shown]
        pending = [msgspec.to_builtins(each) for each in waiting]
        click.echo(json.dumps({"todos": listed, "waiting": pending}))
        return
    click.echo("\n".join(map(_listed, shown)) or "nothing to do")
    for each in waiting:
        click.echo(f"{name_of(each.command)} by {each.by} waits in the inbox for an engine")


def _about_todos(command: AnyCommand) -> bool:
    return isinstance(command, AddTodo | EditTodo | ResolveTodo)


def _listed(todo: Todo) -> str:
    where = "" if todo.iteration is None else f", iteration {todo.iteration}"
    since = f"{todo.since[:16].replace('T', ' ')} UTC"
    head = f"{todo.id}  {printable(todo.text)}\n  by {printable(todo.by)}{where}, {since}"
    return head if todo.resolved is None else f"{head}\n  resolved {printable(todo.resolved)}"


def _order(run: str | None, command: AddTodo | EditTodo | ResolveTodo, *, as_json: bool) -> None:
    handle = open_run(run, by=user_name())
    done = given(handle, command)
    added = _added(handle, done.answer.seq) if done.answer and done.accepted else None
    name = added if isinstance(command, AddTodo) else command.todo
    outcome = f"{done.outcome} as {added}" if added else done.outcome
    say(handle, name_of(command), done.outcome if as_json else outcome, as_json=as_json, todo=name)
    end_refused(done)


def _added(handle: RunHandle, answered: int) -> str | None:
    """The id that an item got; its event stands right before the one that answers."""
    for record in handle.records_from(max(1, answered - 1), 1):
        if isinstance(record.event, TodoAdded):
            return record.event.todo
    return None
