"""The writer of a journal. There is one for a run: the engine, in one thread at a time."""

import contextlib
import os
import sqlite3
import time as clock
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

from engine.core import failpoints
from engine.core.events import AnyEvent, Record
from engine.journal import chain, snapshots
from engine.journal.errors import (
    JournalBusy,
    JournalConflict,
    JournalError,
    JournalFull,
    JournalUnusable,
)

_SCHEMA: Final = Path(__file__).with_name("schema.sql")
_INSERT: Final = (
    "INSERT INTO event (seq, time, type, iteration, candidate, body, hash)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_MODE_CHANGE_DEADLINE_S: Final = 1.0
_RETRY_S: Final = 0.005
_BUSY_S: Final = 0.5
_WAL_KEPT_BYTES: Final = 4 * 1024 * 1024
_PRIMARY_CODE: Final = 0xFF


class Journal:
    """An open journal that events can be appended to.

    Verify it first: opening a journal for writing changes its bytes. Readers never block it.
    """

    def __init__(self, path: Path, db: sqlite3.Connection, last: tuple[int, bytes]) -> None:
        self._path = path
        self._db = db
        self._last_seq, self._last_hash = last

    @property
    def last_seq(self) -> int:
        """The number of the last recorded event."""
        return self._last_seq

    @property
    def last_hash(self) -> bytes:
        """The hash of the last recorded event."""
        return self._last_hash

    @classmethod
    def create(cls, path: Path, events: Sequence[AnyEvent], time: str) -> "Journal":
        """A new journal with its first events.

        It is made under another name and moved into its place when it is whole: a journal that
        exists is never half a journal.

        Raises:
            JournalConflict: there is one already.
            JournalFull: the disk is full or refused a write; nothing is left behind.
        """
        if path.exists():
            raise JournalConflict(f"{path} exists already; a journal is never replaced")
        draft = path.with_name(path.name + ".new")
        with _translated(path):
            _remove(draft)
            try:
                _fill(draft, events, time)
                _fsync(draft)
                _fsync(draft.parent)
                failpoints.reach("journal.created")
                draft.rename(path)
                _fsync(path.parent)
            except (sqlite3.Error, OSError):
                _remove(draft)
                raise
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> "Journal":
        """The journal at `path`, ready for more events.

        Raises:
            JournalFull: the disk is full or refused a write.
            JournalUnusable: there is none, it is no journal, or its file system cannot hold one.
        """
        with _translated(path):
            db = _connect(path)
            try:
                _change_mode(db, "wal")
                db.execute("PRAGMA synchronous = FULL")
                db.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT_BYTES}")
                row = db.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
            except sqlite3.Error:
                db.close()
                raise
        if row is None:
            db.close()
            raise JournalUnusable(f"{path} holds no event")
        return cls(path, db, (row[0], row[1]))

    def append(self, events: Sequence[AnyEvent], *, expected_seq: int, time: str) -> list[Record]:
        """The events as recorded, all of them in one transaction and on disk.

        Args:
            events: what happened, in order.
            expected_seq: the last event that the caller knows of.
            time: when it was decided, in UTC, ISO 8601.

        Raises:
            JournalConflict: `expected_seq` is not the last event.
            JournalDelayed: nothing was recorded; the same call may work when there is room, or
                when another program lets go of the file.
            JournalUnusable: the file broke.
            ValueError: an event could not be read back; nothing was recorded.

        Cost: one fsync, about 1 ms.
        """
        if expected_seq != self._last_seq:
            raise JournalConflict(
                f"{self._path} is at event {self._last_seq}, the writer expected {expected_seq}"
            )
        rows, records = self._rows(events, time)
        with self._transaction():
            self._db.executemany(_INSERT, rows)
            failpoints.reach("journal.appended")
        if records:
            self._last_seq, self._last_hash = records[-1].seq, records[-1].hash
        failpoints.reach("journal.committed")
        return records

    def _rows(self, events: Sequence[AnyEvent], time: str) -> tuple[list[chain.Row], list[Record]]:
        rows: list[chain.Row] = []
        records: list[Record] = []
        previous = self._last_hash
        for seq, event in enumerate(events, self._last_seq + 1):
            row = chain.row_of(event, seq, time, previous)
            rows.append(row)
            records.append(Record(seq=seq, time=time, event=event, hash=row.hash))
            previous = row.hash
        return rows, records

    def save_snapshot(self, body: bytes, seq: int) -> None:
        """Keep the state (`engine.core.state.dump`) as it is after event `seq`, the last one.

        It takes the place of earlier snapshots, and the room they had.

        Raises:
            JournalConflict: `seq` is not the last event.
            JournalDelayed: it was not kept; the events are as they were.
        """
        if seq != self._last_seq:
            raise JournalConflict(f"{self._path} is at event {self._last_seq}, not at {seq}")
        with self._transaction():
            snapshots.write(self._db, body, seq, self._last_hash)
            failpoints.reach("snapshot.written")

    @contextlib.contextmanager
    def _transaction(self) -> Generator[None]:
        with _translated(self._path):
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def _roll_back(self) -> None:
        # SQLite has rolled back by itself after some errors; what it then says is of no use.
        with contextlib.suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Leave one clean file behind.

        Where the disk is full or a reader is in the way the recorded events stay in the files
        beside it, from which the next engine and all readers take them.
        """
        with contextlib.suppress(sqlite3.Error):
            # As a script, because `execute` would stop after the first page that it gives back.
            self._db.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)")
            _change_mode(self._db, "delete")
        self._db.close()


def _connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_S
    )


def _change_mode(db: sqlite3.Connection, mode: str) -> None:
    """Change the journal mode; a reader that looks at this moment is waited for."""
    deadline = clock.monotonic() + _MODE_CHANGE_DEADLINE_S
    while True:
        try:
            (now,) = db.execute(f"PRAGMA journal_mode = {mode}").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY:
                raise
            now = "busy"
        if now == mode:
            return
        if clock.monotonic() > deadline:
            raise sqlite3.OperationalError(f"its journal mode cannot be changed to {mode}")
        clock.sleep(_RETRY_S)


def _fill(draft: Path, events: Sequence[AnyEvent], time: str) -> None:
    db = _connect(draft, "rwc")
    try:
        db.executescript(_SCHEMA.read_text(encoding="utf-8"))
        db.execute("BEGIN IMMEDIATE")
        previous = chain.START
        for seq, event in enumerate(events, 1):
            row = chain.row_of(event, seq, time, previous)
            db.execute(_INSERT, row)
            previous = row.hash
        db.execute("COMMIT")
    finally:
        db.close()


def _remove(draft: Path) -> None:
    for suffix in ("", "-journal", "-wal", "-shm"):
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _translated(path: Path) -> Generator[None]:
    """Turn SQLite's errors into ours, by what the engine does about them."""
    try:
        yield
    except sqlite3.Error as error:
        raise _kind(error)(f"{path}: {error}") from error
    except OSError as error:
        raise JournalFull(f"{path}: {error.strerror or error}") from error


_BY_CODE: Final[dict[int, type[JournalError]]] = {
    sqlite3.SQLITE_FULL: JournalFull,
    sqlite3.SQLITE_IOERR: JournalFull,
    sqlite3.SQLITE_READONLY: JournalFull,
    sqlite3.SQLITE_NOMEM: JournalFull,
    sqlite3.SQLITE_BUSY: JournalBusy,
    sqlite3.SQLITE_LOCKED: JournalBusy,
    sqlite3.SQLITE_CONSTRAINT: JournalConflict,
}


def _kind(error: sqlite3.Error) -> type[JournalError]:
    code = getattr(error, "sqlite_errorcode", 0)
    return _BY_CODE.get(code & _PRIMARY_CODE, JournalUnusable)
