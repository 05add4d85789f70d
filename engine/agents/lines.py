"""Splitting what a program prints into lines, wherever it is cut."""

from typing import Final

import msgspec

LONGEST_BYTES: Final = 16 << 20


class TooLong(msgspec.Struct, frozen=True):
    """A line that was left out because of its length."""

    size_bytes: int


class Lines:
    """Puts lines together again, without their ends.

    Args:
        longest_bytes: a longer line is counted and left out; no more than that is kept in memory.
    """

    def __init__(self, longest_bytes: int = LONGEST_BYTES) -> None:
        self._longest_bytes = longest_bytes
        self._parts: list[bytes] = []
        self._size_bytes = 0

    def feed(self, data: bytes) -> list[bytes | TooLong]:
        """The lines that end in `data`."""
        *ended, rest = data.split(b"\n")
        found: list[bytes | TooLong] = []
        for part in ended:
            self._add(part)
            found.append(self._take())
        self._add(rest)
        return found

    def finish(self) -> list[bytes | TooLong]:
        """The last line, when it has no end."""
        return [self._take()] if self._size_bytes else []

    def _add(self, part: bytes) -> None:
        self._size_bytes += len(part)
        if self._size_bytes > self._longest_bytes:
            self._parts.clear()
        elif part:
            self._parts.append(part)

    def _take(self) -> bytes | TooLong:
        size_bytes, parts = self._size_bytes, self._parts
        self._size_bytes, self._parts = 0, []
        if size_bytes > self._longest_bytes:
            return TooLong(size_bytes)
        return b"".join(parts)
