"""Killed while a check is repaired, and started again: repaired once, and measured once."""

import signal
from pathlib import Path

import pytest

from tests.driving import Driver, check_turns_of, of_type
from tests.scenario.test_repair import KNOWS, MODEL


@pytest.mark.parametrize("name", ["repair.recorded", "repair.ended"])
def test_a_repair_survives_being_killed(name: str, tmp_path: Path) -> None:
    text = MODEL.format(
        name="killed",
        baseline="model: big",
        space="{model: {choices: [big, small]}}",
        config="",
        repair="{fallbacks: {big: small}}",
        iterations=1,
    )
    driver = Driver(tmp_path, text, "killed-s0")
    (tmp_path / "train.py").write_text(KNOWS)
    driver.run(status=-signal.SIGKILL, CONTROLROOM_FAILPOINT=f"{name}:1")
    driver.run()
    events = driver.events()
    check_turns_of(events)
    started = of_type(events, "RepairStarted")
    assert [(each["repair"], each["attempt"]) for each in started] == [("p-0001", 1), ("p-0001", 2)]
    assert len(of_type(events, "RepairFinished")) == 1
    assert [each["outcome"] for each in of_type(events, "CheckFinished")] == ["failed", "passed"]
    assert driver.status()["state"] == "done"
