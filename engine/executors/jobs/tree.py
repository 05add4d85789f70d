"""All the processes that a job's supervisor has below it. Stdlib alone.

It adopts the orphans among them, so whatever they do to hide, they descend from it.
"""

import os
import resource
import signal
import time
from typing import Final, NamedTuple

from engine.executors import procfs, signalling
from engine.executors.procfs import Process

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


class Usage(NamedTuple):
    """What all processes together have taken: those that ended count for their time."""

    cpu_s: float
    rss_bytes: int
    processes: int


def members() -> dict[int, Process]:
    """The living processes below this one."""
    alive = {process.pid: process for process in procfs.everything() if not process.dead}
    me = alive.get(os.getpid())
    if me is None:
        return {}
    found = procfs.descendants({me.pid: me}, alive)
    del found[me.pid]
    return found


def usage() -> Usage:
    """What they have taken by now."""
    reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = pages = 0
    found = members()
    for pid in found:
        took, holds = procfs.taken(pid)
        ticks += took
        pages += holds
    cpu_s = ticks / _TICKS + reaped.ru_utime + reaped.ru_stime
    return Usage(cpu_s, pages * _PAGE_BYTES, len(found))


class Ending:
    """Brings all of them to their end: TERM first, KILL after `grace_s` seconds."""

    def __init__(self, grace_s: float, unkillable_s: float) -> None:
        self._begun_s = time.monotonic()
        self._grace_s = grace_s
        self._last_s = grace_s + unkillable_s
        self.seen: set[int] = set()
        self.left = 0

    def go_on(self) -> bool:
        """Signal what lives; whether it has to be looked again."""
        found = members()
        self.left = len(found)
        passed_s = time.monotonic() - self._begun_s
        if not found or passed_s > self._last_s:
            return False
        for pid, process in found.items():
            if passed_s >= self._grace_s:
                signalling.send(process, signal.SIGKILL)
            elif pid not in self.seen:
                signalling.send(process, signal.SIGTERM)
                signalling.send(process, signal.SIGCONT)  # a stopped process would not notice
        self.seen |= found.keys()
        return True
