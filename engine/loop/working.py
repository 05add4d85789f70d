"""The worker: asked what runs next whenever there is something to decide.

It is a mind beside the slots, as the mentor is: a question is a step, recorded before it is asked
and after it was answered. Whatever it says is bounded: after a decision that came to nothing it is
left alone for a while, longer each time, and in the end the run halts and says why.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import anyio
import msgspec

from engine.agents.attempt import SessionResult
from engine.core import failpoints
from engine.core.deciding import decision_id, due, halts, next_moment, rest_s
from engine.core.decision_gate import Facts, Ground
from engine.core.decision_taking import Means, judged
from engine.core.decisions.events import (
    DecisionAnswered,
    DecisionAsked,
    DecisionGated,
    DecisionHeld,
    DecisionInterrupted,
    DecisionTaken,
)
from engine.core.decisions.parts import SAFE, Decision, OpenDecision, WorkerRules
from engine.core.events import AnyEvent, IterationCut, Record
from engine.core.finish.times import unix_s, utc
from engine.core.holding import held, replacement_of, settled
from engine.core.housekeeping import Author, housekeeping
from engine.core.ids import IterationNumber
from engine.core.memory.parts import MemoryRules
from engine.core.reviews.parts import MentorRules
from engine.core.state import RunState
from engine.knowledge.decision_answers import Reading, read_decision, schema
from engine.knowledge.decision_prompt import Asked, assemble, last_lines
from engine.knowledge.templates import Template
from engine.loop.calls import DETAIL, Call, Calls, Outcome, recovered
from engine.loop.control import Control, CutOff
from engine.loop.guard import Guard
from engine.loop.writer import Writer
from engine.runfolder.paths import RunPaths

_PAUSE_S: Final = 1.0
_LONGEST_S: Final = 30.0
"""A machine that slept wakes late; so often the time is looked at."""
_LEAST_S: Final = 0.005
_LIMITED_S: Final = 300.0
"""How long a provider's limit is waited for that does not say when it ends."""
_ENDED: Final = "the run ended before it"
_NO_ITERATION: Final = -2
_TAIL: Final = 2_000
_NO_MENTOR: Final = MentorRules(every=0, when_stuck=False, stuck_after=1, failures=1)


@dataclass(frozen=True, kw_only=True)
class WorkerSetup:
    """What a campaign says of its worker; chosen by the command line.

    `by` is the name under which it writes things down; `root` is where commands run. `mentor` says
    which decisions wait for a review.
    """

    rules: WorkerRules
    ground: Ground
    memory: MemoryRules
    template: Template
    mission: str
    by: str
    root: Path
    mentor: MentorRules | None = None


class Worker(Protocol):
    """Who decides what runs next, as the engine knows it."""

    async def run(self) -> None:
        """Ask whenever something is to be decided, for ever; cancelled, it records that."""
        ...


class NoWorker:
    """A campaign without one."""

    async def run(self) -> None:
        """Nobody is asked."""


