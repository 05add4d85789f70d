"""Running short commands of the engine's own, git above all, and capturing what they print."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import anyio
import msgspec

from engine.executors import processes, signalling
from engine.executors.protocol import TOOL_VARIABLE, NotStarted, TimedOut

MOST_BYTES: Final = 64 << 20
_CHUNK_BYTES: Final = 1 << 16
_LOOK_S: Final = 0.002
_DRAIN_S: Final = 1.0
"""How long output is awaited of a process that is gone: a stranger may hold the pipe."""

_GONE_S: Final = 10.0


class Captured(msgspec.Struct, frozen=True, kw_only=True):
    """The command ended. `exit_code` is negative for a signal; `cut` says that it printed more."""

    exit_code: int
    out: bytes
    err: bytes
    cut: bool = False


async def capture(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: bytes = b"",
    deadline_s: float,
    most_bytes: int = MOST_BYTES,
    harmless: bool = False,
) -> Captured | TimedOut | NotStarted:
    """What the command printed, once it has ended; no shell, and nothing of it is left then.

    Call it in the thread that lives as long as the engine: its end kills what was started, at
    twice the cost of a git, unless that is marked or harmless.
    Cancelling the call kills the command and its group.

    Args:
        argv: the program, looked up on the PATH of `env`, and its words.
        cwd: where it runs.
        env: its whole environment. With a run in TOOL_VARIABLE it may outlive the engine: the next
            engine of that run ends it before anything else.
        stdin: what it can read.
        deadline_s: seconds after which it is killed.
        most_bytes: it is killed when it prints more than this to either stream.
        harmless: it changes nothing, and may come to its end where this process dies meanwhile.
    """
    with ExitStack() as files:
        try:
            found_again = harmless or TOOL_VARIABLE in env
            before = () if found_again else processes.death_signal()
            running = _Running((*before, *_found(argv, env)), cwd, env, stdin, files)
        except (OSError, ValueError) as error:
            return NotStarted(f"cannot start {argv[0]}: {error}")
        return await running.attend(deadline_s, most_bytes)


def _found(argv: Sequence[str], env: Mapping[str, str]) -> tuple[str, ...]:
    """The words with the program's path for its name."""
    return processes.on_path(argv[0], env.get("PATH", os.defpath)), *argv[1:]


class _Running:
    """A command from its start to its end."""

    def __init__(
        self, argv: Sequence[str], cwd: Path, env: Mapping[str, str], stdin: bytes, files: ExitStack
    ) -> None:
        self._out, self._err = _Stream(files), _Stream(files)
        # Without its own session nobody takes it for a process of a check; see `trees`.
        self._process = subprocess.Popen(
            argv,
            stdin=_readable(stdin, files),
            stdout=self._out.writing_end,
            stderr=self._err.writing_end,
            cwd=cwd,
            env=env,
            process_group=0,
        )
        self._out.close_writing()
        self._err.close_writing()

    async def attend(self, deadline_s: float, most_bytes: int) -> Captured | TimedOut:
        """Wait for the end, or bring it about."""
        waiting = anyio.CancelScope()
        async with anyio.create_task_group() as tasks:
            for stream in (self._out, self._err):
                tasks.start_soon(stream.read, most_bytes, self._kill)
            try:
                with waiting:
                    waiting.deadline = anyio.current_time() + deadline_s
                    await processes.wait_exit(self._process)
            finally:
                await self._end()
            with anyio.move_on_after(_DRAIN_S):
                await self._out.ended.wait()
                await self._err.ended.wait()
            tasks.cancel_scope.cancel()
        if waiting.cancelled_caught:
            return TimedOut(kind="deadline", after_s=deadline_s)
        return Captured(
            exit_code=self._process.returncode,
            out=self._out.content,
            err=self._err.content,
            cut=self._out.cut or self._err.cut,
        )

    def _kill(self) -> None:
        signalling.send_group(self._process.pid, signal.SIGKILL)

    async def _end(self) -> None:
        self._kill()
        with anyio.CancelScope(shield=True), anyio.move_on_after(_GONE_S):
            await processes.wait_exit(self._process)
            # Nothing tells of the end of a group; it is a matter of a moment, mostly of none.
            while self._is_dying():  # noqa: ASYNC110
                await anyio.sleep(_LOOK_S)

    def _is_dying(self) -> bool:
        """Whether there is still one of its group, all of which was killed."""
        with suppress(ChildProcessError):  # orphans may have come to this process
            while os.waitpid(-self._process.pid, os.WNOHANG)[0]:
                pass
        return signalling.send_group(self._process.pid, 0)


class _Stream:
    """One stream of output."""

    def __init__(self, files: ExitStack) -> None:
        self._reading_end, self.writing_end = os.pipe()
        self._reader = files.enter_context(os.fdopen(self._reading_end, "rb", buffering=0))
        self._writer = files.enter_context(os.fdopen(self.writing_end, "wb", buffering=0))
        os.set_blocking(self._reading_end, False)
        self._parts: list[bytes] = []
        self.cut = False
        self.ended = anyio.Event()

    @property
    def content(self) -> bytes:
        """What was read."""
        return b"".join(self._parts)

    def close_writing(self) -> None:
        """Leave the writing to the process."""
        self._writer.close()

    async def read(self, most_bytes: int, on_more: Callable[[], None]) -> None:
        """Read to the end; what is beyond `most_bytes` is thrown away."""
        left = most_bytes
        await anyio.wait_readable(self._reading_end)
        while chunk := self._chunk():
            self._parts.append(chunk[:left])
            left -= len(chunk)
            if left < 0 and not self.cut:
                self.cut = True
                on_more()
            left = max(left, 0)
            await anyio.wait_readable(self._reading_end)
        self.ended.set()

    def _chunk(self) -> bytes:
        return os.read(self._reading_end, _CHUNK_BYTES)


def _readable(content: bytes, files: ExitStack) -> int:
    """A file to read `content` from; unlike a pipe it needs nobody who writes."""
    if not content:
        return subprocess.DEVNULL
    if hasattr(os, "memfd_create"):
        file = files.enter_context(os.fdopen(os.memfd_create("stdin"), "w+b", buffering=0))
    else:
        file = files.enter_context(tempfile.TemporaryFile(buffering=0))  # noqa: SIM115
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]
    file.seek(0)
    return file.fileno()
