"""The hash chain: each event carries a digest of itself and of all events before it.

SQLite does not notice an overwritten payload; the chain does.
"""

import hashlib
from typing import Any, Final, NamedTuple

import msgspec

from engine.core import events
from engine.core.events import AnyEvent, Record

START: Final = bytes(32)
"""The hash that stands before the first event."""


class Broken(NamedTuple):
    """Why a row does not continue the chain."""

    seq: int
    what: str


class Row(NamedTuple):
    """An event as the table holds it."""

    seq: int
    time: str
    type: str
    iteration: int | None
    candidate: str | None
    body: str
    hash: bytes


def link(previous: bytes, seq: int, time: bytes, kind: bytes, body: bytes) -> bytes:
    """The hash of an event: SHA-256 of `previous` and of its number, time, type and body."""
    return hashlib.sha256(b"%s%d\n%s\n%s\n%s" % (previous, seq, time, kind, body)).digest()


def row_of(event: AnyEvent, seq: int, time: str, previous: bytes) -> Row:
    """The row that records `event` as number `seq` after an event with the hash `previous`.

    Raises:
        ValueError: the event could not be read back: JSON has no NaN and no infinity, say.
    """
    body = events.encode(event)
    events.decode(body)
    kind = events.type_of(event)
    return Row(
        seq=seq,
        time=time,
        type=kind,
        iteration=getattr(event, "iteration", None),
        candidate=getattr(event, "candidate", None),
        body=body.decode(),
        hash=link(previous, seq, time.encode(), kind.encode(), body),
    )


def record_of(row: tuple[Any, ...], seq: int, previous: bytes) -> Record | Broken:
    """The record in a row of `seq, time, type, body, hash`, where texts are bytes.

    It must be event `seq` and continue the chain from `previous`.
    """
    found, time, kind, body, digest = row
    if found != seq:
        return Broken(seq, f"event {seq} is missing")
    if not all(type(part) is bytes for part in (time, kind, body, digest)):
        return Broken(seq, f"event {seq} does not have the form of an event")
    if link(previous, seq, time, kind, body) != digest:
        return Broken(seq, f"event {seq} does not match the hash chain")
    try:
        return Record(seq=seq, time=time.decode(), event=events.decode(body), hash=digest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Broken(seq, f"event {seq} is none that this version knows: {error}")
