"""An engine whose surroundings fail it: it waits, goes on, or says why it ends."""

import sqlite3
from pathlib import Path
from typing import Any

from tests.driving import QUICK, Driver, check_history, of_type, wait_for


def test_a_journal_that_another_program_holds_is_waited_for(tmp_path: Path) -> None:
    driver = Driver(tmp_path, QUICK.replace('run: "true"', 'run: "sleep 0.2"'))
    engine = driver.start("--set", "stop.plateau=100")
    wait_for(lambda: driver.begun and of_type(driver.events(), "VerdictReached"))
    browser = sqlite3.connect(driver.run_dir / "journal.sqlite", isolation_level=None, timeout=20)
    browser.execute("BEGIN IMMEDIATE")
    status = wait_for(lambda: waiting(driver))
    assert "locked" in status["reason"]
    browser.execute("ROLLBACK")
    browser.close()
    engine.communicate(timeout=60)
    assert engine.returncode == 0
    check_history(driver.events())


def python_that(folder: Path, script: str) -> str:
    """A campaign whose environment is made by a Python that only does this."""
    (folder / "needs.txt").write_text("")
    python = folder / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    made = "{venv: {requirements: needs.txt, interpreter: ./python}}"
    return QUICK.replace("{interpreter: own}", made)


def test_an_environment_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    driver = Driver(tmp_path, python_that(tmp_path, "echo no room for it; exit 3"))
    ended = driver.run(status=2)
    assert "environment: " in ended.stderr
    assert "no room for it" in ended.stderr
    assert "Traceback" not in ended.stderr
    status = driver.status()
    assert status["state"] == "stopped"
    assert "no room for it" in status["reason"]


def test_an_engine_hears_while_its_environment_is_made(tmp_path: Path) -> None:
    driver = Driver(tmp_path, python_that(tmp_path, "sleep 600"))
    engine = driver.start()
    status = wait_for(lambda: driver.begun and waiting(driver))
    assert "environment" in status["reason"]
    assert driver.marked() != []
    driver("stop", "--now", "--wait")
    engine.communicate(timeout=60)
    assert engine.returncode == 0
    assert driver.status()["state"] == "stopped"
    assert driver.marked() == []


def test_a_run_folder_that_vanishes_ends_the_engine_with_5(tmp_path: Path) -> None:
    vanish = f"rm -rf {tmp_path}/.controlroom/runs/quick-s3/logs"
    driver = Driver(tmp_path, QUICK.replace('run: "true"', f'run: "{vanish}"'))
    ended = driver.run(status=5)
    assert "No such file or directory" in ended.stderr
    assert "logs/" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "No such file" in driver.status()["reason"]


def waiting(driver: Driver) -> dict[str, Any] | None:
    """The status of a run that waits."""
    status = driver.status()
    return status if status["state"] == "waiting" else None
