"""The command line of a worker's decisions: names and options only, as in `engine.cli.main`."""

from typing import Final

import click

from engine.cli.groups import WithDefault

_RUN: Final = click.argument("run", required=False)
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


@click.group(cls=WithDefault, default="list")
def decision() -> None:
    """What a worker decided; `decision [RUN]` alone lists that."""


@decision.command("list")
@_RUN
@_JSON
def decision_list(run: str | None, *, as_json: bool) -> None:
    """What the worker of RUN decided and why, and what became of it; the newest last."""
    from engine.cli.decisions import list_decisions

    list_decisions(run, as_json=as_json)
