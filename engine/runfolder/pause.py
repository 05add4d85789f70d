"""The file PAUSE: it is the pause, and a shell is all it takes to make or remove it."""

import contextlib
from pathlib import Path
from typing import Final

_MAX_BYTES: Final = 2_000


def write(path: Path, reason: str) -> None:
    """Pause, with a reason in the file.

    Raises:
        OSError: the file cannot be made.
    """
    path.touch()
    # On a full disk the pause holds without its reason.
    with contextlib.suppress(OSError):
        path.write_text(f"{reason}\n" if reason else "", encoding="utf-8")


def read(path: Path) -> str | None:
    """The reason of the pause, empty when the file gives none; None when there is no pause."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode(errors="replace").strip()
    except FileNotFoundError:
        return None
    except OSError:
        return ""


def exists(path: Path) -> bool:
    """Whether the run is to be paused."""
    return path.exists()


def remove(path: Path) -> bool:
    """Whether there was a pause; there is none now.

    Raises:
        OSError: the file cannot be removed.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
