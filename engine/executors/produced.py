"""Writing down what is handed out of a sandbox: plain data, whatever it calls itself."""

import os
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import Final

from engine.executors.protocol import Produced

_MODE: Final = 0o644
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Collector:
    """Takes files into a folder. Nothing outside of it is touched, and nothing in it overwritten.

    Its methods block for as long as the disk does.

    Args:
        folder: made if it is not there.
        most_files: how many files are taken.
        most_bytes: how many bytes in all.
    """

    def __init__(self, folder: Path, most_files: int, most_bytes: int) -> None:
        self._folder = folder
        self._most_files = most_files
        self._most_bytes = most_bytes
        self._files: list[str] = []
        self._bytes = 0
        self._refused: list[str] = []
        self._open: FileIO | None = None

    @property
    def produced(self) -> Produced:
        """What was taken and what was not."""
        return Produced(
            files=tuple(self._files), size_bytes=self._bytes, refused=tuple(self._refused)
        )

    def begin(self, name: bytes) -> None:
        """A file begins.

        Raises:
            ValueError: one by this name or number is not to be taken.
            OSError: it cannot be stored.
        """
        self.close()
        path = PurePosixPath(name.decode())
        if path.is_absolute() or ".." in path.parts or not path.name or b"\0" in name:
            raise ValueError(f"a file called {str(path)!r}")
        if len(self._files) >= self._most_files:
            raise ValueError("more files than there may be")
        place = self._folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        self._open = FileIO(os.open(place, _NEW, _MODE), "w")
        self._files.append(str(path))

    def add(self, data: bytes) -> None:
        """More of the file that began last.

        Raises:
            ValueError: none did, or it is too much.
            OSError: it cannot be stored.
        """
        self._bytes += len(data)
        if self._open is None or self._bytes > self._most_bytes:
            raise ValueError("more bytes than there may be")
        rest = memoryview(data)
        while rest:
            rest = rest[self._open.write(rest) :]

    def refuse(self, why: bytes) -> None:
        """Something was left that is not handed out."""
        self._refused.append(why.decode(errors="replace"))

    def close(self) -> None:
        """The last file is whole."""
        if self._open is not None:
            self._open.close()
            self._open = None
