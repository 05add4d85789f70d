"""A disk that fills up under a run: the engine waits, loses nothing, can be ended, and goes on."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.journal import Verified, verify
from tests.driving import QUICK, Driver, check_history, of_type, wait_for
from tests.mounts import fill, small_disk

DISK_BYTES = 6 * 1024 * 1024
PATIENCE_S = 60.0
WIDE = QUICK.replace("[0, 40]", "[0, 100000]")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", DISK_BYTES) as folder:
        yield folder


@pytest.fixture
def driver(tmp_path: Path, disk: Path) -> Driver:
    """A campaign whose run lies on the small disk."""
    driver = Driver(tmp_path, WIDE)
    driver.run_dir = disk / "run"
    return driver


def begin(driver: Driver, iterations: int) -> "subprocess.Popen[str]":
    """An engine at work: it has recorded some iterations."""
    engine = driver.start("--run-dir", str(driver.run_dir), "--iterations", str(iterations))
    wait_for((driver.run_dir / "journal.sqlite").exists, PATIENCE_S)
    wait_for(lambda: status(driver)["iteration"] > 2, PATIENCE_S)
    return engine


def status(driver: Driver) -> dict[str, Any]:
    return driver.json("status", str(driver.run_dir))


def events(driver: Driver) -> list[dict[str, Any]]:
    return driver.events(str(driver.run_dir))


def starve(driver: Driver, disk: Path) -> Path:
    """Take all room and wait until the engine says that it waits; the file that takes it."""
    said: dict[str, Any] = {}

    def waits() -> bool:
        fill(disk)
        said.update(status(driver))
        return said["state"] == "waiting"

    wait_for(waits, PATIENCE_S)
    assert "full" in said["reason"] or "room" in said["reason"], said["reason"]
    assert said["engine"]["alive"]
    assert said["journal"] == "ok"
    return disk / "filler"


def test_it_goes_on_by_itself_when_there_is_room(driver: Driver, disk: Path) -> None:
    engine = begin(driver, 100)
    filler = starve(driver, disk)
    acknowledged = events(driver)
    filler.unlink()
    engine.communicate(timeout=PATIENCE_S * 2)
    assert engine.returncode == 0
    found = events(driver)
    assert found[: len(acknowledged)] == acknowledged
    check_history(found)
    verdicts = of_type(found, "VerdictReached")
    assert len(verdicts) == 100
    assert {verdict["verdict"] for verdict in verdicts} <= {"promoted", "rejected"}
    assert isinstance(verify(driver.run_dir / "journal.sqlite"), Verified)


def test_it_can_be_ended_while_it_waits_and_goes_on_later(driver: Driver, disk: Path) -> None:
    engine = begin(driver, 5_000)
    filler = starve(driver, disk)
    acknowledged = events(driver)
    engine.send_signal(signal.SIGTERM)
    engine.send_signal(signal.SIGTERM)
    said, _ = engine.communicate(timeout=PATIENCE_S)
    assert engine.returncode == 130
    assert "Traceback" not in said
    assert driver.marked() == []
    still = events(driver)
    assert still[: len(acknowledged)] == acknowledged
    assert isinstance(verify(driver.run_dir / "journal.sqlite"), Verified)
    refused = driver.run("--run-dir", str(driver.run_dir), status=5)
    assert "Traceback" not in refused.stderr
    filler.unlink()
    done = status(driver)["iteration"]
    driver.run("--run-dir", str(driver.run_dir), "--iterations", str(done + 3))
    found = events(driver)
    assert found[: len(still)] == still
    check_history(found)
    assert {e["verdict"] for e in of_type(found, "VerdictReached")} <= {"promoted", "rejected"}


def test_it_is_killed_while_it_waits_and_goes_on_later(driver: Driver, disk: Path) -> None:
    engine = begin(driver, 5_000)
    filler = starve(driver, disk)
    engine.kill()
    engine.communicate()
    filler.unlink()
    done = status(driver)["iteration"]
    driver.run("--run-dir", str(driver.run_dir), "--iterations", str(done + 3))
    check_history(events(driver))


def test_a_run_that_finds_no_room_at_its_beginning(driver: Driver, disk: Path) -> None:
    filler = fill(disk)
    refused = driver.run("--run-dir", str(driver.run_dir), status=5)
    assert "Traceback" not in refused.stderr
    assert "full" in refused.stderr or "No space left" in refused.stderr
    filler.unlink()
    driver.run("--run-dir", str(driver.run_dir), "--iterations", "2")
