"""One command in its sandbox: what it is started with, and what is told of it from inside."""

import fcntl
import functools
import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import anyio.to_thread

from engine.executors import first_process, sandbox, syscalls
from engine.executors.handing import Handing
from engine.executors.inside import supervisor, wire
from engine.executors.pipes import Pipe
from engine.executors.processes import CannotStartError, Launch, program_of
from engine.executors.produced import Collector
from engine.executors.protocol import (
    MOST_PRODUCED_FILES,
    PRODUCED_VARIABLE,
    Box,
    Command,
    Ended,
    Exceeded,
    Finished,
    Interrupted,
    NotStarted,
)

_KILLED: Final = 9
_COPY_BYTES: Final = 1 << 20


class Boxed:
    """A command that is about to run in a sandbox, and then does.

    One that has to wait for its orders gets them by `order`, or none by `dismiss`.

    Args:
        command: has a box.
        opened: closes what is open when the command is over.
        heard: the descriptor for the command's report, if it has one.

    Raises:
        CannotStartError: the sandbox cannot be as it is wanted.
        OSError: there are no descriptors left.
    """

    def __init__(self, command: Command, box: Box, opened: ExitStack, heard: int | None) -> None:
        sandbox.program()  # first of all: what follows needs a system that has it
        self._box = box
        self.pipe = Pipe()
        opened.callback(self.pipe.close)
        self._handing = Handing(opened)
        self._files = ExitStack()
        opened.callback(self._files.close)
        self._collector = _collector(box)
        if self._collector is not None:
            opened.callback(self._collector.close)
        self._frames = wire.Frames()
        self._standing = False
        self._refused: str | None = None
        self._failure: str | None = None
        self._ending: wire.Ending | None = None
        self.launch = self._launch(command, -1 if heard is None else heard)
        if command.awaits is None:
            self._handing.give(_orders(command, box))

    def order(self, command: Command) -> None:
        """Let the sandbox that was made ready run this command."""
        try:
            self._handing.give(_orders(command, self._box, made_before=True))
        except (CannotStartError, OSError) as error:
            self._refused = str(error)
            self.dismiss()

    def dismiss(self) -> None:
        """Let it end, if it still waits for orders."""
        self._handing.withhold()

    def started(self) -> None:
        """The process has been started: leave to it what is its own."""
        self._handing.started()
        self._files.close()
        self.pipe.close_writing()

    async def attend(self) -> None:
        """Take what is told until nobody is left to tell it."""
        try:
            async for data in self.pipe.chunks():
                for kind, payload in self._frames.feed(data):
                    await self._take(kind, payload)
        except ValueError as error:
            self._failure = f"what was told of the sandbox makes no sense: {error}"
        except OSError as error:
            self._failure = f"what it left behind cannot be stored: {error}"
        self.pipe.close_reading()  # whoever still writes there is to end
        self.pipe.ended.set()

    def ended(self, status: int | None) -> Ended:
        """How the command ended, after the sandbox did with this exit status."""
        if self._refused is not None:
            return NotStarted(self._refused)
        if self._failure is not None:
            return Interrupted(self._failure)
        if self._ending is None:
            return self._broken(status)
        if self._ending.over is not None:
            return _exceeded(*self._ending.over)
        produced = self._collector.produced if self._collector else None
        code, background = self._ending.status, self._ending.background
        if code < 0:
            return Finished(signal=-code, background=background, produced=produced)
        return Finished(exit_code=code, background=background, produced=produced)

    def _broken(self, status: int | None) -> Ended:
        if self._standing or (status is not None and status < 0):
            return Finished(signal=_KILLED)  # somebody outside ended the sandbox
        return NotStarted("the sandbox could not be made; the log has the words of bubblewrap")

    async def _take(self, kind: bytes, payload: bytes) -> None:
        match kind:
            case wire.STARTED:
                self._standing = True
            case wire.REFUSED_START:
                self._refused = payload.decode(errors="replace")
            case wire.OUTDATED:
                path = payload.decode(errors="replace")
                self._refused = f"what it was to see, or not to see, is another by now: {path}"
            case wire.ENDED:
                self._ending = wire.unpacked(payload)
                await self._collect(None, b"")
            case _:
                await self._collect(kind, payload)

    async def _collect(self, kind: bytes | None, payload: bytes) -> None:
        if self._collector is None:
            return
        match kind:
            case wire.FILE:
                await anyio.to_thread.run_sync(self._collector.begin, payload)
            case wire.DATA:
                await anyio.to_thread.run_sync(self._collector.add, payload)
            case wire.REFUSED:
                self._collector.refuse(payload)
            case _:
                await anyio.to_thread.run_sync(self._collector.close)

    def _launch(self, command: Command, heard: int) -> Launch:
        own = sandbox.own_files(network=self._box.network)
        files = [(path, self._file(text)) for path, text in own.items()]
        orders = (self._handing.ordered, self._handing.awaited)
        told = (self._file(first_process.program()), *orders, self.pipe.writing_end, heard)
        refused = self._file(filtered) if (filtered := _filter(nesting=self._box.nesting)) else None
        walls = sandbox.arguments(self._box, command.cwd, files, refused)
        inherited = (*(number for _, number in files), *told, -1 if refused is None else refused)
        return Launch(
            argv=[*walls, *first_process.argv(*told)],
            env={"PATH": os.defpath, **command.marker.environment()},
            cwd=os.sep,
            stdin=None if command.stdin is None else self._copy(command),
            ahead=True,
            handed=tuple(number for number in inherited if number >= 0),
        )

    def _file(self, content: bytes) -> int:
        """A descriptor from which the content can be read once."""
        descriptor = os.memfd_create("box")
        self._files.callback(os.close, descriptor)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    def _copy(self, command: Command) -> int:
        """The standard input; a descriptor of the file itself could be opened for writing."""
        descriptor = os.memfd_create("stdin", os.MFD_ALLOW_SEALING)
        self._files.callback(os.close, descriptor)
        try:
            with (
                open(command.stdin or os.devnull, "rb") as source,  # noqa: PTH123
                open(descriptor, "wb", closefd=False) as file,
            ):
                file.writelines(iter(functools.partial(source.read, _COPY_BYTES), b""))
        except OSError as error:
            raise CannotStartError(f"its standard input cannot be read: {error}") from error
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor


