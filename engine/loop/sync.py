"""Merging the main branch into the champion, so that a long run does not drift away from it."""

import logging
import time
from collections.abc import Callable
from typing import Final, Literal

import anyio

from engine.core.ids import IterationNumber
from engine.core.measuring import SYNC
from engine.core.state import Candidate, RunState
from engine.loop.guard import Guard
from engine.loop.writer import Trouble
from engine.proposers.evolution import candidate_seed
from engine.proposers.protocol import Proposal
from engine.workspace.protocol import (
    Change,
    Commit,
    Conflict,
    Unchanged,
    Workspace,
    WorkspaceError,
)

FIRST_FETCH_S: Final = 120.0
"""How long the remote has when it is asked for the first time, perhaps for much."""
FETCH_S: Final = 30.0
"""How long it has later: until it answers no iteration begins."""
_SLOW_S: Final = 5.0
_RESTS: Final = 10
"""A remote that kept everybody waiting in vain is left alone for so many times as long."""

_log = logging.getLogger(__name__)


class Sync:
    """Says when a merge is due. What comes of it is measured like every candidate.

    Args:
        workspace: where merges are made; no tree is touched.
        guard: halts the run when the branches conflict and the policy is `fail`.
        trouble: is told while the remote is asked.
        remote: where the main branch is; empty for a branch of this repository.
        branch: its name.
        when: `once` is before the first iteration after the baseline, `each` before every one.
        on_conflict: `skip` goes on without the merge.
        clock: seconds that pass.
    """

    def __init__(
        self,
        workspace: Workspace,
        guard: Guard,
        trouble: Trouble,
        *,
        remote: str,
        branch: str,
        when: Literal["once", "each"],
        on_conflict: Literal["fail", "skip"],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._workspace = workspace
        self._guard = guard
        self._trouble = trouble
        self._remote = remote
        self._branch = branch
        self._when = when
        self._on_conflict = on_conflict
        self._clock = clock
        self._one_at_a_time = anyio.Lock()
        self._looked = False
        self._rests_until_s = 0.0

    async def due(self, state: RunState) -> Proposal | None:
        """The champion with the main branch merged into it, where that is due and brings news.

        Raises:
            WorkspaceError: it cannot be, the first time that the run tries.
        """
        async with self._one_at_a_time:
            champion = state.best()
            if champion is None or champion.code is None or champion.code.commit is None:
                return None
            if self._done(state) or _one_is_open(state):
                return None
            merged = await self._merged(state, Commit(champion.code.commit))
            self._looked = True
            if isinstance(merged, Conflict):
                await self._conflict(merged)
            return _proposal(state, champion, merged) if isinstance(merged, Change) else None

    async def _merged(
        self, state: RunState, champion: Commit
    ) -> Change | Unchanged | Conflict | None:
        begun_s = self._clock()
        try:
            return await self._ask(champion, FETCH_S if self._worked(state) else FIRST_FETCH_S)
        except WorkspaceError as error:
            # What never worked is a mistake in the campaign; later on the network may be away.
            if not self._worked(state):
                raise
            _log.warning("the main branch cannot be merged now: %s", error)
            took_s = self._clock() - begun_s
            if took_s > _SLOW_S:
                self._rests_until_s = self._clock() + _RESTS * took_s
            return None

    async def _ask(self, champion: Commit, most_s: float) -> Change | Unchanged | Conflict:
        if not self._remote:
            return await self._workspace.merge_main(champion, "", self._branch, fetch_s=None)
        self._trouble.note("sync", f"asking {self._remote} for its branch {self._branch}")
        try:
            return await self._workspace.merge_main(
                champion, self._remote, self._branch, fetch_s=most_s
            )
        finally:
            self._trouble.note("sync", None)

    def _worked(self, state: RunState) -> bool:
        """Whether it could be merged before, also by an engine before this one.

        No other iteration than the baseline begins before that.
        """
        return self._looked or state.last_iteration > 1

    def _done(self, state: RunState) -> bool:
        if self._when == "each":
            return self._clock() < self._rests_until_s
        return self._worked(state)

    async def _conflict(self, conflict: Conflict) -> None:
        if self._on_conflict == "fail":
            paths = ", ".join(conflict.paths[:5])
            await self._guard.halt(f"the main branch cannot be merged into the champion: {paths}")


def _one_is_open(state: RunState) -> bool:
    candidates = (state.candidates[t.candidate] for t in state.open.values() if t.candidate)
    return any(SYNC in candidate.tags for candidate in candidates)


def _key(merged: Change) -> str:
    """Equal for merges that have the same code: none is tried again."""
    return f"{SYNC}/{merged.base}/{merged.tree}"


def _proposal(state: RunState, champion: Candidate, merged: Change) -> Proposal:
    number = IterationNumber(state.last_iteration + 1)
    return Proposal(
        parameters=champion.parameters,
        key=_key(merged),
        seed=candidate_seed(state.seed, number),
        parents=[champion.id],
        tags=[SYNC],
        proposer=SYNC,
        commit=merged.commit,
    )
