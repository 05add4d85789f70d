"""What is executed for a command, here or on another host: standard library alone."""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_SHELL: Final = "/bin/sh"
_found: Final[dict[tuple[str, str], str]] = {}


class CannotStartError(Exception):
    """The command cannot be started here; the text says why and what to do."""


class MachineLacksError(CannotStartError):
    """It cannot for want of something that the machine or the person has to have, not the code."""


def program_of(run: Sequence[str] | str, cwd: Path, path: str) -> list[str]:
    """What is executed for a command; a string is a script for the shell.

    Args:
        run: the command.
        cwd: its folder.
        path: where its program is looked for.

    Raises:
        CannotStartError: its folder or its program is not there.
    """
    if not cwd.is_dir():
        raise CannotStartError(f"the folder {cwd} does not exist")
    if isinstance(run, str):
        return [_SHELL, "-c", run]
    if not run or not run[0]:
        raise CannotStartError("the command is empty")
    return [_program(run[0], cwd, path), *run[1:]]


def _program(word: str, cwd: Path, path: str) -> str:
    if os.sep in word:
        name = str(cwd / word)
        if os.path.isfile(name) and not os.access(name, os.X_OK):  # noqa: PTH113
            raise CannotStartError(
                f"{name} is not executable; chmod +x it, or name its interpreter"
            )
        if not os.path.exists(name):  # noqa: PTH110
            whose = MachineLacksError if word.startswith(os.sep) else CannotStartError
            raise whose(f"{name} does not exist")
        return name
    try:
        return on_path(word, path)
    except FileNotFoundError as error:
        raise MachineLacksError(str(error)) from error


def on_path(name: str, path: str) -> str:
    """The program of that name on a PATH.

    Raises:
        FileNotFoundError: there is none.
    """
    found = _found.get((name, path)) or shutil.which(name, path=path)
    if found is None:
        raise FileNotFoundError(f"there is no program {name} on PATH")
    _found[name, path] = found  # what was found is not looked for each time
    return found


@functools.cache
def death_signal() -> tuple[str, ...]:
    """The words before a command that make it die with this process; none where that cannot be."""
    # The kernel ties the signal to the thread that starts the process: start from the loop's.
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return ()
    prefix = (setpriv, "--pdeathsig", "KILL", "--")
    tried = subprocess.run(  # an older setpriv does not know the option
        [*prefix, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return prefix if tried.returncode == 0 else ()
