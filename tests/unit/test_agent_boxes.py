"""What an agent's sandbox shows, and what stands round whom where a machine can do less."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.agents import boxes
from engine.agents.protocol import AgentTask, Confinement, Launch
from engine.agents.walls import KINDS, has_network, policy, walls_of
from engine.core.campaign.proposers import AgentSpec
from engine.executors.protocol import Box
from engine.workspace.borrowed import git_folders, object_folders
from tests.agents import Stage
from tests.workspaces import Person, git

WALLS = "from engine.agents.walls import KINDS, walls_here; print([walls_here(k) for k in KINDS])"


@pytest.fixture
def task(tmp_path: Path) -> AgentTask:
    return Stage(tmp_path).task(confinement=Confinement(person=tmp_path))


def box(task: AgentTask, *argv: str, **more: Any) -> Box:
    boxes.prepare(task)
    env = {"PATH": "/usr/bin"} | more.pop("env", {})
    found = boxes.box_of(task, Launch(argv=argv or ("/bin/sh",), env=env, **more))
    assert found is not None
    return found


def confined(task: AgentTask, **more: Any) -> AgentTask:
    return msgspec.structs.replace(task, confinement=Confinement(**more))


def test_an_attempt_shows_its_tree_and_its_own_and_no_record_of_it(task: AgentTask) -> None:
    found = box(task)
    assert set(found.write) == {task.tree, task.own_home, task.out}
    assert set(found.read) == {task.prompt, task.folder / "answers"}
    assert (found.home, found.network, found.nesting) == (task.own_home, True, True)


def test_what_is_the_judges_alone_is_masked_in_its_tree(task: AgentTask) -> None:
    walls = Confinement(hide=(Path("/runs"),), hide_in_tree=(Path("tests/hidden"),))
    found = box(msgspec.structs.replace(task, confinement=walls))
    assert found.hide == (Path("/runs"), task.tree / "tests" / "hidden")


def test_without_walls_there_is_no_box_and_nothing_is_made(tmp_path: Path) -> None:
    task = Stage(tmp_path).task()
    boxes.prepare(task)
    assert boxes.box_of(task, Launch(argv=("sh",), env={})) is None
    assert [path.name for path in task.folder.iterdir()] == ["prompt.md"]


def test_a_program_is_shown_with_its_environment_and_the_files_it_is_told(
    task: AgentTask, tmp_path: Path
) -> None:
    place = tmp_path / "tools" / "bin"
    place.mkdir(parents=True)
    (place / "agent").write_text("#!/bin/sh\n")
    (place / "agent").chmod(0o755)
    (tmp_path / "tools" / "pyvenv.cfg").write_text("")
    (tmp_path / "tools" / "bin" / "python").symlink_to("/usr/bin/env")
    (tmp_path / "settings.json").write_text("{}")
    told = ("agent", str(tmp_path / "settings.json"), str(tmp_path), "/no/such", "x" * 5000)
    found = box(task, *told, env={"PATH": str(place)})
    assert {tmp_path / "tools", tmp_path / "settings.json"} <= set(found.read)
    assert tmp_path not in found.read


def test_what_holds_the_persons_home_is_not_shown_for_a_programs_sake(
    task: AgentTask, tmp_path: Path
) -> None:
    (tmp_path / "pyvenv.cfg").write_text("")
    found = box(task, env={"VIRTUAL_ENV": str(tmp_path)})
    assert tmp_path not in found.read


def test_a_link_in_what_is_shown_is_followed(task: AgentTask, tmp_path: Path) -> None:
    data, shown = tmp_path / "data", tmp_path / "shown"
    data.mkdir()
    shown.mkdir()
    (shown / "link").symlink_to(data)
    found = box(confined(task, read=(shown, shown / "link")))
    assert data in found.read
    assert shown / "link" not in found.read


def test_what_is_written_stays_so_and_what_is_not_there_is_left_out(
    task: AgentTask, tmp_path: Path
) -> None:
    found = box(confined(task, read=(task.tree, tmp_path / "nowhere", Path("/usr/share"))))
    assert task.tree in found.write
    assert not {task.tree, tmp_path / "nowhere", Path("/usr/share")} & set(found.read)


def spec(agent: str, **more: Any) -> AgentSpec:
    keys = {"kind": "agent", "agent": agent, "command": ["x"], "script": "x"} | more
    return AgentSpec.model_validate(keys)


@pytest.mark.parametrize(
    ("agent", "network", "has"),
    [
        ("codex", False, True),
        ("claude", True, True),
        ("command", False, True),
        ("command", "none", False),
        ("scripted", False, False),
        ("scripted", True, True),
        ("mine:maker", "none", False),
    ],
)
def test_who_has_the_network(agent: str, network: Any, *, has: bool) -> None:
    assert has_network(spec(agent, network=network)) is has


def test_a_campaign_may_do_without(tmp_path: Path) -> None:
    walls = walls_of(spec("command", sandbox="off"))
    assert (walls.stand, walls.why) == (False, "the campaign says so (sandbox: off)")


def test_all_kinds_are_kept_in_here_and_doctor_says_how() -> None:
    path = os.environ["PATH"]
    words = {kind: policy(kind, path) for kind in KINDS}
    assert all(stands for stands, _ in words.values()), words
    assert "its own within" in words["codex"][1]
    assert "no network" in words["scripted"][1]
    assert "none of its own" in policy("claude", "/nowhere")[1]


def tried(folder: Path, script: str) -> str:
    program = folder / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    env = {"PATH": f"{folder}:/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-c", WALLS]
    return subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout


def test_where_none_stands_within_another_who_brings_one_has_only_that(tmp_path: Path) -> None:
    within = "echo 'bwrap: No permissions to create new namespace' >&2; exit 1"
    real = shutil.which("bwrap")
    said = tried(tmp_path, f'[ "$(hostname)" = box ] && {{ {within}; }}; exec {real} "$@"')
    stand = [f"stand={kind not in ('codex', 'claude')}" in said.split("Walls(")[number] for
             number, kind in enumerate(KINDS, start=1)]  # fmt: skip
    assert all(stand), said
    assert said.count("does not work within one here: user namespaces are forbidden here") == 2
    assert "nesting=True" not in said


def test_where_none_stands_at_all_nobody_has_one(tmp_path: Path) -> None:
    said = tried(tmp_path, "echo --size; echo 'bwrap: No permissions to create' >&2; exit 1")
    assert said.count("stand=False") == len(KINDS)


def test_where_objects_are(tmp_path: Path) -> None:
    person = Person(tmp_path / "repo")
    assert object_folders(person.top) == [person.top / ".git" / "objects"]
    git(person.top, "worktree", "add", "-q", str(tmp_path / "linked"))
    assert object_folders(tmp_path / "linked") == [person.top / ".git" / "objects"]
    own, shared = git_folders(tmp_path / "linked")
    assert (own.name, shared) == ("linked", person.top / ".git")
    git(tmp_path, "clone", "-q", "--shared", str(person.top), "borrower")
    borrower = tmp_path / "borrower"
    assert object_folders(borrower) == [
        borrower / ".git" / "objects",
        person.top / ".git" / "objects",
    ]
    assert object_folders(tmp_path / "nothing") == []
