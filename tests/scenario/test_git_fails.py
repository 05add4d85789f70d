"""A git that fails for a while costs time, one that goes on failing an iteration and a halt."""

from collections.abc import Callable
from pathlib import Path

from engine.client import Resume
from tests.coding import Toy, value
from tests.driving import wait_for
from tests.workspaces import git

Make = Callable[..., Toy]


def hidden(climb: Toy) -> tuple[Path, Path]:
    """The file of the base's code in the person's repository, and where it is hidden."""
    blob = git(climb.repo, "rev-parse", f"{climb.base}:work.py").strip()
    place = climb.repo / ".git" / "objects" / blob[:2] / blob[2:]
    return place, climb.folder / "hidden"


def test_a_tree_that_cannot_be_made_for_a_while_is_made_later(toy: Make) -> None:
    climb = toy({2: [value(20)], 3: [value(9)]})
    climb.run(2)
    place, away = hidden(climb)
    place.rename(away)
    engine = climb.start("--iterations", "3")
    try:
        assert wait_for(lambda: "to be tried again" in (climb.status()["reason"] or ""))
    finally:
        away.rename(place)
    assert engine.wait() == 0, engine.output
    assert climb.verdicts()[3] == "promoted"


def test_one_that_cannot_be_made_costs_an_iteration_and_not_the_run(toy: Make) -> None:
    climb = toy({2: [value(20)], 4: [value(9)]}, policy={"same_failure": 1})
    climb.run(2)
    place, away = hidden(climb)
    place.rename(away)
    engine = climb.start("--iterations", "4")
    try:
        verdict = climb.wait_event("VerdictReached", iteration=3)
        assert verdict["verdict"] == "infra"
        assert verdict["reason"].startswith("workspace: git ")
        assert wait_for(lambda: climb.status()["state"] == "halted")
    finally:
        away.rename(place)
    climb.send(Resume())
    assert engine.wait() == 0, engine.output
    assert climb.verdicts()[4] == "promoted"
