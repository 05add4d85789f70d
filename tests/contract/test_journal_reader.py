"""What a reader of a journal promises: alive, at rest, killed, started again, damaged."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.core.events import Record
from engine.core.state import dump
from engine.journal import Journal, JournalReader
from engine.runfolder import RunPaths, create_run_folder, lock
from tests.journal_child import Child
from tests.recorded import NOON, created, digests, extend, folded, iterations, make_run, started


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return create_run_folder(RunPaths.of(tmp_path, "made-s0").root)


def follow(paths: RunPaths, **options: int) -> JournalReader:
    return JournalReader.open(
        paths.journal, is_live=lambda: lock.holder(paths.lock) is not None, **options
    )


def numbers(records: list[Record]) -> list[int]:
    return [record.seq for record in records]


def copies() -> set[str]:
    return {
        entry.name for entry in Path(tempfile.gettempdir()).glob(f"controlroom-{os.getpid()}-*")
    }


def test_a_reader_follows_a_live_journal(paths: RunPaths) -> None:
    with Child(paths.root) as child:
        child.ready()
        reader = follow(paths)
        assert numbers(reader.read_from(1)) == [1, 2]
        assert reader.read_from(3) == []
        child.tell("append 2")
        assert numbers(reader.read_from(3)) == list(range(3, 13))
        assert reader.damage is None


def test_a_piece_can_be_asked_for(paths: RunPaths) -> None:
    run = make_run(paths.root, 3)
    reader = follow(run)
    assert numbers(reader.read_from(4, limit=3)) == [4, 5, 6]
    assert numbers(reader.read_from(2, limit=1)) == [2]
    assert numbers(reader.read_from(18)) == [18]
    assert reader.read_from(19) == []
    assert reader.read_from(500) == []
    assert reader.damage is None


def test_a_reader_goes_on_through_kill_restart_and_end(paths: RunPaths) -> None:
    reader = follow(paths)
    assert reader.read_from(1) == []
    seen: list[Record] = []

    def look() -> int:
        while found := reader.read_from(len(seen) + 1):
            seen.extend(found)
        assert reader.damage is None
        return len(seen)

    for _ in range(3):
        with Child(paths.root) as child:
            assert child.ready() == look()
            last = child.tell("append 3")
            assert look() == last
            child.kill()
            assert look() == last
            assert lock.holder(paths.lock) is None
    with Child(paths.root) as child:
        child.ready()
        last = child.tell("close")
        assert child.end() == 0
        assert look() == last
    assert numbers(seen) == list(range(1, last + 1))
    assert folded(seen).stopped is not None
    reader.close()


def test_two_readers_at_once_see_the_same(paths: RunPaths) -> None:
    first, second = follow(paths), follow(paths)
    with Child(paths.root) as child:
        child.ready()
        child.tell("append 4")
        assert first.read_from(1) == second.read_from(1) != []
        child.kill()
        assert first.read_from(1) == second.read_from(1)
        assert len(first.read_from(1)) == 22
    first.close()
    second.close()


def test_a_reader_does_not_keep_the_engine_from_a_clean_end(paths: RunPaths) -> None:
    with Child(paths.root) as child:
        child.ready()
        reader = follow(paths)
        reader.read_from(1)
        child.tell("append 1")
        reader.read_from(3)
        child.tell("close")
        assert [entry.name for entry in paths.root.glob("journal*")] == ["journal.sqlite"]


def test_a_reader_does_not_make_the_log_grow(paths: RunPaths) -> None:
    """A reader that pins it would: 25 MB after 5,000 events."""
    journal = Journal.create(paths.journal, [created(), started()], NOON)
    reader = JournalReader.open(paths.journal, is_live=lambda: True)
    seen = 0
    for _ in range(6):
        seen += len(reader.read_from(seen + 1))
        for _ in range(40):
            journal.append([started()] * 50, expected_seq=journal.last_seq, time=NOON)
    assert paths.journal.with_name("journal.sqlite-wal").stat().st_size < 8_000_000
    journal.close()


def test_reading_a_finished_run_changes_no_byte_and_leaves_no_file(tmp_path: Path) -> None:
    paths = make_run(tmp_path, 5)
    before = digests(tmp_path)
    reader = follow(paths)
    assert len(reader.read_from(1)) == 28
    assert reader.load_state() == folded(reader.read_from(1))
    reader.close()
    assert digests(tmp_path) == before


def test_reading_a_killed_run_changes_no_byte_and_leaves_no_file(paths: RunPaths) -> None:
    with Child(paths.root) as child:
        child.ready()
        child.tell("append 5")
    assert paths.journal.with_name("journal.sqlite-wal").stat().st_size > 0
    before, copied = digests(paths.root), copies()
    reader = follow(paths)
    records = reader.read_from(1)
    assert len(records) == 27
    assert reader.load_state() == folded(records)
    assert digests(paths.root) == before
    reader.close()
    assert copies() == copied


def test_a_killed_run_is_copied_once(paths: RunPaths) -> None:
    with Child(paths.root) as child:
        child.ready()
        child.tell("append 1")
    copied = copies()
    reader = follow(paths)
    for _ in range(5):
        reader.read_from(1)
    assert len(copies() - copied) == 1
    reader.close()


def test_an_idle_run_costs_no_more_than_a_look(tmp_path: Path) -> None:
    """Nothing is opened again when the files did not change since the last look."""
    paths = make_run(tmp_path, 2)
    old_s = 1_600_000_000
    os.utime(paths.journal, (old_s, old_s))
    reader = follow(paths)
    last = len(reader.read_from(1))
    assert reader.read_from(last + 1) == []
    content = paths.journal.read_bytes()
    paths.journal.write_bytes(bytes(len(content)))
    os.utime(paths.journal, (old_s, old_s))
    assert reader.read_from(last + 1) == []
    assert reader.damage is None
    os.utime(paths.journal)
    assert reader.read_from(last + 1) == []
    assert reader.damage is not None


def long_run(path: Path, *, after: int = 0) -> list[Record]:
    """A journal with a snapshot in its middle and `after` iterations behind it."""
    journal = Journal.create(path, [created(), started()], NOON)
    records = JournalReader.open(path, is_live=lambda: True).read_from(1)
    story = iterations(20 + after)
    records += extend(journal, story[:100])
    journal.save_snapshot(dump(folded(records)), journal.last_seq)
    records += extend(journal, story[100:])
    journal.close()
    return records


@pytest.mark.parametrize("after", [0, 3])
def test_a_long_journal_is_opened_by_its_snapshot(paths: RunPaths, after: int) -> None:
    """Seen by what it does not read: the events before the snapshot may be gone."""
    records = long_run(paths.journal, after=after)
    forget(paths.journal, 50)
    reader = follow(paths, fold_all_up_to=10)
    assert reader.load_state() == folded(records)
    assert reader.damage is None
    assert reader.read_from(103) == records[102:]
    short = follow(paths)
    assert short.load_state() == folded(records[:49])
    assert short.damage is not None
    assert short.damage.last_good_seq == 49


def forget(path: Path, seq: int) -> None:
    """Take an event out, as no program does."""
    with writing(path) as db:
        db.execute("DROP TRIGGER event_is_never_deleted")
        db.execute("DELETE FROM event WHERE seq = ?", (seq,))


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(path, isolation_level=None)
    yield db
    db.close()


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE snapshot SET format = 'older'",
        "UPDATE snapshot SET body = x'81a3'",
        "UPDATE snapshot SET body = zeroblob(length(body))",
        "UPDATE snapshot SET hash = zeroblob(32)",
        "UPDATE snapshot SET seq = 77",
        "DELETE FROM snapshot",
    ],
)
def test_a_snapshot_that_cannot_be_trusted_is_passed_over(paths: RunPaths, spoil: str) -> None:
    records = long_run(paths.journal, after=1)
    with writing(paths.journal) as db:
        db.execute(spoil)
    reader = follow(paths, fold_all_up_to=10)
    assert reader.load_state() == folded(records)


def test_damage_ends_what_is_read_and_is_named(tmp_path: Path) -> None:
    paths = make_run(tmp_path, 5)
    with writing(paths.journal) as db:
        db.execute("DROP TRIGGER event_is_never_changed")
        db.execute("UPDATE event SET body = replace(body, 'ladder', 'lädder') WHERE seq = 9")
    reader = follow(paths)
    assert numbers(reader.read_from(1)) == list(range(1, 9))
    assert reader.damage is not None
    assert reader.damage.last_good_seq == 8
    assert "event 9 does not match the hash chain" in reader.damage.message
    assert numbers(reader.read_from(10)) == list(range(10, 29))
    assert reader.read_from(9) == []


def test_a_missing_journal_is_named_and_may_come(paths: RunPaths) -> None:
    reader = follow(paths)
    assert reader.load_state() is None
    assert reader.damage is not None
    assert "it is missing" in reader.damage.message
    with Child(paths.root) as child:
        child.ready()
        state = reader.load_state()
        assert state is not None
        assert state.seq == 2
        assert reader.damage is None


def test_an_engine_that_has_not_opened_the_journal_yet_is_no_obstacle(paths: RunPaths) -> None:
    """It holds the lock and verifies; what a killed one left has no shared memory file."""
    with Child(paths.root) as child:
        child.ready()
        child.tell("append 2")
    paths.journal.with_name("journal.sqlite-shm").unlink()
    before = digests(paths.root)
    reader = JournalReader.open(paths.journal, is_live=lambda: True)
    assert len(reader.read_from(1)) == 12
    after = digests(paths.root)
    after.pop("journal.sqlite-shm", None)
    assert after == before
    reader.close()


def test_a_run_may_lie_in_a_folder_with_an_odd_name(tmp_path: Path) -> None:
    paths = make_run(tmp_path / "50% off? #1 ü", 2)
    assert len(follow(paths).read_from(1)) == 13
