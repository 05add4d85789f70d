"""The command line of open work: names and options only, as in `engine.cli.main`."""

from typing import Final

import click

from engine.cli.groups import WithDefault

_ID: Final = click.argument("todo_id", metavar="ID")
_RUN: Final = click.option("--run", metavar="RUN", help="The newest run of this folder if absent.")
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


@click.group(cls=WithDefault, default="list")
def todo() -> None:
    """Open work that all who work on a run share.

    Agents see the oldest and the newest of it in every prompt, add to it and resolve it; so may a
    person, at any time. `todo` alone lists it. The run is named by --run.
    """


@todo.command("list")
@click.option("--all", "all_of_them", is_flag=True, help="What was resolved lately, too.")
@_RUN
@_JSON
def todo_list(*, all_of_them: bool, run: str | None, as_json: bool) -> None:
    """What is to be done, the oldest first."""
    from engine.cli.todos import list_todos

    list_todos(run, all_of_them=all_of_them, as_json=as_json)


@todo.command("add")
@click.argument("text")
@_RUN
@_JSON
def todo_add(text: str, *, run: str | None, as_json: bool) -> None:
    """Add a piece of work: one sentence."""
    from engine.cli.todos import add

    add(run, text, as_json=as_json)


@todo.command("edit")
@_ID
@click.argument("text")
@_RUN
@_JSON
def todo_edit(todo_id: str, text: str, *, run: str | None, as_json: bool) -> None:
    """Say what is to be done in other words."""
    from engine.cli.todos import edit

    edit(run, todo_id, text, as_json=as_json)


@todo.command("resolve")
@_ID
@click.option("--reason", default="", help="Kept with it.")
@_RUN
@_JSON
def todo_resolve(todo_id: str, *, reason: str, run: str | None, as_json: bool) -> None:
    """Take a piece of work off the queue: it is done, or not to be done any more."""
    from engine.cli.todos import resolve

    resolve(run, todo_id, reason=reason, as_json=as_json)
