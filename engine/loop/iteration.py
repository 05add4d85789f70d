"""One iteration, from its first step to its verdict: intent recorded, act, outcome recorded."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, assert_never

import anyio
import msgspec

from engine.checks.boxes import Ground
from engine.checks.harness import Harness
from engine.core import failpoints
from engine.core.detaching import as_job
from engine.core.events import (
    AnyEvent,
    CheckFinished,
    CheckInterrupted,
    CheckStarted,
    LogSpan,
    VerdictReached,
)
from engine.core.finishing import counted
from engine.core.holding_candidates import recorded
from engine.core.ids import IterationNumber, JobId
from engine.core.jobs.events import JobEvent
from engine.core.judging import found_out
from engine.core.measuring import drawn_of, measured_as, pair_seed
from engine.core.parts import Half
from engine.core.plan import Plan
from engine.core.referee import Step, next_step
from engine.core.signature import signature
from engine.core.state import Candidate, OpenIteration, RunState
from engine.core.steps import (
    CarryOver,
    CollectChange,
    DrawPair,
    HoldUp,
    PutAside,
    Repair,
    RunAgent,
    RunCheck,
    Settle,
    TakeTurns,
    Wait,
)
from engine.core.verdicts import verdict_of
from engine.loop.control import Control, CutOff
from engine.loop.drawing import drawn
from engine.loop.guard import Guard
from engine.loop.jobs import Follower
from engine.loop.repairs import Repairs
from engine.loop.setbacks import Setbacks
from engine.loop.writer import Writer
from engine.proposers.protocol import Proposal
from engine.workspace.protocol import WorkspaceError


async def _nobody(event: JobEvent) -> None:
    del event


class CheckJob(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at one check of one candidate, on the ground of its own code, if any.

    `env` is what the check gets besides what the campaign says. A `job` outlives the engine, and
    `tell` records what becomes of it.
    """

    check: str
    attempt: int
    turn: OpenIteration
    candidate: Candidate
    log: LogSpan
    ground: Ground | None = None
    half: Half | None = None
    env: dict[str, str] = {}
    job: JobId | None = None
    tell: Callable[[JobEvent], Awaitable[None]] = _nobody

    @property
    def secret_seed(self) -> int | None:
        """The seed of the pair, where chance has drawn one."""
        half = self.half
        drawn = half and drawn_of(self.turn, half.against, half.pair)
        return drawn.seed if drawn else None


class Checks(Protocol):
    """Runs the checks of a campaign."""

    def next_log(self, candidate: Candidate) -> LogSpan:
        """Where the output of the candidate's next check will lie."""
        ...

    async def run(self, job: CheckJob) -> CheckFinished | CutOff:
        """Run a check to its end; when cancelled, nothing of it is left running."""
        ...

    def clear(self, iteration: IterationNumber) -> None:
        """Give up what stands by for an iteration that is over; remove its scratch files."""
        ...

    def stand_by(self, iteration: IterationNumber, ground: Ground) -> None:
        """Have made ready what can be for a candidate that is still in the making."""
        ...

    async def attend(self) -> None:
        """Keep what stands by, until this is cancelled."""
        ...


class CodeSteps(Protocol):
    """The steps of candidates of code."""

    @property
    def harness(self) -> Harness | None:
        """The files that judge; None where they are not a tree of the run's own."""
        ...

    def commit(self, state: RunState) -> str | None:
        """The commit that the next candidate begins from; None where there is no code."""
        ...

    async def merged(self) -> Proposal | None:
        """The champion with the main branch merged into it, where that is due and brings news."""
        ...

    async def check_out(
        self, turn: OpenIteration, candidate: Candidate, half: Half | None
    ) -> Ground | None:
        """Where the candidate's checks run, or a half's of a pair; None where it has no code."""
        ...

    async def take(
        self, step: RunAgent | CollectChange | CarryOver | PutAside, number: IterationNumber
    ) -> None:
        """Do a step of an open iteration, and record what came of it."""
        ...

    async def settle(self, turn: OpenIteration, verdict: VerdictReached | None) -> None:
        """What the verdict on an iteration means for the repository; None for no iteration's."""
        ...

    async def close(self) -> None:
        """Give back what is the person's."""
        ...


