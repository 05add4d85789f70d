"""Handing out the ordinary files that a command left behind, once nothing of it lives any more."""

from __future__ import annotations

import os
import stat

from .wire import DATA, FILE, MOST_PAYLOAD_BYTES, REFUSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

MOST_NAME_BYTES: Final = 200
MOST_PATH_BYTES: Final = 1000
MOST_DEPTH: Final = 16
MOST_REFUSALS: Final = 20
_READABLE: Final = 0o700


class Leaving:
    """A walk through a folder that tells what is in it.

    Args:
        tell: takes kind and payload of each thing that is told.
        most_files: how many files are handed out.
        most_bytes: how many bytes in all.
    """

    def __init__(
        self, tell: Callable[[bytes, bytes], None], most_files: int, most_bytes: int
    ) -> None:
        self._tell = tell
        self._most_files = most_files
        self._most_bytes = most_bytes
        self._files = 0
        self._bytes = 0
        self._refusals = 0

    def hand_out(self, folder: str) -> None:
        """Tell all files, folder by folder, and what is not handed out."""
        os.chmod(folder, _READABLE)  # noqa: PTH101 (it may have been left unreadable)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._folder(descriptor, b"", 0)
        finally:
            os.close(descriptor)
        if self._refusals > MOST_REFUSALS:
            self._tell(REFUSED, f"and {self._refusals - MOST_REFUSALS:,} more".encode())

    def _folder(self, descriptor: int, path: bytes, depth: int) -> None:
        for name in sorted(map(os.fsencode, os.listdir(descriptor))):
            entry = path + b"/" + name if path else name
            trouble = _bad_name(name, entry) or self._hand_out(descriptor, entry, depth)
            if trouble:
                self._refuse(entry, trouble)

    def _hand_out(self, folder: int, path: bytes, depth: int) -> str:
        """Tell what lies there; what speaks against it, if anything."""
        name = path.rpartition(b"/")[2]
        state = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(state.st_mode):
            return self._deeper(folder, path, depth + 1)
        if not stat.S_ISREG(state.st_mode):
            return f"it is {_kind(state.st_mode)}"
        if self._files >= self._most_files:
            return f"there are more than {self._most_files:,} files"
        if self._bytes + state.st_size > self._most_bytes:
            return f"with its {state.st_size:,} bytes there are more than {self._most_bytes:,}"
        self._files += 1
        self._bytes += state.st_size
        self._file(_opened(folder, name, os.O_NOFOLLOW), path)
        return ""

    def _deeper(self, folder: int, path: bytes, depth: int) -> str:
        if depth > MOST_DEPTH:
            return f"it lies more than {MOST_DEPTH} folders deep"
        flags = os.O_NOFOLLOW | os.O_DIRECTORY
        descriptor = _opened(folder, path.rpartition(b"/")[2], flags)
        try:
            self._folder(descriptor, path, depth)
        finally:
            os.close(descriptor)
        return ""

    def _file(self, descriptor: int, path: bytes) -> None:
        self._tell(FILE, path)
        try:
            while data := os.read(descriptor, MOST_PAYLOAD_BYTES):
                self._tell(DATA, data)
        finally:
            os.close(descriptor)

    def _refuse(self, path: bytes, why: str) -> None:
        self._refusals += 1
        if self._refusals <= MOST_REFUSALS:
            shown = ascii(os.fsdecode(path[:MOST_NAME_BYTES]))
            self._tell(REFUSED, f"{shown}: {why}".encode())


def _opened(folder: int, name: bytes, flags: int) -> int:
    # Nobody is there any more who could put a link in its place.
    os.chmod(name, _READABLE, dir_fd=folder)
    return os.open(name, os.O_RDONLY | flags, dir_fd=folder)


def _bad_name(name: bytes, path: bytes) -> str:
    """What is wrong with the name, if anything: people and programs will meet it."""
    if len(name) > MOST_NAME_BYTES or len(path) > MOST_PATH_BYTES:
        return "its name is too long"
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return "its name is no text"
    return (
        "" if text.isprintable() and "\\" not in text else "its name has characters without a shape"
    )


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a link"
    if stat.S_ISFIFO(mode):
        return "a FIFO"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
