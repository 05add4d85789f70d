"""Defects that were reproduced in llm_driven_cnns and that need a whole run to be shown."""

from pathlib import Path

from tests.driving import QUICK, Driver, of_type

WRITING = QUICK.replace(
    'run: "true"',
    'run: "echo {iteration} > $CONTROLROOM_STEP_DIR/model.txt; mkdir -p out-{iteration};'
    ' cp $CONTROLROOM_STEP_DIR/model.txt out-{iteration}"\n    shell: true',
)
"""Each candidate writes where it likes: into the folder of its step, and into one of its own."""


def test_v13_no_run_writes_over_what_another_left(tmp_path: Path) -> None:
    """A run that was repeated wrote into the folder of the first: its name was not rewritten."""
    driver = Driver(tmp_path, WRITING)
    driver.run("--iterations", "2")
    driver.run("--iterations", "3")
    assert [(tmp_path / f"out-{n}" / "model.txt").read_text() for n in (1, 2, 3)] == [
        "1\n",
        "2\n",
        "3\n",
    ]
    started = of_type(driver.events(), "CheckStarted")
    logs = [event["log"]["path"] for event in started if event["check"] == "works"]
    assert len(set(logs)) == len(logs) == 3