class Iteration:
    """Brings one open iteration to its verdict; may be called again after an interruption."""

    def __init__(
        self,
        writer: Writer,
        control: Control,
        guard: Guard,
        *,
        checks: Checks,
        plan: Plan,
        code: CodeSteps,
        repairs: Repairs | None = None,
        setbacks: Setbacks | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._writer = writer
        self._control = control
        self._guard = guard
        self._checks = checks
        self._plan = plan
        self._code = code
        self._follower = Follower(writer)
        self._repairs = repairs
        self._setbacks = setbacks or Setbacks(writer, control)
        self._now_s = now_s

    async def complete(self, number: IterationNumber) -> bool:
        """Run what is left of an iteration; False when the engine drains before its verdict."""
        failpoints.reach("iteration.recorded")
        while await self._control.may_start():
            turn = self._writer.state.open[number]
            step = await self._next(number)
            if isinstance(step, VerdictReached):
                failpoints.reach("verdict.recorded")
                await self._code.settle(turn, step)
                return await self._over(number)
            try:
                await self._take(number, step)
            except WorkspaceError as error:
                await self._set_back(number, f"workspace: {error}")
                if self._writer.state.ends_by_halt:
                    return number not in self._writer.state.open and await self._over(number)
            if number not in self._writer.state.open:
                return await self._over(number)
        return False

    async def _set_back(self, number: IterationNumber, reason: str) -> None:
        """Wait, so that the step is tried again; after so many times the iteration is given up."""
        if self._control.held or await self._setbacks.may_try_again(_name(number), reason):
            return

        def decide(state: RunState) -> Sequence[AnyEvent]:
            turn = state.open[number]
            if turn.cut and not turn.put_aside:
                return []  # the finish has a verdict for it
            given_up = verdict_of(state, turn, "infra", reason, signature=signature(reason))
            return [given_up, *counted(state, given_up)]

        turn = self._writer.state.open[number]
        if turn.change is None and turn.answers and not turn.cut:
            # What its agent made is in no commit yet: the tree is not to be lent before a look.
            await self._guard.halt(reason)
            return
        if await self._writer.decide(decide):
            failpoints.reach("verdict.recorded")
            await self._code.settle(turn, None)

    async def _over(self, number: IterationNumber) -> bool:
        self._setbacks.over(_name(number))
        self._checks.clear(number)
        await self._guard.look()
        return True

    async def _next(self, number: IterationNumber) -> Step:
        """The next step; when that is the verdict, it is recorded already."""
        found: list[Step] = []

        def decide(state: RunState) -> Sequence[AnyEvent]:
            turn = state.open[number]
            step = next_step(state, turn, self._plan, self._now_s())
            found.append(step)
            if isinstance(step, DrawPair):
                return [drawn(turn, step)]
            if isinstance(step, HoldUp | Settle):
                return recorded(turn, step)
            if not isinstance(step, VerdictReached):
                return []
            return [*found_out(state, turn, self._plan, step), step, *counted(state, step)]

        await self._writer.decide(decide)
        return found[-1]

    async def _take(
        self,
        number: IterationNumber,
        step: RunCheck
        | Repair
        | DrawPair
        | TakeTurns
        | RunAgent
        | CollectChange
        | CarryOver
        | PutAside
        | HoldUp
        | Settle
        | Wait,
    ) -> None:
        match step:
            case DrawPair():
                pass  # what was drawn is recorded
            case HoldUp():
                failpoints.reach("candidate.held")
            case Settle():
                failpoints.reach("candidate.settled")
            case RunCheck():
                await self._check(number, step)
            case Repair():
                await self._repair(number, step)
            case TakeTurns():
                await self._writer.wait_change()
            case Wait():
                await self._wait(number, step)
            case RunAgent() | CollectChange() | CarryOver() | PutAside():
                await self._code.take(step, number)
            case _:
                assert_never(step)

    async def _repair(self, number: IterationNumber, step: Repair) -> None:
        assert self._repairs is not None  # noqa: S101  (the plan has none without rules for it)
        turn = self._writer.state.open[number]
        assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
        candidate = self._writer.state.candidates[turn.candidate]
        ground = await self._code.check_out(turn, candidate, None)
        await self._repairs.take(turn, step, ground)

    async def _wait(self, number: IterationNumber, step: Wait) -> None:
        """Until the time has come, or something happened that may change what comes next."""
        source = _name(number)
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(step.until_s))
        self._writer.trouble.note(source, f"waiting until {until}: {step.reason}")
        try:
            with anyio.move_on_after(max(0.0, step.until_s - self._now_s())):
                await self._writer.wait_change()
        finally:
            self._writer.trouble.note(source, None)

    async def _check(self, number: IterationNumber, step: RunCheck) -> None:
        turn = self._writer.state.open[number]
        job = await self._job(turn, step)
        assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
        started = CheckStarted(
            iteration=number,
            candidate=turn.candidate,
            check=step.name,
            attempt=job.attempt,
            log=job.log,
            half=step.half,
        )

        def begin(state: RunState) -> Sequence[AnyEvent]:
            # Since the gate was passed a pause may have been recorded, after which nothing starts,
            # or another iteration may have begun to measure.
            step_now = next_step(state, state.open[number], self._plan, self._now_s())
            if self._control.held or step_now != step:
                return []
            return [as_job(state, self._plan, started)]

        if await self._writer.decide(begin):
            await self._act(self._begun(job))

    def _begun(self, job: CheckJob) -> CheckJob:
        """What was begun, now that it is recorded whether it outlives the engine."""
        turn = self._writer.state.open[job.turn.iteration]
        failpoints.reach("check.recorded")
        if turn.job is None or turn.log is None:
            return job
        failpoints.reach("job.recorded")
        tell = self._follower.tell
        return msgspec.structs.replace(job, job=turn.job, log=turn.log, tell=tell)

    async def go_on(self, number: IterationNumber) -> None:
        """Follow the job of an open iteration to its end, which an earlier engine began."""
        turn = self._writer.state.open[number]
        assert turn.check is not None  # noqa: S101  (a job is a check that runs)
        job = await self._job(turn, RunCheck(name=turn.check, half=turn.half))
        again = msgspec.structs.replace(job, attempt=turn.attempt)
        await self._act(self._begun(again))

    async def _job(self, turn: OpenIteration, step: RunCheck) -> CheckJob:
        state, half = self._writer.state, step.half
        assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
        candidate = state.candidates[half.of if half else turn.candidate]
        ground = await self._code.check_out(turn, candidate, half)
        if half is not None:
            noisy = half.pair and self._plan.referee is not None and self._plan.referee.noisy
            seed = candidate.seed
            if noisy:
                seed = pair_seed(state.seed, turn, half.against, half.pair)
            candidate = measured_as(candidate, turn, seed)
        return CheckJob(
            check=step.name,
            attempt=turn.attempt + 1,
            turn=turn,
            candidate=candidate,
            log=self._checks.next_log(candidate),
            ground=ground,
            half=half,
        )

    async def _act(self, job: CheckJob) -> None:
        report = await self._control.attempt(lambda: self._checks.run(job), job.turn.iteration)
        if isinstance(report, CutOff):
            await self._writer.record(interrupted(job.turn, report.reason))
            if report.let_down:
                await self._set_back(job.turn.iteration, report.reason)
            return
        self._setbacks.over(_name(job.turn.iteration))
        candidate = job.turn.candidate
        assert candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
        if report.voided:
            await self._guard.halt(report.voided)
        await self._writer.record(
            msgspec.structs.replace(report, candidate=candidate, half=job.half)
        )
        failpoints.reach("outcome.recorded")


def _name(number: IterationNumber) -> str:
    """What an iteration is called where it has to wait."""
    return f"iteration {number}"


def interrupted(turn: OpenIteration, reason: str) -> CheckInterrupted:
    """The check of an open iteration was cut off; it counts as an attempt, not as a verdict."""
    assert turn.candidate is not None  # noqa: S101
    assert turn.check is not None  # noqa: S101
    return CheckInterrupted(
        iteration=turn.iteration,
        candidate=turn.candidate,
        check=turn.check,
        attempt=turn.attempt,
        reason=reason,
        half=turn.half,
    )
