"""The mode `in-place`: the person's own checkout is the one tree.

During an iteration the checkout is the run's: HEAD is detached, the person's uncommitted work is
put aside. Afterwards, and after a crash when it is opened again, everything is given back.
Ignored files are the person's and stay where they are. An accepted commit moves the person's
branch. What an agent does to other branches, to ignored files or to the configuration is not
undone: the mode `worktree` is there for that.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import anyio.to_thread

from engine.core.parts import FileChange
from engine.runfolder.paths import RunPaths
from engine.workspace import history, private_git, snapshot, tips
from engine.workspace.folders import disk_errors, remove
from engine.workspace.history import Tip
from engine.workspace.holding import Holding
from engine.workspace.lines import Lines
from engine.workspace.private_git import OwnCommits
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
from engine.workspace.repository import Repository, open_repository, resolve
from engine.workspace.settings import WorkspaceSettings

_LEFT: Final = "in-place/left"
_FOUND: Final = "in-place/found"
_DURABLE: Final = {
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "core.fsync",
    "GIT_CONFIG_VALUE_0": "all",
    "GIT_CONFIG_KEY_1": "core.fsyncMethod",
    "GIT_CONFIG_VALUE_1": "batch",
}
"""For a while the only copy of the person's work is in the repository: let it be on the disk."""

_log = logging.getLogger(__name__)


