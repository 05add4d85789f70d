"""The command line of `champion`: names and options only, as in `engine.cli.main`."""

from typing import Final

import click

from engine.cli.groups import WithDefault

_RUN: Final = click.argument("run", required=False)
_REASON: Final = click.option("--reason", required=True, help="Why; it is kept with the run.")
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


@click.group(cls=WithDefault, default="show")
def champion() -> None:
    """Who is champion; a person's word on it goes above the referee's."""


@champion.command("show")
@_RUN
def show(run: str | None) -> None:
    """Who it is (the default)."""
    from engine.cli.champion import show_champion

    show_champion(run)


@champion.command("accept")
@click.argument("candidate")
@_RUN
@_REASON
@_JSON
def accept(candidate: str, run: str | None, *, reason: str, as_json: bool) -> None:
    """Let CANDIDATE, which passed its checks, be champion, whatever the referee said."""
    from engine.cli.champion import accept

    accept(candidate, run, reason=reason, as_json=as_json)


@champion.command("reject")
@click.argument("candidate", required=False)
@_RUN
@_REASON
@_JSON
def reject(candidate: str | None, run: str | None, *, reason: str, as_json: bool) -> None:
    """Let CANDIDATE, else the champion, not be champion: the one before it is, then."""
    from engine.cli.champion import reject

    reject(candidate, run, reason=reason, as_json=as_json)
