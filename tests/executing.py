"""What tests of commands share: a log in memory, commands with a marker, a look at what lives."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.executors import procfs
from engine.executors.protocol import JOBS_VARIABLE, RUN_VARIABLE, Command, Marker


class MemoryLog:
    """A LogSink that remembers the beginning, and how much there was."""

    def __init__(self, keep_bytes: int = 1 << 20) -> None:
        self.text = b""
        self.size = 0
        self.flushes = 0
        self._keep_bytes = keep_bytes

    async def write(self, data: bytes) -> None:
        self.size += len(data)
        self.text += data[: max(0, self._keep_bytes - len(self.text))]

    async def flush(self) -> None:
        self.flushes += 1


class Marked:
    """Commands of one made-up run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run = str(folder.resolve())
        self._count = 0

    def command(self, run: str | tuple[str, ...], **more: Any) -> Command:
        self._count += 1
        settings: dict[str, Any] = {
            "cwd": self.folder,
            "env": {"PATH": os.environ["PATH"]},
            "marker": Marker(self.run, f"{self.run}#{self._count}/check/1"),
        }
        return Command(run=run, **(settings | more))

    def python(self, program: str, **more: Any) -> Command:
        return self.command((sys.executable, "-I", "-S", "-c", program), **more)

    def alive(self) -> list[int]:
        """Pids of processes that carry the run's marker, or that of one of its jobs."""
        names = (RUN_VARIABLE, JOBS_VARIABLE)
        return [each.pid for name in names for each in procfs.carrying(name, self.run)]


class Machine:
    """A clock that runs with the real one, and can jump ahead."""

    def __init__(self) -> None:
        self.jumped_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.jumped_s


def lives(pid: int) -> bool:
    """Whether the process is there and not merely unreaped."""
    process = procfs.read(pid)
    return process is not None and not process.dead


def until(condition: Callable[[], object], within_s: float = 60.0) -> None:
    """Wait for something that another process brings about."""
    last_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < last_s, "it did not happen in time"
        time.sleep(0.005)


def pid_in(path: Path) -> int:
    """The pid that a process writes into a file, once it is there whole."""
    until(lambda: path.exists() and path.read_text().endswith("\n"))
    return int(path.read_text())
