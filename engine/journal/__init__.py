"""SQLite: the append-only record of a run. All SQL of the project lives here."""

from engine.journal.damage import Damaged, Verified, last_good
from engine.journal.errors import (
    JournalBusy,
    JournalConflict,
    JournalDelayed,
    JournalError,
    JournalFull,
    JournalUnusable,
)
from engine.journal.reader import JournalReader
from engine.journal.verifying import verify
from engine.journal.writer import Journal

__all__ = [
    "Damaged",
    "Journal",
    "JournalBusy",
    "JournalConflict",
    "JournalDelayed",
    "JournalError",
    "JournalFull",
    "JournalReader",
    "JournalUnusable",
    "Verified",
    "last_good",
    "verify",
]
