"""The mode `worktree`: a pool of trees below the run's folder; the person's checkout is not used.

The person's repository gets objects, the run's private refs and the run's branch, nothing else.
A tree is brought to a commit by what differs, so that reuse is quick, and its private repository
is made anew each time.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import anyio.to_thread

from engine.core.parts import FileChange
from engine.executors.protocol import TOOL_VARIABLE
from engine.runfolder.paths import RunPaths
from engine.workspace import links, private_git
from engine.workspace.folders import disk_errors, remove
from engine.workspace.git import Place
from engine.workspace.lines import Lines, begun_from
from engine.workspace.naming import slot_name
from engine.workspace.protocol import (
    Change,
    Commit,
    Conflict,
    FullDiskError,
    Refused,
    Stashed,
    Unchanged,
    WorkspaceError,
)
from engine.workspace.refs import Refs
from engine.workspace.repository import Repository, open_repository
from engine.workspace.settings import WorkspaceSettings
from engine.workspace.slot_tree import Brought, Furnishing, SlotTree

_BARRIER: Final = "gitdir: a-tree-whose-repository-was-removed\n"
_log = logging.getLogger(__name__)


class Pool:
    """Workspace of the mode `worktree`.

    Args:
        paths: the run's folder.
        settings: what the campaign says.
        environ: the surrounding environment.
    """

    def __init__(
        self, paths: RunPaths, settings: WorkspaceSettings, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._environ = environ
        self._opened: tuple[Lines, Furnishing] | None = None
        self._brought: dict[Path, Brought] = {}

    @property
    def top(self) -> Path:
        """The person's checkout."""
        return self._repository.top

    @property
    def one_tree(self) -> bool:
        """No: every slot has one of its own."""
        return False

    def tree(self, slot: int) -> Path:
        """Where the slot's tree is, whatever it has."""
        return self._place(slot).tree

    def holds(self, slot: int) -> bool:
        """Whether the slot has a tree: nobody else uses it."""
        return self.tree(slot).is_dir()

    async def open(self) -> Commit:
        """Make it ready, also after a crash; the commit that the run began from."""
        settings = self._settings
        found_again = {TOOL_VARIABLE: self._paths.run_marker}
        repository = await open_repository(settings.repo, self._environ, found_again)
        root, name = self._paths.root, self._paths.name
        refs = Refs(repository, name, settings.campaign, settings.branch, folder=root)
        with disk_errors(self._paths.trees):
            await anyio.to_thread.run_sync(self._make_room)
            await refs.remove_locks()
        base = await begun_from(refs, repository, settings.base, self._paths.root)
        link = tuple(links.normal(path) for path in settings.link)
        await links.check(repository.git, repository.top, link, base)
        excluded = [*settings.keep, *(links.pattern(path) for path in link)]
        furnishing = Furnishing(
            top=repository.top,
            keep=settings.keep,
            link=link,
            private=await private_git.template(repository, excluded),
            most_file_bytes=settings.max_file_bytes,
        )
        self._opened = Lines(repository, refs), furnishing
        return base

    async def lend(self, slot: int, base: Commit) -> Path:
        """The slot's tree, exactly as `base` has it, for an agent to change."""
        return await self._slot(slot).bring_to(base)

    async def collect(
        self, slot: int, base: Commit, name: str, message: str
    ) -> Change | Unchanged | Refused:
        """What is in the slot's tree now, as one commit on `base`."""
        tip = await self._slot(slot).tip(base, message)
        if isinstance(tip, Refused):
            return tip
        return await self._lines.described(base, tip, name)

    async def check_out(self, slot: int, commit: Commit) -> Path:
        """The slot's tree, exactly as `commit` has it, for checks to run in."""
        return await self._slot(slot).bring_to(commit)

    async def give_back(self, slot: int) -> list[str]:  # noqa: ARG002
        """Nothing: the next lend brings the tree to its commit."""
        return []

    async def rescue(self, slot: int, base: Commit, name: str) -> Commit | None:
        """Keep what an attempt that was cut off left in the slot's tree, under the private ref."""
        if not await anyio.Path(self._place(slot).tree).is_dir():
            return None
        if self._slot(slot).underway:
            # It was kept before it was lent again: what is there now is half of a clean one.
            return await self._lines.refs.read(name)
        try:
            tip = await self._slot(slot).what_fits(base, f"Cut off: {name}")
        except FullDiskError:
            raise  # it can be kept once there is room
        except WorkspaceError as error:
            _log.warning("what %s left cannot be kept: %s", name, error)
            return None
        return await self._lines.kept(base, tip, name)

    async def stash(self, slot: int, base: Commit, name: str, message: str) -> Commit | None:
        """Put what is in the slot's tree aside, under the private ref stash/`name`."""
        tip = await self._slot(slot).what_fits(base, message)
        return await self._lines.stash(base, tip, name)

    async def stashes(self) -> list[Stashed]:
        """What was put aside, in the order of the names."""
        return await self._lines.stashes()

    async def drop(self, name: str) -> None:
        """Forget what was put aside under the name."""
        await self._lines.drop(name)

    async def carry_over(
        self, commit: Commit, base: Commit, onto: Commit, name: str
    ) -> Change | Unchanged | Conflict:
        """The change from `base` to `commit`, on top of `onto`; no tree is touched."""
        return await self._lines.carry_over(commit, base, onto, name)

    async def merge_main(
        self, commit: Commit, remote: str, branch: str, *, fetch_s: float | None
    ) -> Change | Unchanged | Conflict:
        """The commit joined with a branch of a remote; no tree and no ref of the person's moves."""
        return await self._lines.merge_main(commit, remote, branch, fetch_s=fetch_s)

    async def accept(self, commit: Commit) -> None:
        """Let the run's branch name `commit`; a second call with the same commit does nothing."""
        await self._lines.refs.accept(commit)

    async def files(self, base: Commit, commit: Commit) -> list[FileChange]:
        """All files that differ between two commits."""
        return await self._lines.files(base, commit)

    async def diff(self, base: Commit, commit: Commit) -> str:
        """What differs between two commits, as people read it; cut when it is long."""
        return await self._lines.diff(base, commit)

    async def close(self) -> None:
        """Nothing: the person's checkout was never touched."""

    async def remove(self) -> None:
        """Remove the run's trees and private refs for good; the run's branch stays."""
        with disk_errors(self._paths.trees):
            await anyio.to_thread.run_sync(remove, self._paths.trees)
        await self._lines.refs.remove_all()

    def _make_room(self) -> None:
        self._paths.trees.mkdir(parents=True, exist_ok=True)
        # An agent that removed its own repository must not end up in the person's, further up.
        (self._paths.trees / ".git").write_text(_BARRIER, encoding="ascii")

    def _place(self, slot: int) -> Place:
        tree = self._paths.trees / slot_name(slot)
        return Place(tree, tree.with_name(f"{tree.name}.index"))

    def _slot(self, slot: int) -> SlotTree:
        lines, furnishing = self._open
        return SlotTree(lines.git, self._place(slot), furnishing, self._brought)

    @property
    def _open(self) -> tuple[Lines, Furnishing]:
        if self._opened is None:
            raise WorkspaceError("the workspace is not open")
        return self._opened

    @property
    def _lines(self) -> Lines:
        return self._open[0]

    @property
    def _repository(self) -> Repository:
        return self._lines.repository
