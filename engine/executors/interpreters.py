"""Where a Python lies: what a sandbox has to show so that it runs there."""

import os
from pathlib import Path
from typing import Final

_SYSTEM: Final = (Path("/usr"), Path("/"), Path("/usr/local"))


def interpreter_folders(python: str) -> tuple[Path, ...]:
    """The folders without which a Python does not run: its environment's, and what that is of."""
    named = Path(python).absolute().parent.parent
    real = Path(os.path.realpath(python)).parent.parent
    return tuple(path for path in dict.fromkeys((named, real)) if path not in _SYSTEM)
