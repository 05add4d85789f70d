"""What the system knows of processes, read from /proc. Without /proc everything here is empty."""

import contextlib
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = "/proc"


class Process(NamedTuple):
    """A process; `start_ticks` tells it from a later one with the same pid."""

    pid: int
    parent: int
    group: int
    session: int
    start_ticks: int
    state: str

    @property
    def dead(self) -> bool:
        """Whether it only waits to be reaped."""
        return self.state in "ZX"


@functools.cache
def available() -> bool:
    """Whether processes can be looked up at all."""
    return Path(_PROC, "self", "stat").exists()


def read(pid: int) -> Process | None:
    """The process, or None when there is none."""
    try:
        text = _bytes(f"{_PROC}/{pid}/stat").decode("ascii", "replace")
    except OSError:
        return None
    # The name stands in parentheses and may hold spaces and parentheses itself.
    fields = text[text.rfind(")") + 2 :].split()
    return Process(pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]), fields[0])


def everything() -> list[Process]:
    """All processes that can be seen."""
    return [process for pid in _pids() if (process := read(pid)) is not None]


def descendants(roots: dict[int, Process], alive: dict[int, Process]) -> dict[int, Process]:
    """The processes in `roots` and all of `alive` that come from them."""
    found = dict(roots)
    grown = True
    while grown:
        more = {
            pid: process
            for pid, process in alive.items()
            if process.parent in found and pid not in found
        }
        found |= more
        grown = bool(more)
    return found


def start_ticks(pid: int) -> int | None:
    """When the process started, in clock ticks since boot; None when there is none."""
    process = read(pid)
    return None if process is None else process.start_ticks


def taken(pid: int) -> tuple[int, int]:
    """Processor time in clock ticks, with that of children it has waited for, and pages held."""
    try:
        text = _bytes(f"{_PROC}/{pid}/stat").decode("ascii", "replace")
    except OSError:
        return 0, 0
    fields = text[text.rfind(")") + 2 :].split()
    return sum(map(int, fields[11:15])), int(fields[21])


def variables(pid: int) -> frozenset[bytes]:
    """The environment that the process was started with, as NAME=VALUE; empty if unreadable."""
    try:
        return frozenset(_bytes(f"{_PROC}/{pid}/environ").split(b"\0"))
    except OSError:
        return frozenset()


def carrying(variable: str, value: str) -> list[Process]:
    """Living processes that were started with `variable=value`, this one left out.

    Cost: about 10 microseconds for each process of the machine.
    """
    mark = os.fsencode(f"{variable}={value}")
    found = [read(pid) for pid in _pids() if pid != os.getpid() and mark in variables(pid)]
    return [process for process in found if process is not None and not process.dead]


def with_path_into(folder: str) -> list[Process]:
    """Living processes whose PATH leads to somewhere below a folder, this one left out.

    Cost: as `carrying`.
    """
    below = os.fsencode(folder) + b"/"
    found = [read(pid) for pid in _pids() if pid != os.getpid() and _leads(pid, below)]
    return [process for process in found if process is not None and not process.dead]


def _leads(pid: int, below: bytes) -> bool:
    paths = (each for each in variables(pid) if each.startswith(b"PATH="))
    return any(part.startswith(below) for each in paths for part in each[5:].split(b":"))


def opened(pid: int, descriptor: int) -> str:
    """A name for what a process has open there, such as `pipe:[4711]`; empty if unreadable."""
    try:
        return os.readlink(f"{_PROC}/{pid}/fd/{descriptor}")  # noqa: PTH115
    except OSError:
        return ""


def children() -> set[int] | None:
    """The pids of this process's children, the dead among them; None if the system cannot tell."""
    if not Path(_PROC, "self", "task", str(os.getpid()), "children").exists():
        return None
    found: set[int] = set()
    for thread in os.listdir(f"{_PROC}/self/task"):  # noqa: PTH208
        with contextlib.suppress(OSError):  # the thread has ended
            found.update(map(int, _bytes(f"{_PROC}/self/task/{thread}/children").split()))
    return found


def _pids() -> Iterator[int]:
    try:
        names = os.listdir(_PROC)  # noqa: PTH208 (four times cheaper)
    except OSError:
        return
    yield from (int(name) for name in names if name.isdigit())


def _bytes(path: str) -> bytes:
    # os.read is several times cheaper than a file object, and a check ends with many of these.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        parts: list[bytes] = []
        while part := os.read(descriptor, 65536):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)
