"""A journal of a million events: what it costs to write, to open, to follow and to verify."""

import resource
import time
from pathlib import Path

import pytest

from engine.core import events as e
from engine.core.fold import fold
from engine.core.state import RunState, dump
from engine.journal import Journal, JournalReader, Verified, verify
from tests.recorded import NOON, created, folded, iteration, started

ITERATIONS = 10_000
EVENTS = 1_000_000


def write_long(path: Path) -> tuple[Journal, RunState]:
    """Ten thousand iterations, and so many small events that there are a million."""
    journal = Journal.create(path, [created(), started()], NOON)
    state = folded(JournalReader.open(path, is_live=lambda: True).read_from(1))
    filler: list[e.AnyEvent] = [e.ClockJumped(gap_s=float(i)) for i in range(95)]
    for number in range(1, ITERATIONS + 1):
        events = [*iteration(number), *filler]
        for record in journal.append(events, expected_seq=state.seq, time=NOON):
            state = fold(state, record)
        if number % 1_000 == 0:
            journal.save_snapshot(dump(state), state.seq)
    return journal, state


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_million_events(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal, state = write_long(path)
    assert state.seq == EVENTS + 2
    # Times are of the processor: the machine may be busy with other tests.
    began = time.process_time()
    reader = JournalReader.open(path, is_live=lambda: True)
    assert reader.load_state() == state
    assert time.process_time() - began < 1.0, "opening while it is written"
    journal.close()
    assert path.stat().st_size < 300 * EVENTS
    began = time.process_time()
    assert JournalReader.open(path, is_live=lambda: False).load_state() == state
    assert time.process_time() - began < 1.0, "opening at rest"
    began = time.process_time()
    found = verify(path, heartbeat_seq=state.seq)
    assert isinstance(found, Verified)
    assert found.state == state
    assert time.process_time() - began < 60, "verifying"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 400 * 1024, "KiB"
