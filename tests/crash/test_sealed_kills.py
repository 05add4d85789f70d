"""An engine with sealed checks, killed between and in their halves, and started again."""

import signal
from pathlib import Path

import pytest

from tests.driving import check_history, of_type
from tests.sealing import packed_in


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("check.spawned:3", marks=pytest.mark.long),
        "check.produced:2",
        pytest.param("check.ended:2", marks=pytest.mark.long),
    ],
)
def test_a_killed_check_is_done_again_from_its_first_half(tmp_path: Path, name: str) -> None:
    reference, killed = (tmp_path / each for each in ("reference", "killed"))
    reference.mkdir()
    killed.mkdir()
    whole, driver = packed_in(reference), packed_in(killed)
    whole.run("--iterations", "3")
    died = driver.run("--iterations", "3", status=None, CONTROLROOM_FAILPOINT=name)
    assert died.returncode == -signal.SIGKILL
    driver.run("--iterations", "3")
    check_history(driver.events())
    assert driver.leaderboard() == whole.leaderboard()
    assert driver.marked() == []
    assert len(of_type(driver.events(), "CheckInterrupted")) == 1
    log = (driver.run_dir / "logs" / "00002.log").read_text()
    assert log.count(" produce attempt") == 2, "the interrupted check began with its judge"
    assert not any((driver.run_dir / "steps").iterdir())
