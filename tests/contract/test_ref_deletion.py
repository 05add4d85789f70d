"""A git that dies while it deletes a ref: its lock, which all gits share, is in nobody's way."""

import os
import shutil
import time
from pathlib import Path

import anyio
import pytest

from engine.workspace.deleting import Deleting
from engine.workspace.protocol import WorkspaceError
from engine.workspace.repository import open_repository
from tests.workspaces import ENVIRON, Person, git

REF = "refs/controlroom/climb-s0/candidates/00001"

STOPPING = """#!/bin/sh
for word; do
    test "$word" != -d || { touch "$HELD/packed-refs.lock" "$HELD/at-it"; sleep 600; }
done
exec GIT "$@"
"""
"""A git that stands still while it holds the lock."""


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = Person(tmp_path / "repo")
    git(person.top, "update-ref", REF, "HEAD")
    git(person.top, "pack-refs", "--all")
    return person


@pytest.fixture
def note(tmp_path: Path) -> Path:
    return tmp_path / "deleting-refs"


def lock_of(person: Person) -> Path:
    return person.top / ".git" / "packed-refs.lock"


async def deleting(person: Person, note: Path, programs: Path | None = None) -> Deleting:
    environ = dict(ENVIRON)
    if programs is not None:
        environ["PATH"] = f"{programs}{os.pathsep}{environ['PATH']}"
    return Deleting(await open_repository(person.top, environ, {}), note)


@pytest.fixture
def programs(tmp_path: Path, person: Person, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    text = STOPPING.replace("$HELD", str(person.top / ".git"))
    (folder / "git").write_text(text.replace("GIT", str(shutil.which("git"))))
    (folder / "git").chmod(0o755)
    return folder


@pytest.mark.anyio
async def test_a_ref_is_deleted_and_no_note_stays(person: Person, note: Path) -> None:
    await (await deleting(person, note)).run("--no-deref", "-d", REF)
    assert git(person.top, "for-each-ref", "refs/controlroom") == ""
    assert not note.exists()


@pytest.mark.anyio
async def test_a_deletion_that_is_cancelled_leaves_no_lock(
    person: Person, note: Path, programs: Path
) -> None:
    stopping = await deleting(person, note, programs)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: stopping.run("--no-deref", "-d", REF))
        with anyio.fail_after(30):
            while not (person.top / ".git" / "at-it").exists():
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    assert not lock_of(person).exists()
    assert not note.exists()
    await (await deleting(person, note)).run("--no-deref", "-d", REF)


@pytest.mark.anyio
async def test_what_a_killed_engine_left_is_taken_away(person: Person, note: Path) -> None:
    old_s = time.time() - 60
    for path in (note, lock_of(person), lock_of(person).with_name("packed-refs.new")):
        path.touch()
        os.utime(path, (old_s, old_s))
    ours = await deleting(person, note)
    await ours.recover()
    assert not note.exists()
    await ours.run("--no-deref", "-d", REF)  # git refuses where either file is left


@pytest.mark.anyio
async def test_the_lock_of_another_git_stays(person: Person, note: Path) -> None:
    ours = await deleting(person, note)
    lock_of(person).touch()
    await ours.recover()
    assert lock_of(person).exists(), "this run deleted nothing"
    os.utime(lock_of(person), (time.time() - 60, time.time() - 60))
    note.touch()
    await ours.recover()
    assert lock_of(person).exists(), "it is older than the deletion"
    with pytest.raises(WorkspaceError, match="another git is at work there, or died"):
        await ours.run("--no-deref", "-d", REF)
    assert not note.exists()
    assert git(person.top, "rev-parse", "--verify", REF)
