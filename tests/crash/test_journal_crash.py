"""A writer killed at every failpoint of the journal: what was acknowledged is there, and whole."""

import signal
from pathlib import Path

import pytest

from engine.journal import JournalReader, Verified, verify
from engine.runfolder import RunPaths, create_run_folder, lock
from tests.journal_child import Child
from tests.recorded import digests


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return create_run_folder(RunPaths.of(tmp_path, "made-s0").root)


def killed(paths: RunPaths, failpoint: str, *lines: str) -> int:
    """The last event that a child acknowledged before it died at the failpoint."""
    acknowledged = 0
    with Child(paths.root, failpoint) as child:
        acknowledged = max(acknowledged, child.ready())
        for line in lines:
            acknowledged = max(acknowledged, child.tell(line))
        assert child.end() == -signal.SIGKILL, f"{failpoint} was never reached"
    assert lock.holder(paths.lock) is None
    return acknowledged


def whole(paths: RunPaths) -> int:
    before = digests(paths.root)
    found = verify(paths.journal)
    assert isinstance(found, Verified), found
    assert digests(paths.root) == before
    return found.last_seq


def goes_on(paths: RunPaths) -> None:
    last = whole(paths)
    with Child(paths.root) as child:
        assert child.ready() == last + 1
        assert child.tell("append 1") == last + 6
        assert child.tell("snapshot") == last + 6
        child.tell("close")
        assert child.end() == 0
    assert whole(paths) == last + 7
    assert [entry.name for entry in paths.root.glob("journal*")] == ["journal.sqlite"]


def test_killed_while_the_journal_is_made(paths: RunPaths) -> None:
    assert killed(paths, "journal.created") == 0
    assert not paths.journal.exists()
    with Child(paths.root) as child:
        assert child.ready() == 2
    assert whole(paths) == 2
    goes_on(paths)


@pytest.mark.parametrize("hit", [1, 2, 3])
def test_killed_before_a_commit(paths: RunPaths, hit: int) -> None:
    acknowledged = killed(paths, f"journal.appended:{hit}", "append 1", "append 1", "append 1")
    assert whole(paths) == acknowledged == 2 + 5 * (hit - 1)
    goes_on(paths)


@pytest.mark.parametrize("hit", [1, 2, 3])
def test_killed_after_a_commit(paths: RunPaths, hit: int) -> None:
    acknowledged = killed(paths, f"journal.committed:{hit}", "append 1", "append 1", "append 1")
    assert whole(paths) == acknowledged + 5
    goes_on(paths)


@pytest.mark.parametrize("hit", [1, 2])
def test_killed_while_a_snapshot_is_kept(paths: RunPaths, hit: int) -> None:
    acknowledged = killed(
        paths, f"snapshot.written:{hit}", "append 2", "snapshot", "append 1", "snapshot"
    )
    assert whole(paths) == acknowledged
    reader = JournalReader.open(paths.journal, is_live=lambda: False, fold_all_up_to=0)
    state = reader.load_state()
    reader.close()
    assert state is not None
    assert state.seq == acknowledged
    goes_on(paths)


def test_killed_again_and_again(paths: RunPaths) -> None:
    acknowledged = 0
    for round_ in range(5):
        acknowledged = killed(paths, f"journal.appended:{round_ + 2}", *["append 1"] * (round_ + 2))
        assert whole(paths) == acknowledged
    goes_on(paths)
