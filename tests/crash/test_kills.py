"""The engine killed with -9 at random moments, and started again by the same command."""

import contextlib
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.driving import REPOSITORY, Driver, check_history, of_type


@pytest.mark.parametrize(
    ("kills", "iterations"), [(6, 12), pytest.param(40, 60, marks=pytest.mark.long)]
)
def test_kills_change_nothing(tmp_path: Path, kills: int, iterations: int) -> None:
    reference = packing(tmp_path / "reference")
    killed = packing(tmp_path / "killed")
    begun = time.monotonic()
    reference.run("--iterations", str(iterations), "--slots", "1", "--seed", "3")
    whole_s = time.monotonic() - begun

    dice = random.Random(11)
    for _ in range(kills):
        engine = killed.start("--iterations", str(iterations), "--slots", "1", "--seed", "3")
        # Moments spread over the run, and over the start-up of the engine as well.
        with contextlib.suppress(subprocess.TimeoutExpired):
            engine.wait(dice.uniform(0.05, 1.6 * whole_s / kills + 0.7))
        assert engine.poll() is None, "the run was over before it was killed often enough"
        engine.send_signal(signal.SIGKILL)
        engine.communicate()
    killed.run("--iterations", str(iterations), "--slots", "1", "--seed", "3")

    events = killed.events()
    check_history(events)
    assert len(of_type(events, "VerdictReached")) == iterations
    assert killed.marked() == []
    assert killed.leaderboard() == reference.leaderboard()


def packing(folder: Path) -> Driver:
    """Circle packing, as it ships, driven in a folder of its own."""
    folder.mkdir()
    driver = Driver(folder, name="circle-packing-s3")
    driver.config = REPOSITORY / "configs" / "circle-packing.yaml"
    return driver
