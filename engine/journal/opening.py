"""Opening a journal for reading in a way that changes no byte of it.

A journal at rest is opened as immutable when all of it is in one file. Where an engine was killed
a part of it lies in files beside it, and SQLite would tidy up; it may do so on a copy.
"""

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

_COMPANIONS: Final = ("-wal", "-journal")


class FileStamp(NamedTuple):
    """What changes when a file is written to."""

    inode: int
    size_bytes: int
    mtime_ns: int


Stamp = tuple[FileStamp | None, ...]
"""The stamps of a journal's main file and of the files beside it; None where there is none."""


def stamp(path: Path) -> Stamp:
    """What changes whenever the journal at `path` changes."""
    return tuple(_stamp(_beside(path, suffix)) for suffix in ("", *_COMPANIONS))


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _stamp(path: Path) -> FileStamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return FileStamp(found.st_ino, found.st_size, found.st_mtime_ns)


def newest_mtime_ns(stamps: Stamp) -> int:
    """When the journal was last written to, in ns since 1970; 0 when there is none."""
    return max((each.mtime_ns for each in stamps if each), default=0)


def in_one_file(path: Path) -> bool:
    """Whether the main file holds all of the journal."""
    return not any(each and each.size_bytes for each in stamp(path)[1:])


def connect_live(path: Path) -> sqlite3.Connection:
    """A connection to a journal that an engine writes to. Close it after each read.

    Its owner must let go at once: an idle one keeps the engine from ending with a clean file.
    """
    return _connect(path, "mode=ro")


def connect_immutable(path: Path) -> sqlite3.Connection:
    """A connection to a journal at rest that is in one file."""
    return _connect(path, "mode=ro&immutable=1")


def _connect(path: Path, options: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{options}"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=1.0)
    # Damaged texts need not be UTF-8; as bytes they can be looked at all the same.
    db.text_factory = bytes
    return db


class Copy:
    """A copy of a journal in a temporary folder, with what an engine left beside it.

    Cost: the size of the journal, once. The folder goes with `close` or with the object.
    """

    def __init__(self, path: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix=f"controlroom-{os.getpid()}-")
        folder = Path(self._folder.name)
        try:
            for suffix in ("", *_COMPANIONS):
                source = _beside(path, suffix)
                if source.exists():
                    shutil.copyfile(source, folder / source.name)
            self.db = _connect(folder / path.name, "mode=rw")
        except BaseException:
            self._folder.cleanup()
            raise

    def close(self) -> None:
        """Let go of the copy."""
        self.db.close()
        self._folder.cleanup()
