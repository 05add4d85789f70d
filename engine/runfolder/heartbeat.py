"""The heartbeat: what the engine says about itself each second, in one file.

The file is filled once and then overwritten in place, because one that is made anew each time
becomes an empty one when the disk is full.
"""

import os
import zlib
from pathlib import Path
from typing import Final

import msgspec

SIZE_BYTES: Final = 4096
_READS: Final = 3


class SlotBeat(msgspec.Struct, frozen=True, kw_only=True):
    """What a slot waits for, and since when (seconds since 1970)."""

    slot: int
    iteration: int
    phase: str
    since: float


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """The engine at one moment. `time` is in seconds since 1970, `seq` its last event.

    `alive_s` is how long engines of the run have lived in all.
    """

    pid: int
    start_ticks: int
    boot_id: str
    host: str
    time: float
    seq: int
    alive_s: float
    state: str
    waiting: str | None = None
    slots: list[SlotBeat] = []


_DECODER: Final[msgspec.json.Decoder[Heartbeat]] = msgspec.json.Decoder(Heartbeat)


class HeartbeatFile:
    """The heartbeat file, held open by the engine."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> "HeartbeatFile":
        """The file at `path`, with all the room that it will ever need.

        Raises:
            OSError: it cannot be written; `ENOSPC` when there is no room for 4 KiB.
        """
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if os.fstat(descriptor).st_size != SIZE_BYTES:
                os.pwrite(descriptor, bytes(SIZE_BYTES), 0)
                os.ftruncate(descriptor, SIZE_BYTES)
        except OSError:
            os.close(descriptor)
            raise
        return cls(descriptor)

    def write(self, beat: Heartbeat) -> bool:
        """Whether the file says so now; False when the disk refused, which ends nothing.

        Cost: 10 µs; it may be called after every event.
        """
        try:
            return os.pwrite(self._descriptor, pack(beat), 0) == SIZE_BYTES
        except OSError:
            return False

    def close(self) -> None:
        """Let go of the file; it keeps what was written last."""
        os.close(self._descriptor)


def pack(beat: Heartbeat) -> bytes:
    """The 4 KiB that hold `beat`: a checksum, JSON, and zeros. Slots that find no room are cut."""
    while True:
        body = msgspec.json.encode(beat)
        text = b"%08x %s\n" % (zlib.crc32(body), body)
        if len(text) <= SIZE_BYTES:
            return text.ljust(SIZE_BYTES, b"\0")
        if beat.slots:
            beat = msgspec.structs.replace(beat, slots=beat.slots[: len(beat.slots) // 2])
        else:
            beat = msgspec.structs.replace(beat, state=beat.state[:20], waiting="(too long)")


def unpack(content: bytes) -> Heartbeat | None:
    """The heartbeat in `content`; None when it is torn or something else."""
    checksum, _, rest = content.partition(b" ")
    body, _, _ = rest.partition(b"\n")
    if checksum != b"%08x" % zlib.crc32(body):
        return None
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def read(path: Path) -> Heartbeat | None:
    """What the engine said last; None when there is nothing, or nothing whole."""
    for _ in range(_READS):
        try:
            with path.open("rb", buffering=0) as file:
                found = unpack(file.read(SIZE_BYTES) or b"")
        except OSError:
            return None
        if found is not None:
            return found
    return None
