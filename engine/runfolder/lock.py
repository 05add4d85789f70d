"""The lock of a run: it is held by the engine and dies with it.

It is a POSIX record lock. A child that inherits the descriptor does not inherit the lock, and
others may ask who holds it without taking it. Its one trap: closing any descriptor of the file
in the holding process lets go of it. So nothing but this module opens the file.
"""

import contextlib
import fcntl
import os
import struct
import sys
from pathlib import Path
from typing import Final

import msgspec

from engine.runfolder import identity
from engine.runfolder.identity import Identity

_MAX_BYTES: Final = 4096
_Key = tuple[int, int]
_held: Final[set[_Key]] = set()


class LockHeld(msgspec.Struct, frozen=True, kw_only=True):
    """Another engine holds the run. `pid` is 0 where the system does not name it."""

    pid: int
    owner: Identity | None


class RunLock:
    """A lock that this process holds until it lets go or ends."""

    def __init__(self, key: _Key, descriptor: int) -> None:
        self._key = key
        self._descriptor: int | None = descriptor

    def sign(self) -> None:
        """Write down who holds the run, for messages and for which run was started last."""
        # On a full disk the lock holds without it.
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, msgspec.json.encode(identity.own()) + b"\n", 0)

    def release(self) -> None:
        """Let go of the run; a second time it does nothing."""
        if self._descriptor is not None:
            _held.discard(self._key)
            os.close(self._descriptor)
            self._descriptor = None


def take(path: Path, *, sign: bool = True) -> RunLock | LockHeld:
    """The lock of the run, or who holds it.

    Args:
        path: the lock file; it is made when it is not there.
        sign: False leaves the file's content as it is until `RunLock.sign` is called, for an
            engine that may find the run unusable and must then have changed no byte of it.

    Raises:
        OSError: the file cannot be opened for writing, or its file system knows no locks.
    """
    if _held_here(path):
        return LockHeld(pid=os.getpid(), owner=identity.own())
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        pid = _ask(descriptor)
        owner = _owner(descriptor)
        os.close(descriptor)
        return LockHeld(pid=pid or 0, owner=owner)
    except OSError:
        os.close(descriptor)
        raise
    key = _key(os.fstat(descriptor))
    _held.add(key)
    held = RunLock(key, descriptor)
    if sign:
        held.sign()
    return held


def _key(found: os.stat_result) -> _Key:
    return found.st_dev, found.st_ino


def _held_here(path: Path) -> bool:
    """Whether this process holds the lock; found out without opening the file."""
    try:
        return _key(path.stat()) in _held
    except OSError:
        return False


def holder(path: Path) -> int | None:
    """The pid of the process that holds the lock, or None when it is free.

    It takes nothing, and needs no more than the right to read. 0 stands for a holder that the
    system does not name: one in another container, say.
    """
    if _held_here(path):
        return os.getpid()
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _ask(descriptor)
    finally:
        os.close(descriptor)


def owner(path: Path) -> Identity | None:
    """Who took the lock last, as it wrote it down; it may be gone."""
    if _held_here(path):
        return identity.own()
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _owner(descriptor)
    finally:
        os.close(descriptor)


def _owner(descriptor: int) -> Identity | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, _MAX_BYTES, 0), type=Identity)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _ask(descriptor: int) -> int | None:
    answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, pack_question(sys.platform))
    return unpack_answer(answer, sys.platform)


# struct flock, whole file, write lock. Linux on 64 bits (fcntl(2)): type, whence, start, length,
# pid; macOS and the BSDs (sys/fcntl.h): start, length, pid, type, whence.
_LINUX: Final = "hhqqi4x"
_BSD: Final = "qqihh"


def pack_question(platform: str) -> bytes:
    """The question "who would be in the way of a write lock?" in the platform's layout."""
    if platform.startswith("linux"):
        return struct.pack(_LINUX, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    return struct.pack(_BSD, 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)


def unpack_answer(answer: bytes, platform: str) -> int | None:
    """The holder's pid in the answer; None when nobody is in the way."""
    if platform.startswith("linux"):
        kind, _, _, _, pid = struct.unpack(_LINUX, answer)
    else:
        _, _, pid, kind, _ = struct.unpack(_BSD, answer)
    return None if kind == fcntl.F_UNLCK else max(0, pid)
