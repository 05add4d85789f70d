"""Running a program of somebody else's in the person's terminal, as a shell does."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from types import FrameType


def in_terminal(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Its exit status, negative for a signal; ctrl+c is the program's to answer while it runs.

    Args:
        argv: the program and its words.
        env: its whole environment.

    Raises:
        OSError: it cannot be started.
    """

    def leave_it(number: int, frame: FrameType | None) -> None:
        del number, frame

    # A handler, unlike ignoring, is not handed on to the program.
    before = signal.signal(signal.SIGINT, leave_it)
    try:
        return subprocess.Popen(argv, env=env).wait()
    finally:
        signal.signal(signal.SIGINT, before)