class InPlace:
    """Workspace of the mode `in-place`. It has one slot.

    Args:
        paths: the run's folder.
        settings: what the campaign says; `link` has no use here.
        environ: the surrounding environment.
    """

    def __init__(
        self, paths: RunPaths, settings: WorkspaceSettings, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._environ = environ
        self._opened: tuple[Lines, Holding] | None = None

    @property
    def top(self) -> Path:
        """The person's checkout."""
        return self._lines.repository.top

    @property
    def one_tree(self) -> bool:
        """Yes: the person's checkout."""
        return True

    def tree(self, slot: int) -> Path:
        """The person's checkout."""
        self._only(slot)
        return self.top

    def holds(self, slot: int) -> bool:
        """Whether the checkout is the run's just now."""
        self._only(slot)
        return self._holding.intent is not None

    async def open(self) -> Commit:
        """Make it ready, also after a crash; the commit that the run began from."""
        settings = self._settings
        repository = await open_repository(settings.repo, self._environ, _DURABLE)
        root, name = self._paths.root, self._paths.name
        refs = Refs(repository, name, settings.campaign, settings.branch, folder=root)
        folder = root / "in-place"
        with disk_errors(folder):
            await anyio.to_thread.run_sync(lambda: folder.mkdir(parents=True, exist_ok=True))
            await refs.remove_locks()
        await refs.own(self._paths.root)
        holding = Holding(repository, refs, folder, settings)
        self._opened = Lines(repository, refs), holding
        await self._recover("Left when the engine died")
        base = await refs.read("base")
        return base or await self._begin(repository, refs, holding)

    async def _recover(self, message: str) -> None:
        """Give back what is held, after what lies there was kept."""
        holding = self._holding
        if holding.intent is None:
            return
        agents = holding.intent.phase == "lent"
        await holding.look()
        try:
            tip = await self._what_fits(holding.intent.base, message)
            await self._lines.kept(holding.intent.base, tip, _LEFT if agents else _FOUND)
        except FullDiskError:
            raise  # it can be kept once there is room
        except WorkspaceError as error:
            _log.warning("what was left in %s cannot be kept: %s", self.top, error)
        await holding.give_back()

    async def _begin(self, repository: Repository, refs: Refs, holding: Holding) -> Commit:
        await holding.checkout.branch()
        captured = await holding.capture()
        holding.check_clean(captured.details)
        base = captured.details.head
        if await resolve(repository, self._settings.base) != base:
            raise WorkspaceError(
                f"{self._settings.base!r} is not what is checked out in {repository.top}, and "
                "`mode: in-place` begins from that; check it out, or use `mode: worktree`"
            )
        if self._settings.dirty == "allow" and not captured.details.clean:
            message = f"Uncommitted work at the beginning of {self._paths.name}"
            tree = captured.details.work_tree
            base = await history.commit_tree(repository.git, tree, [base], message)
        await refs.keep("base", base)
        return base

    async def lend(self, slot: int, base: Commit) -> Path:
        """The checkout, exactly as `base` has it, for an agent to change."""
        self._only(slot)
        holding = self._holding
        await self._lines.refs.drop(_LEFT)
        await (holding.switch if holding.intent else holding.take)(base, "lent")
        return self.top

    async def check_out(self, slot: int, commit: Commit) -> Path:
        """The checkout, exactly as `commit` has it, for checks to run in."""
        self._only(slot)
        holding = self._holding
        await (holding.switch if holding.intent else holding.take)(commit, "checking")
        return self.top

    async def collect(
        self, slot: int, base: Commit, name: str, message: str
    ) -> Change | Unchanged | Refused:
        """What is in the checkout now, as one commit on `base`."""
        self._only(slot)
        holding = self._holding
        if holding.intent is None:
            left = await self._lines.refs.read(_LEFT)
            await holding.take(left or base, "lent")
        own = await self._own(base)
        taken = await tips.take(self._lines.git, holding.place, base, own, holding.limits)
        if isinstance(taken, Refused):
            return taken
        spared = await self._spared_in(taken)
        if spared:
            return Refused(
                reason="files that lie ignored in the person's checkout cannot be part of a "
                f"candidate in the mode in-place: {snapshot.named(spared)}"
            )
        tip = await tips.join(self._lines.git, base, own, taken, message)
        return await self._lines.described(base, tip, name)

    async def give_back(self, slot: int) -> list[str]:
        """Give the person the checkout back; what to tell them, mostly nothing."""
        self._only(slot)
        holding = self._holding
        await holding.give_back()
        notices, holding.notices = holding.notices, []
        return notices

    async def rescue(self, slot: int, base: Commit, name: str) -> Commit | None:
        """Keep what an attempt that was cut off left, under the private ref."""
        self._only(slot)
        if self._holding.intent is None:
            return await self._left_as(name)
        try:
            tip = await self._what_fits(base, f"Cut off: {name}")
        except FullDiskError:
            raise  # it can be kept once there is room
        except WorkspaceError as error:
            _log.warning("what %s left cannot be kept: %s", name, error)
            return None
        return await self._lines.kept(base, tip, name)

    async def stash(self, slot: int, base: Commit, name: str, message: str) -> Commit | None:
        """Put what is in the checkout aside, under the private ref stash/`name`."""
        self._only(slot)
        if self._holding.intent is None:
            return await self._left_as(f"stash/{name}")
        return await self._lines.stash(base, await self._what_fits(base, message), name)

    async def _left_as(self, name: str) -> Commit | None:
        """What was in the checkout when it was given back, under the private ref."""
        refs = self._lines.refs
        left = await refs.read(_LEFT)
        if left is None:
            return await refs.read(name)
        await refs.keep(name, left)
        await refs.drop(_LEFT)
        return left

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
        """Move the person's branch to the commit; a second call does nothing."""
        holding = self._holding
        if holding.intent is not None:
            await holding.accept(commit)
        elif await self._lines.refs.tip(await holding.checkout.branch()) != commit:
            await holding.take(commit, "checking")
            try:
                await holding.accept(commit)
            finally:
                await holding.give_back()

    async def files(self, base: Commit, commit: Commit) -> list[FileChange]:
        """All files that differ between two commits."""
        return await self._lines.files(base, commit)

    async def diff(self, base: Commit, commit: Commit) -> str:
        """What differs between two commits, as people read it; cut when it is long."""
        return await self._lines.diff(base, commit)

    async def close(self) -> None:
        """Give the checkout back, if it is lent; what an agent left there is kept."""
        await self._recover("Left when the engine ended")

    async def remove(self) -> None:
        """Remove the run's private refs for good; the checkout is given back before."""
        await self._holding.give_back()
        with disk_errors(self._paths.root):
            await anyio.to_thread.run_sync(remove, self._paths.root / "in-place")
        await self._lines.refs.remove_all()

    async def _what_fits(self, base: Commit, message: str) -> Tip:
        holding, own = self._holding, await self._own(base)
        own = None if own is not None and own.big else own
        git = self._lines.git
        taken = await tips.take_what_fits(git, holding.place, base, own, holding.limits)
        return await tips.join(git, base, own, taken, message)

    async def _own(self, base: Commit) -> OwnCommits | None:
        head = await self._holding.checkout.commit()
        limit_bytes = self._holding.limits.most_file_bytes
        found = await private_git.since(self._lines.git, head, base, limit_bytes, {})
        return found[0] if found and head != base else None

    async def _spared_in(self, tree: str) -> list[bytes]:
        out = await self._lines.git.run("ls-tree", "-r", "-z", "--name-only", tree)
        return [name for name in out.split(b"\0") if name and self._holding.limits.spares(name)]

    def _only(self, slot: int) -> None:
        if slot != 0:
            raise WorkspaceError("`mode: in-place` has one slot; set `slots: 1`")

    @property
    def _open(self) -> tuple[Lines, Holding]:
        if self._opened is None:
            raise WorkspaceError("the workspace is not open")
        return self._opened

    @property
    def _lines(self) -> Lines:
        return self._open[0]

    @property
    def _holding(self) -> Holding:
        return self._open[1]
