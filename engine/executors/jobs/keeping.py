"""A job's output, from its pipe to its file. Stdlib and `engine.core.secrets` alone.

A file only grows, so that whoever follows it misses nothing and sees nothing twice. What comes
when it is full is kept from the end, and appended once the command has ended.
"""

import errno
import os
import re
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from engine.core.secrets import Redactor

CHUNK_BYTES: Final = 65536
TAIL_BYTES: Final = 1 << 20
_LONGEST_LINE: Final = 4096
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class Match(NamedTuple):
    """A pattern that a line matches."""

    pattern: str
    line: str


class Patterns:
    """Looks for what a job is to be stopped for, line by line; a carriage return ends one, too."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._known = [(pattern, re.compile(pattern)) for pattern in patterns]
        self._begun = b""

    def feed(self, data: bytes) -> Match | None:
        """The first match in the lines that are whole by now."""
        if not self._known:
            return None
        *lines, rest = (self._begun + data).replace(b"\r", b"\n").split(b"\n")
        self._begun = rest[-_LONGEST_LINE:]
        for line in lines:
            text = line[:_LONGEST_LINE].decode(errors="replace")
            for pattern, known in self._known:
                if known.search(text):
                    return Match(pattern, text.strip()[:200])
        return None


class Stream:
    """One stream of a command's output.

    Args:
        path: the file; it is made anew.
        secrets: what is taken out, by name.
        patterns: what the job is stopped for.
        most_bytes: about how much of it is kept.

    Raises:
        OSError: there is no pipe, or no file.
    """

    def __init__(
        self, path: Path, secrets: dict[str, str], patterns: Iterable[str], most_bytes: int
    ) -> None:
        self.reading_end, self.writing_end = os.pipe()
        os.set_blocking(self.reading_end, False)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC
        self._file = os.open(path, flags, 0o644)
        self._redactor = Redactor(secrets)
        self._patterns = Patterns(patterns)
        self._room_bytes = most_bytes
        self._waiting = b""
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self.match: Match | None = None
        self.ended = False
        self.bytes = 0
        self.left_out_bytes = 0

    @property
    def stuck(self) -> bool:
        """Whether the disk has no room for what was read: then no more is read."""
        return bool(self._waiting)

    def close_writing(self) -> None:
        """Leave the writing end to the command alone."""
        os.close(self.writing_end)

    def read(self) -> int:
        """How many bytes were read and kept; 0 where nothing came, or nothing can come."""
        try:
            data = os.read(self.reading_end, CHUNK_BYTES)
        except BlockingIOError:
            return 0
        if not data:
            self.ended = True
            return 0
        shown = self._redactor.feed(data)
        self.match = self.match or self._patterns.feed(shown)
        self._take(shown)
        self.store()
        return len(data)

    def finish(self) -> None:
        """Let all that was kept be in the file, as far as there is room."""
        self._take(self._redactor.finish())
        kept = b"".join(self._tail)[-TAIL_BYTES:]
        self.left_out_bytes = self._tail_bytes - len(kept)
        if self.left_out_bytes:
            self._waiting += b"\n[... %d bytes left out ...]\n" % self.left_out_bytes
        self._waiting += kept
        self._tail.clear()
        self.store()

    def store(self) -> None:
        """Write what waits; what there is no room for goes on waiting.

        Raises:
            OSError: it can never be written.
        """
        while self._waiting:
            try:
                written = os.write(self._file, self._waiting)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                return
            self._waiting = self._waiting[written:]
            self.bytes += written

    def _take(self, data: bytes) -> None:
        self._waiting += data[: self._room_bytes]
        rest = data[self._room_bytes :]
        self._room_bytes -= len(data) - len(rest)
        if rest:
            self._tail.append(rest)
            self._tail_bytes += len(rest)
            while sum(map(len, self._tail)) - len(self._tail[0]) >= TAIL_BYTES:
                self._tail.popleft()
