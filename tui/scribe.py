"""From events and log files to lines of the log: the part of the feed that writes."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from engine.core import events as e
from engine.core.state import RunState
from tui.text import LineReducer
from tui.views.log import LogEntry, Narrator
from tui.views.words import epoch_of

ReadLog = Callable[[str, int, int], tuple[bytes, int]]
"""Path, offset and limit in bytes, to the bytes and the next offset."""

CHUNK_BYTES: Final = 256 * 1024
"""How much of one log is read at a time."""

TAIL_BYTES: Final = 64 * 1024
"""How much of a log is shown when more came than is worth showing."""

OLD_BYTES: Final = 8 * 1024
"""How much is shown of the output of a check that ended before we looked."""


_HEADING: Final = re.compile(r"=== [0-9a-f]{16} iteration \d+ (check|agent) ")


@dataclass(slots=True)
class Tail:
    """A log that is followed."""

    path: str
    offset: int
    slot: str
    check: str
    reducer: LineReducer = field(default_factory=LineReducer)


class Scribe:
    """Follows the logs of open steps and says what events mean, in the order of things."""

    def __init__(self, read: ReadLog) -> None:
        self._read = read
        self._narrator = Narrator()
        self._tails: dict[int, Tail] = {}

    def recall(self, records: Iterable[e.Record], state: RunState) -> list[LogEntry]:
        """The lines of events from before we looked; the moment of their output is not known."""
        baseline = state.first()
        self._narrator.begin(baseline.parameters if baseline else None)
        for turn in state.open.values():
            self._narrator.place(turn.iteration, turn.slot)
        lines = list(self._lines(records, None))
        for tail in self._tails.values():
            lines += self._drain(tail, None)
        return lines

    def take(self, records: Iterable[e.Record], now: float) -> list[LogEntry]:
        """The lines of new events, each check's output before its end."""
        return list(self._lines(records, now))

    def poll(self, now: float) -> list[LogEntry]:
        """What running checks wrote since the last look."""
        lines: list[LogEntry] = []
        for tail in self._tails.values():
            lines += self._drain(tail, now)
        return lines

    def _lines(self, records: Iterable[e.Record], now: float | None) -> Iterator[LogEntry]:
        for record in records:
            yield from self._output(record.event, now)
            said = self._narrator.tell(record.event, epoch_of(record.time))
            if said is not None:
                yield said

    def _output(self, event: e.AnyEvent, now: float | None) -> Iterator[LogEntry]:
        match event:
            case e.CheckStarted():
                slot = self._narrator.slot_of(event.iteration)
                self._tails[event.iteration] = Tail(
                    event.log.path, event.log.start, slot, event.check
                )
            case e.AgentStarted():
                slot = self._narrator.slot_of(event.iteration)
                self._tails[event.iteration] = Tail(
                    event.log.path, event.log.start, slot, event.agent
                )
            case e.CheckFinished() | e.AgentFinished():
                yield from self._finish(event.iteration, event.log.end, now)
            case e.CheckInterrupted() | e.AgentInterrupted() | e.VerdictReached():
                yield from self._finish(event.iteration, None, now)
            case _:
                pass

    def _finish(self, iteration: int, end: int | None, now: float | None) -> Iterator[LogEntry]:
        tail = self._tails.pop(iteration, None)
        if tail is None:
            return
        if now is None:
            yield from self._old(tail, end)
        else:
            yield from self._drain(tail, now)
        for text in tail.reducer.finish():
            yield LogEntry(now, tail.slot, tail.check, text)

    def _old(self, tail: Tail, end: int | None) -> Iterator[LogEntry]:
        """The last part of what a check wrote that ended long ago."""
        if end is None:
            return
        start = max(tail.offset, end - OLD_BYTES)
        content, _ = self._read(tail.path, start, end - start)
        if start > tail.offset:
            content = content.partition(b"\n")[2]
        yield from _entries(tail, content, None)

    def _drain(self, tail: Tail, now: float | None) -> list[LogEntry]:
        """What is new; a program that writes faster than we read is shown by its latest lines."""
        content, following = self._read(tail.path, tail.offset, CHUNK_BYTES)
        lines: list[LogEntry] = []
        if len(content) == CHUNK_BYTES:
            latest, end = self._read(tail.path, -TAIL_BYTES, TAIL_BYTES)
            if end - TAIL_BYTES > tail.offset:
                skipped = end - TAIL_BYTES - tail.offset
                lines.append(self._skipped(tail, skipped, now))
                tail.reducer = LineReducer()
                content, following = latest.partition(b"\n")[2], end
        tail.offset = following
        return [*lines, *_entries(tail, content, now)]

    def _skipped(self, tail: Tail, skipped_bytes: int, now: float | None) -> LogEntry:
        text = f"… {skipped_bytes / 1e6:.1f} MB not shown here; it is kept in {tail.path}"
        return LogEntry(now, tail.slot, tail.check, text, "quiet")


def _entries(tail: Tail, content: bytes, now: float | None) -> Iterator[LogEntry]:
    """Lines of output. The engine's own heading of a check says what the prefix says already."""
    for text in tail.reducer.feed(content):
        if not _HEADING.match(text):
            yield LogEntry(now, tail.slot, tail.check, text)