class Working:
    """Asks the worker of a run, one question at a time.

    Args:
        setup: what the campaign says of it.
        writer: records what it decides.
        control: says whether steps may start, and cuts off what runs.
        paths: the run's folder.
        guard: halts the run.
        calls: asks its program.
        may_begin: whether an iteration may begin now.
        now_s: seconds since 1970.
    """

    def __init__(
        self,
        setup: WorkerSetup,
        writer: Writer,
        control: Control,
        paths: RunPaths,
        *,
        guard: Guard,
        calls: Calls,
        may_begin: Callable[[], bool],
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._setup = setup
        self._writer = writer
        self._control = control
        self._paths = paths
        self._guard = guard
        self._calls = calls
        self._may_begin = may_begin
        self._now_s = now_s

    async def run(self) -> None:
        """Ask whenever something is to be decided, for ever; cancelled, it records that."""
        try:
            while await self._control.may_start():
                await self._look()
        finally:
            self._note(None)

    async def _look(self) -> None:
        state = self._writer.state
        if state.paused is None and (reason := halts(state, self._setup.rules)) is not None:
            self._note(None)
            await self._guard.halt(reason)
            return
        if state.decisions.held is not None and await self._settle():
            return
        reasons = self._due(state)
        if not reasons:
            await self._wait()
            return
        self._note(None)
        if not await self._ask(reasons):
            await anyio.sleep(_PAUSE_S)

    def _due(self, state: RunState) -> list[str]:
        if state.paused is not None:
            return []
        return due(state, self._now_s(), may_begin=self._may_begin())

    async def _wait(self) -> None:
        """Until something happened, or is due by the clock."""
        state, now_s = self._writer.state, self._now_s()
        until = state.decisions.waits_until
        waits = bool(until) and not state.turns and unix_s(until) > now_s
        self._note(f"the worker is left alone until {until[:19]}Z" if waits else None)
        moment = next_moment(state, now_s)
        left_s = _LONGEST_S if moment is None else min(_LONGEST_S, moment - now_s)
        with anyio.move_on_after(max(_LEAST_S, left_s)):
            await self._writer.wait_change()

    async def _settle(self) -> bool:
        """Whether something became of the decision that waits for a review."""

        def decide(state: RunState) -> Sequence[AnyEvent]:
            rules = self._setup.mentor or _NO_MENTOR
            other = replacement_of(state)
            facts = self._facts(other) if other is not None else Facts()
            over = not self._may_begin()
            return settled(state, rules, self._means(self._now_s()), facts, over=over)

        records = await self._writer.decide(decide)
        if records:
            failpoints.reach("decision.settled")
        for record in records:
            self._act(record)
        return bool(records)

    def _means(self, now_s: float) -> Means:
        setup = self._setup
        return Means(rules=setup.rules, ground=setup.ground, by=setup.by, now_s=now_s)

    def _note(self, text: str | None) -> None:
        self._writer.trouble.note("worker", text)

    async def _ask(self, reasons: list[str]) -> bool:
        """Whether it was asked."""
        asked = await self._start(self._writer.state, reasons)

        def decide(state: RunState) -> Sequence[AnyEvent]:
            again = not self._control.held and self._due(state)
            return [asked] if again else []

        if not await self._writer.decide(decide):
            return False
        failpoints.reach("decision.recorded")
        call = Call(
            name=asked.decision,
            role="worker",
            whose="a decision",
            folder=asked.folder,
            log=self._paths.worker_log,
        )
        ended: Outcome | CutOff = CutOff(_ENDED)
        try:
            ended = await self._control.attempt(
                lambda: self._calls.ask(call, self._problems), _NO_ITERATION
            )
        finally:
            if isinstance(ended, CutOff):
                with anyio.CancelScope(shield=True):
                    await self._writer.decide(lambda state: self._cut_off(state, ended))
        if isinstance(ended, Outcome):
            await self._answered(asked, ended)
        return True

    async def _start(self, state: RunState, reasons: list[str]) -> DecisionAsked:
        """The intent; the prompt lies in the decision's folder already."""
        spec, setup = self._calls.spec, self._setup
        name = decision_id(state.decisions.begun + 1)
        folder = self._paths.decision(name)
        asked = Asked(
            decision=name,
            reasons=reasons,
            now_s=self._now_s(),
            commands=setup.rules.gate.commands,
            mission=setup.mission,
            tails={number: self._tail(IterationNumber(number)) for number in state.open},
        )
        prompt = assemble(setup.template, state, asked)
        await self._calls.prepare(folder, prompt.text, schema())
        return DecisionAsked(
            decision=name,
            at_iteration=IterationNumber(state.ended_iterations),
            reasons=reasons,
            agent=spec.agent,
            model=spec.model,
            effort=spec.effort,
            folder=str(folder.relative_to(self._paths.root)),
            prompt_sha256=prompt.sha256,
            parts=prompt.parts,
            log=self._paths.worker_span(),
        )

    def _tail(self, number: IterationNumber) -> list[str]:
        """The last that a run said."""
        try:
            with self._paths.log(number).open("rb") as log:
                log.seek(max(0, log.seek(0, 2) - _TAIL))
                return last_lines(log.read().decode(errors="replace"))
        except OSError:
            return []

    def _read(self, result: SessionResult) -> Reading:
        return read_decision(result.answer, result.structured, self._setup.ground.space)

    def _problems(self, result: SessionResult) -> list[str]:
        reading = self._read(result)
        return [] if reading.decision is not None else reading.problems

    def _cut_off(self, state: RunState, cut: CutOff) -> list[AnyEvent]:
        begun = state.decisions.open
        if begun is None:
            return []
        rest = utc(self._now_s() + rest_s(state, self._setup.rules)) if cut.let_down else ""
        lost = lost_decision(self._paths, begun, cut.reason)
        return [msgspec.structs.replace(lost, rest_until=rest)]

    async def _answered(self, asked: DecisionAsked, ended: Outcome) -> None:
        failpoints.reach("decision.ended")
        records = await self._writer.decide(lambda state: self._outcome(state, asked, ended))
        if any(isinstance(record.event, DecisionTaken) for record in records):
            failpoints.reach("decision.taken")
        elif any(isinstance(record.event, DecisionHeld) for record in records):
            failpoints.reach("decision.held")
        else:
            failpoints.reach("decision.answered")
        for record in records:
            self._act(record)
        if ended.result.outcome == "login":
            await self._guard.logged_out(asked.agent, ended.result.detail)

    def _act(self, record: Record) -> None:
        match record.event:
            case IterationCut(iteration=number, reason=reason):
                self._control.interrupt(reason, number)
            case _:
                pass

    def _outcome(self, state: RunState, asked: DecisionAsked, ended: Outcome) -> list[AnyEvent]:
        result, setup = ended.result, self._setup
        reading = Reading(decision=None)
        if result.outcome == "answered":
            reading = self._read(result)
        decision = reading.decision
        if decision is not None and decision.action not in SAFE:
            decision = setup.ground.completed(decision, state)
        now_s = self._now_s()
        answered = DecisionAnswered(
            decision=asked.decision,
            outcome=result.outcome,
            detail=result.detail or "; ".join(reading.problems)[:DETAIL],
            duration_s=round(result.duration_s, 3),
            log=asked.log,
            answer=decision,
            asked_again=ended.asked_again,
            problems=reading.problems,
            searched=ended.searched,
            tokens=result.tokens,
            cost_usd=result.cost_usd,
            model=result.model,
            rest_until="" if decision else utc(now_s + self._rest_s(state, result, now_s)),
        )
        if decision is None:
            return [answered]
        means, author = self._means(now_s), Author("worker", setup.by)
        found = judged(state, asked.decision, decision, means, self._facts(decision))
        if any(isinstance(event, DecisionGated) and not event.blocked for event in found):
            found = [*found, *held(state, asked.decision, setup.mentor, now_s)]
        return [
            answered,
            *found,
            *housekeeping(state, decision.housekeeping, author, setup.memory),
        ]

    def _rest_s(self, state: RunState, result: SessionResult, now_s: float) -> float:
        """How long it is left alone that gave no decision."""
        rest = rest_s(state, self._setup.rules)
        if result.outcome != "limited":
            return rest
        return max(rest, (result.retry_at or now_s + _LIMITED_S) - now_s)

    def _facts(self, decision: Decision) -> Facts:
        """What has to be looked up of a decision; a folder that a link leads out of is none."""
        root = self._setup.root.resolve()
        try:
            folder = (root / decision.folder).resolve()
            there = folder.is_dir() and folder.is_relative_to(root)
        except (OSError, ValueError):
            there = False
        return Facts(folder="" if there else f"there is no folder {decision.folder!r} below {root}")


def lost_decision(paths: RunPaths, decision: OpenDecision, reason: str) -> DecisionInterrupted:
    """What to record of a decision that was cut off, with what it had used by then."""
    used = recovered(paths, decision.folder)
    return DecisionInterrupted(
        decision=decision.id, reason=reason, tokens=used.tokens, cost_usd=used.cost_usd
    )
