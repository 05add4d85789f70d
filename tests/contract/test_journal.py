"""What the journal promises to its one writer."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.core import events as e
from engine.core import failpoints
from engine.core.ids import IterationNumber
from engine.core.state import dump
from engine.journal import (
    Journal,
    JournalBusy,
    JournalConflict,
    JournalReader,
    JournalUnusable,
    Verified,
    verify,
)
from tests.recorded import (
    NOON,
    began,
    checked,
    created,
    extend,
    folded,
    iteration,
    iterations,
    proposed,
    started,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def make(path: Path) -> Journal:
    return Journal.create(path, [created(), started()], NOON)


def at_rest(path: Path) -> list[e.Record]:
    return JournalReader.open(path, is_live=lambda: False).read_from(1)


def whole(path: Path) -> Verified:
    found = verify(path)
    assert isinstance(found, Verified), found
    return found


def test_a_new_journal_holds_its_first_events_and_leaves_no_draft(path: Path) -> None:
    journal = make(path)
    assert journal.last_seq == 2
    journal.close()
    assert [entry.name for entry in path.parent.iterdir()] == ["journal.sqlite"]
    assert [e.type_of(record.event) for record in at_rest(path)] == ["RunCreated", "EngineStarted"]


def test_a_journal_is_never_replaced(path: Path) -> None:
    path.write_bytes(b"")
    with pytest.raises(JournalConflict, match="never replaced"):
        make(path)
    assert path.read_bytes() == b""


def test_a_draft_of_a_killed_engine_is_no_obstacle(path: Path) -> None:
    path.with_name("journal.sqlite.new").write_bytes(b"half a journal")
    make(path).close()
    assert whole(path).last_seq == 2
    assert len(list(path.parent.iterdir())) == 1


def test_records_are_numbered_without_holes_and_chained(path: Path) -> None:
    journal = make(path)
    records = extend(journal, iterations(3))
    assert [record.seq for record in records] == list(range(3, 18))
    assert journal.last_hash == records[-1].hash
    assert len({record.hash for record in records}) == 15
    journal.close()
    assert at_rest(path)[2:] == records


def test_opening_again_goes_on_where_it_ended(path: Path) -> None:
    journal = make(path)
    extend(journal, iterations(1))
    journal.close()
    again = Journal.open(path)
    assert again.last_seq == 7
    extend(again, iteration(2))
    again.close()
    assert whole(path).state.last_iteration == 2


def test_the_chain_is_what_it_was_in_the_first_version(path: Path) -> None:
    """A journal written today must be readable by every later version."""
    journal = Journal.create(path, [created()], NOON)
    journal.append([began(1)], expected_seq=1, time=NOON)
    assert journal.last_hash.hex() == GOLDEN
    journal.close()


def test_an_event_of_the_first_version_is_read() -> None:
    """Fields that came later are what they were meant to be before: at their defaults."""
    body = json.loads(e.encode(created()))
    for later in ("failures_in_all", "usd", "tokens", "exit_on_halt", "finish"):
        del body["limits"][later]
    del body["metric"]["forgeable"]
    assert e.decode(json.dumps(body).encode()) == created()


GOLDEN = "09cdc593c851b20bbac881ffa263ebfc86d2dba39e50dbbb649e652a6f1e80f4"


def test_another_expectation_is_a_conflict_and_records_nothing(path: Path) -> None:
    journal = make(path)
    with pytest.raises(JournalConflict, match="is at event 2, the writer expected 1"):
        journal.append([began(1)], expected_seq=1, time=NOON)
    journal.append([began(1)], expected_seq=2, time=NOON)
    journal.close()
    assert whole(path).last_seq == 3


def test_a_second_writer_is_a_conflict_for_the_one_that_comes_late(path: Path) -> None:
    first = make(path)
    second = Journal.open(path)
    second.append([began(1)], expected_seq=2, time=NOON)
    with pytest.raises(JournalConflict):
        first.append([began(1)], expected_seq=2, time=NOON)
    second.close()
    first.close()
    assert whole(path).last_seq == 3


def test_a_file_held_by_another_program_is_a_delay(path: Path) -> None:
    journal = make(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalBusy, match="locked"):
        journal.append([began(1)], expected_seq=2, time=NOON)
    with pytest.raises(JournalBusy, match="locked"):
        journal.save_snapshot(b"", 2)
    other.execute("ROLLBACK")
    other.close()
    journal.append([began(1)], expected_seq=2, time=NOON)
    journal.close()
    assert whole(path).last_seq == 3


class Torn(Exception):
    """What a failpoint raises here."""


@contextmanager
def torn_at(name: str) -> Iterator[None]:
    """What is done inside ends at the failpoint, with `Torn`."""

    def action(reached: str) -> None:
        if reached == name:
            raise Torn

    failpoints.arm(action)
    try:
        with pytest.raises(Torn):
            yield
    finally:
        failpoints.arm(lambda _: None)


def test_a_failure_inside_a_transaction_leaves_nothing_of_it(path: Path) -> None:
    journal = make(path)
    body = dump(folded(at_live(path)))
    with torn_at("journal.appended"):
        journal.append(iteration(1), expected_seq=2, time=NOON)
    with torn_at("snapshot.written"):
        journal.save_snapshot(body, 2)
    assert journal.last_seq == 2
    journal.append(iteration(1), expected_seq=2, time=NOON)
    journal.close()
    assert whole(path).last_seq == 7


def at_live(path: Path) -> list[e.Record]:
    return JournalReader.open(path, is_live=lambda: True).read_from(1)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_could_not_be_read_back_is_not_recorded(path: Path, value: float) -> None:
    journal = make(path)
    extend(journal, [began(1), proposed(1)])
    with pytest.raises(ValueError, match="Expected `float`, got `null`"):
        journal.append([checked(1, value)], expected_seq=4, time=NOON)
    assert journal.last_seq == 4
    journal.close()
    assert whole(path).last_seq == 4


def test_any_text_comes_back_as_it_was(path: Path) -> None:
    text = 'a "quoted"\n\x00line, ümläut, 漢字, 🧪 ' * 500
    journal = make(path)
    journal.append([e.StopRequested(by="x", reason=text)], expected_seq=2, time=NOON)
    journal.close()
    event = at_rest(path)[-1].event
    assert isinstance(event, e.StopRequested)
    assert event.reason == text


def test_events_cannot_be_changed_or_deleted_in_the_file(path: Path) -> None:
    make(path).close()
    db = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        db.execute("UPDATE event SET body = '{}'")
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        db.execute("DELETE FROM event")
    db.close()


def test_a_closed_journal_is_one_file_without_a_free_page(path: Path) -> None:
    journal = make(path)
    records = [*at_live(path), *extend(journal, iterations(40))]
    for _ in range(3):
        journal.save_snapshot(dump(folded(records)) + bytes(100_000), journal.last_seq)
    journal.save_snapshot(dump(folded(records)), journal.last_seq)
    journal.close()
    assert [entry.name for entry in path.parent.iterdir()] == ["journal.sqlite"]
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA freelist_count").fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM snapshot").fetchone() == (1,)
    db.close()


def test_snapshots_do_not_make_the_file_grow(path: Path) -> None:
    journal = make(path)
    state = folded(at_live(path))
    body = dump(state)
    for _ in range(30):
        journal.save_snapshot(body + bytes(1_000_000), 2)
    # Two of them at most, and what the write-ahead log is allowed to keep.
    size_bytes = sum(entry.stat().st_size for entry in path.parent.iterdir())
    assert size_bytes < 8_500_000
    journal.close()


def test_a_snapshot_of_another_event_is_refused(path: Path) -> None:
    journal = make(path)
    with pytest.raises(JournalConflict, match="is at event 2, not at 1"):
        journal.save_snapshot(b"", 1)
    journal.close()


def test_a_reader_that_does_not_let_go_delays_the_end_and_loses_nothing(path: Path) -> None:
    journal = make(path)
    extend(journal, iterations(2))
    stuck = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    stuck.execute("BEGIN")
    assert stuck.execute("SELECT count(*) FROM event").fetchone() == (12,)
    extend(journal, iteration(3))
    journal.close()
    stuck.close()
    assert whole(path).last_seq == 17


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "unable to open"),
        (b"", "unable to open|holds no event|no such table|file is not a database"),
        (b"not a database\n" * 100, "file is not a database"),
    ],
)
def test_what_is_no_journal_cannot_be_opened(path: Path, content: bytes | None, what: str) -> None:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(JournalUnusable, match=what):
        Journal.open(path)


def test_a_folder_is_no_journal(path: Path) -> None:
    path.mkdir()
    with pytest.raises(JournalUnusable, match="unable to open"):
        Journal.open(path)


def test_the_columns_for_people_say_what_the_body_says(path: Path) -> None:
    journal = make(path)
    extend(journal, [began(1), proposed(1)])
    journal.close()
    db = sqlite3.connect(path)
    rows = db.execute("SELECT type, iteration, candidate FROM event ORDER BY seq").fetchall()
    db.close()
    assert rows == [
        ("RunCreated", None, None),
        ("EngineStarted", None, None),
        ("IterationStarted", IterationNumber(1), None),
        ("CandidateProposed", 1, "c-0001"),
    ]
