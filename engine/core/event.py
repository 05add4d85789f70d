"""What all events share."""

import msgspec


class LogSpan(msgspec.Struct, frozen=True, kw_only=True):
    """Where the output of a check lies: a file below the run folder, and byte offsets."""

    path: str
    start: int = 0
    end: int | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Something that was decided or found out, once and for all."""
