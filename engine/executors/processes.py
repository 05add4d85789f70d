"""Starting a process and waiting for its end: all of it that differs by platform.

On Linux a process gets a parent-death signal, and its end is awaited on a descriptor. Elsewhere
each of these falls back to less.
"""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import anyio

from engine.executors import signalling
from engine.executors.protocol import Command

ENGINE_VARIABLE: Final = "CONTROLROOM_ENGINE"
"""Set in the engine's own environment: what libraries start for it is told from a check's by it."""

_SHELL: Final = "/bin/sh"
_found: Final[dict[tuple[str, str], str]] = {}


class CannotStartError(Exception):
    """The command cannot be started here; the text says why and what to do."""


class MachineLacksError(CannotStartError):
    """It cannot for want of something that the machine or the person has to have, not the code."""


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
    if not command.cwd.is_dir():
        raise CannotStartError(f"the folder {command.cwd} does not exist")
    if isinstance(command.run, str):
        return [_SHELL, "-c", command.run]
    if not command.run or not command.run[0]:
        raise CannotStartError("the command is empty")
    return [_program(command), *command.run[1:]]


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


def _program(command: Command) -> str:
    name = command.run[0]
    if os.sep in name:
        name = str(command.cwd / name)
        if os.path.isfile(name) and not os.access(name, os.X_OK):  # noqa: PTH113
            raise CannotStartError(
                f"{name} is not executable; chmod +x it, or name its interpreter"
            )
        if not os.path.exists(name):  # noqa: PTH110
            whose = MachineLacksError if command.run[0].startswith(os.sep) else CannotStartError
            raise whose(f"{name} does not exist")
        return name
    try:
        return on_path(name, command.env.get("PATH", os.defpath))
    except FileNotFoundError as error:
        raise MachineLacksError(str(error)) from error


def on_path(name: str, path: str) -> str:
    """The program of that name on a PATH.

    Raises:
        FileNotFoundError: there is none.
    """
    found = _found.get((name, path)) or shutil.which(name, path=path)
    if found is None:
        raise FileNotFoundError(f"there is no program {name} on PATH")
    _found[name, path] = found  # what was found is not looked for each time
    return found


@functools.cache
def death_signal() -> tuple[str, ...]:
    """The words before a command that make it die with this process; none where that cannot be."""
    # The kernel ties the signal to the thread that starts the process: start from the loop's.
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return ()
    prefix = (setpriv, "--pdeathsig", "KILL", "--")
    tried = subprocess.run(  # an older setpriv does not know the option
        [*prefix, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return prefix if tried.returncode == 0 else ()


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
