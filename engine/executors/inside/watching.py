"""How much the processes of a sandbox take, seen from its first process."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

    from .wire import Orders

THREADS_EACH: Final = 16
"""Threads are counted too: so many of them stand for one process."""

MOST_SCRATCH_FILES: Final = 200_000
"""An empty file takes memory as well."""

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_STATE, _THREADS, _PAGES = 0, 17, 21  # of /proc/PID/stat, from after the name


class Seen:
    """A process; see `others`."""

    def __init__(self, pid: int, fields: list[bytes]) -> None:
        self.pid = pid
        self.dead = fields[_STATE] in (b"Z", b"X")
        self.threads = int(fields[_THREADS])
        self.memory_bytes = int(fields[_PAGES]) * _PAGE_BYTES


def others() -> Iterator[Seen]:
    """All processes of the sandbox but its first."""
    for name in _pids():
        text = _content(f"/proc/{name}/stat")
        if text:
            # The name stands in parentheses and may hold spaces and parentheses itself.
            yield Seen(int(name), text[text.rfind(b")") + 2 :].split())


def _pids() -> list[str]:
    names = os.listdir("/proc")  # noqa: PTH208 (pathlib takes long to load)
    return [name for name in names if name.isdigit() and name != "1"]


def over(orders: Orders) -> tuple[str, int] | None:
    """What the processes take too much of now, and its limit."""
    return full(orders) or _many(orders)


def _many(orders: Orders) -> tuple[str, int] | None:
    # Before anything is read of them: of a bomb there may be thousands by now.
    if len(_pids()) > orders.processes:
        return "processes", orders.processes
    seen = list(others())
    threads = sum(process.threads for process in seen)
    if threads > orders.processes * THREADS_EACH:
        return "processes", orders.processes
    if _memory_bytes(seen, orders.memory_bytes) > orders.memory_bytes:
        return "memory", orders.memory_bytes
    return None


def _memory_bytes(seen: list[Seen], enough_bytes: int) -> int:
    """What they take together; what they share is counted once where it matters."""
    total = sum(process.memory_bytes for process in seen)
    if total <= enough_bytes or any(each.memory_bytes > enough_bytes for each in seen):
        return total
    return sum(_own_bytes(process) for process in seen)


def _own_bytes(process: Seen) -> int:
    for line in _content(f"/proc/{process.pid}/smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return process.memory_bytes


def full(orders: Orders) -> tuple[str, int] | None:
    """The folder's size that is used up, if there is one."""
    for folder, size_bytes in orders.scratch:
        state = os.statvfs(folder)
        if state.f_bfree == 0 or state.f_files - state.f_ffree > MOST_SCRATCH_FILES:
            return "scratch", size_bytes
    return None


def _content(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""  # it ended
    try:
        return os.read(descriptor, 4096)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
