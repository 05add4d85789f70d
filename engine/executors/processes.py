"""Starting a process and waiting for its end: all of it that differs by platform.

On Linux a process gets a parent-death signal, and its end is awaited on a descriptor. Elsewhere
each of these falls back to less.
"""

import functools
import os
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import anyio

from engine.executors import programs, signalling
from engine.executors.programs import CannotStartError, MachineLacksError, death_signal, on_path
from engine.executors.protocol import Command

__all__ = [
    "CannotStartError",
    "Launch",
    "MachineLacksError",
    "adopt_orphans",
    "death_signal",
    "launch_of",
    "on_path",
    "program_of",
    "spawn",
    "wait_exit",
]

ENGINE_VARIABLE: Final = "CONTROLROOM_ENGINE"
"""Set in the engine's own environment: what libraries start for it is told from a check's by it."""


@functools.cache
def adopt_orphans() -> bool:
    """Whether processes whose parents die become children of this one from now on."""
    os.environ[ENGINE_VARIABLE] = str(os.getpid())
    return signalling.become_subreaper()


class Launch(NamedTuple):
    """How a main process is started; it inherits the descriptors in `handed` beside its streams.

    With `ahead` it comes before all others that want a processor, where this one may say so.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path | str
    stdin: Path | int | None = None
    handed: tuple[int, ...] = ()
    ahead: bool = False


def program_of(command: Command) -> list[str]:
    """What is executed for a command.

    Raises:
        CannotStartError: its folder or its program is not there.
    """
    return programs.program_of(command.run, command.cwd, command.env.get("PATH", os.defpath))


def launch_of(command: Command, heard: int | None) -> Launch:
    """How a command is started that has no box.

    Args:
        command: what is started.
        heard: the descriptor for its report.

    Raises:
        CannotStartError: its folder or its program is not there.
    """
    env = command.env | command.marker.environment()
    if command.report_to is not None and heard is not None:
        env[command.report_to] = str(heard)
    return Launch(
        argv=[*death_signal(), *program_of(command)],
        env=env,
        cwd=command.cwd,
        stdin=command.stdin,
        handed=() if heard is None else (heard,),
    )


def spawn(launch: Launch, output: int, errors: int) -> "subprocess.Popen[bytes]":
    """The main process, leader of a session of its own, writing to both descriptors.

    Raises:
        CannotStartError: it cannot be started here.
    """
    try:
        with ExitStack() as files:
            stdin = launch.stdin
            if not isinstance(stdin, int):
                stdin = files.enter_context(Path(stdin or os.devnull).open("rb")).fileno()
            if launch.ahead:
                files.enter_context(_ahead())
            return subprocess.Popen(
                launch.argv,
                stdin=stdin,
                stdout=output,
                stderr=errors,
                cwd=launch.cwd,
                env=launch.env,
                pass_fds=launch.handed,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        raise CannotStartError(f"cannot start {launch.argv[-1][:200]!r}: {error}") from error


@contextmanager
def _ahead() -> Generator[None]:
    """What is started within inherits that it comes first; this thread itself has it meanwhile."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    with suppress(OSError):  # it needs a right that not everybody has
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


async def wait_exit(process: "subprocess.Popen[bytes]") -> int:
    """The exit status, negative for a signal, once the process has ended."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        # A poll is coarser, but unlike a thread in waitpid it can be cancelled.
        while process.poll() is None:  # noqa: ASYNC110
            await anyio.sleep(0.02)
        return process.wait()
    try:
        await anyio.wait_readable(descriptor)
    finally:
        os.close(descriptor)
    return process.wait()
