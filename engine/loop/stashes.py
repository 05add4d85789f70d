"""Attempts that a person puts aside: kept under a private ref, and let go of when dropped."""

import anyio

from engine.core import failpoints
from engine.core.events import AttemptStashed, VerdictReached
from engine.core.ids import StashId
from engine.core.state import Code, OpenIteration
from engine.core.verdicts import verdict_of
from engine.loop.writer import Writer
from engine.workspace.protocol import Commit, Workspace


class Stashes:
    """Puts aside what is under way in an iteration, and ends it.

    Args:
        writer: records what was put aside.
        workspace: keeps it.
    """

    def __init__(self, writer: Writer, workspace: Workspace) -> None:
        self._writer = writer
        self._workspace = workspace
        self._numbering = anyio.Lock()

    async def put_aside(self, turn: OpenIteration, code: Code) -> VerdictReached:
        """The verdict on the iteration, recorded with what was kept of it.

        Raises:
            WorkspaceError: the repository or the disk does not allow it.
        """
        async with self._numbering:
            stashed = await self._stash(turn, code)
            reason = f"put aside by {stashed.by} as {stashed.stash}: {stashed.reason}"
            verdict = verdict_of(self._writer.state, turn, "inconclusive", reason)
            await self._writer.record(stashed, verdict)
        return verdict

    async def forget_dropped(self) -> None:
        """Let go of what lies under the refs of stashes that a person dropped."""
        if not self._writer.state.stashed:
            return
        async with self._numbering:
            for stashed in await self._workspace.stashes():
                if stashed.name not in self._writer.state.stashes:
                    await self._workspace.drop(stashed.name)

    async def _stash(self, turn: OpenIteration, code: Code) -> AttemptStashed:
        wish, candidate = turn.put_aside, turn.candidate
        assert wish is not None and candidate is not None  # noqa: S101, PT018
        name = StashId(f"s-{self._writer.state.stashed + 1:03d}")
        reason = wish.reason or "put aside"
        kept: Commit | None = None
        if code.commit is not None:
            await self._workspace.check_out(turn.slot, Commit(code.commit))
        if code.commit is not None or turn.attempts:
            # Before its first attempt the tree still has what another iteration left.
            kept = await self._workspace.stash(turn.slot, Commit(code.base), name, reason)
        failpoints.reach("stash.kept")
        return AttemptStashed(
            iteration=turn.iteration,
            candidate=candidate,
            stash=name,
            ref=f"stash/{name}",
            commit=kept or code.commit or code.base,
            reason=reason,
            by=wish.by,
        )
