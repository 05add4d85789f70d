"""A disk without room: nothing acknowledged is lost, and the run goes on when there is room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.client import ClientError, Pause, RunHandle
from engine.core.commands import Envelope, Stop
from engine.core.events import Record
from engine.core.ids import CommandId
from engine.core.state import dump
from engine.journal import Journal, JournalFull, JournalReader, Verified, verify
from engine.runfolder import (
    Heartbeat,
    HeartbeatFile,
    RunPaths,
    create_run_folder,
    heartbeat,
    identity,
    inbox,
    lock,
    pause,
)
from tests.mounts import fill, small_disk
from tests.recorded import NOON, created, digests, extend, folded, iterations, started

ROOM_BYTES = 1_000_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", ROOM_BYTES) as folder:
        yield folder


@pytest.fixture
def paths(disk: Path) -> RunPaths:
    return create_run_folder(disk / "run")


def make(paths: RunPaths) -> tuple[Journal, list[Record]]:
    journal = Journal.create(paths.journal, [created(), started()], NOON)
    return journal, JournalReader.open(paths.journal, is_live=lambda: True).read_from(1)


def until_full(journal: Journal, records: list[Record]) -> None:
    """Append until the disk refuses; `records` are the acknowledged ones."""
    story = iterations(5_000)
    with pytest.raises(JournalFull, match=r"disk is full|No space|disk I/O"):  # noqa: PT012
        for start in range(0, len(story), 5):
            records += journal.append(
                story[start : start + 5], expected_seq=journal.last_seq, time=NOON
            )
    assert len(records) == journal.last_seq > 100


def seen(paths: RunPaths) -> list[Record]:
    reader = JournalReader.open(paths.journal, is_live=lambda: True)
    records = reader.read_from(1, limit=100_000)
    assert reader.damage is None
    return records


def test_a_full_disk_loses_nothing_and_the_same_call_works_when_there_is_room(
    disk: Path, paths: RunPaths
) -> None:
    filler = fill_all_but(disk, 300_000)
    journal, records = make(paths)
    until_full(journal, records)
    for _ in range(3):
        with pytest.raises(JournalFull):
            journal.append(iterations(40), expected_seq=journal.last_seq, time=NOON)
    assert seen(paths) == records
    filler.unlink()
    records += journal.append([started()], expected_seq=journal.last_seq, time=NOON)
    assert seen(paths) == records
    journal.close()
    found = verify(paths.journal, heartbeat_seq=len(records))
    assert isinstance(found, Verified)
    assert found.state == folded(records)
    assert [entry.name for entry in paths.root.glob("journal*")] == ["journal.sqlite"]


def fill_all_but(disk: Path, room_bytes: int) -> Path:
    keep = disk / "keep"
    keep.write_bytes(bytes(room_bytes))
    filler = fill(disk)
    keep.unlink()
    return filler


def test_a_snapshot_that_finds_no_room_is_not_kept_and_harms_nothing(
    disk: Path, paths: RunPaths
) -> None:
    journal, records = make(paths)
    with pytest.raises(JournalFull):
        journal.save_snapshot(dump(folded(records)) + bytes(ROOM_BYTES), journal.last_seq)
    records += extend(journal, iterations(2))
    journal.save_snapshot(dump(folded(records)), journal.last_seq)
    journal.close()
    assert isinstance(verify(paths.journal), Verified)
    assert disk.exists()


def test_a_journal_that_is_closed_on_a_full_disk_is_whole(disk: Path, paths: RunPaths) -> None:
    filler = fill_all_but(disk, 300_000)
    journal, records = make(paths)
    until_full(journal, records)
    journal.close()
    before = digests(paths.root)
    found = verify(paths.journal, heartbeat_seq=len(records))
    assert isinstance(found, Verified)
    assert found.state == folded(records)
    assert digests(paths.root) == before
    filler.unlink()
    again = Journal.open(paths.journal)
    again.append([started()], expected_seq=len(records), time=NOON)
    again.close()
    assert isinstance(verify(paths.journal), Verified)


@pytest.mark.parametrize("room_bytes", [0, 8_192, 20_000])
def test_a_journal_that_cannot_be_made_leaves_nothing_behind(
    room_bytes: int, disk: Path, paths: RunPaths
) -> None:
    filler = fill_all_but(disk, room_bytes) if room_bytes else fill(disk)
    with pytest.raises(JournalFull):
        Journal.create(paths.journal, [created(), *iterations(300)], NOON)
    assert list(paths.root.glob("journal*")) == []
    filler.unlink()
    Journal.create(paths.journal, [created()], NOON).close()
    assert isinstance(verify(paths.journal), Verified)


def test_a_journal_opened_on_a_full_disk(disk: Path, paths: RunPaths) -> None:
    """It opens or says why not; once there is room it goes on."""
    journal, records = make(paths)
    records += extend(journal, iterations(3))
    journal.close()
    filler = fill(disk)
    with pytest.raises(JournalFull):
        Journal.open(paths.journal).append([started()], expected_seq=len(records), time=NOON)
    assert isinstance(verify(paths.journal), Verified)
    filler.unlink()
    again = Journal.open(paths.journal)
    again.append([started()], expected_seq=len(records), time=NOON)
    again.close()
    assert isinstance(verify(paths.journal, heartbeat_seq=len(records) + 1), Verified)


def test_the_heartbeat_goes_on_where_there_is_no_room(disk: Path, paths: RunPaths) -> None:
    file = HeartbeatFile.open(paths.heartbeat)
    fill(disk)
    for seq in range(5):
        assert file.write(a_beat(seq))
        found = heartbeat.read(paths.heartbeat)
        assert found is not None
        assert found.seq == seq
    file.close()


def a_beat(seq: int) -> Heartbeat:
    own = identity.own()
    return Heartbeat(
        pid=own.pid,
        start_ticks=own.start_ticks,
        boot_id=own.boot_id,
        host=own.host,
        time=0.0,
        seq=seq,
        alive_s=0.0,
        state="running",
    )


def test_a_command_that_finds_no_room_leaves_no_half_of_it(disk: Path, paths: RunPaths) -> None:
    fill(disk)
    with pytest.raises(OSError, match="No space left"):
        inbox.put(paths.inbox, Envelope(id=CommandId("1"), by="cli", command=Stop()))
    assert list(paths.inbox.iterdir()) == []
    handle = RunHandle.open(paths.root)
    with pytest.raises(ClientError, match="No space left"):
        handle.send(Pause(reason="lunch"))
    assert pause.exists(paths.pause)
    handle.close()


def test_the_lock_holds_where_there_is_no_room(disk: Path, paths: RunPaths) -> None:
    fill(disk)
    held = lock.take(paths.lock)
    assert isinstance(held, lock.RunLock)
    held.release()
