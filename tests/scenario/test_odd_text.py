"""Text that is not Unicode, from wherever it may come, ends neither an engine nor a command."""

import os
import signal
from pathlib import Path

from tests.driving import Driver, check_history

ODD = os.fsdecode(b"caf\xe9")
"""The name of a folder from the days of Latin-1, as Python holds it."""


def test_a_killed_run_in_such_a_folder_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / ODD
    folder.mkdir()
    driver = Driver(folder)
    killed = {"CONTROLROOM_FAILPOINT": "check.spawned:3"}
    driver.run(status=-signal.SIGKILL, **killed)
    driver.run()
    check_history(driver.events())
    assert driver.status()["state"] == "done"


def test_a_reason_that_is_not_utf_8(driver: Driver) -> None:
    driver.run("--iterations", "2")
    driver("pause", "--reason", ODD)
    assert (driver.run_dir / "PAUSE").read_text() == "caf?\n"
    driver("resume")
