"""One repair of a check that says what it lacks: intent recorded, act, outcome recorded.

One at a time: they all make the environment of the checks, each what the last one left.
"""

import time
from collections.abc import Sequence
from typing import Protocol

import anyio
import msgspec

from engine.checks.boxes import Ground
from engine.checks.environment import EnvironmentFailedError, Interpreter
from engine.checks.repairing import Done, Subject
from engine.core import failpoints
from engine.core.event import LogSpan
from engine.core.events import AnyEvent
from engine.core.repair.choose import Facts, choose
from engine.core.repair.environment import standing
from engine.core.repair.events import (
    RepairFinished,
    RepairSkipped,
    RepairStarted,
    repair_id,
    same_again,
)
from engine.core.repair.parts import Found, RepairRules, Tried, Way
from engine.core.state import Candidate, OpenIteration, RunState
from engine.core.steps import Repair
from engine.loop.control import Control, CutOff
from engine.loop.writer import Writer

_DETAIL_CHARACTERS = 500


class Tools(Protocol):
    """What repairs are done with."""

    def facts(self, check: str, found: Found, candidate: Candidate, ground: Ground | None) -> Facts:
        """What is seen of the candidate and of where its check runs."""
        ...

    async def go(
        self,
        way: Way,
        started: RepairStarted,
        lines: list[str],
        on: Subject,
    ) -> Done:
        """Go one way; EnvironmentFailedError where it leads nowhere."""
        ...

    def log(self) -> LogSpan:
        """Where what the next environment prints will lie."""
        ...

    def use(self, interpreter: Interpreter) -> None:
        """Let checks run in this environment from now on."""
        ...


class Repairs:
    """Repairs checks of open iterations; may be called again after an interruption."""

    def __init__(self, writer: Writer, control: Control, tools: Tools, rules: RepairRules) -> None:
        self._writer = writer
        self._control = control
        self._tools = tools
        self._rules = rules
        self._alone = anyio.Lock()

    async def take(self, turn: OpenIteration, step: Repair, ground: Ground | None) -> None:
        """Repair a check, if anything can be done about what it lacks."""
        async with self._alone:
            candidate = _candidate(self._writer.state, turn)
            facts = self._tools.facts(step.check, step.found, candidate, ground)
            event = self._chosen(turn, step, candidate, facts)

            def begin(state: RunState) -> Sequence[AnyEvent]:
                return [] if self._control.held or turn.iteration not in state.open else [event]

            if not await self._writer.decide(begin) or isinstance(event, RepairSkipped):
                return
            failpoints.reach("repair.recorded")
            ended = await self._control.attempt(
                lambda: self._go(event, Subject(candidate, ground)), turn.iteration
            )
            if isinstance(ended, CutOff):
                return  # the intent stands, and is begun again
            failpoints.reach("repair.ended")
            finished, interpreter = ended
            await self._writer.record(finished)
            if interpreter is not None:
                self._tools.use(interpreter)

    def _chosen(
        self, turn: OpenIteration, step: Repair, candidate: Candidate, facts: Facts
    ) -> RepairStarted | RepairSkipped:
        state = self._writer.state
        choice = choose(step.found, self._rules, facts)
        before = state.repairs.failed.get(same_again(step.found, choice.ways, state.engines))
        reason = f"{before} tried that, and it did not help" if before else choice.reason
        if reason:
            return RepairSkipped(
                iteration=turn.iteration,
                candidate=candidate.id,
                check=step.check,
                found=step.found,
                reason=reason,
            )
        cut_off = turn.repair
        name = cut_off.repair if cut_off else repair_id(state.repairs.begun + 1)
        return RepairStarted(
            repair=name,
            iteration=turn.iteration,
            candidate=candidate.id,
            check=step.check,
            attempt=cut_off.attempt + 1 if cut_off else 1,
            found=step.found,
            ways=choice.ways,
            folder=f"repairs/{name}",
        )

    async def _go(
        self, started: RepairStarted, on: Subject
    ) -> tuple[RepairFinished, Interpreter | None]:
        begun_s, log = time.monotonic(), self._tools.log()
        state = self._writer.state
        lines = standing(state.document, state.repairs.lines)
        tried: list[Tried] = []
        done = None
        for way in started.ways:
            try:
                done = await self._tools.go(way, started, lines, on)
            except EnvironmentFailedError as error:
                words = str(error)[:_DETAIL_CHARACTERS]
                tried.append(Tried(way=way, worked=False, detail=words))
            else:
                tried.append(Tried(way=way, worked=True))
                break
        took_s = round(time.monotonic() - begun_s, 3)
        again = done is not None and self._rules.retry
        finished = _finished(started, tried, done, took_s, again=again)
        end = self._tools.log().start
        if end > log.start:
            log = msgspec.structs.replace(log, end=end)
            finished = msgspec.structs.replace(finished, log=log)
        return finished, done and done.interpreter


def _finished(
    started: RepairStarted, tried: list[Tried], done: Done | None, took_s: float, *, again: bool
) -> RepairFinished:
    done = done or Done()
    return RepairFinished(
        repair=started.repair,
        iteration=started.iteration,
        candidate=started.candidate,
        check=started.check,
        outcome="repaired" if tried and tried[-1].worked else "failed",
        tried=tried,
        took_s=took_s,
        again=again,
        lines=done.lines,
        requirements=done.requirements,
        fallback=done.fallback,
    )


def _candidate(state: RunState, turn: OpenIteration) -> Candidate:
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    return state.candidates[turn.candidate]
