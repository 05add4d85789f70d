"""Pipes from a command to the engine, beside its output: read without waiting, up to a cap."""

import os
from collections.abc import AsyncIterator
from typing import Final

import anyio
import anyio.lowlevel

CHUNK_BYTES: Final = 65536


class Pipe:
    """A pipe of which the command gets the writing end.

    Raises:
        OSError: there are no descriptors left for one.
    """

    def __init__(self) -> None:
        self.reading_end, self.writing_end = os.pipe()
        os.set_blocking(self.reading_end, False)
        self.ended = anyio.Event()

    def close_writing(self) -> None:
        """Leave the writing end to the command alone."""
        if self.writing_end >= 0:
            os.close(self.writing_end)
            self.writing_end = -1

    def close_reading(self) -> None:
        """Hear no more: who writes to it now fails."""
        if self.reading_end >= 0:
            os.close(self.reading_end)
            self.reading_end = -1

    def close(self) -> None:
        """Give back what is open."""
        self.close_writing()
        self.close_reading()

    async def chunks(self) -> AsyncIterator[bytes]:
        """What comes, until nobody can write any more."""
        while True:
            try:
                data = os.read(self.reading_end, CHUNK_BYTES)
            except BlockingIOError:
                await anyio.wait_readable(self.reading_end)
                continue
            if not data:
                return
            yield data
            # One that floods it must not keep everything else waiting.
            await anyio.lowlevel.checkpoint()


class Report:
    """What a command reports, in bytes; `cut` when it was more than allowed.

    Args:
        most_bytes: more than this is not heard.

    Raises:
        OSError: there are no descriptors left for a pipe.
    """

    def __init__(self, most_bytes: int) -> None:
        self.pipe = Pipe()
        self._most_bytes = most_bytes
        self._parts: list[bytes] = []
        self._left_bytes = most_bytes
        self.cut = False

    @property
    def content(self) -> bytes:
        """What was heard."""
        return b"".join(self._parts)

    async def attend(self) -> None:
        """Hear until nobody can write any more, or it was too much."""
        async for data in self.pipe.chunks():
            self._parts.append(data[: self._left_bytes])
            self._left_bytes -= len(self._parts[-1])
            if len(self._parts[-1]) < len(data):
                self.cut = True
                self.pipe.close_reading()
                break
        self.pipe.ended.set()
