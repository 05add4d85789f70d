"""Reading a journal from outside the engine: while it is written, at rest, or damaged."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from engine.core.events import Record
from engine.core.fold import FoldError, fold
from engine.core.state import RunState
from engine.journal import chain, opening, reading, snapshots, soundness
from engine.journal.damage import Damaged

_CHUNK: Final = 5_000
FOLD_ALL_UP_TO: Final = 4_000
_ATTEMPTS: Final = 8
_RETRY_S: Final = 0.01
_SETTLED_NS: Final = 2_000_000_000

T = TypeVar("T")


class JournalReader:
    """A reader that holds nothing between two reads and never changes a byte of a run at rest.

    Whether an engine writes to the journal is asked anew before each read, so that a reader
    goes on when the engine ends, is killed, or comes back.
    """

    def __init__(self, path: Path, is_live: Callable[[], bool], fold_all_up_to: int) -> None:
        self._path = path
        self._is_live = is_live
        self._fold_all_up_to = fold_all_up_to
        self._copy: tuple[opening.Stamp, opening.Copy] | None = None
        self._tip = (0, chain.START)
        self._quiet: tuple[opening.Stamp, int] | None = None
        self._damage: Damaged | None = None
        self._damage_seen_at: opening.Stamp | None = None
        self._around: tuple[opening.Stamp, Damaged] | None = None

    @classmethod
    def open(
        cls, path: Path, *, is_live: Callable[[], bool], fold_all_up_to: int = FOLD_ALL_UP_TO
    ) -> "JournalReader":
        """A reader of the journal at `path`, which need not be there yet.

        Args:
            path: the journal.
            is_live: says whether an engine holds the run.
            fold_all_up_to: how many events are read as a whole, and so verified, where a longer
                journal is opened by its snapshot.
        """
        return cls(path, is_live, fold_all_up_to)

    @property
    def damage(self) -> Damaged | None:
        """Why the last read ended where it did, when that was not the end of the journal.

        Or what else is wrong with the file, as `load_state` found it.
        """
        if self._around and self._around[0] != opening.stamp(self._path):
            self._around = None
        return self._damage or (self._around[1] if self._around else None)

    def read_from(self, seq: int, limit: int = _CHUNK) -> list[Record]:
        """Up to `limit` records, from number `seq` on, that continue the chain.

        Where something is wrong the list ends before it, and `damage` says what it is.
        """
        before = opening.stamp(self._path)
        if self._quiet == (before, seq):
            return []
        began_ns = time.time_ns()
        previous = self._tip[1] if self._tip[0] == seq - 1 else None
        prefix = self._read(lambda db: _read_from(db, seq, limit, previous))
        if prefix is None:
            return []
        self._note(prefix, before)
        if prefix.records:
            self._tip = (prefix.records[-1].seq, prefix.records[-1].hash)
        self._settle(before, began_ns, seq if not prefix.records else 0)
        return prefix.records

    def _note(self, prefix: reading.Prefix, stamp: opening.Stamp) -> None:
        """Remember what is wrong. A file that nobody writes does not mend itself.

        Where a page is lost, a read that begins behind it may find nothing at all, and no fault.
        """
        if prefix.broken:
            self._damage, self._damage_seen_at = self._damaged(prefix.broken), stamp
        elif prefix.records or self._damage_seen_at != stamp:
            self._damage = self._damage_seen_at = None

    def _settle(self, before: opening.Stamp, began_ns: int, empty_from_seq: int) -> None:
        """Remember that nothing follows, so that asking again costs no more than a look.

        Only when the last write is old enough that another one must change the stamp.
        """
        old = began_ns - opening.newest_mtime_ns(before) > _SETTLED_NS
        self._quiet = (before, empty_from_seq) if old and empty_from_seq else None

    def load_state(self) -> RunState | None:
        """The state at the end of the journal, or of its good part; None when there is none.

        A long journal is not read as a whole: the newest good snapshot is taken, and what follows
        it. Damage before that is found by `verify`.

        Cost: 20 ms, and 20 ms more for 10,000 candidates.
        """
        start = self._read(lambda db: _start(db, self._fold_all_up_to))
        if start is None:
            return None
        state, tip = start
        self._tip = (state.seq if state else 0, tip)
        self._damage = None
        state = self._fold_rest(state)
        if self._damage is None and not self._is_live():
            self._look_around(state.seq if state else 0)
        return state

    def _look_around(self, seq: int) -> None:
        """Note damage that left the events as they are; a long journal is left to `verify`."""
        before = opening.stamp(self._path)

        def look(db: sqlite3.Connection) -> str:
            if seq > self._fold_all_up_to:
                return ""
            return soundness.foreign(db) or soundness.wrong_around(self._path, db) or ""

        if what := self._read(look):
            self._around = (before, self._damaged(chain.Broken(seq + 1, what)))

    def _fold_rest(self, state: RunState | None) -> RunState | None:
        while records := self.read_from(state.seq + 1 if state else 1):
            for record in records:
                try:
                    state = fold(state, record)
                except FoldError as error:
                    self._damage = self._damaged(chain.Broken(record.seq, str(error)))
                    return state
            if self._damage:
                break
        return state

    def _damaged(self, broken: chain.Broken) -> Damaged:
        return Damaged(path=str(self._path), what=broken.what, last_good_seq=broken.seq - 1)

    def _read(self, query: Callable[[sqlite3.Connection], T]) -> T | None:
        """What `query` finds; None, with the damage noted, when the file does not let it."""
        what = "it changes faster than it can be read"
        for attempt in range(_ATTEMPTS):
            before = opening.stamp(self._path)
            if before[0] is None or before[0].size_bytes == 0:
                what = soundness.unreadable(self._path) or what
                break
            # An engine that holds the run may not have opened the journal yet, and then a folder
            # that cannot be written gives no live view: every other attempt does without.
            live = attempt % 2 == 0 and self._is_live()
            try:
                found = self._live(query) if live else self._at_rest(query, before)
            except (sqlite3.Error, OSError) as error:
                what = str(error)
                if not _may_pass(error) and not live and opening.stamp(self._path) == before:
                    break
            else:
                if live or opening.stamp(self._path) == before:
                    return found
            time.sleep(_RETRY_S)
        self._damage = Damaged(path=str(self._path), what=what)
        return None

    def _live(self, query: Callable[[sqlite3.Connection], T]) -> T:
        self._drop_copy()
        db = opening.connect_live(self._path)
        try:
            return query(db)
        finally:
            db.close()

    def _at_rest(self, query: Callable[[sqlite3.Connection], T], stamp: opening.Stamp) -> T:
        if any(each and each.size_bytes for each in stamp[1:]):
            return query(self._copied(stamp).db)
        self._drop_copy()
        db = opening.connect_immutable(self._path)
        try:
            return query(db)
        finally:
            db.close()

    def _copied(self, stamp: opening.Stamp) -> opening.Copy:
        if self._copy and self._copy[0] == stamp:
            return self._copy[1]
        self._drop_copy()
        copy = opening.Copy(self._path)
        self._copy = (stamp, copy)
        return copy

    def _drop_copy(self) -> None:
        if self._copy:
            self._copy[1].close()
            self._copy = None

    def close(self) -> None:
        """Let go of the temporary copy, if there is one."""
        self._drop_copy()


def _read_from(
    db: sqlite3.Connection, seq: int, limit: int, previous: bytes | None
) -> reading.Prefix:
    if previous is None:
        previous = reading.hash_at(db, seq - 1)
    if previous is None:
        last = reading.last_seq(db)
        if seq - 1 > last:
            return reading.Prefix([], None)
        return reading.Prefix([], chain.Broken(seq - 1, f"event {seq - 1} cannot be read"))
    return reading.read_chain(db, seq, limit, previous)


def _start(db: sqlite3.Connection, fold_all_up_to: int) -> tuple[RunState | None, bytes]:
    """Where folding can begin: at the newest snapshot of a long journal, or at nothing."""
    try:
        if reading.last_seq(db) > fold_all_up_to and (found := snapshots.newest(db)):
            return found
    except sqlite3.DatabaseError as error:
        if reading.is_passing(error):
            raise
    return None, chain.START


def _may_pass(error: Exception) -> bool:
    return isinstance(error, OSError) or (
        isinstance(error, sqlite3.Error) and reading.is_passing(error)
    )
