"""Whether the program of a command is there."""

import os
import shutil
from pathlib import Path

from engine.core.campaign.placeholders import placeholders


def program_problem(program: str, folder: Path, path: str, *, key: str) -> str | None:
    """What is wrong with the first word of a command, and what to do; None when it is there.

    Args:
        program: as the command names it; what holds a placeholder is not judged.
        folder: in which the command runs.
        path: the variable PATH.
        key: the key of the campaign that holds the command.
    """
    if placeholders(program):
        return None
    if os.sep in program:
        file = folder / program
        if not file.is_file():
            return f"there is no program {file}; correct `{key}`"
        if not os.access(file, os.X_OK):
            return f"{file} is not executable; chmod +x it, or name its interpreter in `{key}`"
        return None
    if shutil.which(program, path=path) is None:
        return f"there is no program {program} on PATH; install it, or correct `{key}`"
    return None
