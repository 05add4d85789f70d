"""Measuring again outside of iterations: in a slot that is free, one candidate at a time."""

import time
from collections.abc import Callable, Sequence
from typing import Final, assert_never

import anyio
import msgspec

from engine.core import failpoints
from engine.core.demoting import recorded
from engine.core.detaching import as_job
from engine.core.events import (
    AnyEvent,
    RecheckBegun,
    RecheckChecked,
    RecheckEnded,
    RecheckInterrupted,
    RecheckStarted,
)
from engine.core.finishing import leaders_left
from engine.core.measuring import measured_as
from engine.core.plan import Plan
from engine.core.recheck_results import ended
from engine.core.rechecked import Recheck
from engine.core.rechecking import RecheckStep, due, due_at_end, next_recheck_step, seed_of_pair
from engine.core.state import RunState
from engine.core.steps import DrawPair, RunCheck, TakeTurns, Wait
from engine.core.untested import untested
from engine.loop.control import Control, CutOff
from engine.loop.drawing import drawn
from engine.loop.guard import Guard
from engine.loop.iteration import CheckJob, Checks, CodeSteps
from engine.loop.jobs import Follower
from engine.loop.setbacks import Setbacks
from engine.loop.writer import Writer
from engine.workspace.protocol import WorkspaceError

_FIRST: Final = 0
"""The slot in which leaders are measured at the end, when all are free."""

_AGAIN: Final = "what is measured again"

Wish = Callable[[RunState], RecheckBegun | None]


