"""Killed at any moment while the checkout is the run's: the person gets everything back."""

import contextlib
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from engine.core.failpoints import NAMES
from engine.executors.trees import kill_leftovers
from engine.workspace.inplace import InPlace
from engine.workspace.protocol import Commit
from tests.workspace_child import NAME, killed_at, start, workspace_of
from tests.workspaces import Person, differences, git, tree_files

OURS = [name for name in NAMES if name.startswith("workspace.")]
ACCEPTING = {"workspace.accepting", "workspace.accepted"}
GIVING_BACK = ["workspace.restoring", "workspace.restored", "workspace.returned"]
TWICE = ["workspace.switched", "workspace.published", "workspace.lent"]
"""Reached when the tree is lent, and again when the candidate is checked out."""

POINTS = [name for name in OURS if name not in ACCEPTING] + [f"{name}:2" for name in TWICE]
KILLS = 6


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = Person(tmp_path / "repo")
    person.make_dirty()
    return person


async def recovered(person: Person, dirty: str = "stash") -> InPlace:
    workspace = workspace_of(person.top, "in-place", dirty)
    assert isinstance(workspace, InPlace)
    await workspace.open()
    assert not (person.paths.root / "in-place" / "intent.json").exists()
    return workspace


@pytest.mark.anyio
@pytest.mark.parametrize("dirty", ["stash", pytest.param("allow", marks=pytest.mark.long)])
@pytest.mark.parametrize("point", POINTS)
async def test_the_next_opening_gives_everything_back(
    point: str, dirty: str, person: Person
) -> None:
    before = person.state()
    killed_at(person.top, "in-place", dirty, "iterate", point)
    await recovered(person, dirty)
    assert differences(before, person.state()) == {}
    await recovered(person, dirty)
    assert differences(before, person.state()) == {}


@pytest.mark.long
@pytest.mark.anyio
async def test_a_clean_checkout_comes_back_as_well(tmp_path: Path) -> None:
    person = Person(tmp_path / "clean")
    before = person.state()
    for point in POINTS:
        killed_at(person.top, "in-place", "fail", "iterate", point)
        await recovered(person, "fail")
        assert differences(before, person.state()) == {}, point


@pytest.mark.anyio
@pytest.mark.parametrize("point", GIVING_BACK)
async def test_a_recovery_that_is_killed_is_begun_again(point: str, person: Person) -> None:
    before = person.state()
    killed_at(person.top, "in-place", "stash", "iterate", "workspace.lent:2")
    killed_at(person.top, "in-place", "stash", "open", point)
    git(person.top, "gc", "-q", "--prune=now")
    await recovered(person)
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_what_the_agent_had_done_is_kept(person: Person) -> None:
    """The engine dies while the checkout is lent; nobody collected anything."""
    before = person.state()
    killed_at(person.top, "in-place", "stash", "iterate", "workspace.lent")
    (person.top / "half.txt").write_text("half an idea\n")
    workspace = await recovered(person)
    assert differences(before, person.state()) == {}
    base = Commit(person.head)
    kept = await workspace.rescue(0, base, "attempts/00002-1")
    assert kept is not None
    assert "half.txt" in tree_files(person.top, kept)
    assert "secret.env" not in tree_files(person.top, kept)
    assert await workspace.rescue(0, base, "attempts/00002-1") == kept


@pytest.mark.anyio
async def test_what_is_the_persons_is_known_after_a_kill(person: Person) -> None:
    """A repository inside, and ignored files that the agent did not want to be ignored."""
    inner = person.top / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    (inner / "f.txt").write_text("theirs\n")
    before = person.state()
    killed_at(person.top, "in-place", "stash", "iterate", "workspace.lent")
    (person.top / ".gitignore").write_text("!data/\n")
    workspace = await recovered(person)
    assert differences(before, person.state()) == {}
    assert (inner / ".git" / "HEAD").exists()
    kept = await workspace.rescue(0, Commit(person.head), "attempts/00002-1")
    assert kept is not None
    assert git(person.top, "diff", "--name-only", f"{kept}^", kept) == ".gitignore"


def _after(state: dict[str, Any]) -> dict[str, Any]:
    names = ("files", "cached", "unstaged", "symbolic", "stashes", "config")
    return {name: state[name] for name in names}


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, Any]:
    """The person's state after an accepted candidate, when nothing was killed."""
    person = Person(tmp_path / "reference")
    person.make_dirty()
    child = start(person.top, "in-place", "stash", "accept")
    child.communicate()
    assert child.returncode == 0
    state = _after(person.state())
    shutil.rmtree(person.top)
    return state


@pytest.mark.anyio
@pytest.mark.parametrize("point", [*sorted(ACCEPTING), *GIVING_BACK])
async def test_an_acceptance_is_finished(
    point: str, person: Person, expected: dict[str, Any]
) -> None:
    commit = killed_at(person.top, "in-place", "stash", "accept", point)
    workspace = await recovered(person)
    assert person.head == commit
    await workspace.accept(Commit(commit))
    found = _after(person.state())
    found["stashes"] = expected["stashes"]  # their names hold times
    assert differences(expected, found) == {}


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["in-place", "worktree"])
async def test_kills_at_random_moments(mode: str, person: Person) -> None:
    before = person.state()
    dice = random.Random(7)
    begun = time.monotonic()
    start(person.top, mode, "stash", "iterate").communicate()
    whole_s = time.monotonic() - begun
    for _ in range(KILLS):
        child = start(person.top, mode, "stash", "iterate")
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(dice.uniform(0.2, 1.0) * whole_s)
        child.send_signal(signal.SIGKILL)
        child.communicate()
    kill_leftovers(person.paths.run_marker)
    workspace = workspace_of(person.top, mode, "stash")
    base = await workspace.open()
    assert differences(before, person.state()) == {}
    await workspace.rescue(0, base, "attempts/00002-1")
    assert git(await workspace.lend(0, base), "status", "--porcelain") == ""
    await workspace.give_back(0)
    assert differences(before, person.state()) == {}
    git(person.top, "fsck", "--no-dangling", "--connectivity-only")
    assert git(person.top, "rev-parse", f"refs/controlroom/climb-s0/{NAME}")
