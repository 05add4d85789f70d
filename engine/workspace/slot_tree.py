"""One slot's tree: brought to a commit, and taken as one."""

import os
from pathlib import Path
from typing import Final

import anyio.to_thread
import msgspec

from engine.workspace import links, private_git, snapshot, tips
from engine.workspace.folders import disk_errors, is_folder, remove
from engine.workspace.git import Git, Place
from engine.workspace.history import Tip
from engine.workspace.private_git import OwnCommits
from engine.workspace.protocol import Commit, Refused, WorkspaceError
from engine.workspace.snapshot import Limits

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
    def limits(self) -> Limits:
        """What is not taken from the trees."""
        words = tuple(word for pattern in self.without for word in ("-x", pattern))
        return Limits(self.most_file_bytes, words)

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
        if not await anyio.to_thread.run_sync(is_folder, self.place.tree):
            return Refused(reason=f"the folder {self.place.tree} is gone")
        own, limits = await self._own(base), self._furnishing.limits
        taken = await tips.take(self._git, self.place, base, own, limits)
        if isinstance(taken, Refused):
            return taken
        return await tips.join(self._git, base, own, taken, message)

    async def what_fits(self, base: Commit, message: str) -> Tip:
        """As `tip`, but what cannot be taken is left out."""
        own, limits = await self._own(base), self._furnishing.limits
        own = None if own is not None and own.big else own
        taken = await tips.take_what_fits(self._git, self.place, base, own, limits)
        return await tips.join(self._git, base, own, taken, message)

    async def _own(self, base: Commit) -> OwnCommits | None:
        limit_bytes = self._furnishing.limits.most_file_bytes
        return await private_git.bring(self._git, self.place.tree, base, limit_bytes)

    async def _reset(self, commit: Commit) -> None:
        kept = [word for pattern in self._furnishing.without for word in ("-e", pattern)]
        await self._git.run(*_RESET, commit, place=self.place)
        await self._git.run(*_CLEAN, *kept, place=self.place)
        # What is in the folder of a submodule is not seen by git here.
        submodules = await snapshot.submodules(self._git, self.place)
        with disk_errors(self.place.tree):
            await anyio.to_thread.run_sync(_empty, self.place.tree, submodules)

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


def _empty(top: Path, folders: list[bytes]) -> None:
    for folder in (top / os.fsdecode(name) for name in folders):
        remove(folder)
        folder.mkdir()
