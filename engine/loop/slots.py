"""Slots: each takes the next iteration as soon as it is free."""

import time
from collections.abc import Callable, Sequence
from typing import Final

import anyio
import msgspec

from engine.core import events as e
from engine.core import failpoints
from engine.core.decision_taking import taken
from engine.core.decisions.events import DecisionTaken
from engine.core.finishing import FINAL, is_final_round, may_begin
from engine.core.ids import CandidateId, IterationNumber, candidate_id, trace_id
from engine.core.state import RunState
from engine.core.stopping import ending, exhausted
from engine.loop.control import Control
from engine.loop.iteration import CodeSteps, Iteration
from engine.loop.rechecks import Rechecks
from engine.loop.writer import Writer
from engine.proposers.protocol import Exhausted, NotYet, Proposal, ProposalRequest, Proposer

LOOK_S: Final = 1.0
"""A slot without a candidate looks so often whether the run is over by the clock."""


class Slots:
    """Hands out iterations, numbered without gaps, until a stop rule holds or the engine drains."""

    def __init__(
        self,
        writer: Writer,
        control: Control,
        iteration: Iteration,
        rechecks: Rechecks,
        *,
        proposer: Proposer,
        alive_s: Callable[[], float],
        code: CodeSteps,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._writer = writer
        self._control = control
        self._iteration = iteration
        self._rechecks = rechecks
        self._proposer = proposer
        self._alive_s = alive_s
        self._code = code
        self._now_s = now_s
        self._left_open = sorted(writer.state.open)
        self._exhausted = False
        self._not_yet: set[int] = set()

    async def run(self, slot: int) -> None:
        """Work in one slot until there is nothing more to start.

        A stop rule may cease to hold when an iteration of another slot ends (a promotion ends a
        plateau), or when a champion is not confirmed, so a slot leaves only when nothing is open.
        """
        await self._go_on(slot)
        while await self._control.may_start():
            # What others left open may have to wait for what this slot is measuring again.
            number = None if self._rechecks.is_of(slot) else self._take_left_open(slot)
            if number is None and await self._rechecks.take(slot):
                continue
            number = number or await self._begin(slot)
            if number is not None:
                if not await self._iteration.complete(number):
                    return
            elif slot in self._not_yet:
                with anyio.move_on_after(LOOK_S):
                    await self._writer.wait_change()
            elif self._writer.state.turns or self._waits():
                await self._writer.wait_change()
            else:
                return

    async def _go_on(self, slot: int) -> None:
        """Follow the jobs that an earlier engine left running in the slot, or in one that was."""
        state = self._writer.state
        again = state.rechecks.open
        if again is not None and again.turn.job and again.turn.slot % state.slots == slot:
            await self._rechecks.go_on()
        for number in self._left_open:
            turn = state.open.get(number)
            if turn is not None and turn.job and turn.slot % state.slots == slot:
                await self._iteration.go_on(IterationNumber(number))

    def may_begin(self) -> bool:
        """Whether an iteration may begin now, as far as stop rules and the finish have a say."""
        return not self._over(self._writer.state)

    def _waits(self) -> bool:
        """Whether the finish has not said yet that nothing more begins, or that all goes on."""
        may = may_begin(self._writer.state, self._now_s())
        return not may and self.ending() is None

    def ending(self) -> e.RunFinished | None:
        """Why the run is over, once all slots returned without a drain."""
        if self._exhausted:
            return exhausted(self._writer.state)
        return ending(self._writer.state, self._alive_s())

    def _take_left_open(self, slot: int) -> IterationNumber | None:
        """An iteration that an earlier engine began, in this slot or in one that is no more.

        What another slot had is left to it: the two would work in one tree. Its own comes first:
        others may have to wait for it.
        """
        state = self._writer.state
        open_ = sorted(self._left_open, key=lambda number: state.open[number].slot != slot)
        for number in open_:
            had_it = state.open[number].slot
            if had_it == slot or had_it >= state.slots:
                self._left_open.remove(number)
                return IterationNumber(number)
        return None

    async def _begin(self, slot: int) -> IterationNumber | None:
        records = None
        self._not_yet.discard(slot)
        while records is None:
            records = await self._begin_on(slot, self._writer.state.champion)
        if not records:
            return None
        if any(isinstance(each.event, DecisionTaken) for each in records):
            failpoints.reach("decision.taken")
        started = [each.event for each in records if isinstance(each.event, e.IterationStarted)]
        return started[0].iteration

    async def _begin_on(self, slot: int, champion: CandidateId | None) -> list[e.Record] | None:
        """What was begun; None when there is another champion by now, and another merge to make."""
        merged = await self._code.merged()

        def decide(state: RunState) -> Sequence[e.AnyEvent]:
            if state.champion != champion:
                return []
            return self._merged(state, slot, merged) or self._propose(state, slot)

        records = await self._writer.decide(decide)
        return records if records or self._writer.state.champion == champion else None

    def _merged(
        self, state: RunState, slot: int, proposal: Proposal | None
    ) -> Sequence[e.AnyEvent]:
        # It was tried before, or another slot was quicker, or an ending came meanwhile.
        if proposal is None or proposal.key in state.keys:
            return []
        return [] if self._over(state) else begun(state, slot, proposal)

    def _over(self, state: RunState) -> bool:
        """Whether no iteration may begin now."""
        return ending(state, self._alive_s()) is not None or not may_begin(state, self._now_s())

    def _propose(self, state: RunState, slot: int) -> Sequence[e.AnyEvent]:
        # The baseline comes first and alone: all others are compared with it, and when it fails
        # nothing else was spent.
        if IterationNumber(1) in state.open or self._over(state):
            return []
        number = IterationNumber(state.last_iteration + 1)
        commit = self._code.commit(state)
        request = ProposalRequest(state=state, iteration=number, seed=state.seed, commit=commit)
        match self._proposer.propose(request):
            case Exhausted():
                self._exhausted = True
                return []
            case NotYet():
                self._not_yet.add(slot)
                return []
            case Proposal() as proposal:
                if commit is not None and proposal.agent is None:
                    proposal = msgspec.structs.replace(proposal, commit=commit)
                return begun(state, slot, proposal)


def begun(state: RunState, slot: int, proposal: Proposal) -> list[e.AnyEvent]:
    """The next iteration, in one transaction: one without a candidate is never seen."""
    number = IterationNumber(state.last_iteration + 1)
    final = is_final_round(state)
    return [
        *([e.FinalRoundStarted(iteration=number)] if final else []),
        e.IterationStarted(iteration=number, slot=slot, trace_id=trace_id(state.run, number)),
        e.CandidateProposed(
            iteration=number,
            candidate=candidate_id(number),
            parameters=proposal.parameters,
            key=proposal.key,
            seed=proposal.seed,
            parents=proposal.parents,
            tags=[*proposal.tags, *([FINAL] if final else [])],
            proposer=proposal.proposer,
            commit=proposal.commit,
            base=proposal.base,
            agent=proposal.agent,
            restores=proposal.restores,
            chosen=proposal.chosen,
            replaces=proposal.replaces,
        ),
        *_taken(state, number, proposal),
    ]


def _taken(state: RunState, number: IterationNumber, proposal: Proposal) -> list[e.AnyEvent]:
    """That the decision is carried out with which the iteration begins."""
    ready = state.decisions.ready
    if proposal.chosen is None or ready is None or ready.decision is None:
        return []
    return [taken(ready.id, ready.decision, number, candidate_id(number))]
