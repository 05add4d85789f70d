"""What runs a command, what it is given, and how a command can end."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal, Protocol, assert_never

import anyio
import msgspec

from engine.executors.markers import (
    JOB_VARIABLE,
    JOBS_VARIABLE,
    RUN_VARIABLE,
    STEP_VARIABLE,
    TOOL_VARIABLE,
)

__all__ = [
    "JOBS_VARIABLE",
    "JOB_VARIABLE",
    "MOST_PRODUCED_FILES",
    "MOST_REPORT_BYTES",
    "PRODUCED_VARIABLE",
    "RUN_VARIABLE",
    "STEP_VARIABLE",
    "TOOL_VARIABLE",
    "Box",
    "Command",
    "Ended",
    "Exceeded",
    "Executor",
    "Finished",
    "Interrupted",
    "LogSink",
    "Marker",
    "NotStarted",
    "Produced",
    "TimedOut",
]

PRODUCED_VARIABLE: Final = "CONTROLROOM_PRODUCED"

MOST_PRODUCED_FILES: Final = 1000
MOST_REPORT_BYTES: Final = 1 << 20


class Marker(msgspec.Struct, frozen=True):
    """What every process of a step carries in its environment, so that it can be found again.

    `run` is the real path of the run folder; `step` is `RUN#iteration/check/attempt`.
    """

    run: str
    step: str

    def environment(self) -> dict[str, str]:
        """The variables that mark a process."""
        return {RUN_VARIABLE: self.run, STEP_VARIABLE: self.step}


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A sandbox round a command: what it sees, and how much it may take.

    It sees the system's programs, `read` (unchangeable) and `write` at the paths they have outside,
    and nothing else of this machine. What is in `hide` is masked, wherever it would be seen, but
    for what `read` and `write` name within it. The command's folder has to be one that is seen.
    HOME and /tmp are empty and go away with it.

    `memory_bytes` is for all its processes together, `processes` for how many there are at once,
    `scratch_bytes` for what lies in HOME and /tmp, `output_bytes` for what it prints. Every
    `look_ms` it is looked at what they take, which costs CPU for as long as it runs.

    With `collects`, a folder outside, it finds an empty folder of `produced_bytes` under
    CONTROLROOM_PRODUCED; the ordinary files that it leaves there are copied into `collects` once
    nothing of it lives any more, at most MOST_PRODUCED_FILES of them.

    With `nesting` it may make sandboxes of its own, as some agents do. With `home`, a folder of
    `write`, that is its HOME and stays; only what is temporary is its own then.
    """

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()
    hide: tuple[Path, ...] = ()
    home: Path | None = None
    network: bool = False
    nesting: bool = False
    memory_bytes: int = 8 << 30
    processes: int = 256
    scratch_bytes: int = 1 << 30
    output_bytes: int = 64 << 20
    produced_bytes: int = 256 << 20
    look_ms: int = 20
    collects: Path | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command to run. A string is a script for `/bin/sh`; nothing of `env` is inherited.

    `stdin` is a file that it reads as its standard input; without one there is nothing to read.
    In a `box` it does not carry its marker: what stands round it does, and dies with it.
    `report_to` names a variable in which it is told the descriptor of a pipe to the engine: what
    it writes there comes back as `Finished.report`.
    With `awaits` another command is run in its place, the one that the call gives once it is known;
    None means that none is wanted any more, and is an interruption. That one has the same folder,
    box and `report_to`: all that is round it may be made ready, and stand, before. A sandbox that
    does not show any more what it should by then does not run it: NotStarted.
    Where it is ended before its own end, one that `ends_at_once` is not asked to: all of it is held
    still, so that no part sees another one end and goes on, and then killed.
    """

    run: tuple[str, ...] | str
    cwd: Path
    env: dict[str, str]
    marker: Marker
    deadline_s: float | None = None
    idle_s: float | None = None
    stdin: Path | None = None
    box: Box | None = None
    report_to: str | None = None
    awaits: "Callable[[], Awaitable[Command | None]] | None" = None
    ends_at_once: bool = False


class Produced(msgspec.Struct, frozen=True, kw_only=True):
    """What was copied out of a sandbox: paths within `Box.collects`, and what was not, and why."""

    files: tuple[str, ...] = ()
    size_bytes: int = 0
    refused: tuple[str, ...] = ()


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The command ended by itself: with an exit status, or through a signal.

    `background` counts the processes that it left behind and that were killed afterwards.
    `report` is what it wrote to the descriptor of `Command.report_to`, if it was given one; of
    more than MOST_REPORT_BYTES it is the beginning, and `report_cut` says so.
    """

    exit_code: int | None = None
    signal: int | None = None
    background: int = 0
    produced: Produced | None = None
    report: bytes | None = None
    report_cut: bool = False

    @property
    def left_behind(self) -> str:
        """How many processes it left, in words: "1 process"."""
        return f"{self.background} process{'' if self.background == 1 else 'es'}"


class TimedOut(msgspec.Struct, frozen=True):
    """The command was killed: over its deadline, or silent for longer than allowed."""

    kind: Literal["deadline", "idle"]
    after_s: float


class Exceeded(msgspec.Struct, frozen=True):
    """The command was killed in its box, since it took more than that allows.

    `limit` is in bytes, for processes their number.
    """

    what: Literal["memory", "processes", "output", "scratch"]
    limit: int

    @property
    def words(self) -> str:
        """What it took too much of, for people."""
        match self.what:
            case "processes":
                return f"it had more than {self.limit:,} processes"
            case "output":
                return f"it printed more than {self.limit:,} bytes"
            case "memory":
                return f"it took more than {self.limit:,} bytes of memory"
            case "scratch":
                return f"it filled its {self.limit:,} bytes of scratch space"
            case _:
                assert_never(self.what)


class NotStarted(msgspec.Struct, frozen=True):
    """No process was made, and why.

    `machine` tells that it was for want of something of this machine's or of the person's, such as
    bubblewrap: nothing that a command, its folder or its program could be the reason of.
    """

    reason: str
    machine: bool = False


class Interrupted(msgspec.Struct, frozen=True):
    """The command was cut off through no fault of its own; it can be run again.

    `waited` tells that what was lacking was waited for, and is there by now.
    """

    reason: str
    waited: bool = False


Ended = Finished | TimedOut | Exceeded | NotStarted | Interrupted


class LogSink(Protocol):
    """Where the output of a command goes, in the order in which it came."""

    async def write(self, data: bytes) -> None:
        """Take `data`; may wait, and may raise OSError when it can never be stored."""
        ...

    async def flush(self) -> None:
        """Make what was taken visible to readers. Called when the output pauses."""
        ...


class Executor(Protocol):
    """Runs commands somewhere."""

    async def run(
        self,
        command: Command,
        *,
        log: LogSink,
        errors: LogSink | None = None,
        stop: anyio.Event | None = None,
    ) -> Ended:
        """How the command ended; by then no process of it is left.

        Cancelling the call kills the command's processes before the cancellation goes on.

        Args:
            command: what to run.
            log: takes its output.
            errors: takes its standard error; without it `log` takes both, in their order.
            stop: when set, the command is interrupted; what it has printed is still logged.
        """
        ...
