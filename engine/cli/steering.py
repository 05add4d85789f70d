"""`pause`, `resume`, `stop`: commands to a run, answered by its events."""

import json
import time
from typing import Final

import click

from engine.cli.console import readable
from engine.cli.exits import Exit, fail
from engine.cli.looking import open_run
from engine.client import ClientError, Pause, Resume, RunHandle, Stop
from engine.core.commands import AnyCommand, name_of
from engine.core.state import Answer

ANSWER_S: Final = 10.0
LOOK_S: Final = 0.05


def pause(run: str | None, *, now: bool, reason: str, as_json: bool) -> None:
    """Pause a run, live or not."""
    _order(open_run(run), Pause(reason=readable(reason), now=now), as_json=as_json)


def resume(run: str | None, *, as_json: bool) -> None:
    """Resume a run, live or not."""
    _order(open_run(run), Resume(), as_json=as_json)


def stop(run: str | None, *, now: bool, wait: bool, reason: str, as_json: bool) -> None:
    """Stop a live run."""
    handle = open_run(run)
    if not handle.liveness().held:
        state = handle.status().state
        _say(handle, "stop", f"no engine runs; the run is {state}", as_json=as_json)
        return
    _order(handle, Stop(reason=readable(reason) or "asked to stop", now=now), as_json=as_json)
    while wait and handle.liveness().held:
        time.sleep(LOOK_S)


def _order(handle: RunHandle, command: AnyCommand, *, as_json: bool) -> None:
    try:
        command_id = handle.send(command)
    except ClientError as error:
        fail(str(error), Exit.UNUSABLE)
    answer = handle.wait_answer(command_id, ANSWER_S)
    live = handle.liveness().held
    _say(handle, name_of(command), _outcome(command, answer, live=live), as_json=as_json)
    if answer is not None and not answer.accepted:
        fail(f"refused: {answer.reason}")


def _outcome(command: AnyCommand, answer: Answer | None, *, live: bool) -> str:
    if answer is None:
        if isinstance(command, Stop) and not live:
            return "the engine has ended before it read this"
        waits = "the engine has not answered yet" if live else "no engine runs"
        return f"{waits}; the command is kept in the inbox and acts when one looks"
    return "accepted" if answer.accepted else "refused"


def _say(handle: RunHandle, command: str, outcome: str, *, as_json: bool) -> None:
    run = handle.paths.name
    if as_json:
        click.echo(json.dumps({"run": run, "command": command, "outcome": outcome}))
    else:
        click.echo(f"{command} {run}: {outcome}")
