"""What the mode worktree does beyond the contract: hostile agents, unusual repositories, links."""

import os
import re
import shutil
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from engine.runfolder.paths import RunPaths, create_run_folder
from engine.workspace.pool import Pool
from engine.workspace.protocol import Change, Commit, Refused, Unchanged, WorkspaceError
from engine.workspace.settings import WorkspaceSettings
from tests.workspaces import ENVIRON, Person, differences, git, tree_files, write

NAME = "candidates/00002"
BRANCH = "refs/heads/controlroom/climb/climb-s0"


@pytest.fixture
def person(tmp_path: Path) -> Person:
    person = Person(tmp_path / "repo")
    person.make_dirty()
    return person


def make(person: Person, **settings: Any) -> Pool:
    told = WorkspaceSettings(**{"repo": person.top, "campaign": "climb"} | settings)
    return Pool(person.paths, told, ENVIRON)


async def taken(pool: Pool, base: Commit, slot: int = 0) -> Change:
    change = await pool.collect(slot, base, f"candidates/{slot:05d}", "Candidate")
    assert isinstance(change, Change), change
    return change


def remove_git(tree: Path, _: Person) -> None:
    shutil.rmtree(tree / ".git")


def name_the_persons_git(tree: Path, person: Person) -> None:
    shutil.rmtree(tree / ".git")
    (tree / ".git").write_text(f"gitdir: {person.top}/.git\n")


def link_the_persons_git(tree: Path, person: Person) -> None:
    shutil.rmtree(tree / ".git")
    (tree / ".git").symlink_to(person.top / ".git")


def make_head_a_pipe(tree: Path, _: Person) -> None:
    (tree / ".git" / "HEAD").unlink()
    os.mkfifo(tree / ".git" / "HEAD")


def make_head_garbage(tree: Path, _: Person) -> None:
    (tree / ".git" / "HEAD").write_bytes(b"ref: refs/../../../HEAD\n")


def make_head_an_unknown_commit(tree: Path, _: Person) -> None:
    (tree / ".git" / "HEAD").write_text("1" * 40 + "\n")


def break_objects(tree: Path, _: Person) -> None:
    write(tree, {"more.txt": "more\n"})
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "Broken")
    for path in (tree / ".git" / "objects").glob("??/*"):
        path.chmod(0o644)
        path.write_bytes(b"garbage")
    (tree / "more.txt").unlink()


def borrow_elsewhere(tree: Path, person: Person) -> None:
    """Let git find objects of a repository that the agent itself does not see."""
    git(tree, "commit", "-qam", "Borrowed")
    with (tree / ".git" / "objects" / "info" / "alternates").open("a") as file:
        file.write(f"{_elsewhere(person)}\n")


def link_objects_of_elsewhere(tree: Path, person: Person) -> None:
    git(tree, "commit", "-qam", "Linked")
    shutil.rmtree(tree / ".git" / "objects" / "pack")
    (tree / ".git" / "objects" / "pack").symlink_to(_elsewhere(person) / "pack")


def _elsewhere(person: Person) -> Path:
    git(person.top.parent, "init", "-q", "elsewhere")
    return person.top.parent / "elsewhere" / ".git" / "objects"


@pytest.mark.anyio
@pytest.mark.parametrize(
    "spoil",
    [
        borrow_elsewhere,
        link_objects_of_elsewhere,
        remove_git,
        name_the_persons_git,
        link_the_persons_git,
        make_head_a_pipe,
        make_head_garbage,
        make_head_an_unknown_commit,
        break_objects,
    ],
)
async def test_a_broken_repository_of_the_agents_costs_its_commits_only(
    spoil: Callable[[Path, Person], None], person: Person
) -> None:
    before = person.state()
    pool = make(person)
    base = await pool.open()
    tree = await pool.lend(0, base)
    write(tree, {"a.txt": "A\n"})
    spoil(tree, person)
    change = await taken(pool, base)
    assert change.rewrote
    assert [file.path for file in change.files] == ["a.txt"]
    await pool.check_out(0, change.commit)
    assert git(tree, "log", "-1", "--format=%s") == "Candidate"
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_an_index_that_lies_hides_no_change(person: Person) -> None:
    """Who reaches the engine's index could mark a changed file as one not to be looked at."""
    pool = make(person)
    base = await pool.open()
    tree = await pool.lend(0, base)
    lying = {
        "GIT_DIR": str(person.top / ".git"),
        "GIT_WORK_TREE": str(tree),
        "GIT_INDEX_FILE": str(tree.with_name("00.index")),
    }
    git(tree, "update-index", "--assume-unchanged", "a.txt", "src/b.py", **lying)
    write(tree, {"a.txt": "changed\n"})
    change = await taken(pool, base)
    assert [file.path for file in change.files] == ["a.txt"]
    git(tree, "update-index", "--assume-unchanged", "src/b.py", **lying)
    write(tree, {"src/b.py": "changed too\n"})
    await pool.check_out(0, change.commit)
    assert (tree / "src" / "b.py").read_text() == "b = 1\n"


