"""Snapshots: the state at one event, so that opening a long run need not fold all of it."""

import hashlib
import sqlite3
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from engine.core import events, fold, metric, state, verdict
from engine.core.state import RunState

_SOURCES: Final = (events, fold, metric, state, verdict)


@cache
def state_format() -> str:
    """A name for the form of the state and of the fold that this program has.

    It is made of their source, so that no snapshot of an older fold is ever taken for a new one.
    """
    digest = hashlib.sha256()
    for module in _SOURCES:
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:16]


def write(db: sqlite3.Connection, body: bytes, seq: int, chain_hash: bytes) -> None:
    """Put a snapshot in the place of all earlier ones, inside the open transaction."""
    db.execute("DELETE FROM snapshot")
    db.execute(
        "INSERT INTO snapshot (seq, hash, body, body_hash, format) VALUES (?, ?, ?, ?, ?)",
        (seq, chain_hash, body, hashlib.sha256(body).digest(), state_format()),
    )


def newest(db: sqlite3.Connection) -> tuple[RunState, bytes] | None:
    """The state of the newest snapshot that can be trusted, and the chain's hash there.

    One of another format, with a wrong hash, or beside the chain is passed over.
    """
    rows = db.execute(
        "SELECT snapshot.seq, snapshot.hash, snapshot.body, snapshot.body_hash FROM snapshot"
        " JOIN event ON event.seq = snapshot.seq AND event.hash = snapshot.hash"
        " WHERE format = ? ORDER BY snapshot.seq DESC",
        (state_format(),),
    ).fetchall()
    for seq, chain_hash, body, body_hash in rows:
        if hashlib.sha256(body).digest() == body_hash and (loaded := _load(body, seq)):
            return loaded, chain_hash
    return None


def _load(body: bytes, seq: int) -> RunState | None:
    try:
        loaded = state.load(body)
    except msgspec.DecodeError:
        return None
    return loaded if loaded.seq == seq else None


def damaged(db: sqlite3.Connection) -> str | None:
    """What is wrong with a snapshot of any format, or None."""
    for seq, body, body_hash in db.execute("SELECT seq, body, body_hash FROM snapshot"):
        if type(body) is not bytes or hashlib.sha256(body).digest() != body_hash:
            return f"the snapshot of the state at event {seq} does not match its hash"
    return None
