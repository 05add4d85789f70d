"""What both modes do alike: all that happens among commits and refs, and not in a tree."""

from pathlib import Path
from typing import Final

from engine.core.parts import FileChange
from engine.workspace import history
from engine.workspace.at_once import both
from engine.workspace.history import Tip
from engine.workspace.protocol import (
    Change,
    Commit,
    Conflict,
    Stashed,
    Unchanged,
    WorkspaceError,
)
from engine.workspace.refs import Refs
from engine.workspace.repository import Repository, resolve

_STASH: Final = "stash"
_MAIN: Final = "main"


class Lines:
    """The lines of work of one run: its commits, joined, moved, looked at, put aside."""

    def __init__(self, repository: Repository, refs: Refs) -> None:
        self.repository = repository
        self.git = repository.git
        self.refs = refs

    async def described(self, base: Commit, tip: Tip, name: str) -> Change | Unchanged:
        """The tip as a change of `base`, kept under the private ref."""

        async def keep() -> None:
            if tip.commit != base:
                await self.refs.keep(name, tip.commit)

        (base_tree,) = await history.trees_of(self.git, base)
        if tip.tree == base_tree:
            await keep()
            return Unchanged(commits=tip.commits)
        change, _ = await both(lambda: history.change(self.git, base, tip), keep)
        return change

    async def kept(self, base: Commit, tip: Tip, name: str) -> Commit | None:
        """The tip under the private ref; None, and no ref, when it is the base itself."""
        if tip.commit == base:
            return None
        await self.refs.keep(name, tip.commit)
        return tip.commit

    async def stashes(self) -> list[Stashed]:
        """What was put aside."""
        found = await self.refs.under(_STASH)
        return [Stashed(name=name, commit=commit, message=text) for name, commit, text in found]

    async def stash(self, base: Commit, tip: Tip, name: str) -> Commit | None:
        """The tip, put aside under the name; None when it is the base itself."""
        return await self.kept(base, tip, f"{_STASH}/{name}")

    async def drop(self, name: str) -> None:
        """Forget what was put aside under the name."""
        await self.refs.drop(f"{_STASH}/{name}")

    async def carry_over(
        self, commit: Commit, base: Commit, onto: Commit, name: str
    ) -> Change | Unchanged | Conflict:
        """The change from `base` to `commit`, on top of `onto`."""
        tree = await history.moved_tree(self.git, commit, base, onto)
        if isinstance(tree, Conflict):
            return tree
        message, author = await history.message_of(self.git, commit)
        made = await history.commit_tree(self.git, tree, [onto], message, author)
        return await self.described(onto, Tip(made, tree), name)

    async def merge_main(
        self, commit: Commit, remote: str, branch: str, *, fetch_s: float | None
    ) -> Change | Unchanged | Conflict:
        """The commit joined with a branch of a remote."""
        main = await self._main(remote, branch, fetch_s)
        if await history.is_ancestor(self.git, main, commit):
            return Unchanged()
        name = f"sync/{commit[:12]}-{main[:12]}"
        if await history.is_ancestor(self.git, commit, main):
            (tree,) = await history.trees_of(self.git, main)
            return await self.described(commit, Tip(main, tree), name)
        joined = await history.merged_tree(self.git, commit, main)
        if isinstance(joined, Conflict):
            return joined
        message = f"Merge {remote or 'the'} branch {branch}"
        made = await history.commit_tree(self.git, joined, [commit, main], message)
        return await self.described(commit, Tip(made, joined), name)

    async def _main(self, remote: str, branch: str, fetch_s: float | None) -> Commit:
        if not remote:
            return await resolve(self.repository, f"refs/heads/{branch}")
        if fetch_s is None:
            return await resolve(self.repository, f"refs/remotes/{remote}/{branch}")
        if remote.startswith("-"):
            raise WorkspaceError(f"{remote!r} is no name of a remote")
        into = self.refs.private(_MAIN)
        await self.git.run(
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-prune",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--refmap=",
            remote,
            f"+refs/heads/{branch}:{into}",
            env=self.git.connecting(),
            deadline_s=fetch_s,
        )
        return await resolve(self.repository, into)

    async def files(self, base: Commit, commit: Commit) -> list[FileChange]:
        """All files that differ."""
        return await history.files(self.git, base, commit)

    async def diff(self, base: Commit, commit: Commit) -> str:
        """What differs, as people read it."""
        return await history.diff(self.git, base, commit)


async def begun_from(refs: Refs, repository: Repository, base: str, folder: Path) -> Commit:
    """The commit that the run began from: the one it recorded, or now `base`."""
    await refs.own(folder)
    recorded = await refs.read("base")
    if recorded is not None:
        return recorded
    await refs.check_name()
    commit = await resolve(repository, base)
    await refs.keep("base", commit)
    return commit
