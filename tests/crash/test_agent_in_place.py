"""Agents that work in the person's own checkout: killed, and everything comes back.

What the workspace does at each of its own failpoints is tried in `test_workspace_kills`.
"""

from pathlib import Path
from typing import Any

import pytest

from engine.core.commands import Pause, Resume, Stash, Stop
from tests.coding import SCORE, Steps, Toy, check_climb, value
from tests.workspaces import git

TURNS: dict[int | str, Steps] = {
    2: [value(9), {"commit": "nine"}, {"write": {"file": "notes.md", "text": "left\n"}}],
}
CHECKS = [SCORE, SCORE | {"name": "again"}]
"""Two, so that one can be left to be run."""

IN_PLACE = {"repo": ".", "mode": "in-place", "dirty": "stash"}
LAST = 2
POINTS = {
    "agent.ended": 1,
    "agent.outcome": 1,
    "change.collected": 1,
    "outcome.recorded": 3,
    "accepted.recorded": 2,
    "workspace.lent": 1,
    "workspace.accepting": 1,
    "engine.stopped": 1,
}


def persons_own(climb: Toy) -> dict[str, Any]:
    """What the person had at work, whatever the branch has become."""
    state = climb.person.state()
    return {name: state[name] for name in ("cached", "unstaged", "symbolic", "stashes", "config")}


def files(climb: Toy) -> dict[bytes, tuple[str, str]]:
    """All files of the checkout but the code that is climbed."""
    found = climb.person.state()["files"]
    return {name: what for name, what in found.items() if name not in (b"work.py", b"notes.md")}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Toy:
    """The run that was never killed."""
    climb = Toy(tmp_path_factory.mktemp("reference"), TURNS, workspace=IN_PLACE, checks=CHECKS)
    own, rest = persons_own(climb), files(climb)
    climb.run(LAST)
    assert climb.verdicts() == {1: "promoted", 2: "promoted"}
    assert (persons_own(climb), files(climb)) == (own, rest)
    assert climb.person.head == climb.champion_commit()
    assert climb.shown("HEAD") == "VALUE = 9"
    return climb


@pytest.mark.parametrize("name", POINTS)
def test_everything_comes_back(name: str, tmp_path: Path, reference: Toy) -> None:
    climb = Toy(tmp_path / "toy", TURNS, workspace=IN_PLACE, checks=CHECKS)
    own, rest = persons_own(climb), files(climb)
    climb.killed_at(name, POINTS[name], LAST)
    climb.run(LAST)
    check_climb(climb, reference)
    assert (persons_own(climb), files(climb)) == (own, rest)
    assert climb.person.head == climb.champion_commit()
    assert (climb.repo / "notes.md").read_text() == "left\n"


def test_a_run_that_is_stopped_gives_the_checkout_back(tmp_path: Path) -> None:
    half: Steps = [value(9), {"say": "half"}, {"hang": True}]
    climb = Toy(tmp_path / "toy", {"2/1": half, 2: [value(8)]}, workspace=IN_PLACE)
    engine = climb.start("--iterations", "2")
    climb.wait_said("half", 2)
    assert climb.harm() != {}
    climb.send(Stop(now=True))
    assert engine.wait() == 0
    assert climb.harm() == {}
    assert climb.shown(climb.kept()["attempts/00002-1"]) == "VALUE = 9"
    climb.run(2)
    assert climb.shown("HEAD") == "VALUE = 8"


def test_what_was_done_when_the_run_was_stopped_is_collected_later(tmp_path: Path) -> None:
    gate = tmp_path / "gates" / "gate"
    turns: dict[int | str, Steps] = {2: [value(9), {"wait_for": str(gate)}]}
    climb = Toy(tmp_path / "toy", turns, workspace=IN_PLACE)
    engine = climb.start("--iterations", "2")
    climb.wait_event("AgentStarted")
    climb.answered(climb.send(Pause()))
    gate.touch()
    climb.wait_event("AgentFinished")
    climb.answered(climb.send(Stop()))
    assert engine.wait() == 0
    assert climb.harm() == {}
    climb.send(Resume())
    climb.run(2)
    assert climb.verdicts() == {1: "promoted", 2: "promoted"}
    assert climb.shown("HEAD") == "VALUE = 9"


def test_a_stash_that_was_killed_takes_nothing_of_the_persons(tmp_path: Path) -> None:
    half: Steps = [value(9), {"say": "half"}, {"hang": True}]
    climb = Toy(tmp_path / "toy", {2: half}, workspace=IN_PLACE)
    engine = climb.start("--iterations", "2", CONTROLROOM_FAILPOINT="stash.kept:1")
    climb.wait_said("half", 2)
    climb.send(Stash())
    assert engine.wait() == -9
    climb.run(2)
    assert climb.harm() == {}
    (stashed,) = climb.events("AttemptStashed")
    kept = climb.kept()[stashed["ref"]]
    assert git(climb.repo, "diff", "--name-only", climb.base, kept) == "work.py"
    assert climb.shown(kept) == "VALUE = 9"
