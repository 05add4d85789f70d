"""`approvals`, `approve`, `refuse`: what agents ask people, and the answers."""

import json

import click
import msgspec

from engine.cli.console import readable, user_name
from engine.cli.lines import printable
from engine.cli.looking import open_run
from engine.cli.steering import end_refused, given, say
from engine.core.commands import Approve, Refuse, name_of
from engine.core.ids import ApprovalId
from engine.core.state import Approval


def approve(run: str | None, approval: str, *, reason: str, as_json: bool) -> None:
    """Approve what an agent asks."""
    command = Approve(approval=ApprovalId(approval), reason=readable(reason))
    _give(run, command, as_json=as_json)


def refuse(run: str | None, approval: str, *, reason: str, as_json: bool) -> None:
    """Refuse what an agent asks."""
    command = Refuse(approval=ApprovalId(approval), reason=readable(reason))
    _give(run, command, as_json=as_json)


def list_approvals(run: str | None, *, as_json: bool) -> None:
    """Print what is asked and not answered yet."""
    state = open_run(run).state
    asked = list(state.approvals.values()) if state else []
    if as_json:
        click.echo(json.dumps({"approvals": [msgspec.to_builtins(each) for each in asked]}))
        return
    for each in asked:
        click.echo(_listed(each))
    if not asked:
        click.echo("nothing is asked")


def _give(run: str | None, command: Approve | Refuse, *, as_json: bool) -> None:
    handle = open_run(run, by=user_name())
    done = given(handle, command)
    say(handle, name_of(command), done.outcome, as_json=as_json, approval=command.approval)
    end_refused(done)


def _listed(asked: Approval) -> str:
    until = f"{asked.until[:19].replace('T', ' ')} UTC"
    text = printable(asked.text).replace("\n", "\n  | ")
    return f"{asked.id}  iteration {asked.iteration}, {asked.default} at {until}\n  | {text}"
