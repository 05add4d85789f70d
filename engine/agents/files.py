"""The files of an attempt, which grow while it runs, and are never shortened."""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import anyio
import anyio.to_thread

from engine.runfolder.room import Room

TRANSCRIPT: Final = "transcript.jsonl"
ERRORS: Final = "errors.log"
EVENTS: Final = "events.jsonl"
ANSWER: Final = "answer.json"


class Growing:
    """One file; what is added is in memory until it is written.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o666)
        self._fresh: list[bytes] = []
        self._taken = memoryview(b"")
        self.size_bytes = 0
        self.waiting_bytes = 0

    def add(self, data: bytes) -> None:
        """Have it written later."""
        self._fresh.append(data)
        self.size_bytes += len(data)
        self.waiting_bytes += len(data)

    def take(self) -> bool:
        """Fix what is written next; whether there is anything."""
        if not self._taken and self._fresh:
            self._taken = memoryview(b"".join(self._fresh))
            self._fresh.clear()
        return bool(self._taken)

    def write(self) -> None:
        """Write what was taken; when that fails, what is left is written by the next call.

        Raises:
            OSError: for want of room, mostly.
        """
        while self._taken:
            written = os.write(self._descriptor, self._taken)
            self._taken = self._taken[written:]
            self.waiting_bytes -= written

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)


async def open_files(folder: Path, room: Room) -> "AttemptFiles":
    """The files of an attempt, once there is room for them; its folder is made if need be.

    Raises:
        OSError: they cannot be opened.
    """

    async def opened() -> AttemptFiles:
        await anyio.Path(folder).mkdir(parents=True, exist_ok=True)
        with ExitStack() as closing:
            files: list[Growing] = []
            for name in (TRANSCRIPT, ERRORS, EVENTS):
                files.append(Growing(folder / name))
                closing.callback(files[-1].close)
            return AttemptFiles(folder, room, files, closing.pop_all())

    return await room.write(str(folder), opened)


class AttemptFiles:
    """Transcript, standard error and events of an attempt. Use it as a context manager.

    Args:
        folder: the attempt's folder.
        room: where to wait while the disk is full.
        files: the three files.
        closing: closes them.
    """

    def __init__(
        self, folder: Path, room: Room, files: Sequence[Growing], closing: ExitStack
    ) -> None:
        self.folder = folder
        self._room = room
        self._writing = anyio.Lock()
        self._all = files
        self._closing = closing
        self.transcript, self.errors, self.events = files

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the files."""
        self._closing.close()

    @property
    def waiting_bytes(self) -> int:
        """How much is not written yet."""
        return sum(file.waiting_bytes for file in self._all)

    async def flush(self) -> None:
        """Write everything that was added; waits while the disk is full.

        Raises:
            OSError: it can never be written.
        """
        async with self._writing:
            waiting = [file for file in self._all if file.take()]
            if waiting:
                await self._room.write(str(self.folder), lambda: _write(waiting))

    async def keep_answer(self, structured: str) -> None:
        """Write the structured answer to a file of its own.

        Raises:
            OSError: it can never be written.
        """
        path = anyio.Path(self.folder / ANSWER)
        await self._room.write(str(path), lambda: path.write_text(structured, encoding="utf-8"))


async def _write(files: list[Growing]) -> None:
    def write() -> None:
        for file in files:
            file.write()

    await anyio.to_thread.run_sync(write)
