"""A judge that everything is ready for but what it is to judge."""

from collections.abc import Generator
from contextlib import contextmanager

import anyio
import anyio.lowlevel

from engine.executors.protocol import Command, Ended, LogSink


class Waiting:
    """Between who runs the judge's command and who knows, later, which one that is.

    It is the log of the command too: what stands round it may speak before there is one.
    """

    def __init__(self) -> None:
        self._told = anyio.Event()
        self._over = anyio.Event()
        self._command: Command | None = None
        self._log: LogSink | None = None
        self._ended: Ended | None = None

    def tell(self, command: Command, log: LogSink) -> None:
        """Let this be the command, and this its log until it has ended."""
        self._command, self._log = command, log
        self._told.set()

    def dismiss(self) -> None:
        """There will be no command, unless it was told."""
        self._told.set()

    async def command(self) -> Command | None:
        """The command, once it is told; None when there is to be none."""
        await self._told.wait()
        return self._command

    async def write(self, data: bytes) -> None:
        """Take output, once there is a log."""
        await self._told.wait()
        if self._log is not None:
            await self._log.write(data)

    async def flush(self) -> None:
        """Let readers of the log see what was taken."""
        if self._log is not None:
            await self._log.flush()

    def end(self, ended: Ended | None) -> None:
        """It has ended like this; None when nobody asks any more."""
        self._ended = ended
        self._over.set()

    async def ended(self) -> Ended:
        """How it ended. By then nothing more is written to the log, also when this is cancelled."""
        with anyio.CancelScope(shield=True):
            await self._over.wait()
        await anyio.lowlevel.checkpoint_if_cancelled()
        assert self._ended is not None  # noqa: S101  (who runs it was cancelled, and so was this)
        return self._ended


@contextmanager
def plain_errors() -> Generator[None]:
    """Raise an error out of a group of tasks as it is, if there is one only."""
    try:
        yield
    except BaseExceptionGroup as group:
        first, *others = group.exceptions
        if others:
            raise
        raise first from None