def noting(person: Person, folder: Path) -> tuple[Pool, Callable[[], list[str]]]:
    """A pool whose gits are noted, and what tells the verbs of those since it was last asked."""
    noted, real = folder / "noted", shutil.which("git")
    program = folder / "bin" / "git"
    program.parent.mkdir()
    script = f'#!/bin/sh\nprintf "%s\\n" "$*" >> {noted}\nexec {real} "$@"\n'
    program.write_text(script)
    program.chmod(0o755)
    told = WorkspaceSettings(repo=person.top, campaign="climb")
    pool = Pool(person.paths, told, ENVIRON | {"PATH": f"{program.parent}:{ENVIRON['PATH']}"})

    def verbs() -> list[str]:
        lines = noted.read_text().splitlines()
        noted.write_text("")
        return [re.sub(r"^(-c \S+ )*", "", line).split()[0] for line in lines]

    return pool, verbs


@pytest.mark.anyio
async def test_what_was_just_taken_is_not_brought_again(person: Person, tmp_path: Path) -> None:
    pool, verbs = noting(person, tmp_path)
    base = await pool.open()
    tree = await pool.lend(0, base)
    write(tree, {"a.txt": "ONE\n", "new.txt": "new\n", "data/left.o": "built\n"})
    change = await taken(pool, base)
    verbs()
    await pool.check_out(0, change.commit)
    assert verbs() == ["clean"]
    assert git(tree, "status", "--porcelain", "--ignored") == ""
    write(tree, {"a.txt": "by a check\n"})
    await pool.check_out(0, change.commit)
    assert "read-tree" in verbs()
    assert (tree / "a.txt").read_text() == "ONE\n"
    assert git(tree, "status", "--porcelain", "--ignored") == ""


@pytest.mark.anyio
async def test_what_was_left_out_is_brought_back(person: Person, tmp_path: Path) -> None:
    """Of a tree that was not taken whole, or is another by now, nothing is taken for granted."""
    pool, verbs = noting(person, tmp_path)
    base = await pool.open()
    tree = await pool.lend(0, base)
    write(tree, {"a.txt": "ONE\n"})
    change = await taken(pool, base)
    verbs()
    await pool.check_out(0, base)
    assert "read-tree" in verbs()
    assert (tree / "a.txt").read_text() != "ONE\n"
    write(tree, {"a.txt": "ONE\n"})
    again = await taken(pool, base)
    assert again.tree == change.tree
    shutil.rmtree(tree)
    await pool.check_out(0, again.commit)
    assert (tree / "a.txt").read_text() == "ONE\n"
    assert git(tree, "status", "--porcelain", "--ignored") == ""


@pytest.mark.anyio
async def test_big_files_of_the_base_stay_where_no_index_is_believed(person: Person) -> None:
    person.write({"big.txt": "x" * 4000})
    git(person.top, "add", "big.txt")
    git(person.top, "commit", "-qm", "Big", "--", "big.txt")
    pool = make(person, max_file_bytes=1000)
    base = await pool.open()
    tree = await pool.lend(0, base)
    write(tree, {"a.txt": "changed\n"})
    # Another engine goes on, which knows nothing of this one's index.
    pool = make(person, max_file_bytes=1000)
    assert await pool.open() == base
    change = await taken(pool, base)
    assert [file.path for file in change.files] == ["a.txt"]


