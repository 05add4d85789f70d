"""Merging the main branch into the champion, so that a long run does not drift away from it."""

import logging
from typing import Literal

import anyio

from engine.core.ids import IterationNumber
from engine.core.measuring import SYNC
from engine.core.state import Candidate, RunState
from engine.loop.guard import Guard
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

_log = logging.getLogger(__name__)


class Sync:
    """Says when a merge is due. What comes of it is measured like every candidate.

    Args:
        workspace: where merges are made; no tree is touched.
        guard: halts the run when the branches conflict and the policy is `fail`.
        remote: where the main branch is; empty for a branch of this repository.
        branch: its name.
        when: `once` is before the first iteration after the baseline, `each` before every one.
        on_conflict: `skip` goes on without the merge.
    """

    def __init__(
        self,
        workspace: Workspace,
        guard: Guard,
        *,
        remote: str,
        branch: str,
        when: Literal["once", "each"],
        on_conflict: Literal["fail", "skip"],
    ) -> None:
        self._workspace = workspace
        self._guard = guard
        self._remote = remote
        self._branch = branch
        self._when = when
        self._on_conflict = on_conflict
        self._one_at_a_time = anyio.Lock()
        self._looked = False

    async def due(self, state: RunState) -> Proposal | None:
        """The champion with the main branch merged into it, where that is due and brings news.

        Raises:
            WorkspaceError: it cannot be, the first time that this engine tries.
        """
        async with self._one_at_a_time:
            champion = state.best()
            if champion is None or champion.code is None or champion.code.commit is None:
                return None
            if self._done(state) or _one_is_open(state):
                return None
            merged = await self._merged(Commit(champion.code.commit))
            self._looked = True
            if isinstance(merged, Conflict):
                await self._conflict(merged)
            return _proposal(state, champion, merged) if isinstance(merged, Change) else None

    async def _merged(self, champion: Commit) -> Change | Unchanged | Conflict | None:
        try:
            return await self._workspace.merge_main(
                champion, self._remote, self._branch, fetch=bool(self._remote)
            )
        except WorkspaceError as error:
            # What never worked is a mistake in the campaign; later on the network may be away.
            if not self._looked:
                raise
            _log.warning("the main branch cannot be merged now: %s", error)
            return None

    def _done(self, state: RunState) -> bool:
        if self._when == "each":
            return False
        return self._looked or state.last_iteration > 1

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
