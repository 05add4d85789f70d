"""A disk that is full and a repository that cannot be written: an error that says so, no harm."""

import random
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from engine.runfolder.paths import create_run_folder
from engine.runfolder.room import Room
from engine.workspace.inplace import InPlace
from engine.workspace.patient import Patient
from engine.workspace.pool import Pool
from engine.workspace.protocol import Change, Commit, Workspace, WorkspaceError
from engine.workspace.settings import WorkspaceSettings
from tests.mounts import fill, read_only, small_disk
from tests.workspaces import ENVIRON, Person, differences, git, tree_files, write

DISK_BYTES = 3 << 20
NAME = "candidates/00002"
KINDS = {"worktree": Pool, "in-place": InPlace}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", DISK_BYTES) as folder:
        yield folder


def make(kind: str, top: Path, run: Path) -> Workspace:
    settings = WorkspaceSettings(repo=top, campaign="climb", dirty="stash")
    return KINDS[kind](create_run_folder(run), settings, ENVIRON)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", KINDS)
async def test_a_full_disk_loses_nothing(kind: str, disk: Path, tmp_path: Path) -> None:
    """Repository and trees are on it; every step is tried with it full, and again with room."""
    person = Person(disk / "repo")
    person.make_dirty()
    run = tmp_path / "run" if kind == "in-place" else disk / "run"
    workspace = make(kind, person.top, run)
    base = await workspace.open()
    noise = random.Random(1).randbytes(200_000)
    (person.top / "heavy.bin").write_bytes(noise)
    before = person.state()
    filler = fill(disk)
    with pytest.raises(WorkspaceError, match=r"full|No space|room"):
        await workspace.lend(0, base)
    filler.unlink()
    tree = await workspace.lend(0, base)
    assert git(tree, "status", "--porcelain") == ""
    write(tree, {f"{number}.txt": "line\n" * 9_000 for number in range(9)})
    filler = fill(disk)
    with pytest.raises(WorkspaceError, match=r"full|No space|room"):
        await workspace.collect(0, base, NAME, "m")
    filler.unlink()
    change = await workspace.collect(0, base, NAME, "m")
    assert isinstance(change, Change)
    assert change.changed == 9
    filler = fill(disk)
    with pytest.raises(WorkspaceError, match=r"full|No space|room"):
        await workspace.accept(change.commit)
    filler.unlink()
    await workspace.give_back(0)
    assert differences(before, person.state()) == {}
    git(person.top, "fsck", "--no-dangling", "--connectivity-only")


@pytest.mark.anyio
async def test_a_disk_that_fills_up_while_the_work_is_given_back(
    disk: Path, tmp_path: Path
) -> None:
    person = Person(disk / "repo")
    person.make_dirty()
    person.write({"heavy.txt": "line\n" * 100_000})
    before = person.state()
    workspace = make("in-place", person.top, tmp_path / "run")
    await workspace.lend(0, await workspace.open())
    filler = fill(disk)
    with pytest.raises(WorkspaceError, match=r"full|No space|room"):
        await workspace.give_back(0)
    filler.unlink()
    again = make("in-place", person.top, tmp_path / "run")
    await again.open()
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
@pytest.mark.parametrize("kind", KINDS)
async def test_what_an_attempt_left_waits_for_room(kind: str, disk: Path, tmp_path: Path) -> None:
    """Its commits and what it had not committed: both would be gone with the next lend."""
    person = Person(disk / "repo")
    run = tmp_path / "run" if kind == "in-place" else disk / "run"
    said: list[str | None] = []
    workspace = Patient(make(kind, person.top, run), Room(said.append))
    base = await workspace.open()
    tree = await workspace.lend(0, base)
    write(tree, {"committed.txt": random.Random(1).randbytes(50_000).hex()})
    git(tree, "add", "-A")
    git(tree, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "Mine")
    write(tree, {"left.txt": random.Random(2).randbytes(50_000).hex()})
    filler = fill(disk)
    kept: list[Commit | None] = []

    async def rescue() -> None:
        kept.append(await workspace.rescue(0, base, "attempts/00002-1"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(rescue)
        with anyio.fail_after(30):
            while not said:
                await anyio.sleep(0.01)
        assert kept == []
        filler.unlink()
    assert said == ["no room on the disk for the repository", None]
    assert kept[0] is not None
    assert {"committed.txt", "left.txt"} <= set(tree_files(person.top, kept[0]))
    assert git(person.top, "log", "--format=%s", f"{base}..{kept[0]}").splitlines()[1:] == ["Mine"]
    await workspace.give_back(0)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_but_room_is_waited_for(kind: str, tmp_path: Path) -> None:
    person = Person(tmp_path / "repo")
    workspace = Patient(make(kind, person.top, tmp_path / "run"), Room())
    base = await workspace.open()
    with pytest.raises(WorkspaceError, match="nowhere"):
        await workspace.merge_main(base, "nowhere", "main", fetch_s=30)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", KINDS)
async def test_a_repository_that_cannot_be_written(kind: str, tmp_path: Path) -> None:
    person = Person(tmp_path / "repo")
    person.make_dirty()
    before = person.state()
    with read_only(person.top, tmp_path / "seen") as top:
        workspace = make(kind, top, tmp_path / "run")
        with pytest.raises(WorkspaceError, match=r"cannot be written|Read-only"):
            await workspace.open()
    assert differences(before, person.state()) == {}
