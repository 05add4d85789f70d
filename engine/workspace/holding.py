"""The person's checkout while it is the run's: taken, switched between commits, given back.

Everything is captured and the intent written before anything is touched, and giving back can be
begun again from any point in between; so a kill at any moment loses nothing.
"""

import re
from pathlib import Path
from typing import Final

import anyio
import msgspec

from engine.core import failpoints
from engine.executors import tools
from engine.workspace import capture, history, snapshot
from engine.workspace.capture import Captured, Details
from engine.workspace.checkout import Checkout
from engine.workspace.contents import Contents
from engine.workspace.folders import disk_errors
from engine.workspace.git import Place, failure
from engine.workspace.intent import Intent, IntentFile, Phase
from engine.workspace.protocol import Commit, Conflict, WorkspaceError
from engine.workspace.refs import Refs
from engine.workspace.repository import Repository
from engine.workspace.settings import WorkspaceSettings
from engine.workspace.snapshot import Limits

CAPTURED: Final = "in-place/captured"
_KEPT: Final = "in-place/kept"
_AGENTS: Final = "in-place/by-agents"
_TRIES: Final = 3
_CHANGED: Final = re.compile(rb"not uptodate|would be (overwritten|removed)")


class Holding:
    """The checkout in the hands of a run.

    Args:
        repository: the person's.
        refs: the run's.
        folder: where the intent and the engine's own index are.
        settings: the policies.
    """

    def __init__(
        self, repository: Repository, refs: Refs, folder: Path, settings: WorkspaceSettings
    ) -> None:
        self._git = repository.git
        self._refs = refs
        self._settings = settings
        self._file = IntentFile(folder / "intent.json")
        self.checkout = Checkout(repository, refs.deleting)
        self.place = Place(repository.top, folder / "index")
        self.intent = self._file.read()
        self._contents = Contents(repository.git, self.place, settings, folder.parent)
        self.notices: list[str] = []

    @property
    def limits(self) -> Limits:
        """What is not taken from the checkout."""
        return self._contents.limits

    async def look(self) -> None:
        """Know what in the checkout is the person's; nothing may be taken from it before."""
        await self._contents.read_spared(self._held().captured)

    async def capture(self) -> Captured:
        """The person's work, under a ref."""
        await self.checkout.check_free()
        captured = await capture.capture(self._git, self.checkout, self.place, self.limits)
        await self._refs.keep(CAPTURED, captured.commit)
        return captured

    async def take(self, commit: Commit, phase: Phase) -> None:
        """Take the checkout from the person and bring it to the commit.

        Raises:
            WorkspaceError: the policy does not allow it, or someone is changing files just now;
                everything is as it was.
        """
        for tries_left in reversed(range(_TRIES)):
            problem = await self._leave(await self._intend(commit))
            if problem is None:
                return await self._settle_or_give_back(commit, phase)
            changed = _CHANGED.search(problem.err)
            if changed:
                self._forget()  # git looks at all files before it touches the first
            else:
                await self.give_back()
            if not changed or not tries_left:
                raise failure("read-tree", self.place.tree, problem)
        return None

    async def _settle_or_give_back(self, commit: Commit, phase: Phase) -> None:
        try:
            await self._settle(commit, phase)
        except WorkspaceError:
            await self.give_back()
            raise

    async def _intend(self, commit: Commit) -> Intent:
        branch = await self.checkout.branch()
        captured = await self.capture()
        self.check_clean(captured.details)
        failpoints.reach("workspace.captured")
        intent = Intent(
            phase="switching",
            branch=branch,
            head=captured.details.head,
            captured=captured.commit,
            base=commit,
        )
        self._write(intent)
        failpoints.reach("workspace.intended")
        return intent

    def check_clean(self, details: Details) -> None:
        """Refuse work that is not committed, where the policy says so."""
        if self._settings.dirty == "fail" and not details.clean:
            more = len(details.dirty) - 5
            names = ", ".join(details.dirty[:5]) + (f" and {more} more" if more > 0 else "")
            raise WorkspaceError(
                f"there is uncommitted work in {self.place.tree}: {names}; commit it, or set "
                "`workspace.dirty` to stash (it is put aside for each iteration) or allow (the "
                "run begins from it), or use `mode: worktree`"
            )

    async def _leave(self, intent: Intent) -> tools.Captured | None:
        """Bring the files from the person's to the run's; how git ended when it refused."""
        words = ("read-tree", "-m", "-u", intent.captured, intent.base)
        ended = await self._git.ask(*words, place=self.place)
        return None if ended.exit_code == 0 else ended

    async def switch(self, commit: Commit, phase: Phase) -> None:
        """Bring the checkout, which is the run's already, from whatever it has to the commit."""
        intent = self._held()
        await self._contents.check_spared(commit)
        self._write(msgspec.structs.replace(intent, phase="switching", base=commit))
        await self.checkout.unlock(intent.branch)
        await self._contents.bring_to(commit)
        await self._settle(commit, phase)

    async def _settle(self, commit: Commit, phase: Phase) -> None:
        failpoints.reach("workspace.switched")
        await self._publish(self.place)
        failpoints.reach("workspace.published")
        await self.checkout.detach(commit)
        with disk_errors(self.place.tree):
            self.checkout.end_operations({})
        self._write(msgspec.structs.replace(self._held(), phase=phase, base=commit))
        await self.look()
        failpoints.reach("workspace.lent")

    async def accept(self, commit: Commit) -> None:
        """Move the person's branch to the commit; back too, where the run itself moved it last.

        Raises:
            WorkspaceError: the branch has commits that would be lost.
        """
        intent = self._held()
        now = await self._refs.tip(intent.branch)
        if (
            now is not None
            and now != commit
            and now != await self._refs.accepted()
            and not await history.is_ancestor(self._git, now, commit)
        ):
            raise WorkspaceError(
                f"{_short(intent.branch)} in {self.place.tree} has commits that the run does not "
                f"know ({now[:12]}); merge or move them, then `controlroom resume`"
            )
        self._write(msgspec.structs.replace(intent, accepting=commit))
        failpoints.reach("workspace.accepting")
        try:
            await self._refs.move(intent.branch, now, commit)
        except WorkspaceError:
            self._write(intent)
            raise
        failpoints.reach("workspace.accepted")

    async def give_back(self) -> None:
        """Give the person the checkout and all the work in it back; nothing if it is the person's.

        Raises:
            WorkspaceError: by the policy `fail`, when the work does not go with what was accepted;
                it is kept under a ref then, and the checkout is the person's.
        """
        if self.intent is not None:
            with anyio.CancelScope(shield=True):  # half of it would be worse than a little wait
                await self._give_back(msgspec.structs.replace(self.intent, phase="restoring"))

    async def _give_back(self, intent: Intent) -> None:
        self._write(intent)
        failpoints.reach("workspace.restoring")
        await self.checkout.unlock(intent.branch)
        await self.look()
        details = await capture.details_of(self._git, intent.captured)
        expected = await self._finish_branch(intent)
        problem = await self._bring_back(intent, details, expected)
        await self.checkout.attach(intent.branch)
        with disk_errors(self.place.tree):
            self.checkout.end_operations(details.marks)
        await self._bring_stashes_back(intent, details)
        failpoints.reach("workspace.returned")
        self._forget()
        if problem and self._settings.restore == "fail":
            raise WorkspaceError(problem)

    async def _finish_branch(self, intent: Intent) -> Commit:
        """The commit that the branch is at, after what moved it without leave was put aside."""
        expected = intent.accepting or intent.head
        now = await self._refs.tip(intent.branch)
        if now == expected:
            return expected
        if now is not None and now != intent.head:
            name = f"{_AGENTS}/{now[:12]}"
            await self._refs.keep(name, now)
            self.notices.append(
                f"{_short(intent.branch)} was moved to {now[:12]} meanwhile; it is moved back, and "
                f"that commit is kept as {self._refs.private(name)}"
            )
        await self._refs.move(intent.branch, now, expected, accepted=intent.accepting is not None)
        return expected

    async def _bring_back(self, intent: Intent, details: Details, now: Commit) -> str:
        """The files and the index; what to say when the work could not be brought back."""
        if now == details.head:
            await self._contents.bring_to(details.work_tree)
            capture.bring_modes_back(self.place.tree, details, times=True)
            failpoints.reach("workspace.restored")
            index = await capture.part(self._git, intent.captured, "index")
            await self.checkout.publish(index, details.index_ns)
            return ""
        files = await self._joined(now, details.head, details.work_tree)
        if isinstance(files, Conflict):
            await self._contents.bring_to(now)
            await self._publish(self.place)
            return await self._keep(intent, files)
        staged = await self._joined(now, details.head, details.index_tree)
        await self._contents.bring_to(files)
        capture.bring_modes_back(self.place.tree, details, times=False)
        failpoints.reach("workspace.restored")
        apart = Place(self.place.tree, self.place.index.with_name("staged.index"))
        apart.index.write_bytes(self.place.index.read_bytes())
        await snapshot.read_index(self._git, apart, now if isinstance(staged, Conflict) else staged)
        await self._publish(apart)
        return ""

    async def _joined(self, now: Commit, head: Commit, tree: str) -> str | Conflict:
        """The person's change from `head` to the tree, on top of what the branch has now."""
        theirs = await history.commit_tree(self._git, tree, [head], "work")
        # The branch may have gone back: what it leaves behind is no change of the person's.
        return await history.moved_tree(self._git, theirs, head, now)

    async def _keep(self, intent: Intent, conflict: Conflict) -> str:
        name = f"{_KEPT}/{intent.captured[:12]}"
        stash = await self._git.line("rev-parse", "--verify", f"{intent.captured}^3")
        await self._refs.keep(name, stash)
        paths = ", ".join(conflict.paths[:5])
        problem = (
            f"your uncommitted work and the accepted change both touch {paths}; your work is kept: "
            f"git stash apply --index {self._refs.private(name)}"
        )
        self.notices.append(problem)
        return problem

    async def _bring_stashes_back(self, intent: Intent, details: Details) -> None:
        log = await capture.part(self._git, intent.captured, "stash-log")
        with disk_errors(self.place.tree):
            now = await self.checkout.stash_tip()
            if now and now != details.stash_tip:
                await self._refs.keep(f"{_AGENTS}/stash-{now[:12]}", now)
                name = self._refs.private(f"{_AGENTS}/stash-{now[:12]}")
                self.notices.append(f"a stash was made meanwhile; it is kept as {name}")
            await self.checkout.restore_stashes(details.stash_tip, log)

    async def _publish(self, place: Place) -> None:
        with disk_errors(place.tree):
            content, status = place.index.read_bytes(), place.index.stat()
            await self.checkout.publish(content, status.st_mtime_ns)

    def _held(self) -> Intent:
        if self.intent is None:
            raise WorkspaceError("the checkout is not lent")
        return self.intent

    def _write(self, intent: Intent) -> None:
        with disk_errors(self.place.index.parent):
            self._file.write(intent)
        self.intent = intent

    def _forget(self) -> None:
        with disk_errors(self.place.index.parent):
            self._file.remove()
        self.intent = None
        self._contents.forget_spared()


def _short(branch: str) -> str:
    return branch.removeprefix("refs/heads/")
