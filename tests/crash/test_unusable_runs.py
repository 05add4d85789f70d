"""Runs that cannot go on: what the commands say, how they end, and that no byte is changed."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.client import RunHandle
from tests.driving import CONTROLROOM, Driver
from tests.mounts import read_only
from tests.recorded import digests
from tests.terminal import Terminal

UNUSABLE = 5


def torn(journal: Path) -> None:
    """The last page is there by half."""
    with journal.open("r+b") as file:
        file.truncate(journal.stat().st_size - 2048)


def without_the_page_of(event: bytes, journal: Path) -> None:
    """What stands behind the last such event on its page is gone, as after a torn write."""
    content = bytearray(journal.read_bytes())
    start = content.rindex(event)
    end = (start // 4096 + 1) * 4096
    content[start:end] = bytes(end - start)
    journal.write_bytes(content)


def overwritten(journal: Path) -> None:
    """4 kB in the middle are something else; SQLite alone does not notice."""
    with journal.open("r+b") as file:
        file.seek(journal.stat().st_size // 2)
        file.write(random.Random(1).randbytes(4096))


def emptied(journal: Path) -> None:
    journal.write_bytes(b"")


def replaced(journal: Path) -> None:
    journal.write_bytes(random.Random(2).randbytes(20_000))


def deleted(journal: Path) -> None:
    journal.unlink()


HARMS: tuple[Callable[[Path], None], ...] = (torn, overwritten, emptied, replaced, deleted)


def made(folder: Path, failpoint: str) -> Driver:
    """A run of eight iterations, or one that was killed at a failpoint."""
    driver = Driver(folder)
    driver.run("--iterations", "8", status=None, CONTROLROOM_FAILPOINT=failpoint)
    return driver


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Driver]:
    """A run that ended and one that was killed; tests work on copies."""
    return {
        "finished": made(tmp_path_factory.mktemp("finished"), ""),
        "killed": made(tmp_path_factory.mktemp("killed"), "outcome.recorded:11"),
    }


@pytest.fixture(params=["finished", "killed"])
def original(request: pytest.FixtureRequest, originals: dict[str, Driver]) -> Driver:
    return originals[request.param]


@pytest.fixture
def copy(original: Driver, tmp_path: Path) -> Driver:
    """The run in another folder, where it can be harmed."""
    folder = tmp_path / "work"
    shutil.copytree(original.folder, folder)
    return Driver(folder)


def no_trace(driver: Driver, *arguments: str, status: int) -> tuple[str, str]:
    """What a command says; fails on another exit status and on a traceback."""
    done = driver(*arguments, status=status)
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def reading(driver: Driver, *run: str, status: int) -> dict[str, str]:
    """What commands print that read a run."""
    printed: dict[str, str] = {}
    for words in (["status", "--json"], ["leaderboard", "--json"], ["events"]):
        out, err = no_trace(driver, *words, *run, status=status)
        assert ("unusable" in err) == (status == UNUSABLE), (words, err)
        printed[words[0]] = out
    return printed


def refused(driver: Driver, *options: str) -> None:
    """Fails unless the run is refused for its journal, by a message that says all that helps."""
    out, err = no_trace(driver, "run", str(driver.config), *options, status=UNUSABLE)
    assert out == ""
    assert str(driver.run_dir / "journal.sqlite") in err
    assert "last good state" in err or "No event of it can be relied on" in err
    assert "Nothing was changed" in err
    assert "--new" in err


def with_the_events(run_dir: Path) -> Path:
    """The file that holds the events: a killed engine leaves them beside the journal's own."""
    log = run_dir / "journal.sqlite-wal"
    return log if log.exists() else run_dir / "journal.sqlite"


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_journal(harm: Callable[[Path], None], copy: Driver) -> None:
    harm(with_the_events(copy.run_dir))
    before = digests(copy.folder)
    refused(copy, "--no-ui")
    status = json.loads(reading(copy, status=UNUSABLE)["status"])
    assert "unusable" in status["journal"]
    assert not status["engine"]["alive"]
    assert digests(copy.folder) == before


def test_a_damaged_journal_in_other_words(copy: Driver) -> None:
    overwritten(with_the_events(copy.run_dir))
    before = digests(copy.folder)
    refused(copy, "--detach")
    refused(copy, "--no-ui", "--iterations", "20")
    assert str(copy.run_dir) in no_trace(copy, "status", status=UNUSABLE)[0]
    assert no_trace(copy, "logs", "--iteration", "2", status=UNUSABLE)[0]
    assert no_trace(copy, "logs", status=UNUSABLE)[0]
    assert digests(copy.folder) == before


@pytest.mark.parametrize("harm", [emptied, replaced, deleted])
def test_a_killed_run_that_lost_its_main_file(
    harm: Callable[[Path], None], originals: dict[str, Driver], tmp_path: Path
) -> None:
    shutil.copytree(originals["killed"].folder, tmp_path / "work")
    copy = Driver(tmp_path / "work")
    harm(copy.run_dir / "journal.sqlite")
    before = digests(copy.folder)
    refused(copy, "--no-ui")
    reading(copy, status=UNUSABLE)
    assert digests(copy.folder) == before


