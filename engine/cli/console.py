"""What every command relies on: standard streams, a folder to stand in, an answer to ctrl+c."""

import io
import os
import sys
from typing import Any

import click

from engine.cli.exits import Exit, fail


class Commands(click.Group):
    """The commands of the program, each invoked under the same conditions."""

    def invoke(self, ctx: click.Context) -> Any:
        """What the command returns; ctrl+c ends it with 130 and without a word."""
        open_standard_streams()
        _require_folder()
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(Exit.INTERRUPTED)


def open_standard_streams() -> None:
    """Make sure that there are three standard streams, and that they take every character.

    A stream that the caller closed leads nowhere: its number would be given to the next file
    that is opened otherwise, the journal say, and what is printed would go there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or _nowhere("r")
    sys.stdout = sys.stdout or _nowhere("w")
    sys.stderr = sys.stderr or _nowhere("w")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def readable(text: str) -> str:
    """The text without the halves of characters that stand for bytes which are not UTF-8."""
    return text.encode(errors="replace").decode()


def user_name() -> str:
    """Who works here; a number where that has no name, as in many containers."""
    import getpass

    try:
        return readable(getpass.getuser())
    except (KeyError, OSError):
        return str(os.getuid())


def _nowhere(mode: str) -> Any:
    return open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123


def _require_folder() -> None:
    try:
        os.getcwd()  # noqa: PTH109  (pathlib costs more than the call)
    except OSError:
        fail("the folder of this terminal does not exist any more; change to another one: cd")
