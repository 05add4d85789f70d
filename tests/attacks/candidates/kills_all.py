"""Kills everybody that it can, its parent first."""

import contextlib
import os
import signal

for pid in (os.getppid(), 1, -1, os.getpid()):
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGKILL)
