"""Damaged journals, folders that cannot be written: what is said, what is read, what is changed."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.client import ClientError, Pause, RunHandle
from engine.core.events import Record
from engine.core.state import dump
from engine.journal import Damaged, Journal, JournalReader, Verified, verify
from engine.runfolder import Heartbeat, HeartbeatFile, RunPaths, create_run_folder, identity
from tests.journal_child import Child
from tests.mounts import read_only
from tests.recorded import (
    NOON,
    created,
    digests,
    extend,
    folded,
    iterations,
    make_run,
    started,
    stopped,
)

PAGE_BYTES = 4096


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    """A finished run with some forty pages of events and a snapshot."""
    paths = create_run_folder(RunPaths.of(tmp_path_factory.mktemp("original"), "made-s0").root)
    journal = Journal.create(paths.journal, [created(), started()], NOON)
    records = JournalReader.open(paths.journal, is_live=lambda: True).read_from(1)
    records += extend(journal, iterations(60))
    journal.save_snapshot(dump(folded(records)), journal.last_seq)
    extend(journal, [stopped()])
    journal.close()
    return paths


@pytest.fixture(scope="module")
def content(original: RunPaths) -> bytes:
    return original.journal.read_bytes()


@pytest.fixture(scope="module")
def history(original: RunPaths) -> list[Record]:
    return JournalReader.open(original.journal, is_live=lambda: False).read_from(1)


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return create_run_folder(RunPaths.of(tmp_path, "made-s0").root)


def noise(size_bytes: int) -> bytes:
    return random.Random(7).randbytes(size_bytes)


def overwritten(content: bytes, start: int, patch: bytes) -> bytes:
    return content[:start] + patch + content[start + len(patch) :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "torn in the last page": lambda b: b[:-2500],
    "last page lost": lambda b: b[:-PAGE_BYTES],
    "second half lost": lambda b: b[: len(b) // 2],
    "4 kB overwritten in the middle": lambda b: overwritten(b, len(b) // 2, noise(4096)),
    "4 kB zeroed in the middle": lambda b: overwritten(b, len(b) // 2, bytes(4096)),
    "40 bytes of a payload overwritten": lambda b: overwritten(b, b.index(b"key-30"), b"y" * 40),
    "one bit of a payload": lambda b: overwritten(b, b.index(b"key-30"), b"jey-30"),
    "first page zeroed": lambda b: overwritten(b, 0, bytes(PAGE_BYTES)),
    "ten bytes left": lambda b: b[:10],
    "emptied": lambda _: b"",
    "a text": lambda _: b"not a database\n" * 300,
    "longer than it should be": lambda b: b + bytes(100),
}


def look(paths: RunPaths, history: list[Record]) -> Damaged:
    """What `verify` finds, after everything that reads was tried; no byte may change by it."""
    before = digests(paths.root)
    found = verify(paths.journal)
    assert isinstance(found, Damaged)
    handle = RunHandle.open(paths.root)
    records = handle.records_from(1)
    assert records == history[: len(records)]
    status = handle.status()
    assert status.journal.startswith("the journal ")
    assert "unusable" in status.journal
    assert handle.refresh() == []
    assert handle.status().journal == status.journal
    handle.close()
    assert digests(paths.root) == before
    return found


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named_and_nothing_is_changed(
    name: str, paths: RunPaths, content: bytes, history: list[Record]
) -> None:
    paths.journal.write_bytes(DAMAGES[name](content))
    found = look(paths, history)
    assert found.last_good_seq == (found.state.seq if found.state else 0)
    assert str(paths.journal) in found.message
    assert "Nothing was changed" in found.message
    assert "--new" in found.message


def test_the_message_names_the_last_good_state(
    paths: RunPaths, content: bytes, history: list[Record]
) -> None:
    start = content.index(b"key-30")
    paths.journal.write_bytes(overwritten(content, start, b"y" * 40))
    found = look(paths, history)
    assert found.last_good_seq == 148
    assert (
        "event 149 does not match the hash chain. The last good state is event 148, iteration 30, "
        "champion c-0002 at 0.5 ms."
    ) in found.message


def test_a_page_overwritten_anywhere_is_noticed(
    paths: RunPaths, content: bytes, history: list[Record]
) -> None:
    for start in range(0, len(content), PAGE_BYTES):
        paths.journal.write_bytes(overwritten(content, start, noise(PAGE_BYTES)))
        look(paths, history)


@pytest.mark.parametrize("shift", [1, 1000, 3000])
def test_4_kb_overwritten_across_pages_are_noticed(
    shift: int, paths: RunPaths, content: bytes, history: list[Record]
) -> None:
    for start in range(shift, len(content) - 4096, 3 * PAGE_BYTES):
        paths.journal.write_bytes(overwritten(content, start, noise(4096)))
        look(paths, history)


def test_a_folder_in_the_place_of_the_journal(paths: RunPaths) -> None:
    paths.journal.mkdir()
    assert "it is a folder" in look(paths, []).message


def test_an_emptied_journal(paths: RunPaths) -> None:
    paths.journal.write_bytes(b"")
    assert "it is empty" in look(paths, []).message
    assert "it is empty" in RunHandle.open(paths.root).status().journal


def test_a_journal_that_is_gone(paths: RunPaths, original: RunPaths) -> None:
    assert "it is missing" in look(paths, []).message
    found = verify(paths.journal, heartbeat_seq=303)
    assert isinstance(found, Damaged)
    assert "it is missing (the heartbeat speaks of event 303)" in found.message
    assert isinstance(verify(original.journal, heartbeat_seq=303), Verified)


def test_a_journal_of_a_later_version(paths: RunPaths, content: bytes) -> None:
    version_at = 60  # the header's user version, four bytes, most significant first
    paths.journal.write_bytes(overwritten(content, version_at, b"\0\0\0\x09"))
    found = verify(paths.journal)
    assert isinstance(found, Damaged)
    assert "format 9" in found.message


def test_another_database(paths: RunPaths, content: bytes) -> None:
    application_at = 68
    paths.journal.write_bytes(overwritten(content, application_at, b"\0\0\0\x09"))
    found = verify(paths.journal)
    assert isinstance(found, Damaged)
    assert "not a journal" in found.message


def beat(paths: RunPaths, seq: int) -> None:
    own = identity.own()
    file = HeartbeatFile.open(paths.heartbeat)
    file.write(
        Heartbeat(
            pid=own.pid,
            start_ticks=own.start_ticks,
            boot_id=own.boot_id,
            host=own.host,
            time=1.0,
            seq=seq,
            alive_s=1.0,
            state="running",
        )
    )
    file.close()


def killed_run(paths: RunPaths) -> list[Record]:
    """A run that was killed: most of its events lie beside the main file."""
    with Child(paths.root) as child:
        child.ready()
        last = child.tell("append 20")
    assert last == 102
    beat(paths, last)
    reader = JournalReader.open(paths.journal, is_live=lambda: False)
    records = reader.read_from(1)
    reader.close()
    assert len(records) == 102
    return records


def wal(paths: RunPaths) -> Path:
    return paths.journal.with_name("journal.sqlite-wal")


def lose(path: Path) -> None:
    path.unlink()


def garble(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(overwritten(content, len(content) // 2, noise(4096)))


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [lose, garble, empty])
def test_events_that_a_killed_engine_left_beside_the_file_are_missed(
    harm: Callable[[Path], None], paths: RunPaths
) -> None:
    """SQLite drops them without a word; the heartbeat knows of them."""
    history = killed_run(paths)
    harm(wal(paths))
    before = digests(paths.root)
    found = verify(paths.journal, heartbeat_seq=102)
    assert isinstance(found, Damaged)
    assert 0 < found.last_good_seq < 102
    assert f"it ends at event {found.last_good_seq}, and the heartbeat speaks of event 102" in (
        found.message
    )
    handle = RunHandle.open(paths.root)
    assert handle.records_from(1) == history[: found.last_good_seq]
    assert "speaks of event 102" in handle.status().journal
    handle.close()
    assert digests(paths.root) == before


def test_a_killed_run_with_a_damaged_main_file(paths: RunPaths) -> None:
    with Child(paths.root) as child:
        child.ready()
        child.tell("append 20")
        child.tell("close")
        child.end()
    with Child(paths.root) as child:
        child.ready()
        child.tell("append 1")
    content = paths.journal.read_bytes()
    paths.journal.write_bytes(overwritten(content, len(content) // 2, noise(4096)))
    before = digests(paths.root)
    assert isinstance(verify(paths.journal), Damaged)
    handle = RunHandle.open(paths.root)
    assert handle.damage is not None
    handle.close()
    assert digests(paths.root) == before


@pytest.mark.parametrize("shm", ["kept", "lost"])
@pytest.mark.parametrize("end", ["finished", "killed"])
def test_a_folder_that_cannot_be_written_is_read_as_any_other(
    end: str, shm: str, tmp_path: Path
) -> None:
    paths = create_run_folder(RunPaths.of(tmp_path / "work", "made-s0").root)
    if end == "killed":
        history = killed_run(paths)
    else:
        make_run(tmp_path / "work", 20)
        history = JournalReader.open(paths.journal, is_live=lambda: False).read_from(1)
    if shm == "lost":
        paths.journal.with_name("journal.sqlite-shm").unlink(missing_ok=True)
    before = digests(paths.root)
    with read_only(paths.root, tmp_path / "made-s0") as seen:
        assert isinstance(verify(RunPaths(seen).journal), Verified)
        handle = RunHandle.open(seen)
        assert handle.state == folded(history)
        assert handle.records_from(1) == history
        status = handle.status()
        assert status.journal == "ok"
        assert status.state == ("crashed" if end == "killed" else "stopped")
        with pytest.raises(ClientError, match="Read-only file system"):
            handle.send(Pause())
        handle.close()
    assert digests(paths.root) == before


def test_a_damaged_journal_in_a_folder_that_cannot_be_written(
    tmp_path: Path, content: bytes, history: list[Record]
) -> None:
    paths = create_run_folder(RunPaths.of(tmp_path / "work", "made-s0").root)
    paths.journal.write_bytes(DAMAGES["4 kB overwritten in the middle"](content))
    with read_only(paths.root, tmp_path / "made-s0") as seen:
        look(RunPaths(seen), history)


def test_a_live_run_is_followed_through_a_mount_that_cannot_be_written(tmp_path: Path) -> None:
    paths = create_run_folder(RunPaths.of(tmp_path / "work", "made-s0").root)
    with Child(paths.root) as child, read_only(paths.root, tmp_path / "made-s0") as seen:
        child.ready()
        handle = RunHandle.open(seen)
        assert handle.liveness().holder == child.process.pid
        child.tell("append 2")
        assert len(handle.refresh()) == 10
        child.kill()
        assert handle.refresh() == []
        assert handle.status().state == "crashed"
        handle.close()
