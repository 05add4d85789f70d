"""From a campaign and a command line to an engine: concrete classes are named here."""

import getpass
import os
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import assert_never

import msgspec

from engine.checks.boxes import Boxes
from engine.checks.environment import Interpreter, find_interpreter
from engine.checks.fingerprint import fingerprint
from engine.checks.harness import Harness
from engine.checks.repairing import Toolbox
from engine.checks.runner import CheckRunner
from engine.cli.coding import Surroundings, coding_of
from engine.cli.console import readable
from engine.cli.mentoring import mentor_of
from engine.cli.remote import remote_of
from engine.cli.request import Request
from engine.cli.walls import confined
from engine.cli.working import ground_of, working_of
from engine.core.campaign.environment import InterpreterEnvironment, UvEnvironment
from engine.core.campaign.models import Campaign
from engine.core.campaign.proposers import AgentSpec, EvolutionSpec
from engine.core.campaign.worker import WorkerSpec
from engine.core.events import Limits, Record
from engine.core.repair.environment import standing
from engine.core.space import Space
from engine.executors.clock import EngineClock
from engine.executors.jobs.detached import Detached
from engine.executors.local import Local
from engine.loop.campaign_checks import CampaignChecks
from engine.loop.engine import Engine, Parts, heard_signals
from engine.loop.opening import Opened, Wanted
from engine.loop.planning import breaker_of, plan_of
from engine.loop.purse import Purse
from engine.loop.report_command import ReportCommand
from engine.loop.writer import Trouble
from engine.proposers.agent import ByAgent
from engine.proposers.protocol import Proposer
from engine.proposers.replacing import Replacing
from engine.proposers.table import PROPOSERS, Setup
from engine.proposers.worker import ByWorker
from engine.runfolder import HeartbeatFile, identity
from engine.runfolder.room import Room


def wanted_of(request: Request) -> Wanted:
    """The terms under which the run is asked for.

    Raises:
        EnvironmentFailedError: there is no such Python.
    """
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
        metric=campaign.to_metric(unsealed=request.unsealed, confined=confined(campaign)),
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
    limits = request.loaded.campaign.effective().to_limits()
    if request.iterations is not None:
        limits = msgspec.structs.replace(limits, iterations=request.iterations)
    if request.for_s is not None:
        limits = msgspec.structs.replace(limits, for_s=request.for_s)
    return msgspec.structs.replace(limits, exit_on_halt=request.exit_on_halt)


async def run_engine(
    request: Request,
    opened: Opened,
    me: identity.Identity,
    beat: HeartbeatFile,
    listener: Callable[[Record], None],
) -> int:
    """Run an engine on the run to its end; the exit status.

    Raises:
        EngineFailedError: something outside of the engine keeps it from going on.
    """
    gaps: list[float] = []
    clock = EngineClock(on_gap=gaps.append)
    executor = Local(clock)
    trouble = Trouble()
    room = Room(on_wait=lambda reason: trouble.note("disk", reason))
    campaign, root = request.loaded.campaign, request.loaded.root
    paths = request.paths

    toolbox = Toolbox(campaign, root, paths, executor=executor)

    async def prepared() -> CampaignChecks:
        lines = standing(opened.state.document, opened.state.repairs.lines)
        interpreter = await toolbox.interpreter(lines)
        runner = CheckRunner(
            campaign,
            root,
            paths,
            executor=executor,
            interpreter=interpreter,
            detached=Detached(),
            remote=remote,
            boxes=_boxes(request, interpreter),
            room=room,
        )
        toolbox.serve(runner)
        return CampaignChecks(campaign, runner)

    around = Surroundings(executor=executor, room=room, clock=clock, purse=Purse())
    async with remote_of(request, opened, room) as remote:
        return await Engine(
            Parts(
                journal=opened.journal,
                state=opened.state,
                prepare=prepared,
                proposer=_heeding(campaign, _proposer(campaign)),
                plan=plan_of(campaign),
                coding=coding_of(request, around),
                mentor=mentor_of(request, around),
                worker=working_of(request, around),
                harness=partial(_harness, campaign, root),
                tools=toolbox,
                breaker=breaker_of(campaign),
                paths=paths,
                heartbeat=beat,
                identity=me,
                clock=clock,
                gaps=gaps,
                trouble=trouble,
                signals=heard_signals(),
                reporter=ReportCommand(executor, paths),
                listeners=(listener,),
            )
        ).run()


def _harness(campaign: Campaign, root: Path) -> Harness | None:
    """The files that judge where there is no repository: those that the campaign protects."""
    plain = campaign.workspace is None and campaign.protect
    return Harness(root, campaign.protect) if plain else None


def _boxes(request: Request, interpreter: Interpreter) -> Boxes | None:
    """What makes the sandboxes of sealed checks, unless they are to run without."""
    if request.unsealed:
        return None
    loaded = request.loaded
    return Boxes(loaded.campaign.sandbox, loaded.path.parent, interpreter.python, request.paths)


def _heeding(campaign: Campaign, proposer: Proposer) -> Proposer:
    """The proposer, where a review may put something in the place of what it proposes."""
    rules = campaign.mentor_rules()
    if rules is None or not rules.candidates or rules.policy != "replace":
        return proposer
    return Replacing(proposer, Space.from_spec(campaign.space))


def _proposer(campaign: Campaign) -> Proposer:
    (spec,) = campaign.proposers
    space = Space.from_spec(campaign.space)
    match spec:
        case AgentSpec():
            return ByAgent(spec.agent, space, campaign.baseline)
        case WorkerSpec():
            rules = spec.to_rules(commands=campaign.commanded)
            return ByWorker(spec.by, ground_of(campaign, spec), campaign.baseline, rules)
        case EvolutionSpec():
            options = {"explore": spec.explore, "parents": spec.parents}
            setup = Setup(space=space, baseline=campaign.baseline, options=options)
            return PROPOSERS[spec.kind](setup)
        case _:
            assert_never(spec)