@pytest.mark.anyio
async def test_git_without_its_repository_does_not_find_the_persons(person: Person) -> None:
    before = person.state()
    pool = make(person)
    tree = await pool.lend(0, await pool.open())
    shutil.rmtree(tree / ".git")
    for words in (("reset", "--hard"), ("commit", "-am", "Mine"), ("stash",), ("rev-parse",)):
        assert git(tree, *words, check=False) == ""
        with pytest.raises(AssertionError, match="not a git repository"):
            git(tree, *words)
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_nothing_that_an_agent_configures_is_run(person: Person, tmp_path: Path) -> None:
    pool = make(person)
    base = await pool.open()
    tree = await pool.lend(0, base)
    ran = tmp_path / "ran"
    for key in ("core.fsmonitor", "core.pager", "core.sshCommand", "uploadpack.packObjectsHook"):
        git(tree, "config", key, f"touch '{ran}';:")
    for key in ("filter.evil.clean", "filter.evil.smudge", "diff.evil.textconv"):
        git(tree, "config", key, f"touch '{ran}'; cat")
    write(tree, {".gitattributes": "*.txt filter=evil diff=evil merge=evil\n"})
    for hook in ("post-checkout", "post-commit", "reference-transaction", "post-index-change"):
        write(tree / ".git" / "hooks", {hook: f"#!/bin/sh\ntouch '{ran}'\n"})
        (tree / ".git" / "hooks" / hook).chmod(0o755)
    write(tree, {"a.txt": "A\n"})
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "Own")
    ran.unlink()
    write(tree, {"a.txt": "AA\n"})
    change = await taken(pool, base)
    assert (change.commits, change.left) == (1, True)
    await pool.diff(base, change.commit)
    await pool.check_out(0, change.commit)
    await pool.lend(0, base)
    assert not ran.exists()


@pytest.mark.anyio
async def test_ignored_files_go_and_kept_ones_stay(person: Person) -> None:
    pool = make(person, keep=("*.cache", "/build/"))
    base = await pool.open()
    tree = await pool.lend(0, base)
    write(tree, {"x.o": "", "build/out": "", "src/y.cache": "", "z.txt": "", "data/d": ""})
    change = await taken(pool, base)
    assert [file.path for file in change.files] == ["z.txt"]
    await pool.check_out(0, base)
    left = {"x.o", "build/out", "src/y.cache", "z.txt", "data/d"}
    assert {name for name in left if (tree / name).exists()} == {"build/out", "src/y.cache"}


@pytest.mark.anyio
async def test_links_bring_the_persons_data(person: Person) -> None:
    pool = make(person, link=("data", "src/b.o"))
    base = await pool.open()
    tree = await pool.lend(0, base)
    assert (tree / "data" / "set.bin").read_text() == "ignored data"
    assert git(tree, "status", "--porcelain") == ""
    assert await pool.collect(0, base, NAME, "m") == Unchanged()
    (tree / "data").unlink()
    write(tree, {"data/set.bin": "the agent's own\n", "a.txt": "A\n"})
    assert [file.path for file in (await taken(pool, base)).files] == ["a.txt"]
    await pool.check_out(0, base)
    assert (tree / "data").readlink() == person.top / "data"
    assert (person.top / "data" / "set.bin").read_text() == "ignored data"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("link", "words"),
    [("no-such", "is not in"), ("src", "is tracked"), ("../up", "inside"), ("/etc", "inside")],
)
async def test_links_that_lead_nowhere_are_refused(person: Person, link: str, words: str) -> None:
    with pytest.raises(WorkspaceError, match=words):
        await make(person, link=(link,)).open()


@pytest.mark.anyio
async def test_a_tree_that_is_gone_is_refused_and_comes_back(person: Person) -> None:
    pool = make(person)
    base = await pool.open()
    tree = await pool.lend(0, base)
    shutil.rmtree(tree)
    found = await pool.collect(0, base, NAME, "m")
    assert isinstance(found, Refused)
    assert await pool.rescue(0, base, "attempts/00002-1") is None
    tree.symlink_to(person.top)
    assert isinstance(await pool.collect(0, base, NAME, "m"), Refused)
    before = person.state()
    assert git(await pool.lend(0, base), "status", "--porcelain") == ""
    assert not tree.is_symlink()
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_a_torn_index_and_old_locks_do_not_stop_it(person: Person) -> None:
    pool = make(person)
    base = await pool.open()
    tree = await pool.lend(0, base)
    index = tree.with_name("00.index")
    index.with_name("00.index.lock").touch()
    write(tree, {"a.txt": "A\n"})
    assert (await taken(pool, base)).changed == 1
    index.write_bytes(index.read_bytes()[:100])
    assert (await taken(pool, base)).changed == 1
    index.write_bytes(b"")
    await pool.lend(0, base)
    assert git(tree, "status", "--porcelain") == ""
    common = person.top / ".git"
    for name in (f"{BRANCH}.lock", "refs/controlroom/climb-s0/candidates/00009.lock"):
        (common / name).parent.mkdir(parents=True, exist_ok=True)
        (common / name).touch()
    again = make(person)
    await again.open()
    await again.accept(base)


