"""What every workspace does, whatever agents do in it. Each mode has a class below."""

import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.workspace.inplace import InPlace
from engine.workspace.pool import Pool
from engine.workspace.protocol import (
    MOST_FILES,
    Change,
    Commit,
    Conflict,
    Refused,
    Unchanged,
    Workspace,
    WorkspaceError,
)
from engine.workspace.settings import WorkspaceSettings
from tests.workspaces import ENVIRON, Person, contents, differences, git, tree_files, write

ODD_NAMES = (
    b"new\nline",
    b"quo\"te's",
    b"\xff\xfe",
    b"-leading",
    b" space ",
    "é".encode(),
    b"a\\b",
)
NAME = "candidates/00002"


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path / "a person's repo")


class Bench:
    """A workspace that is open, with an agent in slot 0."""

    def __init__(self, workspace: Workspace, person: Person, base: Commit) -> None:
        self.workspace = workspace
        self.person = person
        self.base = base

    async def lend(self, base: Commit | None = None) -> Path:
        return await self.workspace.lend(0, base or self.base)

    async def collect(self, name: str = NAME, base: Commit | None = None) -> Change:
        change = await self.workspace.collect(0, base or self.base, name, "What the agent did")
        assert isinstance(change, Change), change
        return change

    async def made(self, files: dict[str, str], name: str, base: Commit | None = None) -> Commit:
        """A candidate with these files."""
        write(await self.lend(base), files)
        return (await self.collect(name, base)).commit

    def ref(self, name: str) -> str:
        return git(self.person.top, "rev-parse", f"refs/controlroom/climb-s0/{name}")