class Rechecks:
    """Confirms champions, watches the baseline, and measures leaders when the run ends."""

    def __init__(
        self,
        writer: Writer,
        control: Control,
        guard: Guard,
        *,
        checks: Checks,
        plan: Plan,
        code: CodeSteps,
    ) -> None:
        self._writer = writer
        self._control = control
        self._guard = guard
        self._checks = checks
        self._plan = plan
        self._code = code
        self._setbacks = Setbacks(writer, control)
        self._at_work = False
        self._follower = Follower(writer)

    def is_of(self, slot: int) -> bool:
        """Whether the slot had begun to measure somebody again, which only it goes on with."""
        again = self._writer.state.rechecks.open
        return again is not None and again.turn.slot == slot

    async def take(self, slot: int) -> bool:
        """Measure what is due, or what an earlier engine left open; False where there is nothing.

        What another slot had is left to it, unless that is no more: the two would work in one tree.
        """
        return await self._take(slot, lambda state: due(state, self._plan, slot))

    async def at_end(self, is_over: Callable[[], bool]) -> None:
        """Measure the leaders once more, before the run is called finished; not while it is halted.

        A run that is over is not kept from ending by a pause that nobody may lift. One of which
        `is_over` says that it goes on is left alone.
        """
        while is_over() and not self._control.held:
            if not await self._take(_FIRST, self._leader):
                await self._writer.decide(lambda state: untested(state, self._plan))
                return

    def _leader(self, state: RunState) -> RecheckBegun | None:
        """The next leader, where a finish leaves time for one."""
        most = leaders_left(state, self._plan, time.time())
        return due_at_end(state, self._plan, _FIRST, most)

    async def _take(self, slot: int, wish: Wish) -> bool:
        state = self._writer.state
        again = state.rechecks.open
        if self._at_work or (again is None and wish(state) is None):
            return False
        if again is not None and slot != again.turn.slot < state.slots:
            return False
        self._at_work = True
        try:
            if again is None and not await self._begin(wish):
                return False
            await self._complete()
        finally:
            self._at_work = False
        return True

    async def _begin(self, wish: Wish) -> bool:
        def decide(state: RunState) -> Sequence[AnyEvent]:
            begun = wish(state)
            return [] if begun is None or self._control.held else [begun]

        if not await self._writer.decide(decide):
            return False
        failpoints.reach("recheck.begun")
        return True

    async def _complete(self) -> None:
        while await self._control.may_start():
            again = self._again()
            step = await self._next()
            match step:
                case RecheckEnded():
                    await self._over(again)
                    return
                case RunCheck():
                    try:
                        await self._check(again, step)
                    except WorkspaceError as error:
                        await self._set_back(f"workspace: {error}")
                case DrawPair():
                    pass  # what was drawn is recorded
                case TakeTurns():
                    await self._writer.wait_change()
                case Wait():
                    await self._wait(step)
                case _:
                    assert_never(step)
            if self._writer.state.rechecks.open is None:
                return

    async def _set_back(self, reason: str) -> None:
        """Wait, so that it is tried again; after so many times it says nothing, and is over."""
        if self._control.held or await self._setbacks.may_try_again(_AGAIN, reason):
            return

        def decide(state: RunState) -> Sequence[AnyEvent]:
            again = state.rechecks.open
            return [] if again is None else recorded(state, ended(again, "infra", reason))

        again = self._again()
        if await self._writer.decide(decide):
            await self._over(again)

    async def _over(self, again: Recheck) -> None:
        failpoints.reach("recheck.ended")
        await self._code.settle(again.turn, None)
        self._checks.clear(again.turn.iteration)

    async def _next(self) -> RecheckStep:
        """The next step; when that is the end, it is recorded already, with what follows of it."""
        found: list[RecheckStep] = []

        def decide(state: RunState) -> Sequence[AnyEvent]:
            step = self._step(state)
            found.append(step)
            if isinstance(step, DrawPair) and (again := state.rechecks.open) is not None:
                return [drawn(again.turn, step, again.number)]
            return recorded(state, step) if isinstance(step, RecheckEnded) else []

        await self._writer.decide(decide)
        return found[-1]

    def _step(self, state: RunState) -> RecheckStep:
        again = state.rechecks.open
        assert again is not None  # noqa: S101  (only this ends it)
        return next_recheck_step(state, again, self._plan, time.time())

    async def _wait(self, step: Wait) -> None:
        with anyio.move_on_after(max(0.0, step.until_s - time.time())):
            await self._writer.wait_change()

    async def _check(self, again: Recheck, step: RunCheck) -> None:
        job = await self._job(again, step)
        started = RecheckStarted(
            recheck=again.number,
            iteration=again.turn.iteration,
            candidate=again.candidate,
            check=step.name,
            attempt=job.attempt,
            log=job.log,
            half=step.half,
        )

        def begin(state: RunState) -> Sequence[AnyEvent]:
            # Since the gate was passed a pause may have been recorded, or an iteration may have
            # begun to measure.
            if self._control.held or self._step(state) != step:
                return []
            return [as_job(state, self._plan, started)]

        if await self._writer.decide(begin):
            await self._act(again, self._begun(job))

    def _begun(self, job: CheckJob) -> CheckJob:
        """What was begun, now that it is recorded whether it outlives the engine."""
        turn = self._again().turn
        failpoints.reach("recheck.started")
        if turn.job is None or turn.log is None:
            return job
        tell = self._follower.tell
        return msgspec.structs.replace(job, job=turn.job, log=turn.log, tell=tell)

    async def go_on(self) -> None:
        """Follow the job of what is measured again to its end, which an earlier engine began."""
        again = self._again()
        turn = again.turn
        assert turn.check is not None  # noqa: S101  (a job is a check that runs)
        job = await self._job(again, RunCheck(name=turn.check, half=turn.half))
        job = msgspec.structs.replace(job, attempt=turn.attempt)
        await self._act(again, self._begun(job))

    async def _job(self, again: Recheck, step: RunCheck) -> CheckJob:
        state, half, turn = self._writer.state, step.half, again.turn
        candidate = state.candidates[half.of if half else again.candidate]
        ground = await self._code.check_out(turn, candidate, half)
        noisy = self._plan.referee is not None and self._plan.referee.noisy
        fresh = noisy and (half is not None or again.purpose == "final")
        pair = half.pair if half else 0
        seed = seed_of_pair(state.seed, again, pair) if fresh else candidate.seed
        candidate = measured_as(candidate, turn, seed)
        return CheckJob(
            check=step.name,
            attempt=turn.attempt + 1,
            turn=turn,
            candidate=candidate,
            log=self._checks.next_log(candidate),
            ground=ground,
            half=half,
            env=again.env,
        )

    async def _act(self, again: Recheck, job: CheckJob) -> None:
        report = await self._control.attempt(lambda: self._checks.run(job))
        if isinstance(report, CutOff):
            await self._writer.record(interrupted(again, report.reason))
            if report.let_down:
                await self._set_back(report.reason)
            return
        self._setbacks.over(_AGAIN)
        if report.voided:
            await self._guard.halt(report.voided)
        report = msgspec.structs.replace(report, candidate=again.candidate, half=job.half)
        await self._writer.record(
            RecheckChecked(
                recheck=again.number,
                iteration=again.turn.iteration,
                candidate=again.candidate,
                report=report,
            )
        )
        failpoints.reach("recheck.checked")

    def _again(self) -> Recheck:
        again = self._writer.state.rechecks.open
        assert again is not None  # noqa: S101  (only this ends it)
        return again


def interrupted(again: Recheck, reason: str) -> RecheckInterrupted:
    """A check that measures again was cut off; it is done again."""
    turn = again.turn
    assert turn.check is not None  # noqa: S101  (one that runs)
    return RecheckInterrupted(
        recheck=again.number,
        iteration=turn.iteration,
        candidate=again.candidate,
        check=turn.check,
        attempt=turn.attempt,
        reason=reason,
    )
