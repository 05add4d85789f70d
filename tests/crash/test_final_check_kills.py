"""Killed while a leader meets the final checks, and started again: each is tested once."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.driving import Driver, check_turns_of, of_type
from tests.scenario.test_final_checks import finals, world


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """The run that was never killed."""
    driver = world(tmp_path_factory.mktemp("reference"))
    driver.run("--iterations", "3")
    return driver


def found(driver: Driver) -> list[tuple[str, str, float]]:
    """Who was tested, how it ended, and what the judge found."""
    ended = finals(driver.events())
    return [(e["candidate"], e["outcome"], e["metrics"]["by_truth"]) for e in ended]


def reached(events: list[dict[str, Any]], name: str) -> int:
    """How often a point was reached when the first leader's final check is in the middle of it."""
    first = min(
        each["seq"] for each in of_type(events, "RecheckStarted") if each["check"] == "test"
    )
    measuring = of_type(events, "RecheckStarted", *(["CheckStarted"] * (name == "check.produced")))
    return sum(each["seq"] <= first for each in measuring)


@pytest.mark.parametrize("name", ["recheck.started", "check.produced"])
def test_a_final_check_that_is_killed_is_done_again(
    name: str, tmp_path: Path, reference: Driver
) -> None:
    driver = world(tmp_path)
    armed = f"{name}:{reached(reference.events(), name)}"
    driver.run("--iterations", "3", status=-signal.SIGKILL, CONTROLROOM_FAILPOINT=armed)
    (begun,) = [e for e in of_type(driver.events(), "RecheckStarted") if e["check"] == "test"]
    assert finals(driver.events()) == []
    driver.run("--iterations", "3")
    events = driver.events()
    check_turns_of(events)
    (cut_off,) = of_type(events, "RecheckInterrupted")
    assert cut_off["recheck"] == begun["recheck"]
    assert found(driver) == found(reference)
    assert driver.leaderboard() == reference.leaderboard()
    assert of_type(events, "RunFinished")[-1]["reason"] == "iterations"
    assert driver.status()["state"] == "done"
    assert driver.marked() == []
    assert not any((driver.run_dir / "steps").iterdir())
