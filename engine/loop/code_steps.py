"""The steps of candidates of code: an agent works, its change is collected, carried, accepted."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, assert_never

import msgspec

from engine.checks.boxes import Ground
from engine.checks.harness import Harness
from engine.core import failpoints
from engine.core.agent_turn import invalid, no_change
from engine.core.answering_steering import by_campaign
from engine.core.commands import AddDirective
from engine.core.events import (
    AgentFinished,
    AgentInterrupted,
    AgentStarted,
    AnyEvent,
    ChangeCarriedOver,
    VerdictReached,
)
from engine.core.finishing import counted
from engine.core.ids import IterationNumber
from engine.core.measuring import was_begun
from engine.core.parts import Half
from engine.core.plan import Plan
from engine.core.state import Candidate, Code, OpenIteration, RunState
from engine.core.steps import CarryOver, CollectChange, PutAside, RunAgent
from engine.core.verdicts import verdict_of
from engine.loop.changes import collected, commit_message, remembered
from engine.loop.control import Control, CutOff
from engine.loop.examining import examined, suspicious
from engine.loop.grounds import Grounds
from engine.loop.guard import Guard
from engine.loop.stashes import Stashes
from engine.loop.sync import Sync
from engine.loop.upkeep import Upkeep
from engine.loop.writer import Writer
from engine.proposers.protocol import Proposal
from engine.workspace.at_once import both
from engine.workspace.protocol import (
    Change,
    Commit,
    Conflict,
    Refused,
    Unchanged,
    Workspace,
    WorkspaceError,
    beside,
)

_log = logging.getLogger(__name__)


class Agents(Protocol):
    """The agent of a campaign, as iterations use it."""

    @property
    def confined(self) -> bool:
        """Whether nothing that it starts sees more of this machine than it was shown."""
        ...

    async def start(self, state: RunState, turn: OpenIteration, code: Code) -> AgentStarted:
        """Write the prompt of the next attempt; the intent to run it, not recorded yet."""
        ...

    async def run(
        self, started: AgentStarted, turn: OpenIteration, tree: Path
    ) -> AgentFinished | CutOff:
        """Let it work to its end; when cancelled, nothing of it is left running."""
        ...

    def lost(self, turn: OpenIteration, cut_off: CutOff, kept: str = "") -> AgentInterrupted:
        """What to record of an attempt that was cut off, with what it had cost by then."""
        ...


class StandsBy(Protocol):
    """What can be made ready for the checks of a candidate while an agent works on it."""

    def stand_by(self, iteration: IterationNumber, ground: Ground) -> None:
        """Begin to; a second call for an iteration does nothing."""
        ...


class Coding:
    """The steps of candidates of code, in a workspace.

    Args:
        writer: records what comes of them.
        control: says what may start, and cuts off.
        plan: what failures mean.
        workspace: the trees and the repository.
        agents: the campaign's agent, if it has one.
        guard: halts the run.
        grounds: where checks run.
        protect: patterns of what a candidate must not change.
        directives: those of the campaign, recorded once.
        sync: merges the main branch, if the campaign wants that.
    """

    def __init__(
        self,
        writer: Writer,
        control: Control,
        plan: Plan,
        *,
        workspace: Workspace,
        agents: Agents | None,
        guard: Guard,
        grounds: Grounds,
        protect: Sequence[str] = (),
        directives: Sequence[AddDirective] = (),
        sync: Sync | None = None,
    ) -> None:
        self._writer = writer
        self._control = control
        self._plan = plan
        self._workspace = workspace
        self._agents = agents
        self._guard = guard
        self._grounds = grounds
        self._protect = protect
        self._directives = directives
        self._sync = sync
        self._stashes = Stashes(writer, workspace)
        self._upkeep = Upkeep(writer, control, guard, workspace.accept)
        self._checks: StandsBy | None = None
        self.base = Commit("")

    @property
    def harness(self) -> Harness | None:
        """The tree of the judges, where there are sealed checks."""
        return self._grounds.harness

    async def open(self, checks: StandsBy | None = None) -> None:
        """Make the workspace ready, and finish what an earlier engine left half done.

        Args:
            checks: what can be made ready for candidates while agents work on them.

        Raises:
            WorkspaceError: the repository cannot be used.
        """
        self._checks = checks
        self.base = await self._workspace.open()
        await self._grounds.open(self.base)
        await self._upkeep.see_to(self._upkeep.follow)
        for directive in self._directives:
            await self._writer.decide(
                lambda state, directive=directive: by_campaign(state, directive)
            )
        await self._stashes.forget_dropped()

    def commit(self, state: RunState) -> str:
        """The commit that the next candidate begins from: the champion's, or the run's base."""
        champion = state.best()
        code = champion.code if champion else None
        return (code.commit if code else None) or self.base

    async def check_out(
        self, turn: OpenIteration, candidate: Candidate, half: Half | None
    ) -> Ground | None:
        """The slot's tree; later checks find there what earlier ones left.

        A champion is measured in a tree beside it, where the workspace has more than one.

        Raises:
            WorkspaceError: it cannot be made.
        """
        if candidate.code is None or candidate.code.commit is None:
            return None
        commit, one_tree = Commit(candidate.code.commit), self._workspace.one_tree
        champions = half is not None and half.role == "champion"
        slot = beside(turn.slot) if champions and not one_tree else turn.slot
        tree = self._workspace.tree(slot)
        begun = was_begun(turn, half, one_tree=one_tree)
        if not begun or not self._workspace.holds(slot):
            tree = await self._workspace.check_out(slot, commit)
        return self._grounds.of(tree)

    async def take(
        self, step: RunAgent | CollectChange | CarryOver | PutAside, number: IterationNumber
    ) -> None:
        """Do a step of an open iteration, and record what came of it.

        Raises:
            WorkspaceError: the repository or the disk does not allow it.
        """
        turn = self._writer.state.open[number]
        match step:
            case RunAgent():
                await self._work(turn)
            case CollectChange():
                await self._collect(turn)
            case CarryOver(onto=onto):
                await self._carry_over(turn, Commit(onto))
            case PutAside():
                await self._put_aside(turn)
            case _:
                assert_never(step)

    async def merged(self) -> Proposal | None:
        """The champion with the main branch merged into it, where that is due and brings news."""
        return None if self._sync is None else await self._sync.due(self._writer.state)

    async def settle(self, turn: OpenIteration, verdict: VerdictReached | None) -> None:
        """Let the run's branch follow the champion; give the tree back."""
        promoted = verdict is not None and verdict.verdict == "promoted"
        if promoted:
            failpoints.reach("accepted.recorded")

        async def settled() -> None:
            try:
                await self._upkeep.follow()
                if promoted:
                    failpoints.reach("accepted.moved")
            finally:  # a person may need the checkout to mend what keeps the branch from moving
                for notice in await self._workspace.give_back(turn.slot):
                    _log.warning("%s", notice)
            await self._stashes.forget_dropped()

        await self._upkeep.see_to(settled)

    async def close(self) -> None:
        """Give back what is the person's.

        Raises:
            WorkspaceError: it cannot be given back as it was found.
        """
        await self._workspace.close()

    async def _work(self, turn: OpenIteration) -> None:
        agents, code = self._agents, self._code(turn)
        assert agents is not None  # noqa: S101  (only a campaign with an agent proposes its work)
        base = Commit(code.base)
        if turn.attempts:
            await self._keep(turn, base)
        tree, started = await both(
            lambda: self._workspace.lend(turn.slot, base),
            lambda: agents.start(self._writer.state, turn, code),
        )
        # A pause may have been recorded since the gate was passed; nothing starts after it.

        def begin(state: RunState) -> list[AgentStarted]:
            # Since the step was chosen a pause may have been recorded, or the run's finish.
            cut = state.open[turn.iteration].cut
            return [] if self._control.held or cut else [started]

        if not await self._writer.decide(begin):
            return
        failpoints.reach("agent.recorded")
        if agents.confined:
            self._stand_by(turn, tree)
        ended = await self._control.attempt(lambda: agents.run(started, turn, tree), turn.iteration)
        failpoints.reach("agent.ended")
        if isinstance(ended, CutOff):
            kept = "" if turn.put_aside else await self._keep_now(turn, base)
            await self._writer.record(agents.lost(turn, ended, kept))
            return
        if ended.outcome != "answered":
            ended = msgspec.structs.replace(ended, kept=await self._keep_now(turn, base))
        await self._writer.decide(lambda state: [ended, *remembered(state, ended, self._plan)])
        failpoints.reach("agent.outcome")
        self._stand_by(turn, tree)
        await self._guard.login(ended, started.agent)

    def _stand_by(self, turn: OpenIteration, tree: Path) -> None:
        """Have the checks made ready; not beside an agent that could reach what they stand in."""
        if self._checks is not None:
            self._checks.stand_by(turn.iteration, self._grounds.of(tree))

    async def _keep(self, turn: OpenIteration, base: Commit) -> str:
        """The name under which the tree of the last attempt lies; empty when nothing changed."""
        name = f"attempts/{turn.iteration:05d}-{turn.attempts}"
        kept = await self._workspace.rescue(turn.slot, base, name)
        return name if kept else ""

    async def _keep_now(self, turn: OpenIteration, base: Commit) -> str:
        """The same, where the attempt is not recorded yet: what it cost is, whatever git says.

        It is kept before the tree is lent again.
        """
        try:
            return await self._keep(turn, base)
        except WorkspaceError as error:
            _log.warning("what iteration %s left is not kept yet: %s", turn.iteration, error)
            return ""

    async def _collect(self, turn: OpenIteration) -> None:
        state, code = self._writer.state, self._code(turn)
        candidate = state.candidates[turn.answers[-1].candidate]
        name = f"candidates/{turn.iteration:05d}"
        change = await self._workspace.collect(
            turn.slot, Commit(code.base), name, commit_message(candidate)
        )
        failpoints.reach("change.collected")
        match change:
            case Change():
                reason, scalar = await examined(self._workspace, change, self._protect)
                if reason:
                    await self._end(turn, invalid(state, turn, self._plan, reason))
                    return
                seen = await suspicious(self._workspace, turn.slot, change, state)
                await self._writer.record(
                    collected(turn, candidate, change, scalar=scalar, suspicious=seen)
                )
                failpoints.reach("change.recorded")
            case Unchanged():
                await self._end(turn, no_change(state, turn, self._plan, change.commits))
            case Refused(reason=reason):
                await self._end(turn, invalid(state, turn, self._plan, reason))
            case _:
                assert_never(change)

    async def _end(self, turn: OpenIteration, verdict: VerdictReached) -> None:
        """Record the verdict; not where a person has asked meanwhile to put the attempt aside."""

        def decide(state: RunState) -> list[AnyEvent]:
            aside = state.open[turn.iteration].put_aside
            return [] if aside else [verdict, *counted(state, verdict)]

        if await self._writer.decide(decide):
            failpoints.reach("verdict.recorded")
            await self.settle(turn, verdict)

    async def _carry_over(self, turn: OpenIteration, onto: Commit) -> None:
        state, code, candidate = self._writer.state, self._code(turn), turn.candidate
        assert code.commit is not None and candidate is not None  # noqa: S101, PT018  (compared)
        change = await self._workspace.carry_over(
            Commit(code.commit), Commit(code.stands_on), onto, f"candidates/{turn.iteration:05d}"
        )
        failpoints.reach("change.carried")
        if isinstance(change, Unchanged):
            reason = f"what it changes is in {state.champion} already"
            await self._end(turn, verdict_of(state, turn, "rejected", reason))
            return
        if isinstance(change, Conflict):
            paths = ", ".join(change.paths[:5])
            reason = f"better, but in conflict with {state.champion}, promoted meanwhile: {paths}"
            await self._end(turn, verdict_of(state, turn, "inconclusive", reason))
            return
        await self._writer.record(
            ChangeCarriedOver(
                iteration=turn.iteration,
                candidate=candidate,
                commit=change.commit,
                tree=change.tree,
                base=change.base,
            )
        )

    async def _put_aside(self, turn: OpenIteration) -> None:
        verdict = await self._stashes.put_aside(turn, self._code(turn))
        failpoints.reach("verdict.recorded")
        await self.settle(turn, verdict)

    def _code(self, turn: OpenIteration) -> Code:
        assert turn.candidate is not None  # noqa: S101  (proposed in its transaction)
        code = self._writer.state.candidates[turn.candidate].code
        assert code is not None  # noqa: S101  (these steps are for candidates of code)
        return code
