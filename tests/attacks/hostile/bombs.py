"""Forks as fast as it can, each child in a session of its own."""

import contextlib
import os

while True:
    with contextlib.suppress(OSError):
        if os.fork() == 0:
            os.setsid()