@pytest.mark.anyio
async def test_a_lock_that_goes_away_is_waited_for(person: Person) -> None:
    pool = make(person)
    base = await pool.open()
    write(await pool.lend(0, base), {"a.txt": "A\n"})
    lock = person.top / ".git" / "refs" / "controlroom" / "climb-s0" / "candidates" / "00000.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    timer = threading.Timer(0.3, lock.unlink)
    timer.start()
    assert (await taken(pool, base)).changed == 1
    timer.join()


def sha256(tmp_path: Path) -> Person:
    return Person(tmp_path / "sha256", "--object-format=sha256")


def linked(tmp_path: Path) -> Person:
    person = Person(tmp_path / "main")
    git(person.top, "worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    person.top = tmp_path / "linked"
    return person


def borrowing(tmp_path: Path) -> Person:
    lender = Person(tmp_path / "lender")
    person = Person(tmp_path / "unused")
    git(tmp_path, "clone", "-q", "--shared", str(lender.top), str(tmp_path / 'it\'s: "borrowing"'))
    person.top = tmp_path / 'it\'s: "borrowing"'
    git(person.top, "config", "user.name", "Ada")
    git(person.top, "config", "user.email", "ada@example.org")
    return person


def shallow(tmp_path: Path) -> Person:
    origin = Person(tmp_path / "origin")
    person = Person(tmp_path / "unused")
    url = f"file://{origin.top}"
    git(tmp_path, "clone", "-q", "--depth=1", url, str(tmp_path / "shallow"))
    person.top = tmp_path / "shallow"
    git(person.top, "config", "user.name", "Ada")
    git(person.top, "config", "user.email", "ada@example.org")
    return person


def packed(tmp_path: Path) -> Person:
    person = Person(tmp_path / "packed")
    for key, value in (
        ("core.splitIndex", "true"),
        ("feature.manyFiles", "true"),
        ("index.version", "4"),
        ("submodule.recurse", "true"),
        ("core.autocrlf", "input"),
        ("core.logAllRefUpdates", "always"),
        ("diff.noprefix", "true"),
        ("color.ui", "always"),
    ):
        git(person.top, "config", key, value)
    git(person.top, "gc", "-q")
    return person


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [sha256, linked, borrowing, shallow, packed])
async def test_unusual_repositories(kind: Callable[[Path], Person], tmp_path: Path) -> None:
    person = kind(tmp_path)
    before = person.state()
    pool = make(person)
    base = await pool.open()
    tree = await pool.lend(0, base)
    assert git(tree, "status", "--porcelain") == ""
    assert git(tree, "log", "-1", "--format=%s") == "Second"
    write(tree, {"own.txt": "own\n"})
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "Own")
    write(tree, {"left.txt": "left\n"})
    change = await taken(pool, base)
    assert (change.commits, change.left, change.changed) == (1, True, 2)
    assert "+left" in await pool.diff(base, change.commit)
    await pool.check_out(0, change.commit)
    assert git(tree, "status", "--porcelain") == ""
    await pool.accept(change.commit)
    assert git(person.top, "rev-parse", BRANCH) == change.commit
    assert differences(before, person.state()) == {}
    git(person.top, "fsck", "--no-dangling")


