"""Where candidates of code live: trees to work in, and the commits that come out of them."""

from pathlib import Path
from typing import NewType, Protocol

import msgspec

from engine.core.parts import FileChange

Commit = NewType("Commit", str)
"""The full name of a commit."""


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
    """Two lines of work cannot be joined by themselves."""

    paths: list[str]


class WorkspaceError(Exception):
    """Git, the disk or a policy does not allow it; the text says what, where and what to do."""


class Workspace(Protocol):
    """The trees of a run. One tree a slot; calls for one slot never overlap."""

    async def open(self) -> Commit:
        """Make it ready, also after a crash; the commit that the run begins from.

        Raises:
            WorkspaceError: the repository cannot be used.
        """
        ...

    async def lend(self, slot: int, base: Commit) -> Path:
        """The slot's tree, exactly as `base` has it, for an agent to change."""
        ...

    async def collect(self, slot: int, base: Commit, name: str, message: str) -> Change | Unchanged:
        """What is in the slot's tree now, as one commit on `base`.

        The commit stays reachable under the run's private ref `name`.
        """
        ...

    async def check_out(self, slot: int, commit: Commit) -> Path:
        """The slot's tree, exactly as `commit` has it, for checks to run in."""
        ...

    async def carry_over(
        self, commit: Commit, base: Commit, onto: Commit, name: str
    ) -> Change | Conflict:
        """The change from `base` to `commit`, on top of `onto`; no tree is touched."""
        ...

    async def accept(self, commit: Commit) -> None:
        """Let the run's branch name `commit`; a second call with the same commit does nothing."""
        ...

    async def close(self) -> None:
        """Give everything back to the person as it was found, as far as the mode promises that."""
        ...
