"""Deleting refs of the person's repository, so that a git that dies at it is in nobody's way.

While git deletes a ref it holds a lock that all gits of the repository share. One that is found is
taken away only where a note tells that this run was deleting.
"""

import time
from pathlib import Path
from typing import Final

import anyio

from engine.workspace.folders import disk_errors
from engine.workspace.git import Git
from engine.workspace.protocol import WorkspaceError
from engine.workspace.repository import Repository

_SHARED: Final = ("packed-refs.lock", "packed-refs.new")
_OLD_S: Final = 2.0
_TRIES: Final = 40
_PAUSE_S: Final = 0.05


class Deleting:
    """Deletes refs.

    Args:
        repository: where they are.
        note: a file of the run that is there while a git is deleting.
    """

    def __init__(self, repository: Repository, note: Path) -> None:
        self._git: Git = repository.git
        self._common = repository.common_dir
        self._note = note

    async def run(self, *words: str, stdin: bytes = b"") -> None:
        """`git update-ref` with these words.

        Raises:
            WorkspaceError: git failed, or the note cannot be written.
        """
        with disk_errors(self._note):
            self._note.touch()
        try:
            await self._git.run("update-ref", *words, stdin=stdin)
        except WorkspaceError:
            self._note.unlink(missing_ok=True)  # git ended by itself: the lock is not its own
            raise
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.recover()
            raise
        self._note.unlink(missing_ok=True)

    async def recover(self) -> None:
        """Take away the locks of a git that died while it deleted."""
        begun_s = _modified_s(self._note)
        if begun_s is None:
            return
        for lock in (self._common / name for name in _SHARED):
            for _ in range(_TRIES):  # the lock of a git that lives is gone in a moment
                if not _is_new(lock):
                    break
                await anyio.sleep(_PAUSE_S)
            if (_modified_s(lock) or 0) >= begun_s:
                lock.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def _is_new(lock: Path) -> bool:
    since_s = _modified_s(lock)
    return since_s is not None and abs(time.time() - since_s) < _OLD_S


def _modified_s(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None
