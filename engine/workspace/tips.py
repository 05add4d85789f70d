"""What an iteration came to: the agent's own commits, and on top of them what it left."""

from engine.workspace import history, snapshot
from engine.workspace.git import Git, Place
from engine.workspace.history import Tip
from engine.workspace.private_git import OwnCommits
from engine.workspace.protocol import Commit, Refused
from engine.workspace.snapshot import Limits


async def take(
    git: Git, place: Place, base: Commit, own: OwnCommits | None, limits: Limits
) -> str | Refused:
    """The tree object of what is in the tree."""
    if own is not None and own.big:
        return Refused(
            reason="a file in the agent's commits is too big to be taken "
            f"(over {limits.most_file_bytes} bytes)"
        )
    # What the agent committed counts even where the ignore rules would leave it out.
    await snapshot.read_index(git, place, own.head if own else base)
    return await snapshot.take(git, place, limits)


async def take_what_fits(
    git: Git, place: Place, base: Commit, own: OwnCommits | None, limits: Limits
) -> str:
    """The tree object of what is in the tree, without what is too big."""
    await snapshot.read_index(git, place, own.head if own else base)
    return await snapshot.take_what_fits(git, place, limits)


async def join(git: Git, base: Commit, own: OwnCommits | None, tree: str, message: str) -> Tip:
    """The agent's commits with the tree on top, where they do not come to it by themselves."""
    parent = own.head if own is not None and own.follows else base
    (parent_tree,) = await history.trees_of(git, parent)
    left = tree != parent_tree
    commit = await history.commit_tree(git, tree, [parent], message) if left else parent
    return Tip(
        commit=commit,
        tree=tree,
        commits=own.count if own else 0,
        left=left,
        rewrote=own is not None and not own.follows,
    )
