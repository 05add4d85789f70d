"""The supervisor of a job as others see it: whether it is there, told by more than its pid."""

import os
import select
import signal
from contextlib import suppress
from pathlib import Path

import anyio

from engine.executors import procfs, signalling
from engine.executors.jobs import record
from engine.executors.jobs.protocol import Lost
from engine.executors.procfs import Process
from engine.executors.protocol import JOB_VARIABLE

_POLL_S = 0.02


class Watched:
    """A supervisor that lives, or did when this was made. Close it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._descriptor = -1
        with suppress(AttributeError, OSError):
            self._descriptor = os.pidfd_open(process.pid)

    @property
    def pid(self) -> int:
        """Its number, for as long as it lives."""
        return self._process.pid

    @property
    def gone(self) -> bool:
        """Whether it has ended."""
        if self._descriptor >= 0:
            return bool(select.select([self._descriptor], [], [], 0)[0])
        now = procfs.read(self._process.pid)
        return now is None or now.dead or now.start_ticks != self._process.start_ticks

    async def wait(self, most_s: float) -> bool:
        """Whether it ends within the time."""
        with anyio.move_on_after(most_s):
            if self._descriptor >= 0:
                await anyio.wait_readable(self._descriptor)
            while not self.gone:  # noqa: ASYNC110  (there is nobody to tell)
                await anyio.sleep(_POLL_S)
        return self.gone

    def wake(self) -> None:
        """Let it look whether it is to stop."""
        signalling.send(self._process, signal.SIGTERM)
        signalling.send(self._process, signal.SIGCONT)

    def close(self) -> None:
        """Let go of it; the end of a child is taken note of."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        with suppress(OSError):
            signalling.reap(self._process.pid)


def found(folder: Path) -> Watched | record.Ended | Lost | None:
    """What has become of the job in a folder; None where it has not begun."""
    if (ended := record.ended(folder)) is not None:
        return ended
    started = record.started(folder)
    if started is None:
        return None
    process = procfs.read(started.pid)
    if process is not None and _is_it(process, started, folder):
        watched = Watched(process)
        if not watched.gone and procfs.start_ticks(started.pid) == started.start_ticks:
            return watched
        watched.close()
    if (ended := record.ended(folder)) is not None:  # it may have come to its end just now
        return ended
    if started.boot_id != record.boot_id():
        return Lost("it ran before this machine was started, or on another machine")
    return Lost("its supervisor is gone, and has not written down how it ended")


def _is_it(process: Process, started: record.Started, folder: Path) -> bool:
    """Whether the process is the supervisor that the record speaks of, and no later one."""
    if process.dead or process.start_ticks != started.start_ticks:
        return False
    if started.boot_id != record.boot_id():
        return False
    mark = os.fsencode(f"{JOB_VARIABLE}={started.marker}")
    return mark in procfs.variables(process.pid) and record.is_locked(folder)
