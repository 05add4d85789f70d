"""An engine that is killed while a check is on a host: the next goes on with the same attempt."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.driving import Driver, check_history, of_type
from tests.scenario.test_remote import PRINTED, SLOW, on_hosts, remote
from tests.sshd import Sshd


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Sshd]:
    made = Sshd(tmp_path / "one", "one")
    yield made
    made.stop()


@pytest.mark.parametrize(
    "failpoint",
    [
        "job.recorded:2",  # its place is written down, nothing was begun there
        "job.started",  # it runs there, unrecorded
        "job.ended",  # it ended there, nobody here knows how
        "job.over",  # how it ended is recorded, nothing was fetched
    ],
)
def test_the_same_attempt_goes_on(tmp_path: Path, one: Sshd, failpoint: str) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "measure.py").write_text(SLOW.replace("0.1", "0.01"))
    driver = Driver(work, remote(one))
    driver.run("--iterations", "1", status=-9, CONTROLROOM_FAILPOINT=failpoint)
    driver.run("--iterations", "1")
    events = driver.events()
    check_history(events)
    (measured,) = [e for e in of_type(events, "CheckFinished") if e["check"] == "measure"]
    assert (measured["attempt"], measured["outcome"], measured["exit_code"]) == (1, "passed", 0)
    assert measured["metrics"] == {"score": 7}
    assert (driver.run_dir / "jobs" / "j-0001" / "log").read_text() == PRINTED
    assert not on_hosts(driver)
