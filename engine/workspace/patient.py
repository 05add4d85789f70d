"""A workspace that waits for room on a full disk, so that the run does not end of it."""

import errno
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from engine.core.parts import FileChange
from engine.runfolder.room import Room
from engine.workspace.protocol import (
    Change,
    Commit,
    Conflict,
    FullDiskError,
    Refused,
    Stashed,
    Unchanged,
    Workspace,
)

T = TypeVar("T")


class Patient:
    """Another workspace, whose calls are begun again for as long as the disk is full.

    Only what ends a run, `close` and `remove`, is not waited for: an engine that was told to stop
    has to.

    Args:
        inner: the workspace.
        room: waits, and says so.
    """

    def __init__(self, inner: Workspace, room: Room) -> None:
        self._inner = inner
        self._room = room

    @property
    def top(self) -> Path:
        """The person's checkout."""
        return self._inner.top

    @property
    def one_tree(self) -> bool:
        """Whether there is but one tree."""
        return self._inner.one_tree

    def tree(self, slot: int) -> Path:
        """Where the slot's tree is."""
        return self._inner.tree(slot)

    def holds(self, slot: int) -> bool:
        """Whether what was last done in the slot's tree is still there."""
        return self._inner.holds(slot)

    async def open(self) -> Commit:
        """Make it ready."""
        return await self._with_room(self._inner.open)

    async def lend(self, slot: int, base: Commit) -> Path:
        """The slot's tree, for an agent."""
        return await self._with_room(lambda: self._inner.lend(slot, base))

    async def collect(
        self, slot: int, base: Commit, name: str, message: str
    ) -> Change | Unchanged | Refused:
        """What is in the slot's tree now, as one commit."""
        return await self._with_room(lambda: self._inner.collect(slot, base, name, message))

    async def check_out(self, slot: int, commit: Commit) -> Path:
        """The slot's tree, for checks."""
        return await self._with_room(lambda: self._inner.check_out(slot, commit))

    async def give_back(self, slot: int) -> list[str]:
        """The iteration is over."""
        return await self._with_room(lambda: self._inner.give_back(slot))

    async def rescue(self, slot: int, base: Commit, name: str) -> Commit | None:
        """Keep what an attempt that was cut off left."""
        return await self._with_room(lambda: self._inner.rescue(slot, base, name))

    async def stash(self, slot: int, base: Commit, name: str, message: str) -> Commit | None:
        """Put what is in the slot's tree aside."""
        return await self._with_room(lambda: self._inner.stash(slot, base, name, message))

    async def stashes(self) -> list[Stashed]:
        """What was put aside."""
        return await self._with_room(self._inner.stashes)

    async def drop(self, name: str) -> None:
        """Forget what was put aside."""
        await self._with_room(lambda: self._inner.drop(name))

    async def carry_over(
        self, commit: Commit, base: Commit, onto: Commit, name: str
    ) -> Change | Unchanged | Conflict:
        """The change on top of another commit."""
        return await self._with_room(lambda: self._inner.carry_over(commit, base, onto, name))

    async def merge_main(
        self, commit: Commit, remote: str, branch: str, *, fetch_s: float | None
    ) -> Change | Unchanged | Conflict:
        """The commit joined with a branch of a remote."""
        return await self._with_room(
            lambda: self._inner.merge_main(commit, remote, branch, fetch_s=fetch_s)
        )

    async def accept(self, commit: Commit) -> None:
        """Let the run's branch name the commit."""
        await self._with_room(lambda: self._inner.accept(commit))

    async def files(self, base: Commit, commit: Commit) -> list[FileChange]:
        """All files that differ."""
        return await self._with_room(lambda: self._inner.files(base, commit))

    async def diff(self, base: Commit, commit: Commit) -> str:
        """What differs, as people read it."""
        return await self._with_room(lambda: self._inner.diff(base, commit))

    async def close(self) -> None:
        """Give everything back."""
        await self._inner.close()

    async def remove(self) -> None:
        """Remove the run's trees and private refs."""
        await self._inner.remove()

    async def _with_room(self, call: Callable[[], Awaitable[T]]) -> T:
        async def attempt() -> T:
            try:
                return await call()
            except FullDiskError as error:
                raise OSError(errno.ENOSPC, str(error)) from error

        return await self._room.write("the repository", attempt)
