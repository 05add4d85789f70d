"""The command line of what agents ask: names and options only, as in `engine.cli.main`."""

from typing import Final

import click

_ID: Final = click.argument("approval_id", metavar="ID")
_RUN: Final = click.argument("run", required=False)
_REASON: Final = click.option("--reason", default="", help="Kept with the answer.")
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")


@click.command()
@_RUN
@_JSON
def approvals(run: str | None, *, as_json: bool) -> None:
    """What agents ask now, and until when they wait."""
    from engine.cli.approvals import list_approvals

    list_approvals(run, as_json=as_json)


@click.command()
@_ID
@_RUN
@_REASON
@_JSON
def approve(approval_id: str, run: str | None, *, reason: str, as_json: bool) -> None:
    """Let an agent do what it asks as ID."""
    from engine.cli.approvals import approve

    approve(run, approval_id, reason=reason, as_json=as_json)


@click.command()
@_ID
@_RUN
@_REASON
@_JSON
def refuse(approval_id: str, run: str | None, *, reason: str, as_json: bool) -> None:
    """Do not let an agent do what it asks as ID."""
    from engine.cli.approvals import refuse

    refuse(run, approval_id, reason=reason, as_json=as_json)
