"""`pause`, `resume`, `stop`: commands to a run, answered by its events.

Other commands are given the same way: `given` waits for the answer, `say` tells of it.
"""

import json
import time
from typing import Final

import click
import msgspec

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
    _give(open_run(run), Pause(reason=readable(reason), now=now), as_json=as_json)


def resume(run: str | None, *, as_json: bool) -> None:
    """Resume a run, live or not."""
    _give(open_run(run), Resume(), as_json=as_json)


def stop(run: str | None, *, now: bool, wait: bool, reason: str, as_json: bool) -> None:
    """Stop a live run."""
    handle = open_run(run)
    if not handle.liveness().held:
        state = handle.status().state
        say(handle, "stop", f"no engine runs; the run is {state}", as_json=as_json)
        return
    _give(handle, Stop(reason=readable(reason) or "asked to stop", now=now), as_json=as_json)
    while wait and handle.liveness().held:
        time.sleep(LOOK_S)


class Given(msgspec.Struct, frozen=True):
    """A command that was given, and what became of it; `answer` is None when nobody said yet."""

    outcome: str
    answer: Answer | None

    @property
    def accepted(self) -> bool:
        """Whether it was carried out."""
        return self.answer is not None and self.answer.accepted


def given(handle: RunHandle, command: AnyCommand) -> Given:
    """Give a command and wait for the answer of an engine that runs; exits with 5 if it cannot."""
    try:
        command_id = handle.send(command)
    except ClientError as error:
        fail(str(error), Exit.UNUSABLE)
    answer = handle.wait_answer(command_id, ANSWER_S)
    return Given(_outcome(command, answer, live=handle.liveness().held), answer)


def say(
    handle: RunHandle, command: str, outcome: str, *, as_json: bool, **more: str | None
) -> None:
    """Tell what became of a command; `more` is for `--json`."""
    run = handle.paths.name
    if as_json:
        click.echo(json.dumps({"run": run, "command": command, "outcome": outcome} | more))
    else:
        click.echo(f"{command} {run}: {outcome}")


def end_refused(done: Given) -> None:
    """Exit with 2 when the command was refused."""
    if done.answer is not None and not done.answer.accepted:
        fail(f"refused: {done.answer.reason}")


def _give(handle: RunHandle, command: AnyCommand, *, as_json: bool) -> None:
    done = given(handle, command)
    say(handle, name_of(command), done.outcome, as_json=as_json)
    end_refused(done)


def _outcome(command: AnyCommand, answer: Answer | None, *, live: bool) -> str:
    if answer is None:
        if isinstance(command, Stop) and not live:
            return "the engine has ended before it read this"
        waits = "the engine has not answered yet" if live else "no engine runs"
        return f"{waits}; the command is kept in the inbox and acts when one looks"
    return "accepted" if answer.accepted else "refused"
