"""Commands that meet an engine at a bad moment, and runs that go on under new terms."""

from pathlib import Path

from engine.core.commands import AnyCommand, Envelope, Pause, Resume, Stop
from engine.core.ids import CommandId
from engine.runfolder import inbox
from tests.driving import QUICK, Driver, check_history, of_type, wait_for


def put(driver: Driver, command: AnyCommand, name: str) -> CommandId:
    """Put a command into the inbox, as a client does, without a look at the run."""
    command_id = CommandId(name)
    inbox.put(driver.run_dir / "inbox", Envelope(id=command_id, by="test", command=command))
    return command_id


def test_a_stop_that_came_too_late_does_not_stop_the_next_engine(driver: Driver) -> None:
    driver.run("--iterations", "2")
    put(driver, Stop(reason="yesterday"), "late")
    driver.run("--iterations", "4")
    events = driver.events()
    check_history(events)
    assert driver.status()["iteration"] == 4
    refused = of_type(events, "CommandRefused")
    assert [(event["command"], event["command_id"]) for event in refused] == [("stop", "late")]
    assert list((driver.run_dir / "inbox").glob("*.json")) == []


def test_a_pause_that_came_too_late_holds(driver: Driver) -> None:
    driver.run("--iterations", "2")
    put(driver, Pause(reason="look first"), "late")
    engine = driver.start("--iterations", "4")
    wait_for(lambda: driver.status()["state"] == "paused")
    driver("resume")
    engine.communicate(timeout=60)
    assert engine.returncode == 0
    assert driver.status()["iteration"] == 4


def test_a_pause_file_that_cannot_be_removed_refuses_the_command(driver: Driver) -> None:
    pause = driver.run_dir / "PAUSE"
    pause.mkdir(parents=True)
    engine = driver.start()
    wait_for((driver.run_dir / "journal.sqlite").exists)
    wait_for(lambda: driver.status()["state"] == "paused")
    put(driver, Resume(), "impossible")
    wait_for(lambda: of_type(driver.events(), "CommandRefused"))
    assert driver.status()["state"] == "paused"
    pause.rmdir()
    engine.communicate(timeout=60)
    assert engine.returncode == 0
    refused = of_type(driver.events(), "CommandRefused")
    assert [event["reason"] for event in refused] == [
        "the PAUSE file cannot be changed: Is a directory"
    ]


def test_an_exhausted_run_whose_space_was_widened_is_not_over(tmp_path: Path) -> None:
    driver = Driver(tmp_path, QUICK.replace("[0, 40]", "[0, 1]"))
    driver.run("--iterations", "50")
    assert driver.status()["iteration"] == 6
    driver.config.write_text(QUICK)
    engine = driver.start("--iterations", "50", "--accept-changes")
    wait_for(lambda: driver.status()["iteration"] > 10)
    assert driver.status()["state"] == "running"
    driver("stop", "--wait")
    engine.communicate(timeout=60)
    assert driver.status()["state"] == "stopped"
    driver.run("--iterations", "50")
    check_history(driver.events())
    assert driver.status()["state"] == "done"
    assert driver.status()["iteration"] == 50
