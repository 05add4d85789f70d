"""The screen comes and goes, the engine does not notice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.driving import CONTROLROOM, QUICK, Driver, check_history, wait_for
from tests.terminal import Terminal, kill

LASTING = QUICK.replace('run: "true"', 'run: "sleep 0.5"').replace(
    "iterations: 12", "iterations: 120"
)


@pytest.fixture
def lasting(tmp_path: Path) -> Iterator[Driver]:
    """A campaign that goes on for a minute; its engine does not outlive the test."""
    driver = Driver(tmp_path, LASTING)
    yield driver
    driver("stop", "--now", "--wait", status=None)
    assert driver.marked() == []


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal in the working folder."""
    found = Terminal(tmp_path)
    yield found
    found.close()


def goes_on(driver: Driver, engine: int) -> None:
    """The same engine works on."""
    before = driver.status()
    assert before["state"] == "running"
    assert before["engine"] == {"pid": engine, "alive": True}
    wait_for(lambda: driver.status()["iteration"] > before["iteration"])


def test_leaving_killing_and_closing_the_screen(lasting: Driver, terminal: Terminal) -> None:
    terminal.type(*CONTROLROOM, "run", str(lasting.config))
    terminal.wait_text("running", "iteration")
    engine = lasting.status()["engine"]["pid"]

    terminal.press("q")
    terminal.wait_text("ready>", "controlroom attach")
    goes_on(lasting, engine)

    terminal.type(*CONTROLROOM, "attach")
    terminal.wait_text("running", "Leaderboard")
    kill(terminal.processes("-m tui"))
    goes_on(lasting, engine)
    terminal.close()

    second = Terminal(lasting.folder)
    second.type(*CONTROLROOM, "attach")
    second.wait_text("running", "Leaderboard")
    screens = second.processes("-m tui")
    second.hang_up()
    wait_for(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in screens))
    goes_on(lasting, engine)


def test_keys_steer_the_run(lasting: Driver, terminal: Terminal) -> None:
    terminal.type(*CONTROLROOM, "run", str(lasting.config))
    terminal.wait_text("running", "iteration")
    terminal.press("p")
    terminal.wait_text("paused")
    wait_for(lambda: lasting.status()["state"] == "paused")
    assert (lasting.run_dir / "PAUSE").exists()
    terminal.press("p")
    wait_for(lambda: lasting.status()["state"] == "running")
    terminal.press("x")
    terminal.wait_text("Stop")
    terminal.press("y")
    wait_for(lambda: lasting.status()["state"] == "stopped")
    terminal.wait_text("stopped")
    lasting.run("--iterations", "8")
    check_history(lasting.events())


def test_an_engine_that_dies_is_seen(lasting: Driver, terminal: Terminal) -> None:
    terminal.type(*CONTROLROOM, "run", str(lasting.config))
    terminal.wait_text("running", "iteration")
    kill([lasting.status()["engine"]["pid"]])
    terminal.wait_text("crashed")
    terminal.press("q")
    terminal.wait_text("ready>")


def test_a_screen_needs_a_terminal(driver: Driver) -> None:
    for command in (["run", str(driver.config)], ["attach"]):
        refused = driver(*command, status=2)
        assert "Traceback" not in refused.stderr
