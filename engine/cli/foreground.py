"""The engine in this process: what `run --no-ui` is, and what every screen looks at."""

import getpass
import logging
import os
import signal
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Final, assert_never

import anyio
import msgspec

from engine.checks.environment import EnvironmentFailedError, find_interpreter, prepare
from engine.checks.fingerprint import fingerprint
from engine.checks.room import Room
from engine.checks.runner import CheckRunner
from engine.checks.step import clear_other_steps
from engine.cli.console import readable
from engine.cli.exits import Exit
from engine.cli.lines import as_json as record_json
from engine.cli.lines import as_text as record_text
from engine.cli.printer import Printer
from engine.cli.request import Request, make_folder, refuse_held
from engine.core import failpoints
from engine.core.campaign.environment import InterpreterEnvironment, UvEnvironment
from engine.core.campaign.models import Campaign
from engine.core.events import Limits, Record
from engine.core.space import Space
from engine.core.state import Finished, RunState
from engine.executors.clock import EngineClock
from engine.executors.local import Local
from engine.executors.trees import kill_leftovers
from engine.loop.campaign_checks import CampaignChecks
from engine.loop.engine import Engine, Parts, heard_signals
from engine.loop.failing import EngineFailedError
from engine.loop.opening import Changed, Held, Opened, Unusable, Wanted, take_over
from engine.loop.writer import Trouble
from engine.proposers.protocol import Proposer
from engine.proposers.table import PROPOSERS, Setup
from engine.reports.leaderboard import as_text, leaderboard
from engine.runfolder import HeartbeatFile, identity

FAILPOINT: Final = "CONTROLROOM_FAILPOINT"


def foreground(request: Request) -> int:
    """Run the engine until the run ends; the exit status."""
    _arm_failpoint(os.environ.get(FAILPOINT, ""))
    make_folder(request.paths)
    try:
        wanted = _wanted(request)
    except EnvironmentFailedError as error:
        return _say(f"environment: {error}", Exit.WRONG)
    me = identity.own()
    taken = take_over(request.paths, wanted, me, lambda: kill_leftovers(request.paths.run_marker))
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


def _wanted(request: Request) -> Wanted:
    loaded, campaign = request.loaded, request.loaded.campaign
    python = find_interpreter(_interpreter_name(campaign), loaded.root, os.environ)
    return Wanted(
        run=request.run,
        campaign=campaign.campaign,
        campaign_path=readable(str(loaded.path)),
        campaign_sha256=loaded.sha256,
        document=loaded.document,
        seed=request.seed,
        slots=request.slots,
        metric=campaign.metric.to_metric(),
        limits=_limits(request),
        space_size=Space.from_spec(campaign.space).size(),
        fingerprint=fingerprint(campaign, loaded.root, python),
        version=version("controlroom"),
        accept_changes=request.accept_changes,
        by=_user(),
    )


def _user() -> str:
    """Who runs this; a number where it has no name, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _interpreter_name(campaign: Campaign) -> str:
    match campaign.environment:
        case InterpreterEnvironment(interpreter=name):
            return name
        case UvEnvironment():
            return "own"
        case other:
            return other.venv.interpreter or "path"


def _limits(request: Request) -> Limits:
    limits = request.loaded.campaign.stop.to_limits()
    if request.iterations is not None:
        limits = msgspec.structs.replace(limits, iterations=request.iterations)
    if request.for_s is not None:
        limits = msgspec.structs.replace(limits, for_s=request.for_s)
    return limits


def _run(request: Request, opened: Opened, me: identity.Identity) -> int:
    """Run the engine and tell people about it; the lock is held until this process ends."""
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        beat = _prepared(request, opened)
    except OSError as error:
        opened.journal.close()
        return _say(f"{request.paths.root}: {error.strerror or error}", Exit.UNUSABLE)
    printer = Printer()
    try:
        status = anyio.run(_engine, request, opened, me, beat, printer)
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
    clear_other_steps(request.paths, opened.state.open)
    return HeartbeatFile.open(request.paths.heartbeat)


async def _engine(
    request: Request,
    opened: Opened,
    me: identity.Identity,
    beat: HeartbeatFile,
    printer: Printer,
) -> int:
    gaps: list[float] = []
    clock = EngineClock(on_gap=gaps.append)
    executor = Local(clock)
    trouble = Trouble()
    room = Room(on_wait=lambda reason: trouble.note("disk", reason))
    campaign, root = request.loaded.campaign, request.loaded.root
    paths = request.paths

    async def prepared() -> CampaignChecks:
        interpreter = await prepare(campaign.environment, root, paths, executor=executor)
        runner = CheckRunner(
            campaign, root, paths, executor=executor, interpreter=interpreter, room=room
        )
        return CampaignChecks(campaign, runner, paths)

    return await Engine(
        Parts(
            journal=opened.journal,
            state=opened.state,
            prepare=prepared,
            proposer=_proposer(campaign),
            paths=paths,
            heartbeat=beat,
            identity=me,
            clock=clock,
            gaps=gaps,
            trouble=trouble,
            signals=heard_signals(),
            listeners=(_teller(request, opened.state, printer),),
        )
    ).run()


def _proposer(campaign: Campaign) -> Proposer:
    (spec,) = campaign.proposers
    options = {"explore": spec.explore, "parents": spec.parents}
    space = Space.from_spec(campaign.space)
    return PROPOSERS[spec.kind](Setup(space=space, baseline=campaign.baseline, options=options))


def _teller(request: Request, state: RunState, printer: Printer) -> Callable[[Record], None]:
    def tell(record: Record) -> None:
        if request.as_json:
            printer.line(record_json(record))
        else:
            printer.line(record_text(record, state.metric))

    return tell


def _over(request: Request, finished: Finished) -> int:
    message = (
        f"the run {request.paths.root} is over: {finished.detail}. A larger --iterations or --for"
        " goes on with it; --new starts afresh"
    )
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
