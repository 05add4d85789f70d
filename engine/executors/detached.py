"""Starting a program that outlives this one: the engine behind a screen."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


def spawn_detached(argv: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    """The program, started in a session of its own, without a terminal, its output added to `log`.

    Raises:
        OSError: the log cannot be written, or the program cannot be started.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
        )
