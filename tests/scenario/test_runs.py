"""Whole runs by the real command: what people rely on from the first day."""

import json
import signal
import subprocess
from pathlib import Path

from tests.driving import CONTROLROOM, QUICK, Driver, check_history, comparable, of_type, wait_for


def slow(seconds: float = 30.0) -> str:
    """A campaign whose first check sleeps."""
    return QUICK.replace('run: "true"', f'run: "sleep {seconds}"').replace("20s", "60s")


def test_a_run_finds_something_better_and_ends(driver: Driver) -> None:
    done = driver.run()
    events = driver.events()
    check_history(events)
    board = driver.leaderboard()
    assert board["rows"][0]["value"] < of_type(events, "VerdictReached")[0]["value"]
    assert "champion" in done.stdout or board["rows"][0]["candidate"] in done.stdout
    status = driver.status()
    assert status["state"] == "done"
    assert status["iteration"] == 12
    assert sum(status["counts"].values()) == 12
    assert status["engine"]["alive"] is False
    assert driver.marked() == []
    assert {path.name for path in driver.run_dir.glob("journal*")} == {"journal.sqlite"}


def test_the_same_seed_gives_the_same_events(tmp_path: Path) -> None:
    seen = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        driver = Driver(folder)
        driver.run()
        seen.append(comparable(driver.events()))
    assert seen[0] == seen[1]


def test_another_seed_gives_other_candidates(driver: Driver) -> None:
    driver.run()
    first = [e["parameters"] for e in of_type(driver.events(), "CandidateProposed")]
    driver.run("--seed", "4")
    second = [e["parameters"] for e in of_type(driver.events(), "CandidateProposed")]
    assert first[0] == second[0]
    assert first != second


def test_a_finished_run_goes_on_with_more_iterations(driver: Driver) -> None:
    driver.run("--iterations", "5")
    again = driver.run("--iterations", "5")
    assert "is over" in again.stderr
    driver.run("--iterations", "9")
    events = driver.events()
    check_history(events)
    assert len(of_type(events, "VerdictReached")) == 9


def test_an_exhausted_space_ends_the_run(tmp_path: Path) -> None:
    driver = Driver(tmp_path, QUICK.replace("[0, 40]", "[0, 2]"))
    driver.run("--iterations", "50")
    events = driver.events()
    check_history(events)
    assert len(of_type(events, "VerdictReached")) == 9
    assert of_type(events, "RunFinished")[0]["reason"] == "exhausted"


def test_a_broken_baseline_ends_the_run_with_4(tmp_path: Path) -> None:
    driver = Driver(tmp_path, QUICK.replace('run: "true"', 'run: "false"'))
    driver.run(status=4)
    assert of_type(driver.events(), "RunFinished")[0]["reason"] == "baseline"


def test_a_second_engine_is_refused(tmp_path: Path) -> None:
    driver = Driver(tmp_path, slow())
    engine = driver.start()
    wait_for(lambda: driver.begun and driver.marked())
    refused = driver.run(status=2)
    assert str(engine.pid) in refused.stderr
    assert "controlroom attach" in refused.stderr
    engine.send_signal(signal.SIGKILL)
    engine.communicate()
    assert driver.status()["state"] == "crashed"
    second = driver.start()
    wait_for(lambda: driver.status()["state"] == "running")
    second.send_signal(signal.SIGTERM)
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=30)
    assert second.returncode == 130
    assert driver.marked() == []


def test_the_first_signal_lets_a_short_step_end(tmp_path: Path) -> None:
    driver = Driver(tmp_path, slow(1.0))
    engine = driver.start()
    wait_for(lambda: driver.begun and driver.marked())
    engine.send_signal(signal.SIGTERM)
    engine.communicate(timeout=30)
    assert engine.returncode == 130
    events = driver.events()
    assert len(of_type(events, "CheckFinished")) == 1
    assert of_type(events, "CheckInterrupted") == []
    assert driver.status()["state"] == "stopped"


def test_pause_and_resume_by_hand(driver: Driver) -> None:
    driver.run_dir.mkdir(parents=True)
    (driver.run_dir / "PAUSE").write_text("not yet\n")
    engine = driver.start()
    wait_for((driver.run_dir / "journal.sqlite").exists)
    wait_for(lambda: driver.status()["state"] == "paused")
    (driver.run_dir / "PAUSE").unlink()
    engine.communicate(timeout=60)
    assert engine.returncode == 0
    events = driver.events()
    check_history(events)
    assert of_type(events, "RunPaused")[0]["reason"] == "not yet"
    assert len(of_type(events, "RunResumed")) == 1


def test_pause_now_interrupts_and_the_step_is_done_again(tmp_path: Path) -> None:
    driver = Driver(tmp_path, slow())
    engine = driver.start()
    wait_for(lambda: driver.begun and driver.marked())
    driver("pause", "--now")
    wait_for(lambda: driver.status()["state"] == "paused")
    assert wait_for(lambda: driver.marked() == [])
    driver("resume")
    wait_for(driver.marked)
    driver("stop", "--now", "--wait")
    engine.communicate(timeout=30)
    assert engine.returncode == 0
    started = of_type(driver.events(), "CheckStarted")
    assert [event["attempt"] for event in started] == [1, 2]


def test_detached_runs_print_their_name_and_pid(driver: Driver) -> None:
    shown = driver("run", str(driver.config), "--detach").stdout.split()
    assert shown[0] == "quick-s3"
    wait_for(lambda: driver.status()["state"] == "done")
    assert int(shown[1]) == driver.status()["engine"]["pid"]


def test_a_changed_campaign_is_refused(driver: Driver) -> None:
    driver.run("--iterations", "3")
    driver.config.write_text(QUICK.replace("[0, 40]", "[0, 50]"))
    refused = driver.run("--iterations", "6", status=2)
    assert "space" in refused.stderr
    driver.run("--iterations", "6", "--accept-changes")
    assert of_type(driver.events(), "CampaignChangeAccepted")[0]["differences"]


def test_a_closed_stdout_does_not_stop_the_engine(driver: Driver) -> None:
    engine = driver.start()
    assert engine.stdout is not None
    engine.stdout.close()
    assert engine.wait(60) == 0
    assert driver.status()["state"] == "done"


def test_json_output_is_json_and_nothing_else(driver: Driver) -> None:
    done = driver.run("--json")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["seq"] for record in records] == sorted(record["seq"] for record in records)
    assert records[-1]["type"] == "EngineStopped"


def test_nohup_is_respected(driver: Driver) -> None:
    engine = subprocess.Popen(
        ["nohup", *CONTROLROOM, "run", str(driver.config), "--no-ui"],
        cwd=driver.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )
    wait_for(lambda: driver.begun)
    engine.send_signal(signal.SIGHUP)
    assert engine.wait(60) == 0
