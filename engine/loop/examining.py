"""What is looked at in an agent's change before anything of it is run."""

from collections.abc import Sequence

from engine.knowledge.scalar_change import may_be_scalar, scalar_only
from engine.loop.changes import tampering
from engine.workspace.protocol import Change, Workspace


async def examined(
    workspace: Workspace, change: Change, protect: Sequence[str]
) -> tuple[str, bool]:
    """What the change must not touch and does, and whether it is of nothing but constants."""
    files = change.files
    if len(files) < change.changed:
        files = await workspace.files(change.base, change.commit)
    if reason := tampering(protect, files):
        return reason, False
    may = may_be_scalar(files)
    return "", may and scalar_only(await workspace.diff(change.base, change.commit))
