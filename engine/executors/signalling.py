"""Signals that cannot hit another process, and the adoption of orphans: standard library alone."""

import ctypes
import functools
import os
import signal
import sys
from contextlib import suppress
from typing import Final

from engine.executors import procfs
from engine.executors.procfs import Process

_SET_CHILD_SUBREAPER: Final = 36


@functools.cache
def become_subreaper() -> bool:
    """Whether processes whose parents die become children of this one from now on."""
    if sys.platform != "linux":
        return False
    try:
        return ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    except (OSError, AttributeError):
        return False


def send(process: Process, number: signal.Signals) -> None:
    """Signal the process, unless it has ended; a later process with its pid is never hit."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        if procfs.start_ticks(process.pid) in (process.start_ticks, None):
            with suppress(OSError):
                os.kill(process.pid, number)
        return
    try:
        if procfs.start_ticks(process.pid) == process.start_ticks:
            signal.pidfd_send_signal(descriptor, number)
    except OSError:
        pass  # it ended, or it belongs to another user
    finally:
        os.close(descriptor)


def send_group(group: int, number: int) -> bool:
    """Signal a process group; whether there was anyone in it."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:  # macOS says this of a group of zombies
        return False
    return True


def reap(pid: int) -> None:
    """Take a dead child off the process table."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