class WorkspaceContract(ABC):
    """Passed by every mode."""

    @abstractmethod
    def make(self, person: Person, **settings: object) -> Workspace: ...

    @pytest.fixture
    async def bench(self, person: Person) -> AsyncIterator[Bench]:
        """Checks as well that nothing of the person's has changed when all is over."""
        before = person.state()
        workspace = self.make(person, max_file_bytes=100_000)
        bench = Bench(workspace, person, await workspace.open())
        yield bench
        await workspace.give_back(0)
        await workspace.close()
        assert differences(before, person.state()) == {}

    @pytest.mark.anyio
    async def test_a_lent_tree_is_the_base_and_git_works_in_it(
        self, bench: Bench, person: Person
    ) -> None:
        expected = tree_files(person.top, "HEAD")
        tree = await bench.lend()
        assert git(tree, "rev-parse", "HEAD") == bench.base == person.head
        assert git(tree, "status", "--porcelain") == ""
        assert git(tree, "log", "--format=%s") == "Second\nFirst"
        assert set(git(tree, "ls-files").splitlines()) == set(expected)
        assert os.access(tree / "run.sh", os.X_OK)
        assert (tree / "link").readlink() == Path("a.txt")

    @pytest.mark.anyio
    async def test_no_change_is_none(self, bench: Bench) -> None:
        tree = await bench.lend()
        os.utime(tree / "a.txt")
        (tree / "an empty folder").mkdir()
        assert await bench.workspace.collect(0, bench.base, NAME, "m") == Unchanged()

    @pytest.mark.anyio
    async def test_what_an_agent_leaves_is_one_commit(self, bench: Bench, person: Person) -> None:
        tree = await bench.lend()
        write(tree, {"a.txt": "one\n", "deep/er/new.txt": "1\n2\n", "x.o": "ignored"})
        (tree / "src" / "b.py").unlink()
        (tree / "src" / "c.py").chmod(0o755)
        (tree / "bytes").write_bytes(b"\0\1\2" * 9)
        (tree / "to").symlink_to("deep")
        change = await bench.collect()
        assert git(person.top, "rev-parse", f"{change.commit}^") == bench.base == change.base
        assert (change.commits, change.left, change.rewrote) == (0, True, False)
        assert git(person.top, "log", "-1", "--format=%an %s", change.commit) == (
            "Ada What the agent did"
        )
        assert tree_files(person.top, change.commit) == {
            ".gitignore": "100644",
            "a.txt": "100644",
            "bytes": "100644",
            "deep/er/new.txt": "100644",
            "link": "120000",
            "run.sh": "100755",
            "src/c.py": "100755",
            "to": "120000",
        }
        assert {(f.path, f.kind, f.added, f.removed) for f in change.files} == {
            ("a.txt", "update", 0, 3),
            ("bytes", "add", None, None),
            ("deep/er/new.txt", "add", 2, 0),
            ("src/b.py", "delete", 0, 1),
            ("src/c.py", "update", 0, 0),
            ("to", "add", 1, 0),
        }
        assert change.changed == 6
        assert bench.ref(NAME) == change.commit
        assert git(person.top, "rev-parse", f"{change.commit}^{{tree}}") == change.tree

    @pytest.mark.anyio
    async def test_an_agents_own_commits_are_kept_with_what_it_left_on_top(
        self, bench: Bench, person: Person
    ) -> None:
        tree = await bench.lend()
        for number in (1, 2):
            write(tree, {f"{number}.txt": f"{number}\n"})
            git(tree, "add", "-A")
            git(tree, "commit", "-qm", f"Own {number}")
        clean = await bench.collect("attempts/00002-1")
        assert (clean.commits, clean.left, clean.rewrote) == (2, False, False)
        assert clean.commit == git(tree, "rev-parse", "HEAD")
        write(tree, {"left.txt": "left\n"})
        change = await bench.collect()
        assert (change.commits, change.left, change.rewrote) == (2, True, False)
        subjects = git(person.top, "log", "--format=%s", f"{bench.base}..{change.commit}")
        assert subjects == "What the agent did\nOwn 2\nOwn 1"
        assert change.changed == 3
        assert person.head == bench.base or bench.workspace.top == tree

    @pytest.mark.anyio
    async def test_commits_on_a_branch_of_the_agents_own(
        self, bench: Bench, person: Person
    ) -> None:
        tree = await bench.lend()
        git(tree, "checkout", "-q", "-b", "idea/one")
        write(tree, {"1.txt": "1\n"})
        git(tree, "add", "-A")
        git(tree, "commit", "-qm", "Own")
        git(tree, "pack-refs", "--all")
        change = await bench.collect()
        assert (change.commits, change.left, change.rewrote) == (1, False, False)
        git(tree, "checkout", "-q", "--detach")
        git(tree, "branch", "-qD", "idea/one")
        assert git(person.top, "log", "-1", "--format=%s", change.commit) == "Own"

    @pytest.mark.anyio
    async def test_commits_that_come_to_nothing_are_no_change(self, bench: Bench) -> None:
        tree = await bench.lend()
        write(tree, {"1.txt": "1\n"})
        git(tree, "add", "-A")
        git(tree, "commit", "-qm", "Own")
        git(tree, "revert", "--no-edit", "HEAD")
        found = await bench.workspace.collect(0, bench.base, NAME, "m")
        assert found == Unchanged(commits=2)

    @pytest.mark.anyio
    @pytest.mark.parametrize(
        "how",
        [
            ("commit", "-q", "--amend", "-am", "Rewritten"),
            ("reset", "-q", "HEAD~1"),
            ("checkout", "-q", "--orphan", "fresh"),
        ],
        ids=["amended", "reset", "orphan"],
    )
    async def test_a_rewritten_history_becomes_one_commit_on_the_base(
        self, bench: Bench, person: Person, how: tuple[str, ...]
    ) -> None:
        tree = await bench.lend()
        write(tree, {"a.txt": "rewritten\n"})
        git(tree, *how)
        if "--orphan" in how:
            git(tree, "commit", "-qam", "Fresh")
        change = await bench.collect()
        assert change.rewrote
        assert git(person.top, "rev-parse", f"{change.commit}^") == bench.base
        assert [file.path for file in change.files] == ["a.txt"]
        git(tree, "checkout", "-qf", "--detach", bench.base)
        git(tree, "branch", "-qD", "fresh", check=False)

    @pytest.mark.anyio
    async def test_odd_names(self, bench: Bench, person: Person) -> None:
        tree = await bench.lend()
        for name in ODD_NAMES:
            (Path(os.fsdecode(os.fsencode(tree) + b"/" + name))).write_bytes(name)
        change = await bench.collect()
        names = git(person.top, "ls-tree", "-z", "--name-only", change.commit).split("\0")
        assert set(ODD_NAMES) <= {os.fsencode(name) for name in names}
        assert {file.path for file in change.files} == {
            name.decode("utf-8", "backslashreplace") for name in ODD_NAMES
        }
        await bench.workspace.check_out(0, bench.base)
        assert not any(name in contents(tree) for name in ODD_NAMES)
        await bench.workspace.check_out(0, change.commit)
        assert all(name in contents(tree) for name in ODD_NAMES)

    @pytest.mark.anyio
    async def test_a_thousand_files(self, bench: Bench) -> None:
        tree = await bench.lend()
        write(tree, {f"many/{number % 7}/{number}.txt": f"{number}\n" for number in range(1000)})
        change = await bench.collect()
        assert change.changed == 1000
        assert len(change.files) == MOST_FILES
        assert len(await bench.workspace.files(bench.base, change.commit)) == 1000
        await bench.workspace.check_out(0, bench.base)
        assert not (tree / "many").exists()

    @pytest.mark.anyio
    async def test_files_and_folders_and_links_change_places(
        self, bench: Bench, person: Person, tmp_path: Path
    ) -> None:
        write(tmp_path, {"elsewhere/b.py": "not ours\n"})
        tree = await bench.lend()
        (tree / "a.txt").unlink()
        write(tree, {"a.txt/inner": "1\n"})
        for name in ("b.py", "c.py"):
            (tree / "src" / name).unlink()
        for left in (tree / "src").iterdir():
            left.unlink()
        (tree / "src").rmdir()
        (tree / "src").symlink_to(tmp_path / "elsewhere")
        change = await bench.collect()
        found = tree_files(person.top, change.commit)
        assert (found["a.txt/inner"], found["src"]) == ("100644", "120000")
        assert "a.txt" not in found
        assert "src/b.py" not in found
        await bench.workspace.check_out(0, bench.base)
        assert (tree / "src" / "b.py").read_text() == "b = 1\n"
        assert not (tree / "src").is_symlink()
        assert (tmp_path / "elsewhere" / "b.py").read_text() == "not ours\n"
        write(tree, {"src/b.o": "object"})

    @pytest.mark.anyio
    @pytest.mark.parametrize("history", ["with commits", "without commits"])
    async def test_a_repository_inside_is_the_files_in_it(
        self, bench: Bench, person: Person, history: str
    ) -> None:
        tree = await bench.lend()
        write(tree, {"inner/one.txt": "1\n", "inner/deeper/two.txt": "2\n", "src/three.txt": "3\n"})
        for folder in (tree / "inner" / "deeper", tree / "inner", tree / "src"):
            git(folder, "init", "-q")
            git(folder, "config", "core.fsmonitor", f"touch '{tree}/was-run';:")
            if history == "with commits":
                git(folder, "add", "-A", check=False)
                git(folder, "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "inner")
        (tree / "was-run").unlink(missing_ok=True)
        change = await bench.collect()
        found = tree_files(person.top, change.commit)
        assert {"inner/one.txt", "inner/deeper/two.txt", "src/three.txt"} <= set(found)
        assert "160000" not in found.values()
        assert "was-run" not in found
        await bench.workspace.check_out(0, bench.base)
        assert not (tree / "inner").exists()
        for left in (tree / "src" / ".git",):
            subprocess.run(["rm", "-rf", left], check=True)

    @pytest.mark.anyio
    async def test_a_repository_that_was_committed_as_a_submodule_is_its_files(
        self, bench: Bench, person: Person
    ) -> None:
        tree = await bench.lend()
        write(tree, {"inner/one.txt": "1\n"})
        git(tree / "inner", "init", "-q")
        git(tree / "inner", "add", "-A")
        git(tree / "inner", "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "Inner")
        git(tree, "add", "-A")
        git(tree, "commit", "-qm", "Own")
        assert "160000" in git(tree, "ls-tree", "HEAD")
        change = await bench.collect()
        assert (change.commits, change.left) == (1, True)
        assert "160000" not in tree_files(person.top, change.commit).values()
        assert [file.path for file in change.files] == ["inner/one.txt"]

    @pytest.mark.anyio
    async def test_locks_stashes_and_gc_of_the_agents_do_no_harm(
        self, bench: Bench, person: Person
    ) -> None:
        kept = await bench.made({"kept.txt": "kept\n"}, "candidates/00001")
        tree = await bench.lend()
        write(tree, {"a.txt": "stashed\n"})
        git(tree, "stash", "-q")
        write(tree, {"new.txt": "new\n"})
        git(tree, "gc", "-q", "--prune=now")
        (Path(git(tree, "rev-parse", "--absolute-git-dir")) / "index.lock").touch()
        change = await bench.collect()
        assert [file.path for file in change.files] == ["new.txt"]
        await bench.workspace.check_out(0, kept)
        assert (tree / "kept.txt").read_text() == "kept\n"
        assert git(tree, "status", "--porcelain") == ""

    @pytest.mark.anyio
    async def test_a_file_that_is_too_big_is_refused(self, bench: Bench, person: Person) -> None:
        tree = await bench.lend()
        write(tree, {"big.bin": "x" * 100_001, "small.txt": "small\n"})
        found = await bench.workspace.collect(0, bench.base, NAME, "m")
        assert isinstance(found, Refused)
        assert "big.bin" in found.reason
        git(tree, "add", "-A")
        git(tree, "commit", "-qm", "Big")
        (tree / "big.bin").unlink()
        git(tree, "commit", "-qam", "Not so big")
        found = await bench.workspace.collect(0, bench.base, NAME, "m")
        assert isinstance(found, Refused)
        assert "too big" in found.reason
        kept = await bench.workspace.rescue(0, bench.base, "attempts/00002-1")
        assert kept is not None
        assert "small.txt" in tree_files(person.top, kept)

    @pytest.mark.anyio
    async def test_a_tree_is_clean_for_checks(self, bench: Bench) -> None:
        commit = await bench.made({"src/b.py": "b = 2\n"}, NAME)
        tree = await bench.lend()
        write(tree, {"a.txt": "dirt\n", "new/dirt.txt": "dirt\n"})
        (tree / "run.sh").chmod(0o644)
        assert await bench.workspace.check_out(0, commit) == bench.workspace.tree(0) == tree
        assert git(tree, "rev-parse", "HEAD") == commit
        assert git(tree, "status", "--porcelain") == ""
        assert (tree / "src" / "b.py").read_text() == "b = 2\n"
        assert not (tree / "new").exists()
        assert os.access(tree / "run.sh", os.X_OK)

    @pytest.mark.anyio
    async def test_a_change_is_carried_over(self, bench: Bench, person: Person) -> None:
        first = await bench.made({"a.txt": "ONE\ntwo\nthree\nfour\n"}, "candidates/00001")
        second = await bench.made({"a.txt": "one\ntwo\nthree\nFOUR\n"}, "candidates/00002")
        clash = await bench.made({"a.txt": "1\ntwo\nthree\nfour\n"}, "candidates/00003")
        carry = bench.workspace.carry_over
        moved = await carry(second, bench.base, first, "carried/00002")
        assert isinstance(moved, Change)
        assert git(person.top, "show", f"{moved.commit}:a.txt") == "ONE\ntwo\nthree\nFOUR"
        assert git(person.top, "rev-parse", f"{moved.commit}^") == first
        assert git(person.top, "log", "-1", "--format=%s", moved.commit) == "What the agent did"
        assert bench.ref("carried/00002") == moved.commit
        assert await carry(clash, bench.base, first, "carried/00003") == Conflict(paths=["a.txt"])
        assert await carry(first, bench.base, first, "carried/00001") == Unchanged()

    @pytest.mark.anyio
    async def test_only_the_change_is_carried_over_and_not_its_base(
        self, bench: Bench, person: Person
    ) -> None:
        """Both lines have the first candidate in their past; the other one took it back."""
        first = await bench.made({"src/b.py": "b = 2\n"}, "candidates/00001")
        second = await bench.made({"new.txt": "new\n"}, "candidates/00002", first)
        back = await bench.made({"src/b.py": "b = 1\n"}, "candidates/00003", first)
        moved = await bench.workspace.carry_over(second, first, back, "carried/00002")
        assert isinstance(moved, Change)
        assert [file.path for file in moved.files] == ["new.txt"]
        other = await bench.workspace.carry_over(second, first, bench.base, "carried/x")
        assert isinstance(other, Change)
        assert git(person.top, "show", f"{other.commit}:src/b.py") == "b = 1"

    @pytest.mark.anyio
    async def test_attempts_are_put_aside_and_forgotten(self, bench: Bench, person: Person) -> None:
        tree = await bench.lend()
        assert await bench.workspace.stash(0, bench.base, "s-000", "nothing") is None
        write(tree, {"idea.txt": "idea\n"})
        commit = await bench.workspace.stash(0, bench.base, "s-001", "An idea\nand more")
        assert commit is not None
        (stashed,) = await bench.workspace.stashes()
        assert (stashed.name, stashed.commit, stashed.message) == (
            "s-001",
            commit,
            "An idea and more",
        )
        await bench.workspace.give_back(0)
        git(person.top, "gc", "-q", "--prune=now")
        tree = await bench.workspace.check_out(0, commit)
        assert (tree / "idea.txt").read_text() == "idea\n"
        await bench.workspace.drop("s-001")
        assert await bench.workspace.stashes() == []

    @pytest.mark.anyio
    async def test_what_was_cut_off_is_kept(self, bench: Bench, person: Person) -> None:
        tree = await bench.lend()
        write(tree, {"own.txt": "own\n"})
        git(tree, "add", "-A")
        git(tree, "commit", "-qm", "Own")
        write(tree, {"half.txt": "half\n"})
        kept = await bench.workspace.rescue(0, bench.base, "attempts/00002-1")
        assert kept == bench.ref("attempts/00002-1")
        assert {"own.txt", "half.txt"} <= set(tree_files(person.top, kept or ""))
        again = await bench.workspace.rescue(0, bench.base, "attempts/00002-1")
        assert again is not None
        await bench.lend()
        assert await bench.workspace.rescue(0, bench.base, "attempts/00002-2") is None

    @pytest.mark.anyio
    async def test_main_is_merged_without_touching_anything(
        self, bench: Bench, person: Person, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        git(tmp_path, "clone", "-q", str(person.top), str(other))
        for key, text in (("user.name", "Bob"), ("user.email", "bob@example.org")):
            git(other, "config", key, text)
        write(other, {"theirs.txt": "theirs\n"})
        git(other, "add", "-A")
        git(other, "commit", "-qm", "Theirs")
        candidate = await bench.made({"ours.txt": "ours\n"}, NAME)
        await bench.workspace.give_back(0)
        before = person.state()
        merge = bench.workspace.merge_main
        nothing = await merge(candidate, "", "main", fetch_s=None)
        assert nothing == Unchanged()
        merged = await merge(candidate, str(other), "main", fetch_s=30)
        assert isinstance(merged, Change)
        assert {"ours.txt", "theirs.txt"} <= set(tree_files(person.top, merged.commit))
        assert git(person.top, "log", "-1", "--format=%P", merged.commit).split()[0] == candidate
        ahead = await merge(bench.base, str(other), "main", fetch_s=30)
        assert isinstance(ahead, Change)
        assert ahead.commit == git(other, "rev-parse", "HEAD")
        write(other, {"ours.txt": "not ours\n"})
        git(other, "add", "-A")
        git(other, "commit", "-qm", "Clash")
        clash = await merge(candidate, str(other), "main", fetch_s=30)
        assert clash == Conflict(paths=["ours.txt"])
        assert differences(before, person.state()) == {}
        with pytest.raises(WorkspaceError, match="nowhere"):
            await merge(candidate, "nowhere", "main", fetch_s=30)

    @pytest.mark.anyio
    async def test_a_difference_is_text_and_is_cut(self, bench: Bench) -> None:
        commit = await bench.made({"a.txt": "ONE\ntwo\nthree\nfour\n"}, NAME)
        text = await bench.workspace.diff(bench.base, commit)
        assert "-one\n+ONE\n" in text
        assert "1 file changed" in text
        long = await bench.made({f"{n}.txt": "line\n" * 9_000 for n in range(20)}, "candidates/9")
        cut = await bench.workspace.diff(bench.base, long)
        assert len(cut) < 300_000
        assert "(cut after" in cut

    @pytest.mark.anyio
    async def test_it_is_opened_again_where_it_began(self, bench: Bench, person: Person) -> None:
        commit = await bench.made({"new.txt": "new\n"}, NAME)
        await bench.workspace.give_back(0)
        again = self.make(person)
        assert await again.open() == bench.base
        tree = await again.check_out(0, commit)
        assert (tree / "new.txt").exists()
        await again.give_back(0)

    @pytest.mark.anyio
    async def test_candidates_outlive_a_gc(self, bench: Bench, person: Person) -> None:
        commit = await bench.made({"new.txt": "new\n"}, NAME)
        await bench.workspace.give_back(0)
        git(person.top, "reflog", "expire", "--expire=now", "--all")
        git(person.top, "gc", "-q", "--prune=now")
        tree = await bench.workspace.check_out(0, commit)
        assert (tree / "new.txt").read_text() == "new\n"

    @pytest.mark.anyio
    async def test_what_git_says_of_the_surroundings_is_not_believed(
        self, person: Person, tmp_path: Path
    ) -> None:
        hook = person.top / ".git" / "hooks" / "post-index-change"
        write(person.top / ".git" / "hooks", {hook.name: f"#!/bin/sh\ntouch '{tmp_path}/hooked'\n"})
        hook.chmod(0o755)
        git(person.top, "config", "core.fsmonitor", f"touch '{tmp_path}/monitored';:")
        git(person.top, "config", "commit.gpgsign", "true")
        workspace = self.make(
            person,
            environ=ENVIRON | {"GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/none", "GIT_PREFIX": "x"},
        )
        base = await workspace.open()
        write(await workspace.lend(0, base), {"new.txt": "new\n"})
        assert isinstance(await workspace.collect(0, base, NAME, "m"), Change)
        await workspace.give_back(0)
        assert not (tmp_path / "hooked").exists()
        assert not (tmp_path / "monitored").exists()


class TestPool(WorkspaceContract):
    """The mode `worktree`."""

    def make(self, person: Person, **settings: object) -> Workspace:
        environ = settings.pop("environ", ENVIRON)
        told = WorkspaceSettings(repo=person.top, campaign="climb", **settings)  # type: ignore[arg-type]
        return Pool(person.paths, told, environ)  # type: ignore[arg-type]


class TestInPlace(WorkspaceContract):
    """The mode `in-place`, where nothing is uncommitted."""

    def make(self, person: Person, **settings: object) -> Workspace:
        environ = settings.pop("environ", ENVIRON)
        told = WorkspaceSettings(repo=person.top, campaign="climb", **settings)  # type: ignore[arg-type]
        return InPlace(person.paths, told, environ)  # type: ignore[arg-type]
