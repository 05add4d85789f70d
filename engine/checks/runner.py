"""Running one check of one candidate: hand over the candidate, run, read, judge."""

import os
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import anyio
import msgspec

from engine.checks import artifacts, observe
from engine.checks.boxes import Boxes, Ground
from engine.checks.classify import classify
from engine.checks.environment import Interpreter
from engine.checks.falling_back import fallen_back
from engine.checks.jobs import JobChecks, Wanted
from engine.checks.log import CheckLog
from engine.checks.readers import lines_of
from engine.checks.report import CheckReport
from engine.checks.sealed import Sealed, trouble
from engine.checks.step import clear_step, step_of
from engine.checks.turn import Outcome, Turn, footer, header, voided
from engine.checks.variables import variables
from engine.core import failpoints
from engine.core.campaign.checks import CheckSpec
from engine.core.campaign.executors import LOCAL
from engine.core.campaign.models import Campaign
from engine.core.events import LogSpan
from engine.core.ids import IterationNumber, TraceId
from engine.core.repair.detect import detect
from engine.core.secrets import Redactor
from engine.core.state import Candidate
from engine.executors.jobs.detached import Detached
from engine.executors.protocol import (
    Command,
    Ended,
    Executor,
    Finished,
    Interrupted,
    Marker,
    NotStarted,
)
from engine.runfolder.paths import RunPaths
from engine.runfolder.room import Room, has_some

DETAIL_CHARACTERS: Final = 1000


class Remote(Protocol):
    """Runs checks on hosts; what can do that is imported only where there are any."""

    async def run(
        self, turn: Turn, wanted: Wanted, hand_over: Callable[[], Awaitable[None]]
    ) -> Outcome | Interrupted:
        """What came of the check, or that it is to be done again."""
        ...

    async def attend(self) -> None:
        """Tidy up on the hosts."""
        ...

    def clear(self, iteration: int) -> None:
        """Forget an iteration that is over."""
        ...


