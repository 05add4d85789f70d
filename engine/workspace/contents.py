"""The files of the person's checkout while it is the run's.

What lay ignored in it, and repositories inside it, are the person's. They are known from the
moment in which the checkout was taken, whatever an agent makes of the ignore rules later.
"""

import contextlib
import os
from pathlib import Path

import anyio.to_thread

from engine.workspace import capture, snapshot
from engine.workspace.folders import disk_errors, remove
from engine.workspace.git import Git, Place
from engine.workspace.protocol import WorkspaceError
from engine.workspace.settings import WorkspaceSettings
from engine.workspace.snapshot import Difference, Limits


class Contents:
    """The files at a place, brought to commits; the person's ignored files stay.

    Args:
        git: the repository.
        place: the checkout, with an index of the engine's own.
        settings: what is kept, and what is too big.
        run: the run's folder, which nobody's work is part of, wherever it lies.
    """

    def __init__(self, git: Git, place: Place, settings: WorkspaceSettings, run: Path) -> None:
        self._git = git
        self._place = place
        self._kept = tuple(word for pattern in settings.keep for word in ("-x", pattern))
        self._most_file_bytes = settings.max_file_bytes
        inside = run.is_relative_to(place.tree)
        run_name = os.fsencode(run.relative_to(place.tree)) + b"/" if inside else b""
        self._run = frozenset({run_name} - {b""})
        self._spared: frozenset[bytes] = self._run
        self._folders: frozenset[bytes] = frozenset()

    @property
    def limits(self) -> Limits:
        """What is not taken from the checkout."""
        return Limits(self._most_file_bytes, self._kept, self._spared)

    async def read_spared(self, captured: str) -> None:
        """Learn from the captured work what is the person's."""
        spared, self._folders = [
            frozenset((await capture.part(self._git, captured, name)).split(b"\0")) - {b""}
            for name in ("spared", "folders")
        ]
        self._spared = spared | self._run

    def forget_spared(self) -> None:
        """The checkout is the person's again."""
        self._spared, self._folders = self._run, frozenset()

    async def check_spared(self, commit: str) -> None:
        """Refuse a commit that would overwrite what is the person's.

        Raises:
            WorkspaceError: which files of it would.
        """
        out = await self._git.run("ls-tree", "-r", "-z", "--name-only", commit)
        names = [name for name in out.split(b"\0") if name and self.limits.spares(name)]
        if names:
            raise WorkspaceError(
                f"the commit {commit[:12]} has files that lie ignored in {self._place.tree} and "
                f"would be overwritten: {snapshot.named(names)}; move them away"
            )

    async def bring_to(self, commit: str) -> None:
        """Let there be the files of a commit or a tree and, beside them, what is the person's."""
        snapshot.unlock(self._place)
        await self._let_go_of_spared()
        await self._git.run("read-tree", "--reset", "-u", commit, place=self._place)
        limits = self.limits
        names = await snapshot.untracked(self._git, self._place, limits)
        names += await snapshot.ignored(self._git, self._place, limits)
        with disk_errors(self._place.tree):
            await anyio.to_thread.run_sync(_remove_files, self._place.tree, names)
        folders = await snapshot.untracked_folders(self._git, self._place)
        known = Limits(0, (), self._folders)
        new = [name for name in folders if not known.spares(name)]
        await anyio.to_thread.run_sync(_remove_empty, self._place.tree, new)

    async def _let_go_of_spared(self) -> None:
        """Take what an agent committed of the person's out of the index: git would remove it."""
        names = (await self._git.run("ls-files", "-z", place=self._place)).split(b"\0")
        gone = [name for name in names if name and self.limits.spares(name)]
        if gone:
            await snapshot.write(self._git, self._place, Difference(gone, []))


def _remove_files(top: Path, names: list[bytes]) -> None:
    """Remove files, and the folders that are empty without them."""
    for name in names:
        path = top / os.fsdecode(name.rstrip(b"/"))
        remove(path)
        for folder in path.relative_to(top).parents[:-1]:
            try:
                (top / folder).rmdir()
            except OSError:
                break


def _remove_empty(top: Path, folders: list[bytes]) -> None:
    """Remove folders that have nothing in them but such folders."""
    for name in folders:
        for inner, _, _ in os.walk(top / os.fsdecode(name), topdown=False):
            with contextlib.suppress(OSError):
                Path(inner).rmdir()
