"""Bringing the repository to where the run is, also where git does not allow that at once."""

import logging
from collections.abc import Awaitable, Callable

import anyio

from engine.core.ids import CandidateId
from engine.loop.changes import made_here
from engine.loop.control import Control
from engine.loop.guard import Guard
from engine.loop.writer import Writer
from engine.workspace.protocol import Commit, WorkspaceError

_log = logging.getLogger(__name__)


class Upkeep:
    """What must hold in the repository before work goes on.

    Where git does not allow it, a branch that somebody has checked out above all, the run halts:
    other slots end what they do and record it. It is tried again when somebody resumes the run, and
    when the run is started again.

    Args:
        writer: whose champion the branch follows.
        control: says when to try again.
        guard: halts the run.
        accept: lets the run's branch name a commit; a second call does nothing.
    """

    def __init__(
        self,
        writer: Writer,
        control: Control,
        guard: Guard,
        accept: Callable[[Commit], Awaitable[None]],
    ) -> None:
        self._writer = writer
        self._control = control
        self._guard = guard
        self._accept = accept
        self._accepting = anyio.Lock()
        self._followed: CandidateId | None = None

    async def see_to(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do `work`, which may be begun again, as often as it takes; False when the engine ends.

        What is left undone then is done when the run is opened the next time.
        """
        while True:
            try:
                await work()
            except WorkspaceError as error:
                if self._control.draining:
                    _log.warning("left for the next start: %s", error)
                    return False
                await self._guard.halt(f"workspace: {error}")
            else:
                return True
            if self._writer.state.ends_by_halt or not await self._control.may_start():
                return False

    async def follow(self) -> None:
        """Let the run's branch name the champion; it has none before a candidate was accepted.

        Raises:
            WorkspaceError: git does not allow it, or the branch is somebody's.
        """
        # Two iterations that end at a time would move the branch at a time.
        async with self._accepting:
            await self._follow()

    async def _follow(self) -> None:
        state = self._writer.state
        champion = state.best()
        code = champion.code if champion else None
        if champion is None or code is None or code.commit is None or champion.id == self._followed:
            return
        first = champion.id == state.baseline and not any(map(made_here, state.candidates.values()))
        if not first:
            await self._accept(Commit(code.commit))
        self._followed = champion.id