@pytest.mark.anyio
async def test_filters_that_the_person_has_set_up(person: Person) -> None:
    for key, value in (
        ("filter.upper.clean", "tr a-z A-Z"),
        ("filter.upper.smudge", "tr A-Z a-z"),
        ("filter.upper.required", "true"),
    ):
        git(person.top, "config", key, value)
    git(person.top, "stash", "-q", "-u")
    person.write({".gitattributes": "*.big filter=upper\n", "one.big": "one\n"})
    git(person.top, "add", "-A")
    git(person.top, "commit", "-qm", "Big files")
    assert git(person.top, "show", "HEAD:one.big") == "ONE"
    before = person.state()
    pool = make(person)
    base = await pool.open()
    tree = await pool.lend(0, base)
    assert (tree / "one.big").read_text() == "one\n"
    write(tree, {"two.big": "two\n"})
    git(tree, "add", "-A")
    git(tree, "commit", "-qm", "Own")
    write(tree, {"three.big": "three\n"})
    os.utime(tree / "one.big")
    change = await taken(pool, base)
    assert {file.path for file in change.files} == {"two.big", "three.big"}
    for name in ("two", "three"):
        assert git(person.top, "show", f"{change.commit}:{name}.big") == name.upper()
    assert git(person.top, "show", f"{change.commit}^:two.big") == "TWO"
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_submodules_stay_at_their_commits(person: Person, tmp_path: Path) -> None:
    library = Person(tmp_path / "library")
    git(person.top, "stash", "-q", "-u")
    words = ("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library.top), "lib")
    git(person.top, *words)
    git(person.top, "commit", "-qm", "With a library")
    before = person.state()
    pool = make(person)
    base = await pool.open()
    tree = await pool.lend(0, base)
    assert list((tree / "lib").iterdir()) == []
    assert git(tree, "status", "--porcelain") == ""
    git(tree / "lib", "init", "-q")
    git(tree / "lib", "config", "core.fsmonitor", f"touch '{tmp_path}/ran';:")
    write(tree, {"lib/own.txt": "own\n", "a.txt": "A\n"})
    git(tree / "lib", "add", "-A")
    git(tree / "lib", "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "Inside")
    (tmp_path / "ran").unlink(missing_ok=True)
    change = await taken(pool, base)
    assert [file.path for file in change.files] == ["a.txt"]
    assert tree_files(person.top, change.commit)["lib"] == "160000"
    await pool.check_out(0, change.commit)
    assert list((tree / "lib").iterdir()) == []
    assert not (tmp_path / "ran").exists()
    shutil.rmtree(tree / "lib")
    assert await pool.collect(0, change.commit, NAME, "m") == Unchanged()
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_ten_slots_at_once(person: Person) -> None:
    before = person.state()
    pool = make(person)
    base = await pool.open()
    commits: dict[int, Commit] = {}

    async def work(slot: int) -> None:
        for round_ in range(3):
            tree = await pool.lend(slot, base)
            write(tree, {"a.txt": f"{slot} {round_}\n", f"{slot}.txt": f"{round_}\n"})
            change = await taken(pool, base, slot)
            await pool.check_out(slot, change.commit)
            assert (tree / "a.txt").read_text() == f"{slot} {round_}\n"
            commits[slot] = change.commit

    async with anyio.create_task_group() as tasks:
        for slot in range(10):
            tasks.start_soon(work, slot)
    assert len(set(commits.values())) == 10
    assert differences(before, person.state()) == {}


@pytest.mark.anyio
async def test_what_was_kept_is_not_replaced_by_a_tree_that_is_half_made_anew(
    person: Person,
) -> None:
    """An engine that died while it lent the tree again keeps the attempt before that once more."""
    pool = make(person)
    base = await pool.open()
    tree = await pool.lend(0, base)
    write(tree, {"a.txt": "A\n"})
    git(tree, "-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qam", "Own")
    kept = await pool.rescue(0, base, "attempts/00002-1")
    assert kept is not None
    lost = "0" * 39 + "1"
    with pytest.raises(WorkspaceError, match="read-tree"):
        await pool.lend(0, Commit(lost))
    write(tree, {"a.txt": "half\n"})
    assert await make(person).open() == base
    again = make(person)
    await again.open()
    assert await again.rescue(0, base, "attempts/00002-1") == kept
    assert git(person.top, "show", f"{kept}:a.txt") == "A"
    await again.lend(0, base)
    write(tree, {"a.txt": "B\n"})
    second = await again.rescue(0, base, "attempts/00002-2")
    assert git(person.top, "show", f"{second}:a.txt") == "B"


@pytest.mark.anyio
async def test_the_branch_is_moved_by_nobody_else(person: Person, tmp_path: Path) -> None:
    pool = make(person)
    base = await pool.open()
    write(await pool.lend(0, base), {"a.txt": "A\n"})
    first = (await taken(pool, base)).commit
    await pool.accept(first)
    assert git(person.top, "rev-parse", BRANCH) == first
    git(person.top, "update-ref", BRANCH, base)
    write(await pool.lend(0, first), {"a.txt": "B\n"})
    second = (await taken(pool, first)).commit
    with pytest.raises(WorkspaceError, match="did not put it"):
        await pool.accept(second)
    git(person.top, "update-ref", BRANCH, first)
    side = tmp_path / "side"
    git(person.top, "worktree", "add", "-q", str(side), BRANCH.removeprefix("refs/heads/"))
    with pytest.raises(WorkspaceError, match=r"checked out in .*side"):
        await pool.accept(second)
    assert git(side, "status", "--porcelain") == ""
    git(person.top, "worktree", "remove", str(side))
    await pool.accept(second)
    assert git(person.top, "rev-parse", BRANCH) == second


@pytest.mark.anyio
async def test_a_branch_in_the_way_is_named(person: Person) -> None:
    git(person.top, "branch", "controlroom")
    with pytest.raises(WorkspaceError, match="controlroom stands in the way"):
        await make(person).open()


@pytest.mark.anyio
async def test_two_runs_of_one_name_do_not_share_a_repository(
    person: Person, tmp_path: Path
) -> None:
    await make(person).open()
    other = create_run_folder(RunPaths.of(tmp_path / "elsewhere", "climb-s0").root)
    told = WorkspaceSettings(repo=person.top, campaign="climb")
    with pytest.raises(WorkspaceError, match="--name"):
        await Pool(other, told, ENVIRON).open()
    shutil.rmtree(person.top / ".controlroom")
    await Pool(other, told, ENVIRON).open()


@pytest.mark.anyio
async def test_commits_without_an_identity(person: Person) -> None:
    git(person.top, "config", "--unset", "user.name")
    pool = make(person)
    base = await pool.open()
    write(await pool.lend(0, base), {"a.txt": "A\n"})
    change = await taken(pool, base)
    assert git(person.top, "log", "-1", "--format=%an %ce", change.commit) == (
        "controlroom controlroom@localhost"
    )


def plain_folder(tmp_path: Path) -> Path:
    (tmp_path / "plain").mkdir()
    return tmp_path / "plain"


def missing_folder(tmp_path: Path) -> Path:
    return tmp_path / "missing"


def without_commits(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "unborn")
    return tmp_path / "unborn"


def bare(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    return tmp_path / "bare.git"


def inside_git(tmp_path: Path) -> Path:
    return Person(tmp_path / "ordinary").top / ".git"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (plain_folder, "not in a git repository; make one"),
        (missing_folder, "does not exist"),
        (without_commits, "has no commit yet"),
        (bare, "is a bare repository"),
        (inside_git, "is in no checkout"),
    ],
)
async def test_what_is_no_repository_to_work_in(
    kind: Callable[[Path], Path], words: str, tmp_path: Path
) -> None:
    paths = create_run_folder(tmp_path / "run")
    told = WorkspaceSettings(repo=kind(tmp_path), campaign="climb")
    with pytest.raises(WorkspaceError, match=words):
        await Pool(paths, told, ENVIRON | {"GIT_CEILING_DIRECTORIES": str(tmp_path)}).open()


@pytest.mark.anyio
async def test_an_unknown_base_and_an_absent_git(person: Person, tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="no commit 'v9'"):
        await make(person, base="v9").open()
    told = WorkspaceSettings(repo=person.top, campaign="climb")
    with pytest.raises(WorkspaceError, match="no program git on PATH; install git"):
        await Pool(person.paths, told, {"PATH": str(tmp_path)}).open()
    old = tmp_path / "old"
    write(old, {"git": "#!/bin/sh\necho git version 2.37.9\n"})
    (old / "git").chmod(0o755)
    with pytest.raises(WorkspaceError, match=r"2\.38 or newer"):
        await Pool(person.paths, told, {"PATH": f"{old}:/usr/bin:/bin"}).open()


@pytest.mark.anyio
async def test_another_base_and_another_branch(person: Person) -> None:
    pool = make(person, base="HEAD~1", branch="best")
    base = await pool.open()
    assert base == git(person.top, "rev-parse", "HEAD~1")
    await pool.accept(base)
    assert git(person.top, "rev-parse", "refs/heads/best") == base


@pytest.mark.anyio
async def test_everything_but_the_branch_is_removed(person: Person) -> None:
    pool = make(person)
    base = await pool.open()
    tree = await pool.lend(0, base)
    write(tree, {"a.txt": "A\n", "closed/f.txt": "f\n"})
    (tree / "closed").chmod(stat.S_IRUSR)
    change = await taken(pool, base)
    await pool.accept(change.commit)
    await pool.remove()
    assert git(person.top, "for-each-ref", "refs/controlroom") == ""
    assert git(person.top, "rev-parse", BRANCH) == change.commit
    assert not person.paths.trees.exists()
