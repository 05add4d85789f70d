"""Whether a sandbox that stood before its orders came still shows what it is to show, and no more.

What is mounted over a file or folder goes away without a word when that is removed outside.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .wire import Orders

_KIND, _FOLDER, _DEVICE = 0o170000, 0o040000, 0o020000
_HIDES = "/dev/null"


def wrong(to_do: Orders) -> str:
    """The first path that is not as ordered; empty when all are."""
    for path, device, number in to_do.shown:
        if _identity(path) != (device, number):
            return path
    return next((path for path in to_do.hidden if not _is_hidden(path)), "")


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_hidden(path: str) -> bool:
    """Whether something lies over it, or it is not there."""
    try:
        status = os.lstat(path)
        if status.st_mode & _KIND == _FOLDER:
            return status.st_dev != os.stat(os.path.dirname(path)).st_dev  # noqa: PTH116, PTH120
        is_device = status.st_mode & _KIND == _DEVICE
        return is_device and status.st_rdev == os.stat(_HIDES).st_rdev  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