class CheckRunner:
    """Runs the checks of a campaign for the candidates of a run.

    Args:
        campaign: whose checks are run.
        root: the folder in which commands run, unless a candidate brings its own.
        paths: the run's folder.
        executor: runs the commands.
        interpreter: what `{python}` stands for.
        detached: runs those that are to outlive the engine.
        remote: runs those that have hosts to run on.
        boxes: makes the sandboxes of sealed checks; without them a score can be forged.
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
        detached: Detached | None = None,
        remote: Remote | None = None,
        boxes: Boxes | None = None,
        room: Room | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._campaign = campaign
        self._ground = Ground.of_campaign(root, campaign.protect)
        self._paths = paths
        self._executor = executor
        self._interpreter = interpreter
        self._room = room or Room()
        # Taken once: processes are found by it again, wherever the folder is moved meanwhile.
        self._run_marker = paths.run_marker
        self._outer = os.environ if environ is None else environ
        self._environ = interpreter.applied(self._outer)
        self._sealed = Sealed(paths, executor, boxes, self._room, campaign.metric.to_metric())
        self._remote = remote
        self._jobs = JobChecks(paths, detached, self._room) if detached is not None else None

    def use(self, interpreter: Interpreter) -> None:
        """Let `{python}` stand for another interpreter from the next check on."""
        self._interpreter = interpreter
        self._environ = interpreter.applied(self._outer)

    async def attend(self) -> None:
        """Keep the sandboxes that stand by, until this is cancelled; tidy up on hosts."""
        async with anyio.create_task_group() as tasks:
            if self._remote is not None:
                tasks.start_soon(self._remote.attend)
            tasks.start_soon(self._sealed.attend)

    def stand_by(self, spec: CheckSpec, iteration: IterationNumber, ground: Ground) -> None:
        """Have made ready what a sealed check will run in, while its candidate is in the making."""
        self._sealed.stand_by(spec, self._paths.step(iteration).absolute(), ground)

    def clear(self, iteration: IterationNumber) -> None:
        """Give up what stands by for an iteration that is over, and its scratch files."""
        self._sealed.clear(self._paths.step(iteration).absolute())
        if self._remote is not None:
            self._remote.clear(iteration)
        clear_step(self._paths, iteration)

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
        ground: Ground | None = None,
        beside: bool = False,
        product: str = "",
        secret_seed: int | None = None,
        job: Wanted | None = None,
    ) -> CheckReport | Interrupted:
        """What the check says of the candidate, or that it was cut off and has to be done again.

        A cancellation kills what runs and goes on. A candidate of code brings its own `ground`.
        A champion is run `beside` the candidate, in a folder of its own; its files are not kept.
        `product` is the digest of what an earlier check left, where the check judges that. A judge
        draws from `secret_seed`, where both halves of a pair have one, and else from its own.
        With a `job` it outlives the engine, and may have begun before this one.
        """
        at = (ground or self._ground).root
        spec, candidate = await self._room.write(
            "a patched configuration", partial(fallen_back, spec, candidate, at, self._paths)
        )
        found = variables(self._campaign.env_of(spec), self._environ)
        turn = Turn(
            spec=spec,
            candidate=candidate,
            attempt=attempt,
            trace_id=trace_id,
            step=step_of(
                self._paths, candidate, spec.name, self._interpreter.python, beside=beside
            ),
            ground=ground or self._ground,
            variables=found,
            redactor=Redactor(found.secrets),
            beside=beside,
            product=product,
            secret_seed=secret_seed,
        )
        begun_s = time.monotonic()
        outcome = await self._outcome(turn, job)
        duration_s = time.monotonic() - begun_s
        failed = isinstance(outcome, Interrupted) or outcome.judged.verdict is not None
        if failed and not has_some(turn.step.folder):
            # It may have failed for want of room, which says nothing about the candidate.
            await self._room.wait_for_some(turn.step.folder)
            return Interrupted("it failed while the disk was full", waited=True)
        if isinstance(outcome, Interrupted):
            return outcome
        return await self._report(turn, outcome, duration_s)

    async def _outcome(self, turn: Turn, job: Wanted | None) -> Outcome | Interrupted:
        if job is not None and self._remote is not None and turn.spec.executor != LOCAL:
            return await self._remote.run(turn, job, partial(_hand_over, turn))
        if job is not None and self._jobs is not None:
            return await self._jobs.run(turn, job, partial(_hand_over, turn))
        await self._room.write(str(turn.step.folder), partial(_hand_over, turn))
        return await (self._sealed.run(turn) if turn.spec.sealed else self._plain(turn))

    async def _plain(self, turn: Turn) -> Outcome | Interrupted:
        log = CheckLog(
            self._paths.log(turn.candidate.iteration),
            header(turn),
            room=self._room,
            redactor=turn.redactor,
        )
        before = observe.before(turn.spec, turn.ground.root, turn.step)
        reason = await trouble(turn)
        async with log:
            ended = NotStarted(reason) if reason else await self._execute(turn, log)
            failpoints.reach("check.ended")
            if isinstance(ended, Interrupted):
                return ended
            await log.finish(footer(ended))
            seen = await observe.observe(turn.spec, ended, log, before)
        reason = reason or await trouble(turn)
        return Outcome(
            seen=msgspec.structs.replace(seen, metrics={}) if reason else seen,
            judged=voided(reason) if reason else classify(turn.spec, seen),
            start=log.start,
            end=log.end,
            folders=(turn.ground.root, turn.step.folder),
            voided=reason,
            found=None if seen.ended == Finished(exit_code=0) else detect(lines_of(log.recent)),
        )

    async def _report(self, turn: Turn, outcome: Outcome, duration_s: float) -> CheckReport:
        seen, judged, number = outcome.seen, outcome.judged, turn.candidate.iteration
        keeper = artifacts.Keeper(self._paths, number, turn.spec.name, outcome.folders)
        kept = await keeper.keep([] if turn.beside else seen.result.artifacts, self._room)
        detail = "; ".join(part for part in (judged.detail, *kept.refused) if part)
        ended = seen.ended if isinstance(seen.ended, Finished) else Finished()
        where = outcome.log or LogSpan(path=f"logs/{self._paths.log(number).name}")
        return CheckReport(
            iteration=number,
            candidate=turn.candidate.id,
            check=turn.spec.name,
            attempt=turn.attempt,
            outcome="passed" if judged.verdict is None else "failed",
            exit_code=ended.exit_code,
            duration_s=round(duration_s if outcome.took_s is None else outcome.took_s, 6),
            log=msgspec.structs.replace(where, start=outcome.start, end=outcome.end),
            metrics=seen.metrics,
            tests=seen.tests,
            verdict=judged.verdict,
            detail=turn.redactor.text(detail)[:DETAIL_CHARACTERS],
            artifacts=kept.paths,
            hotspots=seen.result.hotspots,
            background=ended.background,
            seed=outcome.seed,
            voided=outcome.voided,
            own=judged.own,
            product=outcome.product,
            found=None if judged.verdict is None else outcome.found,
            said=outcome.said,
        )

    async def _execute(self, turn: Turn, log: CheckLog) -> Ended:
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
                cwd=turn.ground.root / _folder(turn),
                env=turn.variables.values | turn.step.variables(turn.trace_id),
                marker=Marker(self._run_marker, f"{self._run_marker}#{turn.name}"),
                deadline_s=turn.spec.deadline_s,
                idle_s=turn.spec.idle_s,
            ),
            log=log,
        )


async def _hand_over(turn: Turn) -> None:
    turn.step.write(turn.candidate)


def _folder(turn: Turn) -> str:
    """Where a worker's decision wants its command to run, below the root."""
    chosen = turn.candidate.chosen
    return chosen.folder if chosen is not None and turn.spec.commanded else ""
