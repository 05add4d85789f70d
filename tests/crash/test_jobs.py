"""Engines that are killed while trainings run, and trainings whose supervisors are."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from engine.executors import procfs
from tests.driving import check_turns_of, of_type, wait_for
from tests.executing import lives
from tests.jobs import TRAINING, Training, whole


@pytest.fixture
def training(tmp_path: Path) -> Iterator[Training]:
    training = Training(tmp_path)
    yield training
    training.end()


def crashed(training: Training) -> None:
    """Two trainings run, and their engine is gone."""
    with training.running() as engine:
        training.both_run()
        engine.kill(signal.SIGKILL)
        engine.wait()


def finished(training: Training) -> None:
    """The run came to its end, in good order, and left nothing."""
    training.run()
    check_turns_of(training.events())
    assert training.status()["state"] == "done"
    assert training.status()["jobs"] == []
    assert training.marked() == []


def test_trainings_outlive_a_killed_engine(training: Training) -> None:
    """Both are followed again, and the one that ended meanwhile ended as it did."""
    crashed(training)
    before = training.log("j-0003")
    supervisors = [training.supervisor(job) for job in ("j-0002", "j-0003")]
    assert all(map(lives, supervisors))
    training.go(2, status=7)
    training.exited("j-0002")
    training.printed("j-0003", before.count(b"\n") + 10)  # it works on while no engine lives
    with training.running() as engine:
        (again,) = wait_for(lambda: training.of("JobReattached"))
        training.printed("j-0003", training.log("j-0003").count(b"\n") + 5)
        training.go(3)
        assert engine.wait() == 0
    finished(training)
    events = training.events()
    assert again["job"] == "j-0003"
    assert again["log_bytes"] >= len(before)
    assert of_type(events, "CheckInterrupted") == []
    second, third = of_type(events, "CheckFinished")[1:]
    if second["iteration"] == 3:
        second, third = third, second
    assert (second["exit_code"], second["verdict"], second["attempt"]) == (7, "incorrect", 1)
    assert (third["exit_code"], third["outcome"], third["attempt"]) == (0, "passed", 1)
    assert third["metrics"].keys() == {"loss"}
    ends = [training.ended(job) for job in ("j-0002", "j-0003")]
    assert [(end["outcome"], end["exit_code"]) for end in ends] == [("ended", 7), ("ended", 0)]
    started = of_type(events, "EngineStarted")[-1]
    assert ends[0]["at"] < started["time"] < ends[1]["at"]
    for check, job in ((second, "j-0002"), (third, "j-0003")):
        log = training.log(job)
        assert whole(log)
        assert check["log"] == {"path": f"jobs/{job}/log", "start": 0, "end": len(log)}
        assert check["duration_s"] > 0
    assert not any(map(lives, supervisors))
    assert training("job", "log", "j-0002").stdout.encode() == training.log("j-0002")


def test_both_are_followed_again_and_again(training: Training) -> None:
    crashed(training)
    for times in (2, 4):
        with training.running() as engine:
            wait_for(partial(training.was_followed, times))
            engine.kill(signal.SIGKILL)
    assert [job["state"] for job in training.status()["jobs"]] == ["running"] * 2
    training.go(2)
    training.go(3)
    finished(training)
    assert whole(training.log("j-0002"))
    assert whole(training.log("j-0003"))
    assert len(training.of("JobStarted")) == 3


def states(training: Training) -> list[str]:
    """How the jobs are doing that no engine has said to be over."""
    return [job["state"] for job in training.status()["jobs"]]


def test_how_jobs_are_doing_is_known_without_an_engine(training: Training) -> None:
    crashed(training)
    assert states(training) == ["running", "running"]
    training.go(2, status=7)
    wait_for(lambda: states(training) == ["over", "running"])
    supervisor = training.supervisor("j-0003")
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not lives(supervisor))
    assert states(training) == ["over", "lost"]
    finished(training)


def test_what_could_not_be_compared_is_ended_and_done_again(training: Training) -> None:
    """Under other terms a training is another one."""
    crashed(training)
    old = [training.supervisor(job) for job in ("j-0002", "j-0003")]
    training.config.write_text(TRAINING.replace("deadline: 100s", "deadline: 90s"))
    assert "checks.train.deadline" in training.run(status=2).stderr
    assert all(map(lives, old))  # nobody has agreed to anything
    training.go(2)
    training.go(3)
    training.run("--accept-changes")
    events = training.events()
    check_turns_of(events)
    assert not any(map(lives, old))
    assert len(of_type(events, "CheckInterrupted")) == 2
    assert [each["attempt"] for each in of_type(events, "CheckFinished")] == [1, 2, 2]
    assert training.marked() == []


def test_a_supervisor_that_is_killed_loses_its_job_alone(training: Training) -> None:
    """Whether or not an engine sees it; what ran below it is ended, too."""
    with training.running() as engine:
        training.both_run()
        os.kill(training.supervisor("j-0002"), signal.SIGKILL)
        wait_for(lambda: any(each["iteration"] == 2 for each in training.of("VerdictReached")))
        engine.kill(signal.SIGKILL)
    os.kill(training.supervisor("j-0003"), signal.SIGKILL)
    finished(training)
    for iteration, job in ((2, "j-0002"), (3, "j-0003")):
        assert training.ended(job)["outcome"] == "lost"
        (verdict,) = [
            each for each in training.of("VerdictReached") if each["iteration"] == iteration
        ]
        assert verdict["verdict"] == "infra"
        assert "supervisor is gone" in verdict["reason"]


@pytest.mark.parametrize("lie", ["pid", "boot"])
def test_a_foreign_process_is_neither_believed_nor_killed(training: Training, lie: str) -> None:
    """A record that names another process, or the process of another boot of the machine."""
    crashed(training)
    record = training.run_dir / "jobs/j-0002/job.json"
    told = json.loads(record.read_bytes())
    foreign = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        if lie == "pid":
            os.kill(told["pid"], signal.SIGKILL)
            ticks = procfs.start_ticks(foreign.pid)
            told |= {"pid": foreign.pid, "start_ticks": ticks}
        else:
            told["boot_id"] = "00000000-0000-0000-0000-000000000000"
        record.write_text(json.dumps(told))
        training.go(3)
        finished(training)
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()
    end = training.ended("j-0002")
    assert (end["outcome"], end["exit_code"]) == ("lost", None)
    assert ("another machine" in end["detail"]) == (lie == "boot")
    assert training.ended("j-0003")["outcome"] == "ended"


def test_a_pattern_stops_a_training_while_no_engine_lives(training: Training) -> None:
    crashed(training)
    training.say(2, "step 9 loss: nan")
    training.exited("j-0002")
    assert not lives(training.supervisor("j-0002"))
    training.go(3)
    finished(training)
    end = training.ended("j-0002")
    assert (end["outcome"], end["detail"]) == ("pattern", "step 9 loss: nan")
    verdict = training.verdict(2)
    assert verdict["verdict"] == "incorrect"
    assert "matched 'loss: nan': step 9 loss: nan" in verdict["reason"]
    assert training.verdict(3)["verdict"] in ("promoted", "rejected")


def test_a_training_is_stopped_by_a_person_while_no_engine_lives(training: Training) -> None:
    crashed(training)
    told = training.json("job", "stop", "j-0002", "--reason", "the wrong data")
    assert told["job"] == "j-0002"
    training.exited("j-0002")
    training.go(3)
    finished(training)
    assert training.ended("j-0002")["outcome"] == "stopped"
    verdict = training.verdict(2)
    assert (verdict["verdict"], verdict["consequence"]) == ("inconclusive", "none")
    assert "the wrong data" in verdict["reason"]
    assert verdict["value"] is None


def test_what_is_measured_again_goes_on_too(tmp_path: Path) -> None:
    training = Training(tmp_path, TRAINING.replace("leaders: 0", "leaders: 1"))
    try:
        training.go(2)
        point = {"CONTROLROOM_FAILPOINT": "recheck.begun:1"}
        training.run("--iterations", "2", status=-signal.SIGKILL, **point)
        (tmp_path / "go-2").unlink()
        with training.running("--iterations", "2") as engine:
            training.printed("j-0003", 3)
            engine.kill(signal.SIGKILL)
        with training.running("--iterations", "2") as engine:
            wait_for(lambda: training.of("JobReattached"))
            training.go(2)
            assert engine.wait() == 0
        events = training.events()
        assert len(of_type(events, "RecheckStarted")) == 1
        assert of_type(events, "RecheckInterrupted") == []
        (ended,) = of_type(events, "RecheckEnded")
        assert ended["outcome"] == "held"
        assert whole(training.log("j-0003"))
        assert training.marked() == []
    finally:
        training.end()


@pytest.mark.parametrize(
    "name", ["job.recorded", "job.spawned", "job.started", "job.ended", "job.over"]
)
def test_a_job_survives_an_engine_killed_at(name: str, training: Training) -> None:
    training.run("--iterations", "1", status=-signal.SIGKILL, CONTROLROOM_FAILPOINT=f"{name}:1")
    training.run("--iterations", "1")
    events = training.events()
    check_turns_of(events)
    (check,) = of_type(events, "CheckFinished")
    assert (check["attempt"], check["outcome"]) == (1, "passed")
    assert len(of_type(events, "JobStarted")) == len(of_type(events, "JobEnded")) == 1
    assert of_type(events, "CheckInterrupted") == []
    assert whole(training.log("j-0001"))
    assert training.marked() == []


def test_a_job_survives_an_engine_killed_as_it_follows_it_again(training: Training) -> None:
    crashed(training)
    training.run(status=-signal.SIGKILL, CONTROLROOM_FAILPOINT="job.attached:1")
    training.go(2)
    training.go(3)
    finished(training)
    assert of_type(training.events(), "CheckInterrupted") == []
    assert whole(training.log("j-0002"))
    assert whole(training.log("j-0003"))