@functools.cache
def _filter(*, nesting: bool) -> bytes:
    return syscalls.program(nesting=nesting)


def _collector(box: Box) -> Collector | None:
    if box.collects is None:
        return None
    return Collector(box.collects, MOST_PRODUCED_FILES, box.produced_bytes)


def _orders(command: Command, box: Box, *, made_before: bool = False) -> wire.Orders:
    scratch = [(folder, box.scratch_bytes) for folder in (sandbox.SHM, sandbox.TMP)]
    produced = None if box.collects is None else (sandbox.PRODUCED, box.produced_bytes)
    return wire.Orders(
        argv=_words(program_of(command)),
        env=_words(f"{name}={text}" for name, text in _environment(command, box).items()),
        memory_bytes=box.memory_bytes,
        processes=box.processes,
        file_bytes=max(box.scratch_bytes, box.produced_bytes),
        scratch=[*scratch, produced] if produced else scratch,
        produced=produced,
        most_files=MOST_PRODUCED_FILES,
        policy=_policy(),
        look_ms=box.look_ms,
        shown=[_identity(path) for path in (*box.read, *box.write)] if made_before else (),
        hidden=[str(path) for path in sandbox.masked(box)] if made_before else (),
    )


def _identity(path: Path) -> tuple[str, int, int]:
    status = path.stat()
    return str(path), status.st_dev, status.st_ino


def _policy() -> int:
    """How the command is scheduled: as the engine is, unless that comes before all others."""
    policy = os.sched_getscheduler(0)
    return policy if policy in {os.SCHED_BATCH, os.SCHED_IDLE} else os.SCHED_OTHER


def _words(texts: Iterable[str]) -> list[bytes]:
    words = [os.fsencode(text) for text in texts]
    for word in words:
        if b"\0" in word:
            raise CannotStartError(f"cannot start it: there is a null byte in {word!r}")
    return words


def _environment(command: Command, box: Box) -> Mapping[str, str]:
    """What the command is given: its own, but for what names places that it does not see."""
    own = {"HOME": sandbox.HOME, "TMPDIR": sandbox.TMP}
    if box.home is not None:
        own = {"HOME": str(box.home), "TMPDIR": sandbox.OWN_TMP}
    env = command.env | own
    if box.collects is not None:
        env[PRODUCED_VARIABLE] = sandbox.PRODUCED
    if command.report_to is not None:
        env[command.report_to] = str(supervisor.HEARD)
    return env


def _exceeded(what: str, limit: int) -> Exceeded:
    match what:
        case "memory" | "processes" | "scratch":
            return Exceeded(what, limit)
        case _:
            raise ValueError(what)
