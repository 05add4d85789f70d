"""A sandbox that everything is ready in but what is to run there."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import anyio
import msgspec

from engine.executors.protocol import Command, Ended, Executor, Interrupted, LogSink

_LOST = Interrupted("nothing is wanted of it any more")


class Waiting:
    """Between who runs a command and who knows, later, which one that is.

    It is the log of the command too: what stands round it may speak before there is one.
    """

    def __init__(self) -> None:
        self._told = anyio.Event()
        self._over = anyio.Event()
        self._scope = anyio.CancelScope()
        self._command: Command | None = None
        self._log: LogSink | None = None
        self._ended: Ended | None = None

    async def stand(self, executor: Executor, early: Command) -> None:
        """Have made what stands round the command, and let that run there once it is told."""
        ended: Ended | None = None
        try:
            with self._scope:
                ended = await executor.run(
                    msgspec.structs.replace(early, awaits=self.command), log=self
                )
        finally:
            self.end(ended)

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        """Within, it is wanted; after that nothing of it is left."""
        try:
            yield
        except BaseException:
            self._scope.cancel()
            raise
        finally:
            self.dismiss()
            with anyio.CancelScope(shield=True):
                await self._over.wait()

    @property
    def gone(self) -> bool:
        """Whether it has ended: before it is told a command, it will not run one."""
        return self._over.is_set()

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
        self._ended = self._ended or ended
        self._over.set()

    async def ended(self) -> Ended:
        """How it ended. By then nothing more is written to the log, also when this is cancelled."""
        try:
            await self._over.wait()
        except BaseException:
            self._scope.cancel()
            with anyio.CancelScope(shield=True):
                await self._over.wait()
            raise
        return self._ended or _LOST


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
