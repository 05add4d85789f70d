"""The engine in this process: what `run --no-ui` is, and what every screen looks at."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Collection
from typing import Final, assert_never

import anyio

from engine.checks.environment import EnvironmentFailedError
from engine.checks.step import clear_other_steps
from engine.cli.assembly import run_engine, wanted_of
from engine.cli.exits import Exit
from engine.cli.lines import as_json as record_json
from engine.cli.lines import as_text as record_text
from engine.cli.printer import Printer
from engine.cli.request import Request, make_folder, refuse_held
from engine.core import failpoints
from engine.core.events import FinishReason, Record
from engine.core.ids import JobId
from engine.core.state import Finished, RunState
from engine.executors.trees import kill_leftovers
from engine.loop.failing import EngineFailedError
from engine.loop.opening import Changed, Held, Opened, Unusable, take_over
from engine.reports.leaderboard import as_text, leaderboard
from engine.runfolder import HeartbeatFile, identity

FAILPOINT: Final = "CONTROLROOM_FAILPOINT"

_ADVICE: Final[dict[FinishReason, str]] = {
    "iterations": "A larger --iterations goes on with it; --new starts afresh",
    "time": "A larger --for goes on with it; --new starts afresh",
    "target": "Without stop.target, or with a better metric.target, it goes on",
    "plateau": "A larger stop.plateau goes on with it; --new starts afresh",
    "failures": "Look at the log of the last iteration; a changed stop.failures goes on with it",
    "baseline": "Mend what the baseline ran into, then start afresh with --new",
    "budget": "A larger budget goes on with it; --new starts afresh",
    "policy": "Look at the log of the last iteration; the same command with --accept-changes and "
    "another policy goes on with it",
    "finish": "Another --iterations or --for goes on with it; --new starts afresh",
    "exhausted": "With a larger space and --accept-changes it goes on",
}


def foreground(request: Request) -> int:
    """Run the engine until the run ends; the exit status."""
    _arm_failpoint(os.environ.get(FAILPOINT, ""))
    make_folder(request.paths)
    try:
        wanted = wanted_of(request)
    except EnvironmentFailedError as error:
        return _say(f"environment: {error}", Exit.WRONG)
    me = identity.own()
    marker, agents = request.paths.run_marker, str(request.paths.agents.resolve())

    def end_leftovers(kept: Collection[JobId]) -> None:
        kill_leftovers(marker, agents, kept=kept)

    taken = take_over(request.paths, wanted, me, end_leftovers)
    match taken:
        case Opened():
            return _run(request, taken, me)
        case Held():
            return refuse_held(request.paths, taken.pid)
        case Unusable():
            return _say(taken.message, Exit.UNUSABLE)
        case Changed():
            return _say(_changed(request, taken), Exit.WRONG)
        case Finished():
            return _over(request, taken)
        case _:
            assert_never(taken)


def _run(request: Request, opened: Opened, me: identity.Identity) -> int:
    """Run the engine and tell people about it; the lock is held until this process ends."""
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        beat = _prepared(request, opened)
    except OSError as error:
        opened.journal.close()
        return _say(f"{request.paths.root}: {error.strerror or error}", Exit.UNUSABLE)
    printer = Printer()
    tell = _teller(request, opened.state, printer)
    try:
        for record in opened.records:
            tell(record)
        status = anyio.run(run_engine, request, opened, me, beat, tell)
        if not request.as_json:
            printer.line("\n" + as_text(leaderboard(opened.state, 10)))
    except EngineFailedError as error:
        return _say(str(error), Exit(error.status))
    finally:
        beat.close()
        printer.close()
    return status


def _prepared(request: Request, opened: Opened) -> HeartbeatFile:
    """The heartbeat of a run folder that is ready for its engine.

    Raises:
        OSError: it cannot be written, for want of room mostly.
    """
    _keep_campaign_file(request)
    clear_other_steps(request.paths, [turn.iteration for turn in opened.state.turns])
    return HeartbeatFile.open(request.paths.heartbeat)


def _teller(request: Request, state: RunState, printer: Printer) -> Callable[[Record], None]:
    def tell(record: Record) -> None:
        if request.as_json:
            printer.line(record_json(record))
        else:
            printer.line(record_text(record, state.metric))

    return tell


def _over(request: Request, finished: Finished) -> int:
    message = f"the run {request.paths.root} is over: {finished.detail}. {_ADVICE[finished.reason]}"
    print(f"controlroom: {message}", file=sys.stderr)  # noqa: T201
    return finished.exit_status


def _changed(request: Request, changed: Changed) -> str:
    listed = "\n".join(f"  {difference}" for difference in changed.differences)
    if changed.consent_helps:
        advice = "go on with the changed file: --accept-changes; start afresh: --new"
    else:
        advice = "measurements of before and after could not be compared: start afresh with --new"
    return f"the campaign is not the one of the run {request.paths.root}:\n{listed}\n{advice}"


def _say(message: str, status: Exit) -> int:
    print(f"controlroom: {message}", file=sys.stderr)  # noqa: T201
    return status


def _keep_campaign_file(request: Request) -> None:
    if not request.paths.campaign.exists():
        request.paths.campaign.write_text(request.loaded.text, encoding="utf-8")


def _arm_failpoint(text: str) -> None:
    """Arm the failpoint `NAME:N`: the engine kills itself when it gets there the Nth time."""
    name, _, count = text.partition(":")
    if not name:
        return
    left = int(count or 1)

    def die(reached: str) -> None:
        nonlocal left
        if reached == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    failpoints.arm(die)
