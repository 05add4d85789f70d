"""Waiting for room on a full disk instead of losing what has to be written."""

import errno
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeVar

import anyio

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0
LITTLE_BYTES: Final = 1 << 20
"""With less room than this a command may well have failed for want of room."""

T = TypeVar("T")


class Room:
    """Repeats writing until there is room; shared by all that writes into a run folder.

    Args:
        on_wait: called with what cannot be written when the first writer has to wait, and with
            None when nobody waits any more.
    """

    def __init__(self, on_wait: Callable[[str | None], None] | None = None) -> None:
        self._on_wait = on_wait
        self._waiting = 0

    async def write(self, what: str, action: Callable[[], Awaitable[T]]) -> T:
        """The result of `action`, which is repeated for as long as the disk is full.

        Raises:
            OSError: it failed for another reason.
        """
        try:
            return await action()
        except OSError as error:
            if not is_full(error):
                raise
            self._begin(f"no room on the disk for {what}")
        try:
            return await self._repeat(action)
        finally:
            self._end()

    async def wait_for_some(self, folder: Path) -> None:
        """Return once there is some room in the folder's file system."""

        async def look() -> None:
            if not has_some(folder):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        await self.write(str(folder), look)

    async def _repeat(self, action: Callable[[], Awaitable[T]]) -> T:
        pause_s = _FIRST_PAUSE_S
        while True:
            await anyio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            try:
                return await action()
            except OSError as error:
                if not is_full(error):
                    raise

    def _begin(self, reason: str) -> None:
        self._waiting += 1
        if self._waiting == 1 and self._on_wait is not None:
            self._on_wait(reason)

    def _end(self) -> None:
        self._waiting -= 1
        if self._waiting == 0 and self._on_wait is not None:
            self._on_wait(None)


def is_full(error: OSError) -> bool:
    """Whether the disk is full, or a quota is used up."""
    return error.errno in _FULL


def has_some(folder: Path) -> bool:
    """Whether a command that writes a little into the folder can do so."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return True  # then it is not the room that is missing
    return status.f_bavail * status.f_frsize >= LITTLE_BYTES
