"""Writes down what verdicts were made from: a receipt for each, and the files that judge."""

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from engine.checks import manifest
from engine.checks.harness import Harness
from engine.core.events import AnyEvent, HarnessRecorded, Record
from engine.core.fold import fold
from engine.core.state import RunState
from engine.journal import JournalReader
from engine.loop.writer import Writer
from engine.reports.receipt import Receipt, Receipts, as_file
from engine.runfolder.paths import RunPaths
from engine.runfolder.room import Room

_log = logging.getLogger(__name__)


class ReceiptWriter:
    """Writes the receipt of every verdict soon after it is recorded.

    A receipt that was not written, because the engine died or the disk was full to its end, is made
    out of the journal when the next engine starts.
    """

    def __init__(self, paths: RunPaths, room: Room) -> None:
        self._paths = paths
        self._room = room
        self._receipts = Receipts()
        self._send, self._receive = anyio.create_memory_object_stream[Receipt](math.inf)
        self._done = anyio.Event()

    def witness(self, state: RunState, record: Record) -> None:
        """Take note of a record, with the state right before it."""
        if (receipt := self._receipts.of(state, record)) is not None:
            self._send.send_nowait(receipt)

    async def catch_up(self, state: RunState) -> None:
        """Write the receipts that an earlier engine did not get to."""
        await anyio.to_thread.run_sync(_make_missing, self._paths, state.seq, _judged(state))

    async def run(self) -> None:
        """Write receipts as they come, until `close`."""
        async for receipt in self._receive:
            path = self._paths.receipt(receipt.iteration)
            try:
                await self._room.write(str(path), partial(_in_thread, path, as_file(receipt)))
            except OSError as error:
                _log.warning("%s cannot be written: %s", path, error.strerror)
        self._done.set()

    async def close(self) -> None:
        """Return when all that is known of is written, by `run`."""
        self._send.close()
        await self._done.wait()


def _judged(state: RunState) -> list[int]:
    return [each.iteration for each in state.candidates.values() if each.verdict is not None]


def _make_missing(paths: RunPaths, last_seq: int, judged: Iterable[int]) -> None:
    missing = {number for number in judged if not paths.receipt(number).exists()}
    if not missing:
        return
    for receipt in receipts_of(JournalReader.open(paths.journal, is_live=_yes), last_seq):
        if receipt.iteration in missing:
            _write(paths.receipt(receipt.iteration), as_file(receipt))


def _yes() -> bool:
    return True


def receipts_of(reader: JournalReader, last_seq: int) -> Iterable[Receipt]:
    """The receipts of all verdicts up to an event, made from the journal alone."""
    state: RunState | None = None
    made, seq = Receipts(), 1
    while seq <= last_seq and (records := reader.read_from(seq)):
        for record in records:
            if state is not None and (receipt := made.of(state, record)) is not None:
                yield receipt
            state = fold(state, record)
        seq = records[-1].seq + 1
    reader.close()


async def _in_thread(path: Path, content: bytes) -> None:
    await anyio.to_thread.run_sync(_write, path, content)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


async def record_harness(writer: Writer, paths: RunPaths, harness: Harness) -> None:
    """Record which files judge from now on, unless that is known."""
    listed = manifest.of(harness)
    digest = listed.sha256
    event = HarnessRecorded(
        folder=_named(harness.folder, paths.root),
        files=len(listed.files),
        sha256=digest,
        manifest=f"{paths.harness.name}/{digest[:16]}.json",
    )
    await _in_thread(paths.root / event.manifest, manifest.text_of(listed))
    await writer.decide(_unless_known(event))


def _unless_known(event: HarnessRecorded) -> Callable[[RunState], Sequence[AnyEvent]]:
    return lambda state: [] if state.harness == event else [event]


def _named(folder: Path, root: Path) -> str:
    """The folder as events name it: one within the run's from there, so that a run can be moved."""
    whole = folder.absolute()
    return str(whole.relative_to(root)) if whole.is_relative_to(root) else str(whole)
