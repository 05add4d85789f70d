"""One slot's tree: brought to a commit, and taken as one."""

import hashlib
import os
from pathlib import Path
from typing import Final

import anyio.to_thread
import msgspec

from engine.workspace import history, links, private_git, snapshot, tips
from engine.workspace.at_once import both
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


class Brought(msgspec.Struct, frozen=True):
    """What the engine made of a tree's index: whose it is, if a commit's, and its digest.

    An index says which files surely are as they were. One that is not byte for byte what this
    engine left is not believed, whoever wrote it. `taken` is the tree object of what has just been
    taken whole: the files in the slot's tree are that as well until something runs in it again.
    """

    commit: Commit | None
    digest: bytes
    taken: str | None = None


class SlotTree:
    """The tree at a place, and the private repository in it.

    Args:
        git: the person's repository.
        place: the tree and its index.
        furnishing: what is in the tree beside its commit.
        brought: of all trees, by their places; kept by who keeps the trees.
    """

    def __init__(
        self, git: Git, place: Place, furnishing: Furnishing, brought: dict[Path, Brought]
    ) -> None:
        self._git = git
        self.place = place
        self._furnishing = furnishing
        self._brought = brought
        self._underway = place.index.with_name(f"{place.tree.name}.underway")

    @property
    def underway(self) -> bool:
        """Whether it is being brought to a commit, or was when an engine died: it is nobody's."""
        return self._underway.exists()

    async def bring_to(self, commit: Commit) -> Path:
        """The tree, exactly as the commit has it, with a new private repository.

        Raises:
            WorkspaceError: it cannot be written.
        """
        known = self._brought.pop(self.place.tree, None)
        believed = await anyio.to_thread.run_sync(self._prepare, known)
        try:
            taken = believed and await self._was_taken(known, commit)
            index = await self._furnished(commit, reset=not taken)
        except WorkspaceError:
            await anyio.to_thread.run_sync(self._begin_anew)
            index = await self._furnished(commit, reset=True)
        self._brought[self.place.tree] = Brought(commit, _digest(index))
        with disk_errors(self.place.tree):
            self._underway.unlink(missing_ok=True)
        return self.place.tree

    async def tip(self, base: Commit, message: str) -> Tip | Refused:
        """What is in the tree now: the agent's own commits and, on top, what it left."""
        if not await anyio.to_thread.run_sync(is_folder, self.place.tree):
            return Refused(reason=f"the folder {self.place.tree} is gone")
        own, limits = await self._own(base), self._furnishing.limits
        known = await self._index_of(base)
        taken = await tips.take(self._git, self.place, base, own, limits, index_of=known)
        if isinstance(taken, Refused):
            await self._remember()
            return taken
        tip, _ = await both(
            lambda: tips.join(self._git, base, own, taken, message), lambda: self._remember(taken)
        )
        return tip

    async def what_fits(self, base: Commit, message: str) -> Tip:
        """As `tip`, but what cannot be taken is left out."""
        own, limits = await self._own(base), self._furnishing.limits
        own = None if own is not None and own.big else own
        known = await self._index_of(base)
        taken = await tips.take_what_fits(self._git, self.place, base, own, limits, index_of=known)
        await self._remember()
        return await tips.join(self._git, base, own, taken, message)

    async def _own(self, base: Commit) -> OwnCommits | None:
        limit_bytes = self._furnishing.limits.most_file_bytes
        like = self._furnishing.private
        return await private_git.bring(self._git, self.place.tree, base, limit_bytes, like)

    async def _index_of(self, base: Commit) -> Commit | None:
        """What the index is of, after one that is not believed was made anew for the base."""
        known = self._brought.pop(self.place.tree, None)
        if await anyio.to_thread.run_sync(self._believes, known):
            return known and known.commit
        await snapshot.read_index(self._git, self.place, base)
        # It would take every file for one that may be changed; this looks at all of them instead.
        refresh = ("update-index", "-q", "--refresh", "--ignore-submodules")
        await self._git.ask(*refresh, place=self.place)
        return base

    def _believes(self, known: Brought | None) -> bool:
        """Whether the index is what is known to have been left; if not, it goes."""
        snapshot.unlock(self.place)
        if known is not None and _digest(_content(self.place.index)) == known.digest:
            return True
        with disk_errors(self.place.tree):
            remove(self.place.index)
        return False

    async def _remember(self, taken: str | None = None) -> None:
        index = await anyio.to_thread.run_sync(_content, self.place.index)
        self._brought[self.place.tree] = Brought(None, _digest(index), taken)

    async def _was_taken(self, known: Brought | None, commit: Commit) -> bool:
        """Whether the files are the commit's: they were taken, and nothing ran there since."""
        if known is None or known.taken is None:
            return False
        return [known.taken] == await history.trees_of(self._git, commit)

    async def _furnished(self, commit: Commit, *, reset: bool) -> bytes:
        """Leave the commit's files alone in the tree, with what goes with them; their index.

        Args:
            commit: what is wanted.
            reset: the files may be others, and have to be looked at.
        """
        kept = [word for pattern in self._furnishing.without for word in ("-e", pattern)]
        first = (*_RESET, commit) if reset else (*_CLEAN, *kept)
        await both(
            lambda: self._git.run(*first, place=self.place),
            lambda: anyio.to_thread.run_sync(self._make_private, commit),
        )
        if reset:
            await self._git.run(*_CLEAN, *kept, place=self.place)
        index = await anyio.to_thread.run_sync(self._hand_index_on)
        # What is in the folder of a submodule is not seen by git here.
        submodules = await snapshot.submodules(self._git, self.place, index)
        if submodules or self._furnishing.link:
            await anyio.to_thread.run_sync(self._furnish, submodules)
        return index

    def _prepare(self, known: Brought | None) -> bool:
        """See to it that there is a folder; whether that and its index are what was left there."""
        was_there = is_folder(self.place.tree)
        with disk_errors(self.place.tree):
            self._underway.touch()
            if self.place.tree.is_symlink() or self.place.tree.is_file():
                remove(self.place.tree)
            self.place.tree.mkdir(parents=True, exist_ok=True)
        return self._believes(known) and was_there

    def _begin_anew(self) -> None:
        with disk_errors(self.place.tree):
            remove(self.place.tree)
            remove(self.place.index)
            self.place.tree.mkdir()

    def _make_private(self, commit: Commit) -> None:
        with disk_errors(self.place.tree):
            private_git.make(self.place, commit, self._furnishing.private)

    def _hand_index_on(self) -> bytes:
        """The index, which the private repository has as well now."""
        with disk_errors(self.place.tree):
            private_git.know_index(self.place)
        return _content(self.place.index)

    def _furnish(self, submodules: list[bytes]) -> None:
        with disk_errors(self.place.tree):
            _empty(self.place.tree, submodules)
            links.put(self._furnishing.top, self.place, self._furnishing.link)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _digest(index: bytes) -> bytes:
    return hashlib.sha256(index).digest()


def _empty(top: Path, folders: list[bytes]) -> None:
    for folder in (top / os.fsdecode(name) for name in folders):
        remove(folder)
        folder.mkdir()
