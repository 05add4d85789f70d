"""A campaign whose champions are confirmed, for tests: what is too good fails under a variant."""

from pathlib import Path
from typing import Any

from engine.client import RunHandle, flat, leaderboard_json, status_json
from tests.driving import Driver

BENCH = """\
import json, os, sys

candidate = json.load(open(os.environ["CONTROLROOM_CANDIDATE"]))
x, shape = candidate["parameters"]["x"], os.environ.get("SHAPE", "")
HOOK
score = 200 if shape == "long" and x > 10 else 100 - x
json.dump({"metrics": {"score": score}}, open(os.environ["CONTROLROOM_RESULT"], "w"))
"""

CONFIRMED = """\
campaign: confirmed
seed: 3
environment: {interpreter: own}
baseline: {x: 0}
metric: {name: score, unit: ms, direction: min, noise: none}
space: {x: {int: [0, 40]}}
proposers: [{kind: evolution, slots: SLOTS, explore: 0.4, parents: 5}]
checks:
  - name: measure
    run: "{python} -I -S bench.py"
    deadline: 20s
    backoff: 10ms
    reports: [score]
    failures: [{pattern: "no machine", class: infra}]
confirm:
  on: local
  variants: [{name: short, env: {SHAPE: short}}, {name: long, env: {SHAPE: long}}]
stop: {iterations: 8}
finish: {report: false}
"""


class Confirmed(Driver):
    """A working folder with such a campaign.

    Args:
        folder: where it lies.
        slots: iterations at a time.
        hook: a line of Python that the program which measures runs first; it knows `x`, `shape`.
    """

    def __init__(self, folder: Path, *, slots: int = 1, hook: str = "") -> None:
        super().__init__(folder, CONFIRMED.replace("SLOTS", str(slots)), name="confirmed-s3")
        (folder / "bench.py").write_text(BENCH.replace("HOOK", hook))

    def events(self, *arguments: str) -> list[dict[str, Any]]:
        """The events, read without a process of their own."""
        assert not arguments
        return events_of(self)

    def status(self) -> dict[str, Any]:
        """`status --json`, in the same way."""
        handle = RunHandle.open(self.run_dir)
        try:
            return status_json(handle.status())
        finally:
            handle.close()

    def leaderboard(self) -> dict[str, Any]:
        """`leaderboard --json`, in the same way."""
        handle = RunHandle.open(self.run_dir)
        try:
            board = handle.leaderboard(None)
            assert board is not None
            return leaderboard_json(board)
        finally:
            handle.close()


def events_of(driver: Driver) -> list[dict[str, Any]]:
    """All events of a run, read without a process of their own."""
    handle = RunHandle.open(driver.run_dir)
    try:
        return [flat(record) for record in handle.records_from(1)]
    finally:
        handle.close()
