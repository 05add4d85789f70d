"""Whether the file around the events is sound: its kind, its size, its pages, its snapshots."""

import sqlite3
from pathlib import Path
from typing import Final

from engine.journal import opening, snapshots

APPLICATION_ID: Final = 1668444013
FORMAT: Final = 1


def unreadable(path: Path) -> str | None:
    """Why there is nothing to be opened at `path`, or None.

    Raises:
        OSError: the folder cannot be looked into.
    """
    if path.is_dir():
        return "it is a folder"
    if not path.exists():
        return "it is missing"
    return "it is empty" if path.stat().st_size == 0 else None


def foreign(db: sqlite3.Connection) -> str | None:
    """What kind of file it is when it is no journal of this version, or None."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        return "it is a database, but not a journal"
    if version > FORMAT:
        return f"it has format {version}; this version of controlroom reads up to {FORMAT}"
    return None


def wrong_size(db: sqlite3.Connection, size_bytes: int) -> str | None:
    """How the size of the main file differs from what SQLite wrote down, or None."""
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (page_bytes,) = db.execute("PRAGMA page_size").fetchone()
    if pages * page_bytes == size_bytes:
        return None
    return f"it has {size_bytes} bytes where {pages * page_bytes} were written"


def wrong_around(path: Path, db: sqlite3.Connection) -> str | None:
    """What is wrong with the journal at `path`, at rest, although its events are good; or None."""
    main = opening.stamp(path)[0]
    try:
        if main and opening.in_one_file(path) and (what := wrong_size(db, main.size_bytes)):
            return what
        (first,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if first != b"ok":
            return f"SQLite finds: {first.decode(errors='replace')}"
        return snapshots.damaged(db)
    except sqlite3.DatabaseError as error:
        return str(error)
