"""What the mode in-place does with a person's uncommitted work, and with accepted commits."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.core import failpoints
from engine.runfolder.paths import create_run_folder
from engine.workspace.inplace import InPlace
from engine.workspace.protocol import Change, Commit, Refused, WorkspaceError
from engine.workspace.settings import WorkspaceSettings
from tests.workspaces import ENVIRON, Person, differences, git, tree_files, write

NAME = "candidates/00002"
BRANCH = "refs/heads/main"


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = Person(tmp_path / "repo")
    person.make_dirty()
    return person


def make(person: Person, **settings: object) -> InPlace:
    told = WorkspaceSettings(
        **{"repo": person.top, "campaign": "climb", "dirty": "stash"} | settings  # type: ignore[arg-type]
    )
    return InPlace(person.paths, told, ENVIRON)


async def made(workspace: InPlace, base: Commit, files: dict[str, str]) -> Commit:
    """A candidate of an agent that was checked."""
    write(await workspace.lend(0, base), files)
    change = await workspace.collect(0, base, NAME, "Candidate")
    assert isinstance(change, Change), change
    await workspace.check_out(0, change.commit)
    return change.commit


@pytest.mark.anyio
async def test_uncommitted_work_is_refused(person: Person) -> None:
    before = person.state()
    with pytest.raises(WorkspaceError, match=r"uncommitted work .*secret\.env") as refused:
        await make(person, dirty="fail").open()
    assert "workspace.dirty" in str(refused.value)
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_work_that_appears_later_is_refused(tmp_path: Path) -> None:
    person = Person(tmp_path / "other")
    workspace = make(person, dirty="fail")
    base = await workspace.open()
    person.write({"a.txt": "just now\n"})
    before = person.state()
    with pytest.raises(WorkspaceError, match=r"a\.txt"):
        await workspace.lend(0, base)
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_locks_of_a_killed_engine_do_not_stop_the_next(person: Person) -> None:
    workspace = make(person)
    base = await workspace.open()
    await workspace.lend(0, base)
    await workspace.give_back(0)
    indexes = list((person.paths.root / "in-place").glob("*index"))
    assert len(indexes) >= 2
    for index in indexes:
        index.with_name(f"{index.name}.lock").touch()
    before = person.state()
    workspace = make(person)
    assert await workspace.open() == base
    await workspace.lend(0, base)
    await workspace.give_back(0)
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_an_iteration_does_not_see_the_work_and_brings_it_back(person: Person) -> None:
    before = person.state()
    workspace = make(person)
    base = await workspace.open()
    assert differences(before, person.state()) == {}
    tree = await workspace.lend(0, base)
    assert git(tree, "status", "--porcelain") == ""
    assert not (tree / "secret.env").exists()
    assert (tree / "data" / "set.bin").read_text() == "ignored data"
    write(
        tree, {"new/untracked.txt": "the agent's\n", "a.txt": "A\n", "left.o": "o", "x/y.txt": ""}
    )
    change = await workspace.collect(0, base, NAME, "m")
    assert isinstance(change, Change)
    assert {file.path for file in change.files} == {"new/untracked.txt", "a.txt", "x/y.txt"}
    await workspace.check_out(0, change.commit)
    assert await workspace.give_back(0) == []
    assert differences(before, person.state()) == {}
    assert person.top.joinpath("secret.env").stat().st_mode & 0o777 == 0o600
    assert git(person.top, "diff", "--cached", "--name-only") == "src/b.py\nstaged.txt"
    await workspace.close()


@pytest.mark.anyio
async def test_times_of_files_come_back(person: Person) -> None:
    os.utime(person.top / "secret.env", ns=(10**18, 10**18))
    workspace = make(person)
    await workspace.lend(0, await workspace.open())
    await workspace.give_back(0)
    assert (person.top / "secret.env").stat().st_mtime_ns == 10**18


@pytest.mark.anyio
async def test_an_accepted_commit_moves_the_branch_under_the_work(person: Person) -> None:
    before = person.state()
    workspace = make(person)
    base = await workspace.open()
    commit = await made(workspace, base, {"a.txt": "ONE\ntwo\nthree\nfour\n", "fresh.txt": "f\n"})
    await workspace.accept(commit)
    await workspace.accept(commit)
    assert await workspace.give_back(0) == []
    after = person.state()
    assert person.head == commit
    assert after["symbolic"] == BRANCH
    changed = differences(before["files"], after["files"])
    assert set(differences({"f": before["files"]}, {"f": after["files"]})["f"]) == {
        b"a.txt",
        b"fresh.txt",
    }, changed
    assert after["unstaged"] == before["unstaged"]
    assert after["cached"] == before["cached"]
    assert after["stashes"] == before["stashes"]
    again = make(person)
    assert await again.open() == base
    await again.accept(commit)
    assert differences(after, person.state()) == {}


@pytest.mark.anyio
async def test_a_promotion_can_be_finished_after_the_checkout_was_given_back(
    person: Person,
) -> None:
    workspace = make(person)
    base = await workspace.open()
    commit = await made(workspace, base, {"fresh.txt": "f\n"})
    await workspace.give_back(0)
    before = person.state()
    again = make(person)
    await again.open()
    await again.accept(commit)
    after = person.state()
    assert person.head == commit
    assert (person.top / "fresh.txt").read_text() == "f\n"
    assert (after["unstaged"], after["cached"]) == (before["unstaged"], before["cached"])


@pytest.mark.anyio
@pytest.mark.parametrize("policy", ["warn-keep", "fail"])
async def test_work_that_does_not_go_with_an_accepted_commit_is_kept(
    person: Person, policy: str
) -> None:
    workspace = make(person, restore=policy)
    base = await workspace.open()
    commit = await made(workspace, base, {"src/b.py": "b = 'the agent'\n"})
    await workspace.accept(commit)
    if policy == "fail":
        with pytest.raises(WorkspaceError, match=r"both touch src/b\.py"):
            await workspace.give_back(0)
    (notice,) = await workspace.give_back(0)
    assert "both touch src/b.py" in notice
    assert git(person.top, "status", "--porcelain") == ""
    assert git(person.top, "symbolic-ref", "HEAD") == BRANCH
    assert person.head == commit
    git(person.top, "gc", "-q", "--prune=now")
    ref = notice.rsplit(" ", 1)[1]
    git(person.top, "reset", "-q", "--hard", base)
    git(person.top, "stash", "apply", "-q", "--index", ref)
    assert (person.top / "secret.env").read_text() == "KEY=1\n"
    assert git(person.top, "diff", "--cached", "--name-only") == "src/b.py\nstaged.txt"
    assert (person.top / "src" / "b.py").read_text() == "b = 'staged'\nb += 'and more'\n"


@pytest.mark.anyio
async def test_a_run_can_begin_from_the_uncommitted_work(person: Person) -> None:
    before = person.state()
    workspace = make(person, dirty="allow")
    base = await workspace.open()
    tree = await workspace.lend(0, base)
    assert (tree / "secret.env").read_text() == "KEY=1\n"
    assert git(tree, "status", "--porcelain") == ""
    await workspace.give_back(0)
    assert differences(before, person.state()) == {}
    commit = await made(workspace, base, {"fresh.txt": "f\n"})
    await workspace.accept(commit)
    await workspace.give_back(0)
    assert git(person.top, "status", "--porcelain") == ""
    assert (person.top / "secret.env").read_text() == "KEY=1\n"
    assert git(person.top, "log", "--format=%s", "-3").splitlines() == [
        "Candidate",
        "Uncommitted work at the beginning of climb-s0",
        "Second",
    ]


@pytest.mark.anyio
async def test_a_rejected_candidate_leaves_the_branch_where_it_was(person: Person) -> None:
    """Even if the agent moved it itself."""
    before = person.state()
    workspace = make(person)
    base = await workspace.open()
    tree = await workspace.lend(0, base)
    git(tree, "checkout", "-q", "main")
    write(tree, {"own.txt": "own\n"})
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "On the person's branch")
    change = await workspace.collect(0, base, NAME, "m")
    assert isinstance(change, Change)
    assert change.commits == 1
    (notice,) = await workspace.give_back(0)
    assert "was moved" in notice
    assert differences(before, person.state()) == {}
    assert git(person.top, "log", "-1", "--format=%s", change.commit) == "On the person's branch"


@pytest.mark.anyio
async def test_stashes_come_back_as_they_were(person: Person) -> None:
    before = person.state()
    workspace = make(person)
    base = await workspace.open()
    tree = await workspace.lend(0, base)
    write(tree, {"a.txt": "by the agent\n"})
    git(tree, "stash", "-q")
    (notice,) = await workspace.give_back(0)
    assert differences(before, person.state()) == {}
    assert git(person.top, "show", f"{notice.rsplit(' ', 1)[1]}:a.txt") == "by the agent"
    tree = await workspace.lend(0, base)
    git(tree, "stash", "drop", "-q")
    await workspace.give_back(0)
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_an_unfinished_merge_of_an_agents_is_forgotten(person: Person) -> None:
    git(person.top, "stash", "-q", "-u")
    git(person.top, "checkout", "-q", "-b", "other", "HEAD~1")
    person.write({"a.txt": "a conflict\n"})
    git(person.top, "commit", "-qam", "Other")
    git(person.top, "checkout", "-q", "main")
    git(person.top, "stash", "pop", "-q", "--index")
    before = person.state()
    workspace = make(person)
    tree = await workspace.lend(0, await workspace.open())
    git(tree, "merge", "other", check=False)
    assert git(tree, "ls-files", "--unmerged") != ""
    await workspace.give_back(0)
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_ignored_files_are_the_persons_whatever_an_agent_makes_of_the_rules(
    person: Person,
) -> None:
    before = person.state()
    workspace = make(person)
    base = await workspace.open()
    tree = await workspace.lend(0, base)
    write(tree, {".gitignore": "!data/\n", "a.txt": "A\n"})
    change = await workspace.collect(0, base, NAME, "m")
    assert isinstance(change, Change)
    assert {file.path for file in change.files} == {".gitignore", "a.txt"}
    await workspace.check_out(0, base)
    assert (tree / "data" / "set.bin").exists()
    git(tree, "add", "-f", "data/set.bin")
    git(tree, "commit", "-qm", "Takes the person's data")
    found = await workspace.collect(0, base, NAME, "m")
    assert isinstance(found, Refused)
    assert "data/set.bin" in found.reason
    await workspace.give_back(0)
    assert differences(before, person.state()) == {}


def no_branch(person: Person) -> None:
    git(person.top, "checkout", "-q", "--detach")


def merging(person: Person) -> None:
    (person.top / ".git" / "MERGE_HEAD").write_text(person.head + "\n")


def too_big(person: Person) -> None:
    person.write({"huge.bin": "x" * 2_000})


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("spoil", "words"),
    [(no_branch, "detached"), (merging, "a merge is not finished"), (too_big, "huge.bin")],
)
async def test_what_it_cannot_work_with(
    person: Person, spoil: Callable[[Person], None], words: str
) -> None:
    spoil(person)
    before = person.state()
    with pytest.raises(WorkspaceError, match=words):
        await make(person, max_file_bytes=1_000).open()
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_a_branch_with_commits_of_the_persons_is_not_moved(person: Person) -> None:
    workspace = make(person)
    base = await workspace.open()
    commit = await made(workspace, base, {"fresh.txt": "f\n"})
    await workspace.give_back(0)
    git(person.top, "commit", "-qm", "The person goes on")
    before = person.state()
    with pytest.raises(WorkspaceError, match="commits that the run does not know"):
        await workspace.accept(commit)
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_a_repository_of_the_persons_inside_stays(person: Person) -> None:
    inner = person.top / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    write(inner, {"f.txt": "theirs\n"})
    before = person.state()
    workspace = make(person)
    base = await workspace.open()
    commit = await made(workspace, base, {"fresh.txt": "f\n"})
    assert set(tree_files(person.top, commit)) & {"inner", "inner/f.txt"} == set()
    await workspace.give_back(0)
    assert differences(before, person.state()) == {}
    assert (inner / ".git" / "HEAD").exists()


@pytest.mark.anyio
async def test_a_damaged_intent_stops_it_and_says_where_the_work_is(person: Person) -> None:
    workspace = make(person)
    await workspace.lend(0, await workspace.open())
    (person.paths.root / "in-place" / "intent.json").write_text('{"phase": "le')
    with pytest.raises(WorkspaceError, match="in-place/captured"):
        await make(person).open()


@pytest.fixture
def saving(person: Person) -> Iterator[Callable[[int], None]]:
    """Lets the person save a file just before the checkout is taken, so many times."""
    left = [0]

    def save(reached: str) -> None:
        if reached == "workspace.intended" and left[0]:
            left[0] -= 1
            person.write({"src/b.py": f"b = 'saved with {left[0]} to go'\n"})

    failpoints.arm(save)
    yield lambda times: left.__setitem__(0, times)
    failpoints.arm(lambda _: None)


@pytest.mark.anyio
async def test_a_file_that_is_saved_in_the_same_moment_is_not_lost(
    person: Person, saving: Callable[[int], None]
) -> None:
    workspace = make(person)
    base = await workspace.open()
    saving(1)
    tree = await workspace.lend(0, base)
    assert git(tree, "status", "--porcelain") == ""
    await workspace.give_back(0)
    assert (person.top / "src" / "b.py").read_text() == "b = 'saved with 0 to go'\n"
    saving(9)
    with pytest.raises(WorkspaceError, match=r"src/b\.py"):
        await workspace.lend(0, base)
    assert (person.top / "src" / "b.py").read_text() == "b = 'saved with 6 to go'\n"
    assert (person.top / "secret.env").exists()
    assert git(person.top, "symbolic-ref", "HEAD") == BRANCH


@pytest.mark.anyio
async def test_another_git_at_work_is_waited_for_and_not_disturbed(person: Person) -> None:
    workspace = make(person)
    base = await workspace.open()
    lock = person.top / ".git" / "index.lock"
    lock.touch()
    before = person.state()
    with pytest.raises(WorkspaceError, match=r"another git is at work .*index\.lock"):
        await workspace.lend(0, base)
    assert differences(before, person.state()) == {}
    timer = threading.Timer(0.3, lock.unlink)
    timer.start()
    await workspace.lend(0, base)
    timer.join()
    await workspace.give_back(0)


@pytest.mark.anyio
async def test_the_runs_own_folder_is_nobodys_work(person: Person) -> None:
    git(person.top, "stash", "-q", "-u")
    before = person.state()
    paths = create_run_folder(person.top / "a run")
    (paths.root / "journal.sqlite").write_text("the journal")
    told = WorkspaceSettings(repo=person.top, campaign="climb", dirty="fail")
    workspace = InPlace(paths, told, ENVIRON)
    base = await workspace.open()
    tree = await workspace.lend(0, base)
    assert (paths.root / "journal.sqlite").read_text() == "the journal"
    write(tree, {"a.txt": "A\n"})
    change = await workspace.collect(0, base, NAME, "m")
    assert isinstance(change, Change)
    assert [file.path for file in change.files] == ["a.txt"]
    await workspace.check_out(0, change.commit)
    await workspace.give_back(0)
    assert (paths.root / "journal.sqlite").read_text() == "the journal"
    shutil.rmtree(paths.root)
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_it_has_one_slot(person: Person) -> None:
    workspace = make(person)
    base = await workspace.open()
    with pytest.raises(WorkspaceError, match="one slot"):
        await workspace.lend(1, base)
