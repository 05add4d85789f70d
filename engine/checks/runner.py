"""Running one check of one candidate: hand over the candidate, run, read, judge."""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, assert_never

import msgspec

from engine.checks import artifacts, observe
from engine.checks.classify import Judged, Observed, classify
from engine.checks.environment import Interpreter
from engine.checks.log import CheckLog
from engine.checks.report import CheckReport
from engine.checks.step import Step, step_of
from engine.checks.variables import Variables, variables
from engine.core import failpoints
from engine.core.campaign.checks import CheckSpec
from engine.core.campaign.models import Campaign
from engine.core.events import LogSpan
from engine.core.ids import TraceId
from engine.core.secrets import Redactor
from engine.core.state import Candidate
from engine.executors.protocol import (
    Command,
    Ended,
    Exceeded,
    Executor,
    Finished,
    Interrupted,
    Marker,
    NotStarted,
    TimedOut,
)
from engine.runfolder.paths import RunPaths
from engine.runfolder.room import Room, has_some

DETAIL_CHARACTERS: Final = 1000


class _Turn(msgspec.Struct, frozen=True, kw_only=True):
    spec: CheckSpec
    candidate: Candidate
    attempt: int
    trace_id: TraceId
    step: Step
    root: Path
    variables: Variables
    redactor: Redactor


class CheckRunner:
    """Runs the checks of a campaign for the candidates of a run.

    Args:
        campaign: whose checks are run.
        root: the folder in which commands run, unless a candidate brings its own.
        paths: the run's folder.
        executor: runs the commands.
        interpreter: what `{python}` stands for.
        room: where everything waits when the disk is full; shared with other writers.
        environ: the variables from which some are handed on; by default the engine's own.
    """

    def __init__(
        self,
        campaign: Campaign,
        root: Path,
        paths: RunPaths,
        *,
        executor: Executor,
        interpreter: Interpreter,
        room: Room | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._campaign = campaign
        self._root = root
        self._paths = paths
        self._executor = executor
        self._interpreter = interpreter
        self._room = room or Room()
        # Taken once: processes are found by it again, wherever the folder is moved meanwhile.
        self._run_marker = paths.run_marker
        self._environ = interpreter.applied(os.environ if environ is None else environ)

    def log_span(self, candidate: Candidate) -> LogSpan:
        """Where the log of the candidate's next check will begin."""
        return self._paths.log_span(candidate.iteration)

    async def run(
        self,
        spec: CheckSpec,
        candidate: Candidate,
        *,
        attempt: int,
        trace_id: TraceId,
        root: Path | None = None,
    ) -> CheckReport | Interrupted:
        """What the check says of the candidate, or that it was cut off and has to be done again.

        A cancellation kills what runs and goes on. A candidate of code brings its own `root`.
        """
        found = variables(self._campaign.env_of(spec), self._environ)
        turn = _Turn(
            spec=spec,
            candidate=candidate,
            attempt=attempt,
            trace_id=trace_id,
            step=step_of(self._paths, candidate, spec.name, self._interpreter.python),
            root=root or self._root,
            variables=found,
            redactor=Redactor(found.secrets),
        )
        await self._room.write(str(turn.step.folder), partial(_hand_over, turn))
        return await self._run(turn)

    async def _run(self, turn: _Turn) -> CheckReport | Interrupted:
        log = CheckLog(
            self._paths.log(turn.candidate.iteration),
            _header(turn),
            room=self._room,
            redactor=turn.redactor,
        )
        before = observe.before(turn.spec, turn.root, turn.step)
        async with log:
            begun_s = time.monotonic()
            ended = await self._execute(turn, log)
            duration_s = time.monotonic() - begun_s
            failpoints.reach("check.ended")
            if isinstance(ended, Interrupted):
                return ended
            await log.finish(_footer(ended))
            seen = await observe.observe(turn.spec, ended, log, before)
        judged = classify(turn.spec, seen)
        if judged.verdict is not None and not has_some(turn.step.folder):
            # It may have failed for want of room, which says nothing about the candidate.
            await self._room.wait_for_some(turn.step.folder)
            return Interrupted("it failed while the disk was full")
        return await self._report(turn, seen, judged, (log, duration_s))

    async def _report(
        self, turn: _Turn, seen: Observed, judged: Judged, took: tuple[CheckLog, float]
    ) -> CheckReport:
        log, duration_s = took
        keeper = artifacts.Keeper(
            self._paths, turn.candidate.iteration, turn.spec.name, (turn.root, turn.step.folder)
        )
        kept = await keeper.keep(seen.result.artifacts, self._room)
        detail = "; ".join(part for part in (judged.detail, *kept.refused) if part)
        ended = seen.ended if isinstance(seen.ended, Finished) else Finished()
        return CheckReport(
            iteration=turn.candidate.iteration,
            candidate=turn.candidate.id,
            check=turn.spec.name,
            attempt=turn.attempt,
            outcome="passed" if judged.verdict is None else "failed",
            exit_code=ended.exit_code,
            duration_s=round(duration_s, 6),
            log=LogSpan(path=f"logs/{log.path.name}", start=log.start, end=log.end),
            metrics=seen.metrics,
            tests=seen.tests,
            verdict=judged.verdict,
            detail=turn.redactor.text(detail)[:DETAIL_CHARACTERS],
            artifacts=kept.paths,
            hotspots=seen.result.hotspots,
            background=ended.background,
        )

    async def _execute(self, turn: _Turn, log: CheckLog) -> Ended:
        if turn.variables.missing:
            names = ", ".join(turn.variables.missing)
            return NotStarted(f"not set in the environment of the engine: {names}")
        try:
            command = turn.step.command(turn.spec)
        except KeyError as error:
            return NotStarted(f"the candidate has nothing for the placeholder {{{error.args[0]}}}")
        return await self._executor.run(
            Command(
                run=command,
                cwd=turn.root,
                env=turn.variables.values | turn.step.variables(turn.trace_id),
                marker=self._marker(turn),
                deadline_s=turn.spec.deadline_s,
                idle_s=turn.spec.idle_s,
            ),
            log=log,
        )

    def _marker(self, turn: _Turn) -> Marker:
        step = f"{turn.candidate.iteration}/{turn.spec.name}/{turn.attempt}"
        return Marker(self._run_marker, f"{self._run_marker}#{step}")


async def _hand_over(turn: _Turn) -> None:
    turn.step.write(turn.candidate)


def _header(turn: _Turn) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return (
        f"=== {turn.trace_id} iteration {turn.candidate.iteration} check {turn.spec.name} "
        f"attempt {turn.attempt} {now}"
    )


def _footer(ended: Finished | TimedOut | Exceeded | NotStarted) -> str:
    """What the log should say that the command cannot have said itself."""
    match ended:
        case Finished(background=0, signal=None):
            return ""
        case Finished(background=0):
            return f"=== ended by signal {ended.signal}"
        case Finished():
            return f"=== it left {ended.background} processes behind; they were killed"
        case TimedOut(kind, after_s):
            return f"=== killed after {after_s:.1f} s ({kind})"
        case Exceeded():
            return f"=== killed: {ended.words}"
        case NotStarted(reason):
            return f"=== not started: {reason}"
        case _:
            assert_never(ended)
