"""Killed while a run is brought to its end, and started again: one end, one report."""

import signal
from pathlib import Path

import pytest

from tests.driving import QUICK, Driver, check_history, check_turns_of, of_type
from tests.finishing import HANGING, Lively, before_deadline, ended


@pytest.mark.parametrize("name", ["finish.planned", "finish.began", "finish.cut"])
def test_a_finish_survives_being_killed(name: str, tmp_path: Path) -> None:
    lively = Lively(tmp_path)
    lively.run("--iterations", "2")
    if name == "finish.cut":
        lively.pace(HANGING)
    lively("finish", "--minutes-left", "0.1")
    lively.run(status=-signal.SIGKILL, CONTROLROOM_FAILPOINT=f"{name}:1")
    with lively.running() as engine:
        ended(engine)
    events = lively.events()
    check_turns_of(events)
    assert len(of_type(events, "FinishPlanned")) == 1
    assert len(of_type(events, "FinishBegan")) == 1
    assert of_type(events, "RunFinished")[-1]["reason"] == "finish"
    assert lively.marked() == []


@pytest.mark.parametrize("name", ["finish.measured", "report.started"])
def test_its_last_phases_survive_being_killed(name: str, tmp_path: Path) -> None:
    lively = Lively(tmp_path, "{report: true}")
    lively.run("--iterations", "2")
    lively("finish", "--minutes-left", "2", "--final-rounds", "0")
    killed = {"CONTROLROOM_FAILPOINT": f"{name}:1"}
    lively.run(status=-signal.SIGKILL, **killed)
    lively.run()
    events = lively.events()
    check_turns_of(events)
    assert len(of_type(events, "FinishBegan")) == 1
    assert len(of_type(events, "FinishMoved")) == 2
    assert before_deadline(events)
    assert of_type(events, "RunFinished")[-1]["reason"] == "finish"


@pytest.mark.parametrize("name", ["report.started", "report.written"])
def test_a_report_survives_being_killed(name: str, tmp_path: Path) -> None:
    driver = Driver(tmp_path, QUICK.replace("{report: false}", "{report: true}"))
    driver.run("--iterations", "3", status=-signal.SIGKILL, CONTROLROOM_FAILPOINT=f"{name}:1")
    driver.run("--iterations", "3")
    events = driver.events()
    check_history(events)
    assert len(of_type(events, "ReportStarted")) == 2
    assert len(of_type(events, "ReportWritten")) == 1
    assert driver.status()["report"]["state"] == "written"
