"""What runs a command, what it is given, and how a command can end."""

from pathlib import Path
from typing import Final, Literal, Protocol

import anyio
import msgspec

RUN_VARIABLE: Final = "CONTROLROOM_RUN"
STEP_VARIABLE: Final = "CONTROLROOM_STEP"


class Marker(msgspec.Struct, frozen=True):
    """What every process of a step carries in its environment, so that it can be found again.

    `run` is the real path of the run folder; `step` is `RUN#iteration/check/attempt`.
    """

    run: str
    step: str

    def environment(self) -> dict[str, str]:
        """The variables that mark a process."""
        return {RUN_VARIABLE: self.run, STEP_VARIABLE: self.step}


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A command to run. A string is a script for `/bin/sh`; nothing of `env` is inherited.

    `stdin` is a file that it reads as its standard input; without one there is nothing to read.
    """

    run: tuple[str, ...] | str
    cwd: Path
    env: dict[str, str]
    marker: Marker
    deadline_s: float | None = None
    idle_s: float | None = None
    stdin: Path | None = None


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The command ended by itself: with an exit status, or through a signal.

    `background` counts the processes that it left behind and that were killed afterwards.
    """

    exit_code: int | None = None
    signal: int | None = None
    background: int = 0


class TimedOut(msgspec.Struct, frozen=True):
    """The command was killed: over its deadline, or silent for longer than allowed."""

    kind: Literal["deadline", "idle"]
    after_s: float


class NotStarted(msgspec.Struct, frozen=True):
    """No process was made, and why."""

    reason: str


class Interrupted(msgspec.Struct, frozen=True):
    """The command was cut off through no fault of its own; it can be run again."""

    reason: str


Ended = Finished | TimedOut | NotStarted | Interrupted


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
