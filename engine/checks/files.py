"""Reading and keeping files that a check wrote, whatever lies in their place."""

import errno
import hashlib
import os
import shutil
import stat
from pathlib import Path
from typing import NamedTuple


class UnreadableError(Exception):
    """The file cannot be used; the text says why, without the file's name."""


class Stamp(NamedTuple):
    """What changes when a file is written anew."""

    device: int
    inode: int
    modified_ns: int
    changed_ns: int
    size: int


def stamp(path: Path) -> Stamp | None:
    """The file's stamp; None when there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return stamp_of(status)


def stamp_of(status: os.stat_result) -> Stamp:
    """The stamp of the file that the system says this of."""
    return Stamp(
        status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size
    )


def read_plain(path: Path, most_bytes: int, *, follow: bool = False) -> bytes | None:
    """The content of an ordinary file; None when nothing is there. Never waits for anyone.

    Raises:
        UnreadableError: it is not an ordinary file, a link (unless `follow`), or too big.
    """
    # Without O_NONBLOCK, a FIFO in its place would hold us until someone writes into it.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
        raise UnreadableError(f"{reason}") from error
    try:
        return _content(descriptor, most_bytes)
    except OSError as error:
        raise UnreadableError(f"{error.strerror}") from error
    finally:
        os.close(descriptor)


def _content(descriptor: int, most_bytes: int) -> bytes:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError("it is not an ordinary file")
    parts: list[bytes] = []
    size = 0
    while size <= most_bytes and (part := os.read(descriptor, most_bytes + 1 - size)):
        parts.append(part)
        size += len(part)
    if size > most_bytes:
        raise UnreadableError(
            f"it has {max(size, status.st_size)} bytes; at most {most_bytes} are read"
        )
    return b"".join(parts)


def digest_of(folder: Path) -> str:
    """One SHA-256 of the names and contents of all ordinary files below a folder."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if stat.S_ISREG(path.lstat().st_mode):
            with path.open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
            whole.update(os.fsencode(path.relative_to(folder)) + f"\0{content}\n".encode())
    return whole.hexdigest()


def remove(path: Path) -> None:
    """Take away whatever is at `path`; a link's target stays.

    Raises:
        OSError: it cannot be removed.
    """
    try:
        path.unlink()
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):  # PermissionError: a directory, on macOS
        _remove_tree(path)


def _remove_tree(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except PermissionError:
        _open_up(folder)
        shutil.rmtree(folder)


def _open_up(folder: Path) -> None:
    """Let us remove what is in folders that were made read-only, as caches of modules are."""
    folder.chmod(0o700)
    for inner, names, _ in os.walk(folder):  # each is opened up before it is walked into
        for path in (Path(inner, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o700)
