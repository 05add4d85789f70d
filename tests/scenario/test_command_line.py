"""The command line as a careless, curious or unlucky person uses it."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import warm
from tests.driving import QUICK, Driver, check_history, of_type, wait_for

WRONG = 2
UNUSABLE = 5
HUGE = "9" * 30
LONG = "x" * 300


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """A run of four iterations that nothing in this file changes."""
    driver = Driver(tmp_path_factory.mktemp("finished"))
    driver.run("--iterations", "4")
    return driver


def sleeping(seconds: float) -> str:
    """A campaign whose first check sleeps."""
    return QUICK.replace('run: "true"', f'run: "sleep {seconds}"').replace("20s", "60s")


MISTAKES = [
    ["frobnicate"],
    ["status", "nope"],
    ["status", LONG],
    ["status", ""],
    ["status", "."],
    ["status", "--frobnicate"],
    ["status", "a", "b"],
    ["status", "--watch", "0"],
    ["leaderboard", "nope"],
    ["leaderboard", "--top", "0"],
    ["leaderboard", "--json", "--csv"],
    ["events", "nope", "--follow"],
    ["events", "--from", HUGE],
    ["events", "--from", "0"],
    ["logs", "nope"],
    ["logs", "--iteration", "77"],
    ["logs", "--iteration", HUGE],
    ["pause", "nope"],
    ["resume", "nope"],
    ["stop", "nope", "--wait"],
    ["attach", "nope"],
    ["attach"],
    ["check"],
    ["check", "nope.yaml"],
    ["check", "campaign.yaml", "--set", "foo"],
    ["init", "nope"],
    ["init", ".", "--output", "nope/x.yaml"],
    ["run"],
    ["run", "nope.yaml", "--no-ui"],
    ["run", ".", "--no-ui"],
    ["run", "/dev/null", "--no-ui"],
    ["run", sys.executable, "--no-ui"],
    ["run", "campaign.yaml"],
    ["run", "campaign.yaml", "--detach", "--json"],
    ["run", "campaign.yaml", "--no-ui", "--iterations", "0"],
    ["run", "campaign.yaml", "--no-ui", "--iterations", HUGE],
    ["run", "campaign.yaml", "--no-ui", "--seed", HUGE],
    ["run", "campaign.yaml", "--no-ui", "--slots", "0"],
    ["run", "campaign.yaml", "--no-ui", "--slots", HUGE],
    ["run", "campaign.yaml", "--no-ui", "--for", "soon"],
    ["run", "campaign.yaml", "--no-ui", "--for", "0s"],
    ["run", "campaign.yaml", "--no-ui", "--name", ".."],
    ["run", "campaign.yaml", "--no-ui", "--name", "a/b"],
    ["run", "campaign.yaml", "--no-ui", "--name", LONG, "--new"],
    ["run", "campaign.yaml", "--no-ui", "--set", "stop.iterations=x"],
    ["run", "campaign.yaml", "--no-ui", "--set", "nope=1"],
    ["run", "campaign.yaml", "--no-ui", "--seed", "4", "--name", "quick-s3"],
    ["run", "campaign.yaml", "--no-ui", "--run-dir", "."],
]


def test_every_mistake_is_told_and_changes_nothing(finished: Driver) -> None:
    before = sorted(finished.folder.rglob("*"))
    for words in MISTAKES:
        done = warm.finished(words, finished.folder, timeout_s=60)
        assert done.returncode == WRONG, (words, done.returncode, done.stderr)
        assert "Traceback" not in done.stderr, words
        assert done.stderr.strip(), words
        assert done.stdout == "", words
    assert sorted(finished.folder.rglob("*")) == before


def test_a_forked_command_is_the_real_one(finished: Driver) -> None:
    """What most tests look with says, and ends with, what the program itself does."""
    for words in (
        ["status", "--json"],
        ["leaderboard"],
        ["logs", "nope"],
        ["events", "--from", "0"],
    ):
        real = finished.really(*words)
        forked = warm.finished(words, finished.folder, timeout_s=60)
        said = real.stderr.replace("python -m engine", "controlroom")
        assert (forked.returncode, forked.stderr) == (real.returncode, said)
        age = re.compile(r'"heartbeat_age_s": [\d.]+')
        assert age.sub("", forked.stdout) == age.sub("", real.stdout)
    with pytest.raises(subprocess.TimeoutExpired):
        warm.finished(["events", "--follow"], finished.folder, timeout_s=0.0)


def test_no_run_at_all(tmp_path: Path) -> None:
    driver = Driver(tmp_path)
    for command in ("status", "leaderboard", "events", "logs", "pause", "resume", "stop", "attach"):
        refused = driver(command, status=WRONG)
        assert "controlroom run" in refused.stderr


def test_a_folder_that_cannot_be_made(driver: Driver) -> None:
    (driver.folder / ".controlroom").write_text("a file")
    for words in (["--no-ui"], ["--detach"], ["--no-ui", "--run-dir", "campaign.yaml/run"]):
        refused = driver("run", str(driver.config), *words, status=UNUSABLE)
        assert "cannot be made" in refused.stderr
        assert "--run-dir" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_json_is_one_object_and_nothing_else(finished: Driver) -> None:
    status = finished.json("status")
    assert status["state"] == "done"
    assert set(status) >= {
        "run", "run_dir", "campaign", "state", "reason", "until", "phase", "iteration", "counts",
        "champion", "heartbeat_age_s", "slots", "spend", "engine",
    }  # fmt: skip
    board = finished.json("leaderboard")
    assert set(board) == {"metric", "rows"}
    assert set(board["rows"][0]) >= {
        "rank", "candidate", "value", "verdict", "iteration", "parameters", "commit", "parents",
        "tags", "proposer", "confidence",
    }  # fmt: skip
    assert finished.json("stop")["command"] == "stop"
    assert finished.json("doctor")["findings"]
    assert finished.json("check", "campaign.yaml")["ok"] is True
    schema = json.loads(finished("check", "--schema").stdout)
    assert schema["properties"]["campaign"]
    refused = finished("check", "nope.yaml", "--json", status=WRONG)
    assert json.loads(refused.stdout)["ok"] is False
    for line in finished("events", "--json").stdout.splitlines():
        assert {"seq", "time", "type"} <= set(json.loads(line))


def test_a_leaderboard_as_csv(finished: Driver) -> None:
    lines = finished("leaderboard", "--csv", "--top", "3").stdout.splitlines()
    assert len(lines) == 4
    assert "candidate" in lines[0]


def test_events_from_a_number(finished: Driver) -> None:
    whole = finished("events").stdout.splitlines()
    assert finished("events", "--from", "5").stdout.splitlines() == whole[4:]
    assert finished("events", "--from", "4000").stdout == ""


def test_pause_resume_and_stop_where_no_engine_runs(driver: Driver) -> None:
    driver.run("--iterations", "2")
    assert "no engine runs" in driver("stop", "--wait").stdout
    assert "no engine runs" in driver("stop", "--now", "--wait", "--json").stdout
    assert "no engine runs" in driver("pause", "--reason", "lunch").stdout
    assert (driver.run_dir / "PAUSE").read_text() == "lunch\n"
    engine = driver.start("--iterations", "4")
    wait_for(lambda: driver.status()["state"] == "paused", 60)
    assert driver.status()["reason"] == "lunch"
    assert driver.status()["iteration"] == 2
    assert "accepted" in driver("resume").stdout
    engine.communicate(timeout=60)
    assert engine.returncode == 0
    check_history(driver.events())
    driver("pause")
    driver("resume")
    assert not (driver.run_dir / "PAUSE").exists()


def test_stopping_what_a_killed_engine_left(tmp_path: Path) -> None:
    driver = Driver(tmp_path, sleeping(30))
    engine = driver.start()
    wait_for(lambda: driver.begun and driver.marked(), 60)
    engine.kill()
    engine.communicate()
    assert "crashed" in driver("stop", "--now", "--wait").stdout
    assert driver.json("status")["state"] == "crashed"
    wait_for(lambda: driver.marked() == [])


def test_names_and_folders(driver: Driver) -> None:
    driver.run("--iterations", "1")
    driver.run("--iterations", "1", "--new")
    driver.run("--iterations", "1", "--new")
    driver.run("--iterations", "1", "--name", "mine")
    driver.run("--iterations", "1", "--run-dir", "else where/run")
    runs = sorted(path.name for path in (driver.folder / ".controlroom" / "runs").iterdir())
    assert runs == ["mine", "quick-s3", "quick-s3-2", "quick-s3-3"]
    assert driver.status()["run"] == "mine"
    assert driver.json("status", "quick-s3-2")["state"] == "done"
    assert driver.json("status", "else where/run")["run"] == "quick-s3"
    assert driver.json("status", ".controlroom/runs/mine/")["run"] == "mine"
    refused = driver.run("--new", "--run-dir", "else where/run", status=WRONG)
    assert "--new" in refused.stderr
    assert (driver.folder / ".controlroom" / ".gitignore").read_text() == "*\n"


def test_a_run_folder_that_moved_goes_on(driver: Driver) -> None:
    driver.run("--iterations", "2")
    moved = driver.folder / "moved"
    shutil.move(driver.run_dir, moved)
    driver.run("--iterations", "4", "--run-dir", str(moved))
    check_history(driver.events(str(moved)))
    assert driver.json("status", str(moved))["iteration"] == 4


def test_a_run_does_not_tidy_up_in_a_folder_of_other_things(driver: Driver) -> None:
    mine = driver.folder / "project" / "steps" / "00001"
    mine.mkdir(parents=True)
    refused = driver.run("--run-dir", "project", status=WRONG)
    assert "steps" in refused.stderr
    assert mine.is_dir()
    assert sorted((driver.folder / "project").iterdir()) == [mine.parent]


def test_overrides(driver: Driver) -> None:
    driver.run("--set", "stop.iterations=3", "--set", "about=tried")
    created = of_type(driver.events(), "RunCreated")[0]
    assert created["document"]["about"] == "tried"
    assert driver.status()["iteration"] == 3
    driver.run("--set", "stop.iterations=4")  # nobody has to agree to another description
    refused = driver.run("--set", "checks.works.deadline=21s", status=WRONG)
    assert "deadline" in refused.stderr


def test_a_time_limit(tmp_path: Path) -> None:
    driver = Driver(tmp_path, sleeping(0.2))
    begun = time.monotonic()
    driver.run("--for", "2s", "--iterations", "100000")
    assert time.monotonic() - begun < 60
    assert of_type(driver.events(), "RunFinished")[0]["reason"] == "time"
    check_history(driver.events())
    assert driver.status()["state"] == "done"


def test_four_slots_overlap(tmp_path: Path) -> None:
    driver = Driver(tmp_path, sleeping(0.3))
    driver.run("--slots", "4", "--iterations", "8")
    events = driver.events()
    check_history(events)
    checking: set[int] = set()
    most = 0
    for event in of_type(events, "CheckStarted", "CheckFinished"):
        if event["type"] == "CheckStarted":
            checking.add(event["iteration"])
        else:
            checking.discard(event["iteration"])
        most = max(most, len(checking))
    assert most == 4
    assert {event["slot"] for event in of_type(events, "IterationStarted")} == {0, 1, 2, 3}


def test_fewer_iterations_than_are_done(driver: Driver) -> None:
    driver.run("--iterations", "4")
    driver.run("--iterations", "2")
    events = driver.events()
    check_history(events)
    assert len(of_type(events, "VerdictReached")) == 4
    assert driver.status()["state"] == "done"
    driver.run("--iterations", "5")
    assert driver.status()["iteration"] == 5
