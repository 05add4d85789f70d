"""One iteration, from its first check to its verdict: intent recorded, act, outcome recorded."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from engine.core import failpoints
from engine.core.events import (
    CheckFinished,
    CheckInterrupted,
    CheckStarted,
    LogSpan,
    VerdictReached,
)
from engine.core.ids import IterationNumber
from engine.core.referee import PlannedCheck, RunCheck, next_step
from engine.core.state import Candidate, OpenIteration, RunState
from engine.loop.control import Control, CutOff
from engine.loop.writer import Writer


class CheckJob(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at one check of one candidate."""

    check: str
    attempt: int
    turn: OpenIteration
    candidate: Candidate
    log: LogSpan


class Checks(Protocol):
    """Runs the checks of a campaign."""

    @property
    def plan(self) -> Sequence[PlannedCheck]:
        """The checks in their order."""
        ...

    def next_log(self, candidate: Candidate) -> LogSpan:
        """Where the output of the candidate's next check will lie."""
        ...

    async def run(self, job: CheckJob) -> CheckFinished | CutOff:
        """Run a check to its end; when cancelled, nothing of it is left running."""
        ...

    def clear(self, iteration: IterationNumber) -> None:
        """Remove the scratch files of an iteration that is over."""
        ...


class Iteration:
    """Brings one open iteration to its verdict; may be called again after an interruption."""

    def __init__(self, writer: Writer, control: Control, checks: Checks) -> None:
        self._writer = writer
        self._control = control
        self._checks = checks

    async def complete(self, number: IterationNumber) -> bool:
        """Run what is left of an iteration; False when the engine drains before its verdict."""
        failpoints.reach("iteration.recorded")
        while await self._control.may_start():
            step = await self._next(number)
            if isinstance(step, VerdictReached):
                failpoints.reach("verdict.recorded")
                self._checks.clear(number)
                return True
            await self._run(number, step.name)
        return False

    async def _next(self, number: IterationNumber) -> RunCheck | VerdictReached:
        """The next check, or the verdict, which is then recorded already."""
        found: list[RunCheck | VerdictReached] = []

        def decide(state: RunState) -> Sequence[VerdictReached]:
            step = next_step(state, state.open[number], self._checks.plan)
            found.append(step)
            return [step] if isinstance(step, VerdictReached) else []

        await self._writer.decide(decide)
        return found[-1]

    async def _run(self, number: IterationNumber, check: str) -> None:
        turn = self._writer.state.open[number]
        assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
        candidate = self._writer.state.candidates[turn.candidate]
        job = CheckJob(
            check=check,
            attempt=turn.attempt + 1,
            turn=turn,
            candidate=candidate,
            log=self._checks.next_log(candidate),
        )
        started = CheckStarted(
            iteration=number,
            candidate=candidate.id,
            check=check,
            attempt=job.attempt,
            log=job.log,
        )
        # A pause may have been recorded since the gate was passed; nothing starts after it.
        if await self._writer.decide(lambda _: [] if self._control.held else [started]):
            failpoints.reach("check.recorded")
            await self._act(job)

    async def _act(self, job: CheckJob) -> None:
        report = await self._control.attempt(lambda: self._checks.run(job))
        if isinstance(report, CutOff):
            await self._writer.record(interrupted(job.turn, report.reason))
            return
        await self._writer.record(report)
        failpoints.reach("outcome.recorded")


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
    )
