"""`stash`: put aside what is under way in an iteration, and go on with it later."""

import json
import time
from typing import Any, Final

import click
import msgspec

from engine.cli.console import readable, user_name
from engine.cli.looking import open_run
from engine.cli.steering import Given, end_refused, given, say
from engine.client import RunHandle
from engine.core.commands import AnyCommand, DropStash, RestoreStash, Stash, name_of
from engine.core.events import AttemptStashed, StashRequested
from engine.core.ids import IterationNumber, StashId
from engine.core.state import Stash as Kept

PUT_ASIDE_S: Final = 30.0
"""An agent that is cut off has ten seconds to end; then its tree is written down."""

LOOK_S: Final = 0.05


def put_aside(run: str | None, *, iteration: int | None, reason: str, as_json: bool) -> None:
    """Put aside what is under way in an iteration; waits until it is."""
    handle = open_run(run, by=user_name())
    number = IterationNumber(iteration) if iteration is not None else None
    command = Stash(iteration=number, reason=readable(reason))
    done = given(handle, command)
    stashed = _stashed(handle, done) if done.accepted else None
    name = stashed.stash if stashed else None
    outcome = done.outcome
    if done.accepted:
        outcome = f"put aside as {name}" if name else "accepted; the step that runs is cut off"
    say(handle, name_of(command), outcome, as_json=as_json, stash=name)
    end_refused(done)


def restore(run: str | None, stash: str, *, as_json: bool) -> None:
    """Go on with a stash in a new iteration."""
    _order(run, RestoreStash(stash=StashId(stash)), as_json=as_json)


def drop(run: str | None, stash: str, *, as_json: bool) -> None:
    """Forget a stash."""
    _order(run, DropStash(stash=StashId(stash)), as_json=as_json)


def list_stashes(run: str | None, *, as_json: bool) -> None:
    """Print what was put aside and not dropped."""
    handle = open_run(run)
    state, waiting = handle.state, _waiting(handle)
    kept = list(state.stashes.values()) if state else []
    restoring = state.restoring if state else []
    rows = [_row(each, restoring, waiting) for each in kept]
    if as_json:
        click.echo(json.dumps({"stashes": rows}))
        return
    for row in rows:
        click.echo(_listed(row))
    if not rows:
        click.echo("nothing is put aside")


def _order(run: str | None, command: RestoreStash | DropStash, *, as_json: bool) -> None:
    handle = open_run(run, by=user_name())
    done = given(handle, command)
    say(handle, name_of(command), done.outcome, as_json=as_json, stash=command.stash)
    end_refused(done)


def _waiting(handle: RunHandle) -> dict[StashId, AnyCommand]:
    """What waits in the inbox for an engine, by stash."""
    commands = (each.command for each in handle.unanswered())
    return {
        command.stash: command
        for command in commands
        if isinstance(command, RestoreStash | DropStash)
    }


def _row(
    kept: Kept, restoring: list[StashId], waiting: dict[StashId, AnyCommand]
) -> dict[str, Any]:
    """A stash as plain data; `state` says what it waits for."""
    match waiting.get(kept.id):
        case DropStash():
            state = "drop pending"
        case RestoreStash():
            state = "restore pending"
        case _:
            state = "restoring" if kept.id in restoring else "kept"
    return msgspec.to_builtins(kept) | {"state": state}


def _listed(row: dict[str, Any]) -> str:
    since = f"{row['since'][:16].replace('T', ' ')} UTC"
    state = "" if row["state"] == "kept" else f", {row['state']}"
    return (
        f"{row['id']}  iteration {row['iteration']}, by {row['by']}, {since}{state}: "
        f"{row['reason']}\n       git show {row['commit'][:12]}"
    )


def _stashed(handle: RunHandle, done: Given) -> AttemptStashed | None:
    """The event that says under which name it lies, as soon as there is one."""
    assert done.answer is not None  # noqa: S101  (it was accepted)
    seq, iteration = max(1, done.answer.seq - 1), None
    end = time.monotonic() + PUT_ASIDE_S
    while True:
        live = handle.liveness().held
        for record in handle.records_from(seq):
            seq = record.seq + 1
            match record.event:
                case StashRequested():
                    iteration = record.event.iteration
                case AttemptStashed() if record.event.iteration == iteration:
                    return record.event
                case _:
                    pass
        if not live or time.monotonic() > end:
            return None
        time.sleep(LOOK_S)
