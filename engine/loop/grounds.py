"""Where the checks of candidates of code run, and where their judges do."""

from pathlib import Path

import anyio.to_thread

from engine.checks.boxes import Ground
from engine.checks.harness import Harness
from engine.workspace.protocol import JUDGE, Commit, Workspace


class Grounds:
    """Makes the ground for the tree of a slot.

    Args:
        workspace: the trees.
        root: the folder of the person's checkout in which the campaign's commands run.
        links: what the trees have links to, within the person's checkout.
        judged: whether there are sealed checks, whose judges have a tree of their own.
    """

    def __init__(
        self, workspace: Workspace, root: Path, links: tuple[str, ...], *, judged: bool
    ) -> None:
        self._workspace = workspace
        self._root = root
        self._links = links
        self._judged = judged
        self._harness: Harness | None = None

    async def open(self, base: Commit) -> None:
        """Lay out what judges, as the run's base has it, and keep in mind what it is.

        Raises:
            WorkspaceError: it cannot be done.
        """
        if self._judged:
            tree = await self._workspace.check_out(JUDGE, base)
            self._harness = await anyio.to_thread.run_sync(Harness, tree, ("*",))

    @property
    def harness(self) -> Harness | None:
        """What judges, once it is laid out."""
        return self._harness

    def of(self, tree: Path) -> Ground:
        """The ground of the candidate whose code is in the tree."""
        top = self._workspace.top
        within = self._root.relative_to(top)
        judge_top = self._workspace.tree(JUDGE) if self._judged else tree
        return Ground(
            top=tree,
            root=tree / within,
            judge_top=judge_top,
            judge_root=judge_top / within,
            links=tuple((top / link).resolve() for link in self._links),
            harness=self._harness,
        )
