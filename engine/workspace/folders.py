"""Removing folders, whatever their modes and whatever lies in them."""

import os
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from engine.runfolder.room import is_full
from engine.workspace.protocol import FullDiskError, WorkspaceError


def remove(path: Path) -> None:
    """Take away whatever is at `path`; the target of a link stays.

    Raises:
        OSError: it cannot be removed.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):  # PermissionError: a directory, on macOS
        if not path.is_dir():
            raise
        _remove_folder(path)


def _remove_folder(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError:
        open_up(folder)
        shutil.rmtree(folder)


def is_folder(path: Path) -> bool:
    """Whether a folder, and not a link to one, is at `path`."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def open_up(folder: Path) -> None:
    """Let this user read, change and remove everything in the folder."""
    folder.chmod(0o700)
    for inner, names, _ in os.walk(folder):  # each is opened up before it is walked into
        for path in (Path(inner, name) for name in names):
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode) and mode & stat.S_IRWXU != stat.S_IRWXU:
                path.chmod(stat.S_IMODE(mode) | stat.S_IRWXU)


@contextmanager
def disk_errors(place: Path) -> Generator[None]:
    """Raise what the disk refuses as a WorkspaceError that names the place.

    Raises:
        WorkspaceError: a FullDiskError where room is all that is missing.
    """
    try:
        yield
    except OSError as error:
        kind = FullDiskError if is_full(error) else WorkspaceError
        raise kind(
            f"{error.filename or place}: {error.strerror or error}; make room or give this user "
            "the right to write there, then start again"
        ) from error
