"""The parts of a person's checkout beside its files: HEAD, index, locks, open operations."""

import os
import time
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from engine.workspace.deleting import Deleting
from engine.workspace.folders import remove
from engine.workspace.git import Git
from engine.workspace.protocol import Commit, WorkspaceError
from engine.workspace.repository import Repository

_OPERATIONS: Final = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
    "sequencer": "a cherry-pick",
    "BISECT_LOG": "a bisect",
}
_NOTES: Final = ("ORIG_HEAD", "MERGE_MSG", "MERGE_MODE", "AUTO_MERGE", "SQUASH_MSG")
_LOCK_TRIES: Final = 40
_LOCK_PAUSE_S: Final = 0.05
_OLD_LOCK_S: Final = 2.0


class Checkout:
    """The checkout of a repository, as the mode in-place uses it."""

    def __init__(self, repository: Repository, deleting: Deleting) -> None:
        self._deleting = deleting
        self._folder = repository.git_dir
        self._git: Git = repository.git
        self.top = repository.top
        self.index = repository.git_dir / "index"
        self._common = repository.common_dir
        self._stash_log = repository.common_dir / "logs" / "refs" / "stash"

    async def branch(self) -> str:
        """The branch that is checked out, as refs/heads/NAME.

        Raises:
            WorkspaceError: there is none, or an operation is not finished.
        """
        for name, operation in _OPERATIONS.items():
            if await anyio.Path(self._folder / name).exists():
                raise WorkspaceError(
                    f"{operation} is not finished in {self.top}; finish or abort it first"
                )
        ended = await self._git.ask("symbolic-ref", "--quiet", "HEAD")
        if ended.exit_code != 0:
            raise WorkspaceError(
                f"no branch is checked out in {self.top} (its HEAD is detached), so there is none "
                "to put accepted commits on; check one out (git switch), or use `mode: worktree`"
            )
        return os.fsdecode(ended.out.strip())

    async def check_free(self) -> None:
        """Wait a little for another git to end.

        Raises:
            WorkspaceError: it does not.
        """
        lock = self.index.with_name("index.lock")
        for _ in range(_LOCK_TRIES):
            if not await anyio.Path(lock).exists():
                return
            await anyio.sleep(_LOCK_PAUSE_S)
        raise WorkspaceError(self._held_by_another(lock))

    def _held_by_another(self, lock: Path) -> str:
        return f"another git is at work in {self.top}, or died; if none is, remove {lock}"

    async def commit(self) -> Commit:
        """What HEAD names."""
        return Commit(await self._git.line("rev-parse", "--verify", "HEAD"))

    async def detach(self, commit: Commit) -> None:
        """Let HEAD name the commit and no branch."""
        await self._git.run("update-ref", "--no-deref", "HEAD", commit)

    async def attach(self, branch: str) -> None:
        """Let HEAD name the branch."""
        await self._git.run("symbolic-ref", "HEAD", branch)

    async def publish(self, index: bytes, modified_ns: int | None) -> None:
        """Replace the checkout's index, as git would.

        Args:
            index: its content.
            modified_ns: its time, by which git tells files that were changed while it was
                written; None when there is to be no index.

        Raises:
            WorkspaceError: another git holds it.
            OSError: it cannot be written.
        """
        lock = self.index.with_name("index.lock")
        for _ in range(_LOCK_TRIES):
            try:
                await anyio.to_thread.run_sync(self._replace, lock, index, modified_ns)
            except FileExistsError:
                await anyio.sleep(_LOCK_PAUSE_S)
            else:
                return
        raise WorkspaceError(self._held_by_another(lock))

    def _replace(self, lock: Path, index: bytes, modified_ns: int | None) -> None:
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(index)
                file.flush()
                os.fsync(file.fileno())
            if modified_ns is None:
                self.index.unlink(missing_ok=True)
                lock.unlink()
            else:
                if self.index.exists():
                    lock.chmod(self.index.stat().st_mode & 0o777)
                os.utime(lock, ns=(modified_ns, modified_ns))
                lock.replace(self.index)
        except OSError:
            lock.unlink(missing_ok=True)
            raise

    async def unlock(self, branch: str) -> None:
        """Take away locks of git programs that died, where the checkout is the run's."""
        locks = [self._folder / "index.lock", self._folder / "HEAD.lock"]
        locks.append(self._common / f"{branch}.lock")
        for lock in locks:
            for _ in range(_LOCK_TRIES):
                if not _is_new(lock):
                    break
                await anyio.sleep(_LOCK_PAUSE_S)  # someone may just be at work with it
            lock.unlink(missing_ok=True)

    def marks(self) -> dict[str, str]:
        """What git has noted beside HEAD: where it was before, the message of a merge."""
        found = {name: _content(self._folder / name) for name in _NOTES}
        return {name: content.decode("latin-1") for name, content in found.items() if content}

    def end_operations(self, marks: dict[str, str]) -> None:
        """Forget merges and the like that were begun here, and let the notes be these again."""
        for name in _OPERATIONS:
            remove(self._folder / name)
        for name in _NOTES:
            content = marks.get(name, "").encode("latin-1")
            if not content:
                remove(self._folder / name)
            elif content != _content(self._folder / name):
                (self._folder / name).write_bytes(content)

    def stash_log(self) -> bytes:
        """The list of the person's stashes, as git keeps it."""
        return _content(self._stash_log)

    async def stash_tip(self) -> str:
        """The newest of the person's stashes; empty when there is none."""
        ended = await self._git.ask("rev-parse", "--verify", "--quiet", "refs/stash")
        return ended.out.decode().strip()

    async def restore_stashes(self, tip: str, log: bytes) -> None:
        """Let the person's stashes be these again."""
        if await self.stash_tip() == tip and self.stash_log() == log:
            return
        if tip:
            await self._git.run("update-ref", "refs/stash", tip)
            self._stash_log.write_bytes(log)
        else:
            await self._deleting.run("-d", "refs/stash")


def _is_new(lock: Path) -> bool:
    try:
        return abs(time.time() - lock.stat().st_mtime) < _OLD_LOCK_S
    except OSError:
        return False


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
