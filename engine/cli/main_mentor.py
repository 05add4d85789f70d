"""The command line of the mentor: names and options only, as in `engine.cli.main`."""

from typing import Final

import click

from engine.cli.groups import WithDefault

_RUN: Final = click.argument("run", required=False)
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


@click.group(cls=WithDefault, default="now")
def mentor() -> None:
    """Ask the mentor to look now; `mentor [RUN]` alone does that."""


@mentor.command("now")
@_RUN
@_JSON
def mentor_now(run: str | None, *, as_json: bool) -> None:
    """Let it look at RUN now."""
    from engine.cli.mentor import now

    now(run, as_json=as_json)


@mentor.command("list")
@_RUN
@_JSON
def mentor_list(run: str | None, *, as_json: bool) -> None:
    """What it said of RUN, and what became of it."""
    from engine.cli.mentor import list_reviews

    list_reviews(run, as_json=as_json)
