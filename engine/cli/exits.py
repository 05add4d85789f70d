"""Exit statuses, and how a command ends with one."""

import sys
from enum import IntEnum
from typing import NoReturn


class Exit(IntEnum):
    """What the status of a command means; the same for every subcommand."""

    DONE = 0
    INTERNAL_ERROR = 1
    WRONG = 2
    """The command line or a file is wrong."""
    FAILED = 3
    """A rule that means failure stopped the run."""
    NOTHING_VALID = 4
    UNUSABLE = 5
    """The journal, the run folder or the workspace cannot be used."""
    INTERRUPTED = 130


def fail(message: str, status: Exit = Exit.WRONG) -> NoReturn:
    """End the command with a message for people."""
    print(f"controlroom: {message}", file=sys.stderr)  # noqa: T201
    sys.exit(status)
