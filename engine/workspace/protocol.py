"""Where candidates of code live: trees to work in, and the commits that come out of them."""

from pathlib import Path
from typing import Final, NewType, Protocol

import msgspec

from engine.core.parts import FileChange

Commit = NewType("Commit", str)
"""The full name of a commit."""

MOST_FILES: Final = 200
"""As many files of a change are named with it."""

JUDGE: Final = -1
"""The slot whose tree has the protected base, which sealed checks are judged from."""


_BESIDE: Final = 1000


def beside(slot: int) -> int:
    """The further slot in whose tree a champion is measured beside the candidate of a slot."""
    return _BESIDE + slot


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What one iteration made of its base, as one commit.

    `commits` is how many the agent made itself; `left` tells that it also left changes that it
    had not committed. `rewrote` tells that its commits did not follow the base, so that only the
    final tree was taken. `files` names at most `MOST_FILES` of the `changed` files.
    """

    commit: Commit
    tree: str
    base: Commit
    commits: int
    left: bool
    rewrote: bool
    changed: int
    files: list[FileChange]


class Unchanged(msgspec.Struct, frozen=True, kw_only=True):
    """The tree is the base's."""

    commits: int = 0


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """Two lines of work cannot be joined by themselves; the files where they meet."""

    paths: list[str]


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the tree cannot be taken as a candidate: too big a file, or no tree any more."""

    reason: str


class WorkspaceError(Exception):
    """Git, the disk or a policy does not allow it; the text says what, where and what to do."""


class FullDiskError(WorkspaceError):
    """The disk is full, or a quota is used up; once there is room, the same call goes through."""


class Stashed(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that was put aside, under the private ref stash/`name`."""

    name: str
    commit: Commit
    message: str


class Workspace(Protocol):
    """The trees of a run. One tree a slot; calls for one slot never overlap.

    Every call may raise WorkspaceError: git, the disk or a policy does not allow it. Where that is
    a FullDiskError, the same call may be made again.
    """

    @property
    def top(self) -> Path:
        """The person's checkout; a tree has the same layout."""
        ...

    @property
    def one_tree(self) -> bool:
        """Whether there is but one tree, in which everything has to take turns."""
        ...

    async def open(self) -> Commit:
        """Make it ready, also after a crash; the commit that the run began from."""
        ...

    async def lend(self, slot: int, base: Commit) -> Path:
        """The slot's tree, exactly as `base` has it, for an agent to change."""
        ...

    async def collect(
        self, slot: int, base: Commit, name: str, message: str
    ) -> Change | Unchanged | Refused:
        """What is in the slot's tree now, as one commit on `base`.

        The commit stays reachable under the run's private ref `name`.
        """
        ...

    async def check_out(self, slot: int, commit: Commit) -> Path:
        """The slot's tree, exactly as `commit` has it, for checks to run in."""
        ...

    def tree(self, slot: int) -> Path:
        """Where the slot's tree is, whatever is in it."""
        ...

    def holds(self, slot: int) -> bool:
        """Whether what was last done in the slot's tree is still there, also after a crash."""
        ...

    async def give_back(self, slot: int) -> list[str]:
        """The iteration is over: nobody works in the slot's tree, and what it has is not kept.

        What a person should be told of it; mostly nothing.
        """
        ...

    async def rescue(self, slot: int, base: Commit, name: str) -> Commit | None:
        """Keep what an attempt that was cut off left in the slot's tree, under the private ref.

        None when it left nothing, or nothing that can be read; a second call is harmless. On a
        full disk it raises FullDiskError, and the tree must not be lent before it was kept.
        """
        ...

    async def stash(self, slot: int, base: Commit, name: str, message: str) -> Commit | None:
        """Put what is in the slot's tree aside, under the private ref stash/`name`.

        None when there is nothing to put aside; files that are too big are left out.
        """
        ...

    async def stashes(self) -> list[Stashed]:
        """What was put aside, in the order of the names."""
        ...

    async def drop(self, name: str) -> None:
        """Forget what was put aside under the name."""
        ...

    async def carry_over(
        self, commit: Commit, base: Commit, onto: Commit, name: str
    ) -> Change | Unchanged | Conflict:
        """The change from `base` to `commit`, on top of `onto`; no tree is touched."""
        ...

    async def merge_main(
        self, commit: Commit, remote: str, branch: str, *, fetch_s: float | None
    ) -> Change | Unchanged | Conflict:
        """The commit joined with a branch of a remote; no tree and no ref of the person's moves.

        Args:
            commit: the run's side.
            remote: its name; empty for a branch of this repository.
            branch: the branch.
            fetch_s: ask the remote, for so long at most; with None what was last fetched is taken.
        """
        ...

    async def accept(self, commit: Commit) -> None:
        """Let the run's branch name `commit`; a second call with the same commit does nothing."""
        ...

    async def files(self, base: Commit, commit: Commit) -> list[FileChange]:
        """All files that differ between two commits."""
        ...

    async def diff(self, base: Commit, commit: Commit) -> str:
        """What differs between two commits, as people read it; cut when it is long."""
        ...

    async def close(self) -> None:
        """Give everything back to the person as it was found, as far as the mode promises that."""
        ...

    async def remove(self) -> None:
        """Remove the run's trees and private refs for good; the run's branch stays."""
        ...
