"""Carrying a command's output from its pipe to a log, in chunks, at any rate."""

import os
from collections.abc import Callable
from typing import Final

import anyio
import anyio.lowlevel

from engine.executors.protocol import LogSink

CHUNK_BYTES: Final = 65536
PAUSE_S: Final = 0.1
"""An output that stops for this long is shown to readers of the log."""

STUCK_S: Final = 1.0
"""A log that takes this long over one chunk waits for something, for room on the disk mostly."""


class Flow:
    """What is known of a command's output, whichever of its streams it came through.

    Args:
        now_s: the clock by which its times are told.
        most_bytes: more than this is neither read nor stored.
    """

    def __init__(self, now_s: Callable[[], float], most_bytes: int | None = None) -> None:
        self._now_s = now_s
        self._left_bytes = most_bytes
        self.exceeded = False
        self._storing = 0
        self._storing_from_s = 0.0
        self._stored_s = 0.0
        self.last_s = now_s()

    def begin_storing(self) -> None:
        """A log was given something to take."""
        if self._storing == 0:
            self._storing_from_s = self._now_s()
        self._storing += 1

    def end_storing(self) -> None:
        """A log took it, or never will."""
        self.last_s = self._now_s()
        self._storing -= 1
        if self._storing == 0:
            self._stored_s += self.last_s - self._storing_from_s

    def allowed(self, data: bytes) -> bytes:
        """What of the data may still be stored; see `exceeded`."""
        if self._left_bytes is None:
            return data
        self.exceeded = self.exceeded or len(data) > self._left_bytes
        data = data[: self._left_bytes]
        self._left_bytes -= len(data)
        return data

    def storing_s(self) -> float:
        """For how long in all the output has waited for a log to take it."""
        return self._stored_s + self._storing_now_s()

    @property
    def stuck(self) -> bool:
        """Whether a log has been taking long over what it was given."""
        return self._storing_now_s() > STUCK_S

    def _storing_now_s(self) -> float:
        return self._now_s() - self._storing_from_s if self._storing else 0.0


class Output:
    """The reading end of one stream of a command's output.

    Args:
        sink: where the output goes.
        flow: where it is noted that something came.

    Raises:
        OSError: there are no descriptors left for a pipe.
    """

    def __init__(self, sink: LogSink, flow: Flow) -> None:
        self.reading_end, self.writing_end = os.pipe()
        os.set_blocking(self.reading_end, False)
        self._sink = sink
        self._flow = flow
        self.failure: OSError | None = None
        self.ended = anyio.Event()

    async def carry(self) -> None:
        """Read until nobody can write any more, or nothing more is to be taken.

        That is when the log fails for good (see `failure`), or it is too much (see `Flow`).
        """
        try:
            await self._carry()
        except OSError as error:
            self.failure = error
        self.ended.set()

    def close_writing(self) -> None:
        """Leave the writing end to the command alone."""
        if self.writing_end >= 0:
            os.close(self.writing_end)
            self.writing_end = -1

    def close(self) -> None:
        """Give back what is open."""
        self.close_writing()
        os.close(self.reading_end)

    async def _carry(self) -> None:
        dirty = False
        while not self._flow.exceeded and (data := self._read()) != b"":
            if data is not None:
                await self._store(self._flow.allowed(data))
                dirty = True
            elif dirty and await self._pauses():
                await self._sink.flush()
                dirty = False
            elif not dirty:
                await anyio.wait_readable(self.reading_end)

    def _read(self) -> bytes | None:
        try:
            return os.read(self.reading_end, CHUNK_BYTES)
        except BlockingIOError:
            return None

    async def _pauses(self) -> bool:
        with anyio.move_on_after(PAUSE_S) as scope:
            await anyio.wait_readable(self.reading_end)
        return scope.cancelled_caught

    async def _store(self, data: bytes) -> None:
        self._flow.begin_storing()
        try:
            await self._sink.write(data)
        finally:
            self._flow.end_storing()
        # A command that floods its output must not keep everything else waiting.
        await anyio.lowlevel.checkpoint()
