"""Detached checks in a run that nothing happens to: stopped, paused, bounded, and shown."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.driving import check_turns_of, of_type, wait_for
from tests.executing import lives
from tests.jobs import TRAINING, Training, whole


@pytest.fixture
def training(tmp_path: Path) -> Iterator[Training]:
    training = Training(tmp_path)
    yield training
    training.end()


def test_an_orderly_stop_leaves_nothing(training: Training) -> None:
    """What it ended is done again, as the next attempt and another job."""
    with training.running() as engine:
        training.both_run()
        training("stop", "--now", "--wait")
        assert engine.wait() == 0
    assert training.marked() == []
    assert len(training.of("CheckInterrupted")) == 2
    training.go(2)
    training.go(3)
    training.run()
    events = training.events()
    check_turns_of(events)
    jobs = [each["job"] for each in of_type(events, "CheckStarted")]
    assert jobs == [f"j-000{number}" for number in range(1, 6)]
    assert [each["attempt"] for each in of_type(events, "CheckFinished")] == [1, 2, 2]
    ends = [each["outcome"] for each in of_type(events, "JobEnded")]
    assert ends.count("ended") == 3


def test_a_stop_ends_what_a_paused_engine_does_not_follow(training: Training) -> None:
    with training.running() as engine:
        training.both_run()
        engine.kill()
    training("pause")
    with training.running() as engine:
        wait_for(lambda: training.status()["state"] == "pausing")
        supervisors = [job["supervisor"] for job in training.status()["jobs"]]
        assert all(map(lives, supervisors))
        training("stop", "--wait")
        assert engine.wait() == 0
    assert not any(map(lives, supervisors))
    assert training.marked() == []


def test_a_person_stops_one_of_two(training: Training) -> None:
    with training.running() as engine:
        training.both_run()
        training("job", "stop", "j-0002", "--reason", "no use")
        wait_for(lambda: any(each["iteration"] == 2 for each in training.of("VerdictReached")))
        again = training("job", "stop", "j-0002", status=2)
        assert "j-0002 is over" in again.stdout + again.stderr
        assert "no job j-9999" in training("job", "stop", "j-9999", status=2).stderr
        assert lives(training.supervisor("j-0003"))
        training.go(3)
        assert engine.wait() == 0
    assert training.verdict(2)["verdict"] == "inconclusive"
    assert "no use" in training.verdict(2)["reason"]
    assert training.ended("j-0002")["outcome"] == "stopped"
    assert whole(training.log("j-0003"))
    assert [row["iteration"] for row in training.leaderboard()["rows"]].count(2) == 0


def test_jobs_are_shown(training: Training) -> None:
    with training.running() as engine:
        training.both_run()
        wait_for(lambda: all(each["cpu_s"] for each in training.status()["jobs"]))
        second, third = training.status()["jobs"]
        assert (second["job"], second["iteration"], second["state"]) == ("j-0002", 2, "running")
        assert second["supervisor"] == training.supervisor("j-0002")
        assert third["processes"] >= 1
        assert "j-0003  #3 train  running" in training("job").stdout
        assert "job j-0002  #2 train  running" in training("status").stdout
        assert "line 1\n" in training("logs", "--iteration", "2").stdout
        training.go(2)
        training.go(3, status=5)
        assert engine.wait() == 0
    told = training("job", "list", "--all").stdout
    assert "j-0003  #3 train  ended with status 5" in told
    assert training("job").stdout == "no job is under way\n"


@pytest.mark.parametrize("cores", [1, 2])
def test_resources_bound_how_many_run_at_once(tmp_path: Path, cores: int) -> None:
    text = TRAINING.replace("cores: 2", f"cores: {cores}").replace("slots: 2", "slots: 3")
    training = Training(tmp_path, text.replace("iterations: 3", "iterations: 5"))
    for iteration in range(2, 6):
        training.go(iteration)
    try:
        training.run()
    finally:
        training.end()
    running, most = 0, 0
    for event in of_type(training.events(), "CheckStarted", "CheckFinished"):
        running += 1 if event["type"] == "CheckStarted" else -1
        most = max(most, running)
    assert most == cores


def test_a_finish_cuts_off_a_training(training: Training) -> None:
    with training.running("--iterations", "100") as engine:
        training.both_run()
        training("finish", "--minutes-left", "0.1", "--final-rounds", "0")
        assert engine.wait() == 0
    check_turns_of(training.events())
    for iteration in (2, 3):
        assert training.verdict(iteration)["verdict"] == "inconclusive"
    assert training.marked() == []
