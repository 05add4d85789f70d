"""A host with our program on it: what it is, and what it does for us."""

import asyncio
import errno
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Final

import anyio
import asyncssh
import msgspec

from engine.core.address import Address
from engine.executors.far import wire
from engine.executors.ssh.connection import BROKEN, Connection, Process
from engine.executors.ssh.errors import HostError
from engine.executors.ssh.parcel import FIRST, parcel
from engine.executors.ssh.settings import SshSettings

Hear = Callable[[bytes, bytes], Awaitable[None]]
_MOST_NOISE_LINES: Final = 1000
_WANTED: Final = ("PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR")
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a host says of itself; `clock_s` is how far its clock is ahead of ours."""

    host: str
    user: str
    system: str
    processor: str
    cpus: int
    boot_id: str
    free_bytes: int
    folder: str
    version: list[int]
    python: str
    git: str
    proc: bool
    environ: dict[str, str]
    clock_s: float = 0.0

    @property
    def device(self) -> str:
        """What measurements depend on, in words."""
        return f"{self.system}, {self.cpus} x {self.processor or 'unknown processor'}"


class Host:
    """One host of an executor.

    Args:
        name: as it is written in the campaign.
        settings: of its executor.
    """

    def __init__(self, name: str, settings: SshSettings) -> None:
        self.name = name
        self.settings = settings
        self._connection = Connection(Address.parse(name), settings)
        self._facts: Facts | None = None
        self._known_for = 0
        self._looking = anyio.Lock()

    async def facts(self) -> Facts:
        """What it is, looked at once for each connection; our program is there then.

        Raises:
            HostError: it cannot be used.
        """
        async with self._looking:
            await self._connection.opened()
            if self._facts is None or self._known_for != self._connection.made:
                self._facts = await self._look()
                self._known_for = self._connection.made
            return self._facts

    async def folder(self, *parts: str) -> str:
        """The path of something in our folder there."""
        return "/".join(((await self.facts()).folder, *parts))

    async def call(
        self,
        command: str,
        request: dict[str, Any],
        payload: AsyncIterator[bytes] | None = None,
        *,
        hear: Hear | None = None,
        beats: bool = False,
    ) -> dict[str, Any]:
        """What our program answers.

        Args:
            command: what it is to do.
            request: what it is told.
            payload: what follows the request.
            hear: takes all frames before the answer.
            beats: let it know all the time that we are there.

        Raises:
            HostError: the host cannot be reached, or it could not do it.
        """
        await self.facts()
        words = (self.settings.python, "-I", "-S", self._program, command)
        try:
            async with self._connection.process(words) as process:
                process.stdin.write(json.dumps(request).encode() + b"\n")
                sending = _beat(process) if beats else _feed(process, payload)
                told = await self._exchange(process, sending, hear)
        except _NotHeardError as error:
            raise error.__cause__ or error from None
        if "failed" in told:
            raise self._failed(told)
        return told

    @property
    def _program(self) -> str:
        return f"{self.settings.folder}/programs/{parcel()[0]}"

    async def _look(self) -> Facts:
        content = parcel()[1]
        words = (self.settings.python, "-I", "-S", "-c", FIRST)
        request = {
            "wanted": _WANTED,
            "python": self.settings.python,
            "folder": self.settings.folder,
        }
        begun = time.time()
        async with self._connection.process((*words, self._program, str(len(content)))) as process:
            process.stdin.write(content + json.dumps(request).encode() + b"\n")
            told = await self._exchange(process, _feed(process, None), None)
        if "failed" in told:
            raise self._failed(told)
        clock_s = told.pop("time") - (begun + time.time()) / 2
        return msgspec.convert({**told, "clock_s": clock_s}, Facts)

    async def _exchange(
        self, process: Process, sending: Coroutine[Any, Any, None], hear: Hear | None
    ) -> dict[str, Any]:
        """Send and hear side by side, until there is an answer."""
        sender = asyncio.ensure_future(sending)
        try:
            return await self._answer(process, hear)
        finally:
            sender.cancel()

    async def _answer(self, process: Process, hear: Hear | None) -> dict[str, Any]:
        """Hear what it says until it answers.

        Raises:
            HostError: it ended without an answer.
        """
        try:
            for _ in range(_MOST_NOISE_LINES):
                line = await process.stdout.readline()
                if line.endswith(wire.HELLO):
                    break
                if not line:
                    raise asyncio.IncompleteReadError(b"", None)
            while True:
                head = await process.stdout.readexactly(wire.HEAD.size)
                kind, size = wire.HEAD.unpack(head)
                data = await process.stdout.readexactly(size)
                if kind == wire.DONE:
                    answer: dict[str, Any] = json.loads(data)
                    return answer
                if hear is not None:
                    await _heard(hear, kind, data)
        except asyncio.IncompleteReadError as error:
            raise await self._silent(process) from error

    async def _silent(self, process: Process) -> HostError:
        """Why there was no answer."""
        said = b""
        try:
            with anyio.move_on_after(5):
                said = await process.stderr.read(4096)
                await process.wait_closed()
        except BROKEN:
            pass
        status = process.exit_status
        words = said.decode(errors="replace").strip()
        python = self.settings.python
        if status is None and process.exit_signal is None:
            return HostError(self.name, "unreachable", "the connection broke")
        if status in (126, 127):
            reason = (
                f"there is no {python} ({words[-200:]}); install Python 3.10 or later there, or "
                "name it as `python` of the executor"
            )
            return HostError(self.name, "python", reason)
        if "controlroom needs Python" in words:
            reason = f"{words[-200:]}; name a later one as `python` of the executor"
            return HostError(self.name, "python", reason)
        if "No space left" in words or "Disk quota" in words:
            return self._full()
        reason = f"our program ended with status {status} there: {words[-300:]}"
        return HostError(self.name, "program", reason)

    def _failed(self, told: dict[str, Any]) -> HostError:
        if told.get("errno") in _FULL:
            return self._full()
        return HostError(self.name, "program", str(told["failed"]))

    def _full(self) -> HostError:
        where = self.settings.folder
        reason = f"its disk is full; make room for {where} there, or set `folder` of the executor"
        return HostError(self.name, "disk", reason)

    def drop(self) -> None:
        """Let go of the connection."""
        self._connection.drop()

    async def close(self) -> None:
        """End the connection."""
        await self._connection.close()


class _NotHeardError(Exception):
    """What was said could not be kept here: the connection is not to blame."""


async def _heard(hear: Hear, kind: bytes, data: bytes) -> None:
    try:
        await hear(kind, data)
    except OSError as error:
        raise _NotHeardError from error


async def _feed(process: Process, payload: AsyncIterator[bytes] | None) -> None:
    """Send what follows a request; a program that does not want it answers why."""
    try:
        if payload is not None:
            async for data in payload:
                process.stdin.write(data)
                await process.stdin.drain()
        process.stdin.write_eof()
    except (asyncssh.Error, OSError):
        return


async def _beat(process: Process) -> None:
    try:
        while True:
            await anyio.sleep(wire.ALIVE_S)
            process.stdin.write(b".")
            await process.stdin.drain()
    except (asyncssh.Error, OSError):
        return