def test_what_is_good_of_a_torn_journal_is_shown(
    originals: dict[str, Driver], tmp_path: Path
) -> None:
    whole = originals["finished"]
    shutil.copytree(whole.folder, tmp_path / "work")
    copy = Driver(tmp_path / "work")
    without_the_page_of(b"EngineStopped", copy.run_dir / "journal.sqlite")
    printed = reading(copy, status=UNUSABLE)
    events = whole("events").stdout.splitlines()
    shown = printed["events"].splitlines()
    assert 0 < len(shown) < len(events)
    assert shown == events[: len(shown)]
    assert json.loads(printed["leaderboard"])["rows"]


def test_a_new_run_beside_the_damaged_one(originals: dict[str, Driver], tmp_path: Path) -> None:
    """What the message advises works."""
    shutil.copytree(originals["finished"].folder, tmp_path / "work")
    copy = Driver(tmp_path / "work")
    overwritten(copy.run_dir / "journal.sqlite")
    before = digests(copy.run_dir)
    copy.run("--new", "--iterations", "2")
    assert copy.status()["run"] == "quick-s3-2"
    assert digests(copy.run_dir) == before


def test_a_journal_that_was_lost_with_its_heartbeat_is_not_replaced(copy: Driver) -> None:
    for path in copy.run_dir.glob("journal*"):
        path.unlink()
    (copy.run_dir / "heartbeat").unlink()
    before = digests(copy.folder)
    copy.run(status=UNUSABLE)
    assert digests(copy.folder) == before


def test_events_lost_from_beside_the_file(originals: dict[str, Driver], tmp_path: Path) -> None:
    """What a killed engine left in the write-ahead log is gone; SQLite would not say a word."""
    shutil.copytree(originals["killed"].folder, tmp_path / "work")
    copy = Driver(tmp_path / "work")
    (copy.run_dir / "journal.sqlite-wal").unlink()
    before = digests(copy.folder)
    assert "heartbeat speaks of event" in copy.run(status=UNUSABLE).stderr
    reading(copy, status=UNUSABLE)
    assert digests(copy.folder) == before


@pytest.fixture
def seen(original: Driver, tmp_path: Path) -> Iterator[Path]:
    """The run's folder where nobody can write."""
    with read_only(original.run_dir, tmp_path / "quick-s3") as folder:
        yield folder


def test_a_folder_that_cannot_be_written(original: Driver, seen: Path) -> None:
    before = digests(original.run_dir)
    for words in (["--no-ui"], ["--detach"]):
        command = ["run", str(original.config), "--run-dir", str(seen), *words]
        _, err = no_trace(original, *command, status=UNUSABLE)
        assert "Read-only file system" in err
        assert str(seen) in err
    at_home = reading(original, status=0)
    printed = reading(original, str(seen), status=0)
    assert printed["events"] == at_home["events"]
    assert printed["leaderboard"] == at_home["leaderboard"]
    status, home = (json.loads(p["status"]) for p in (printed, at_home))
    assert status["run_dir"] == str(seen)
    assert status == home | {
        "run_dir": str(seen), "heartbeat_age_s": status["heartbeat_age_s"]
    }  # fmt: skip
    assert no_trace(original, "logs", str(seen), status=0)[0]
    for command in ("pause", "resume"):
        _, err = no_trace(original, command, str(seen), status=UNUSABLE)
        assert "Read-only file system" in err
    assert "no engine runs" in no_trace(original, "stop", str(seen), status=0)[0]
    assert digests(original.run_dir) == before


def test_handles_of_what_cannot_be_written_or_is_damaged(copy: Driver, tmp_path: Path) -> None:
    overwritten(with_the_events(copy.run_dir))
    before = digests(copy.run_dir)
    with read_only(copy.run_dir, tmp_path / "quick-s3") as folder:
        handle = RunHandle.open(folder)
        assert handle.refresh() == []
        assert "unusable" in handle.status().journal
        handle.close()
    assert digests(copy.run_dir) == before


@pytest.mark.parametrize("harm", [overwritten, emptied, deleted])
def test_the_screen_of_a_damaged_run(
    harm: Callable[[Path], None], originals: dict[str, Driver], tmp_path: Path
) -> None:
    shutil.copytree(originals["finished"].folder, tmp_path / "work")
    copy = Driver(tmp_path / "work")
    harm(copy.run_dir / "journal.sqlite")
    before = digests(copy.folder)
    shown_by_screen(copy.folder, copy.run_dir, "unusable:", "--new")
    assert digests(copy.folder) == before


def test_the_screen_of_a_run_that_cannot_be_written(
    originals: dict[str, Driver], tmp_path: Path
) -> None:
    driver = originals["killed"]
    before = digests(driver.run_dir)
    with read_only(driver.run_dir, tmp_path / "quick-s3") as folder:
        shown_by_screen(tmp_path, folder, "Crashed", "c-0005")
    assert digests(driver.run_dir) == before


def shown_by_screen(folder: Path, run_dir: Path, *words: str) -> None:
    """Fails unless the screen of a run comes up, says the words, and can be left."""
    terminal = Terminal(folder)
    try:
        terminal.type(*CONTROLROOM, "attach", str(run_dir))
        terminal.wait_text(*words)
        terminal.press("q")
        terminal.wait_text("ready>", "No engine works on the run now")
    finally:
        terminal.close()
