"""One slot's tree: brought to a commit, and taken as one."""

from pathlib import Path
from typing import Final

import anyio.to_thread
import msgspec

from engine.workspace import history, links, private_git, snapshot
from engine.workspace.folders import disk_errors, remove
from engine.workspace.git import Git, Place
from engine.workspace.history import Tip
from engine.workspace.private_git import OwnCommits
from engine.workspace.protocol import Commit, Refused, WorkspaceError

_RESET: Final = ("read-tree", "--reset", "-u")
_CLEAN: Final = ("clean", "-ffdxq")


class Furnishing(msgspec.Struct, frozen=True, kw_only=True):
    """What every tree of a run has beside its commit. `keep` and `without` are exclude patterns."""

    top: Path
    keep: tuple[str, ...]
    link: tuple[str, ...]
    private: private_git.Template
    most_file_bytes: int

    @property
    def without(self) -> tuple[str, ...]:
        """What is in the trees and is nobody's change."""
        return (*self.keep, *(links.pattern(link) for link in self.link))


class SlotTree:
    """The tree at a place, and the private repository in it."""

    def __init__(self, git: Git, place: Place, furnishing: Furnishing) -> None:
        self._git = git
        self.place = place
        self._furnishing = furnishing

    async def bring_to(self, commit: Commit) -> Path:
        """The tree, exactly as the commit has it, with a new private repository.

        Raises:
            WorkspaceError: it cannot be written.
        """
        await anyio.to_thread.run_sync(self._prepare)
        try:
            await self._reset(commit)
        except WorkspaceError:
            await anyio.to_thread.run_sync(self._begin_anew)
            await self._reset(commit)
        await anyio.to_thread.run_sync(self._furnish, commit)
        return self.place.tree

    async def tip(self, base: Commit, message: str) -> Tip | Refused:
        """What is in the tree now: the agent's own commits and, on top, what it left."""
        furnishing = self._furnishing
        tree = self.place.tree
        own = await private_git.bring(self._git, tree, base, furnishing.most_file_bytes)
        if own is not None and own.big:
            return Refused(
                reason="a file in the agent's commits is too big "
                f"(over {furnishing.most_file_bytes} bytes)"
            )
        # What the agent committed counts even where the ignore rules would leave it out.
        await snapshot.read_index(self._git, self.place, own.head if own else base)
        taken = await snapshot.take(
            self._git,
            self.place,
            most_file_bytes=furnishing.most_file_bytes,
            without=furnishing.without,
        )
        return (
            taken if isinstance(taken, Refused) else await self._joined(base, own, taken, message)
        )

    async def what_fits(self, base: Commit, message: str) -> Tip:
        """As `tip`, but what cannot be taken is left out."""
        furnishing = self._furnishing
        tree = self.place.tree
        own = await private_git.bring(self._git, tree, base, furnishing.most_file_bytes)
        own = None if own is not None and own.big else own
        await snapshot.read_index(self._git, self.place, own.head if own else base)
        taken = await snapshot.take_what_fits(
            self._git,
            self.place,
            most_file_bytes=furnishing.most_file_bytes,
            without=furnishing.without,
        )
        return await self._joined(base, own, taken, message)

    async def _joined(self, base: Commit, own: OwnCommits | None, tree: str, message: str) -> Tip:
        parent = own.head if own is not None and own.follows else base
        (parent_tree,) = await history.trees_of(self._git, parent)
        left = tree != parent_tree
        commit = parent
        if left:
            commit = await history.commit_tree(self._git, tree, [parent], message)
        return Tip(
            commit=commit,
            tree=tree,
            commits=own.count if own else 0,
            left=left,
            rewrote=own is not None and not own.follows,
        )

    async def _reset(self, commit: Commit) -> None:
        kept = [word for pattern in self._furnishing.without for word in ("-e", pattern)]
        await self._git.run(*_RESET, commit, place=self.place)
        await self._git.run(*_CLEAN, *kept, place=self.place)

    def _prepare(self) -> None:
        with disk_errors(self.place.tree):
            if self.place.tree.is_symlink() or self.place.tree.is_file():
                remove(self.place.tree)
            self.place.tree.mkdir(parents=True, exist_ok=True)
            snapshot.unlock(self.place)

    def _begin_anew(self) -> None:
        with disk_errors(self.place.tree):
            remove(self.place.tree)
            remove(self.place.index)
            self.place.tree.mkdir()

    def _furnish(self, commit: Commit) -> None:
        with disk_errors(self.place.tree):
            links.put(self._furnishing.top, self.place, self._furnishing.link)
            private_git.make(self.place, commit, self._furnishing.private)
