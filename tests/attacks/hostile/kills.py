"""Kills whom it can: the first process, its parent, everybody."""

import contextlib
import os
import signal

for number in sorted(signal.valid_signals()):
    with contextlib.suppress(OSError):
        os.kill(1, number)
    if number not in {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
for number in sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}):
    with contextlib.suppress(OSError):
        os.kill(os.getppid(), number)
        os.kill(0, number)
    with contextlib.suppress(OSError):
        os.kill(-1, number)
with contextlib.suppress(OSError):
    os.kill(-1, signal.SIGSTOP)
    os.kill(-1, signal.SIGKILL)
print("done", flush=True)
