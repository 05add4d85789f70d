"""The one way by which state changes: decide, append, fold, publish."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

import anyio
import anyio.to_thread

from engine.core.events import AnyEvent, Record
from engine.core.fold import fold
from engine.core.state import RunState, dump
from engine.journal import Journal, JournalDelayed, JournalError

RETRY_S: Final = 1.0
SNAPSHOT_EVERY: Final = 2_000

T = TypeVar("T")
Decision = Callable[[RunState], Sequence[AnyEvent]]
Listener = Callable[[Record], None]
Witness = Callable[[RunState, Record], None]


def now_utc() -> str:
    """The time of day as the journal stamps it: ISO 8601, UTC, milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Trouble:
    """Why something cannot be written at the moment, for the heartbeat."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def note(self, source: str, reason: str | None) -> None:
        """Say what keeps `source` waiting, or with None that nothing does any more."""
        if reason is None:
            self._reasons.pop(source, None)
        else:
            self._reasons[source] = reason

    @property
    def reason(self) -> str | None:
        """One reason, when there is any."""
        return next(iter(self._reasons.values()), None)


class Writer:
    """Holds the state and the journal; everything that happens to a run goes through `decide`."""

    def __init__(
        self,
        journal: Journal,
        state: RunState,
        trouble: Trouble,
        *,
        now: Callable[[], str] = now_utc,
    ) -> None:
        self.state = state
        self.trouble = trouble
        self._journal = journal
        self._now = now
        # A free lock is taken at once: every decision takes it, and goes to a thread right after.
        self._lock = anyio.Lock(fast_acquire=True)
        self._one_thread = anyio.CapacityLimiter(1)
        self._changed = anyio.Event()
        self._listeners: list[Listener] = []
        self._witnesses: list[Witness] = []
        self._snapshot_at = state.seq

    def listen(self, listener: Listener) -> None:
        """Call `listener` with every record from now on, after it is folded."""
        self._listeners.append(listener)

    def witness(self, witness: Witness) -> None:
        """Call `witness` with every record from now on, and the state as it is right before it."""
        self._witnesses.append(witness)

    async def decide(self, decision: Decision) -> list[Record]:
        """Record what `decision` makes of the state; nothing else is recorded in between.

        A full disk, or a file that another program holds, is waited out: the call returns only
        when the events are on the disk.
        """
        async with self._lock:
            events = list(decision(self.state))
            if not events:
                return []
            records = await self._append(events)
            for record in records:
                for witness in self._witnesses:
                    witness(self.state, record)
                fold(self.state, record)
            self._publish(records)
            if self.state.seq >= self._snapshot_at + max(SNAPSHOT_EVERY, self._snapshot_at // 2):
                await self._snapshot()
        return records

    async def record(self, *events: AnyEvent) -> list[Record]:
        """Record events that need no look at the state."""
        return await self.decide(lambda _: events)

    async def wait_change(self) -> None:
        """Wait until something was recorded."""
        await self._changed.wait()

    async def close(self) -> None:
        """Leave one clean journal file behind."""
        async with self._lock:
            if self.state.seq > self._snapshot_at:
                await self._snapshot()
            await self._in_thread(self._journal.close)

    async def _append(self, events: list[AnyEvent]) -> list[Record]:
        while True:
            try:
                records = await self._in_thread(
                    lambda: self._journal.append(
                        events, expected_seq=self.state.seq, time=self._now()
                    )
                )
            except JournalDelayed as error:
                self.trouble.note("journal", str(error))
                await anyio.sleep(RETRY_S)
            else:
                self.trouble.note("journal", None)
                return records

    async def _snapshot(self) -> None:
        """A snapshot only makes opening quicker: where it cannot be kept the run goes on."""
        body, seq = dump(self.state), self.state.seq
        try:
            await self._in_thread(lambda: self._journal.save_snapshot(body, seq))
        except JournalError:
            return  # if the file broke, the next event will say so
        finally:
            self._snapshot_at = seq

    def wake(self) -> None:
        """Let everyone who waits for a change look again."""
        self._changed.set()
        self._changed = anyio.Event()

    def _publish(self, records: list[Record]) -> None:
        self.wake()
        for record in records:
            for listener in self._listeners:
                listener(record)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(call, limiter=self._one_thread)
