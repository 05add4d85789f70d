"""The run's private refs and its branch, in the person's repository."""

import contextlib
import os
import re
from pathlib import Path
from typing import Final

import anyio

from engine.workspace.deleting import Deleting
from engine.workspace.git import Git, failure
from engine.workspace.naming import BRANCHES, private_ref, run_branch, shown
from engine.workspace.protocol import Commit, WorkspaceError
from engine.workspace.repository import Repository

_ACCEPTED: Final = "accepted"
_FIELDS: Final = "%(objectname)%00%(refname)%00%(contents:subject)"


class Refs:
    """The refs of one run.

    Args:
        repository: where they are.
        run: the name of the run, under which its private refs are.
        branch: the branch for accepted commits, without refs/heads/; None for the usual one.
        campaign: part of the usual branch's name.
        folder: of the run, where a note is put while refs are deleted.
    """

    def __init__(
        self,
        repository: Repository,
        run: str,
        campaign: str,
        branch: str | None = None,
        *,
        folder: Path,
    ) -> None:
        self.deleting = Deleting(repository, folder / "deleting-refs")
        self._git: Git = repository.git
        self._repository = repository
        self._run = run
        self.branch = BRANCHES + branch if branch else run_branch(campaign, run)

    def private(self, name: str) -> str:
        """The full name of a private ref."""
        return private_ref(self._run, name)

    async def read(self, name: str) -> Commit | None:
        """What the private ref names; None when there is none."""
        return await self._read(self.private(name))

    async def keep(self, name: str, commit: str) -> None:
        """Let the private ref name the commit, so that nothing prunes it."""
        await self._git.run("update-ref", "--no-deref", self.private(name), commit)

    async def drop(self, name: str) -> None:
        """Remove a private ref; what it named may be pruned then."""
        await self.deleting.run("--no-deref", "-d", self.private(name))

    async def under(self, name: str) -> list[tuple[str, Commit, str]]:
        """The private refs below `name`: the rest of the name, the commit, its subject."""
        beginning = self.private(name) + "/"
        out = await self._git.run("for-each-ref", f"--format={_FIELDS}", beginning)
        rows = [line.split(b"\0", 2) for line in out.splitlines()]
        return [
            (shown(ref)[len(beginning) :], Commit(commit.decode()), shown(subject))
            for commit, ref, subject in rows
        ]

    async def remove_all(self) -> None:
        """Remove every private ref of the run."""
        beginning = self.private("x").removesuffix("x")
        out = await self._git.run("for-each-ref", "--format=delete %(refname)", beginning)
        await self.deleting.run("--no-deref", "--stdin", stdin=out)

    async def remove_locks(self) -> None:
        """Take away locks that a dead engine left, of those that others use only its own."""
        common = self._repository.common_dir
        private = common / self.private("x").removesuffix("/x")
        for lock in [*private.rglob("*.lock"), common / f"{self.branch}.lock"]:
            with contextlib.suppress(NotADirectoryError):  # see `check_name`
                lock.unlink(missing_ok=True)
        await self.deleting.recover()

    async def own(self, folder: Path) -> None:
        """Take the run's name in this repository for the run folder.

        Raises:
            WorkspaceError: another run folder has it.
        """
        ref = self.private("owner")
        ended = await self._git.ask("cat-file", "blob", ref, most_bytes=1 << 16)
        other = os.fsdecode(ended.out)
        if ended.exit_code == 0 and other != str(folder) and await anyio.Path(other).exists():
            raise WorkspaceError(
                f"the run in {other} has the same name and uses the same repository; "
                "give this one another name (--name)"
            )
        blob = await self._git.line("hash-object", "-w", "--stdin", stdin=os.fsencode(folder))
        await self._git.run("update-ref", "--no-deref", ref, blob)

    async def accept(self, commit: Commit) -> None:
        """Move the run's branch to the commit, unless someone else moved it.

        Raises:
            WorkspaceError: it is not where this run left it, or someone has it checked out.
        """
        now, left = await self._read(self.branch), await self.read(_ACCEPTED)
        if now != commit:
            await self._check_free()
            await self._check_unmoved(now, left, commit)
        await self.move(self.branch, now, commit)

    async def move(
        self, branch: str, now: Commit | None, to: Commit, *, accepted: bool = True
    ) -> None:
        """Move a branch, given in full, from where it is; and, unless told, remember it as ours."""
        lines = [f"update {branch}\0{to}\0{now or '0' * len(to)}\0"]
        if accepted:
            lines.append(f"update {self.private(_ACCEPTED)}\0{to}\0\0")
        words = ("update-ref", "--no-deref", "-z", "-m", "controlroom: accepted", "--stdin")
        await self._git.run(*words, stdin=os.fsencode("".join(lines)))

    async def accepted(self) -> Commit | None:
        """The commit that was accepted last; None before the first."""
        return await self.read(_ACCEPTED)

    async def tip(self, branch: str) -> Commit | None:
        """What a branch, given in full, names; None when there is none."""
        return await self._read(branch)

    async def _check_unmoved(self, now: Commit | None, left: Commit | None, to: Commit) -> None:
        if now is None or now == left:
            return
        if (
            left is None
            and (await self._git.ask("merge-base", "--is-ancestor", now, to)).exit_code == 0
        ):
            return
        raise WorkspaceError(
            f"the branch {self._short} in {self._repository.top} is at {now[:12]}, where this run "
            "did not put it; rename that branch (git branch -m), then `controlroom resume`"
        )

    async def _check_free(self) -> None:
        """Refuse to move a branch under the feet of someone who has it checked out."""
        out = await self._git.run("worktree", "list", "--porcelain", "-z")
        for checkout in out.split(b"\0\0"):
            found = checkout.strip(b"\0").split(b"\0")
            if b"branch " + os.fsencode(self.branch) in found:
                where = shown(found[0].removeprefix(b"worktree "))
                raise WorkspaceError(
                    f"the branch {self._short} is checked out in {where}; check out another "
                    "branch there, then `controlroom resume`"
                )

    async def check_name(self) -> None:
        """Whether the run's branch can be made at all.

        Raises:
            WorkspaceError: its name is not allowed, or another branch stands in its way.
        """
        if (await self._git.ask("check-ref-format", self.branch)).exit_code != 0:
            raise WorkspaceError(f"{self._short!r} cannot be the name of a branch")
        parts = self.branch.split("/")
        for count in range(3, len(parts)):
            shorter = "/".join(parts[:count])
            if await self._read(shorter) is not None:
                raise WorkspaceError(
                    f"the branch {shorter.removeprefix(BRANCHES)} stands in the way of "
                    f"{self._short}; rename it (git branch -m)"
                )

    @property
    def _short(self) -> str:
        return self.branch.removeprefix(BRANCHES)

    async def _read(self, ref: str) -> Commit | None:
        ended = await self._git.ask("rev-parse", "--verify", "--quiet", ref)
        if ended.exit_code == 0:
            return Commit(ended.out.decode().strip())
        if ended.err.strip() and not re.search(rb"(unknown revision|bad revision)", ended.err):
            raise failure("rev-parse", self._repository.top, ended)
        return None
