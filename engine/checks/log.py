"""The log of a check: a part of its iteration's log file, capped, with the middle left out.

The first half of the cap is kept as it comes. Of what follows, the last bytes are kept: they are
written to the file every fifth of a second, and when they fill their half of the cap, the file is
cut back to the first half and goes on from there. A reader that follows a file has to expect that
it gets shorter.
"""

import time
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

import aiofiles
import anyio
from aiofiles.threadpool import wrap

from engine.core.secrets import Redactor
from engine.runfolder.room import Room

CAP_BYTES: Final = 4 << 20
_FLUSH_S: Final = 0.2
_RECENT_BYTES: Final = 65536


class LogFile(Protocol):
    """What is done with a log's file."""

    def write(self, data: bytes, /) -> Awaitable[int]:
        """Append some of the data; how many bytes."""
        ...

    def truncate(self, size: int, /) -> Awaitable[int]:
        """Cut the file off."""
        ...

    def close(self) -> Awaitable[None]:
        """Close the file."""
        ...


class _Unbuffered:
    """The file, to append to it; a full disk is noticed by the write that it concerns.

    Only writing goes to a thread: on a file system that can hold a journal, opening and closing an
    unbuffered file take less than the way to a thread and back.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._in_thread = wrap(self._file)

    async def write(self, data: bytes, /) -> int:
        return await self._in_thread.write(data)

    async def truncate(self, size: int, /) -> int:
        return await self._in_thread.truncate(size)

    async def close(self) -> None:
        self._file.close()


async def open_log(path: Path) -> LogFile:
    """The file, to append to it.

    Raises:
        OSError: it cannot be opened.
    """
    return _Unbuffered(path)


class Tail:
    """The last bytes of a stream, at least `most` of them when there were so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._chunks: deque[bytes] = deque()
        self.size = 0

    def add(self, data: bytes) -> None:
        """Append, and forget what is too old."""
        self._chunks.append(data)
        self.size += len(data)
        while self.size - len(self._chunks[0]) >= self._most:
            self.size -= len(self._chunks.popleft())

    def last(self, count: int) -> bytes:
        """The last `count` bytes."""
        return b"".join(self._chunks)[-count:] if count else b""

    def text(self) -> bytes:
        """All that is kept, at most `most` bytes."""
        return self.last(self._most)


class CheckLog:
    """A LogSink that appends to a file. Use it as an asynchronous context manager.

    Args:
        path: the iteration's log file; made when it is not there, but not its folder.
        header: a line to begin with.
        room: where to wait when the disk is full.
        redactor: takes secrets out.
        cap_bytes: about how much of the output is kept.
        opener: opens the file.
    """

    def __init__(
        self,
        path: Path,
        header: str,
        *,
        room: Room | None = None,
        redactor: Redactor | None = None,
        cap_bytes: int = CAP_BYTES,
        opener: Callable[[Path], Awaitable[LogFile]] = open_log,
    ) -> None:
        self._opener = opener
        self.path = path
        self._header = header
        self._room = room or Room()
        self._redactor = redactor or Redactor({})
        self._half_bytes = max(1, cap_bytes // 2)
        self._head_room_bytes = self._half_bytes
        self._head: list[bytes] = []
        self._tail = Tail(max(1, cap_bytes // 4))
        self._tail_bytes = 0
        self._tail_written_bytes = 0
        self._recent = Tail(_RECENT_BYTES)
        self._flushed_s = 0.0
        self.left_out_bytes = 0
        self.start = self.end = 0
        self.output_start = self.output_end = 0
        self._head_end = 0

    async def __aenter__(self) -> Self:
        """Open the file and write the header; waits while the disk is full."""
        self._file: LogFile = await self._room.write(
            self.path.name, partial(self._opener, self.path)
        )
        self.start = self.end = self.path.stat().st_size
        await self._append(self._header.encode(errors="replace") + b"\n")
        self.output_start = self._head_end = self.end
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file; what was not finished is not written."""
        with anyio.CancelScope(shield=True):
            await self._file.close()

    @property
    def recent(self) -> bytes:
        """The last 64 KiB of the output."""
        return self._recent.text()

    async def write(self, data: bytes) -> None:
        """Take output; writes now and then."""
        self._take(self._redactor.feed(data))
        due = time.monotonic() - self._flushed_s >= _FLUSH_S
        if due or sum(map(len, self._head)) >= self._tail_limit():
            await self.flush()

    async def flush(self) -> None:
        """Write all that was taken, less what may be the beginning of a secret."""
        self._flushed_s = time.monotonic()
        if self._head:
            data, self._head = b"".join(self._head), []
            await self._append(data)
            self._head_end = self.end
        fresh_bytes = self._tail_bytes - self._tail_written_bytes
        if fresh_bytes == 0:
            return
        on_disk_bytes = self.end - self._head_end
        self._tail_written_bytes = self._tail_bytes
        if fresh_bytes <= self._tail.size and on_disk_bytes + fresh_bytes <= self._half_bytes:
            await self._append(self._tail.last(fresh_bytes))
        else:
            await self._rewrite_tail()

    async def finish(self, footer: str = "") -> None:
        """Write everything, and a line of our own below it; `end` is final then."""
        self._take(self._redactor.finish())
        await self.flush()
        self.output_end = self.end
        if footer:
            # What the command wrote last may lack its line's end.
            between = b"" if self._recent.last(1) in {b"", b"\n"} else b"\n"
            await self._append(between + self._redactor.text(footer).encode() + b"\n")

    async def output(self) -> bytes:
        """What the file holds of the output, after `finish`."""
        if self.output_end - self.output_start == len(self.recent):
            return self.recent
        async with aiofiles.open(self.path, "rb") as file:
            await file.seek(self.output_start)
            return await file.read(self.output_end - self.output_start)

    def _tail_limit(self) -> int:
        return min(self._half_bytes, 256 << 10)

    def _take(self, data: bytes) -> None:
        if not data:
            return
        self._recent.add(data)
        if self._head_room_bytes:
            self._head.append(data[: self._head_room_bytes])
            data = data[self._head_room_bytes :]
            self._head_room_bytes -= len(self._head[-1])
        if data:
            self._tail.add(data)
            self._tail_bytes += len(data)

    async def _rewrite_tail(self) -> None:
        self.left_out_bytes = self._tail_bytes - self._tail.size
        note = f"\n[... {self.left_out_bytes} bytes left out ...]\n" if self.left_out_bytes else ""
        data = note.encode() + self._tail.last(self._tail.size)
        with anyio.CancelScope(shield=True):
            await self._file.truncate(self._head_end)
            self.end = self._head_end
        await self._append(data)

    async def _append(self, data: bytes) -> None:
        while data:
            written = await self._room.write(self.path.name, partial(self._write, data))
            data = data[written:]

    async def _write(self, data: bytes) -> int:
        written = 0
        # A write that was begun has to be counted, whatever is cancelled meanwhile.
        with anyio.CancelScope(shield=True):
            written = await self._file.write(data)
            self.end += written
        return written
