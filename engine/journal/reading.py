"""Reading rows out of an open journal, as far as they can be verified."""

import sqlite3
from typing import Final, NamedTuple

from engine.core.events import Record
from engine.journal import chain

_SELECT: Final = "SELECT seq, time, type, body, hash FROM event WHERE seq >= ? ORDER BY seq LIMIT ?"


class Prefix(NamedTuple):
    """Records that continue the chain, and why there are no more where that is known."""

    records: list[Record]
    broken: chain.Broken | None

    def tip(self, previous: bytes) -> bytes:
        """The hash of the last record, or `previous` when there is none."""
        return self.records[-1].hash if self.records else previous


def read_chain(db: sqlite3.Connection, seq: int, limit: int, previous: bytes) -> Prefix:
    """Up to `limit` records from number `seq` on, the first of which follows `previous`."""
    records: list[Record] = []
    try:
        for row in db.execute(_SELECT, (seq, limit)):
            record = chain.record_of(row, seq, previous)
            if isinstance(record, chain.Broken):
                return Prefix(records, record)
            records.append(record)
            seq, previous = seq + 1, record.hash
    except sqlite3.DatabaseError as error:
        if is_passing(error):
            raise
        return Prefix(records, chain.Broken(seq, f"event {seq} cannot be read: {error}"))
    return Prefix(records, None)


def hash_at(db: sqlite3.Connection, seq: int) -> bytes | None:
    """The hash that stands beside event `seq`, or None when there is no such event."""
    if seq == 0:
        return chain.START
    row = db.execute("SELECT hash FROM event WHERE seq = ?", (seq,)).fetchone()
    return row[0] if row and type(row[0]) is bytes else None


def last_seq(db: sqlite3.Connection) -> int:
    """The number of the last event, 0 when there is none."""
    return db.execute("SELECT max(seq) FROM event").fetchone()[0] or 0


def is_passing(error: sqlite3.Error) -> bool:
    """Whether the error says that the file is in use or out of reach, not that it is damaged."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_SCHEMA,
    }
