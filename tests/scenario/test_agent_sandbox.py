"""Agents in their sandboxes, as a campaign has them; and without, for want of one or by wish."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.coding import Toy, value

Make = Callable[..., Toy]
NONE_HERE: Final = "there is no bwrap on PATH; install bubblewrap"


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """A person whose machine has everything but bubblewrap."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for path in (each for place in ("/usr/bin", "/bin") for each in Path(place).iterdir()):
        if path.name != "bwrap" and not (folder / path.name).is_symlink():
            (folder / path.name).symlink_to(path)
    return {"PATH": str(folder)}


def test_without_one_every_attempt_says_so(toy: Make, bare: dict[str, str]) -> None:
    climb = toy({2: [value(9)], 3: [value(8)]})
    assert f"sandbox  none round the agent: {NONE_HERE}" in said(climb, "check", **bare)
    climb.run(3, **bare)
    assert climb.verdicts() == {1: "promoted", 2: "promoted", 3: "promoted"}
    for iteration in (2, 3):
        assert f"not in a sandbox of ours: {NONE_HERE}" in climb.log(iteration)
        events = climb.paths.attempt(iteration, 1) / "events.jsonl"
        assert "not in a sandbox of ours" in events.read_text()


def test_one_that_is_required_and_not_there_keeps_the_run_from_starting(
    toy: Make, bare: dict[str, str]
) -> None:
    climb = toy({2: [value(9)]}, agent={"sandbox": "required"})
    words = f"agent scripted: no sandbox stands round it here: {NONE_HERE}"
    assert words in climb.run(2, status=2, **bare)
    assert not climb.run_dir.exists()
    climb.run(2)
    assert "* in a sandbox" in climb.log(2)


def test_a_campaign_that_wants_none_is_told_so_each_time(toy: Make) -> None:
    climb = toy({2: [{"run": "ls ../../journal.sqlite"}, value(9)]}, agent={"sandbox": "off"})
    shown = said(climb, "check")
    assert "sandbox  none round the agent: the campaign says so (sandbox: off)" in shown
    assert "agent scripted: it runs with your rights" in climb.run(2)
    assert "not in a sandbox of ours: the campaign says so (sandbox: off)" in climb.log(2)
    assert "\n../../journal.sqlite\n" in climb.log(2)  # what such an agent can reach


def test_a_file_that_it_is_to_see_and_is_not_there_is_missed(toy: Make) -> None:
    climb = toy({2: [value(9)]}, sandbox={"read": ["../nowhere"]})
    assert "sandbox: read: there is no" in climb.run(2, status=2)


def said(climb: Toy, word: str, **env: str) -> str:
    running = climb.call(word, "campaign.yaml", **env)
    running.wait()
    return running.output


def test_what_is_linked_into_a_tree_is_read_and_stays(toy: Make) -> None:
    look = "cat data/*; echo x > data/new || echo it stays"
    climb = toy({2: [{"run": look}, value(9)]}, workspace={"repo": ".", "link": ["data"]})
    climb.run(2)
    assert "ignored data" in climb.log(2)
    assert "Read-only file system\nit stays\n" in climb.log(2)
    assert climb.verdicts() == {1: "promoted", 2: "promoted"}
