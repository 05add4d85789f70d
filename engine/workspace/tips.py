"""What an iteration came to: the agent's own commits, and on top of them what it left."""

from typing import Final

from engine.workspace import history, snapshot
from engine.workspace.git import Git, Place
from engine.workspace.history import Tip
from engine.workspace.private_git import OwnCommits
from engine.workspace.protocol import Commit, Refused
from engine.workspace.snapshot import Difference, Limits

_SUBMODULE: Final = b"160000"


async def take(
    git: Git,
    place: Place,
    base: Commit,
    own: OwnCommits | None,
    limits: Limits,
    *,
    index_of: Commit | None = None,
) -> str | Refused:
    """The tree object of what is in the tree; `index_of` is what the index is known to be of."""
    if own is not None and own.big:
        return Refused(
            reason="a file in the agent's commits is too big to be taken "
            f"(over {limits.most_file_bytes} bytes)"
        )
    await _begin(git, place, base, own, index_of)
    return await snapshot.take(git, place, limits)


async def take_what_fits(
    git: Git,
    place: Place,
    base: Commit,
    own: OwnCommits | None,
    limits: Limits,
    *,
    index_of: Commit | None = None,
) -> str:
    """As `take`, without what is too big."""
    await _begin(git, place, base, own, index_of)
    return await snapshot.take_what_fits(git, place, limits)


async def _begin(
    git: Git, place: Place, base: Commit, own: OwnCommits | None, index_of: Commit | None
) -> None:
    """Make the index that of what is committed.

    What the agent committed counts even where the ignore rules would leave it out. A repository
    that it committed as a submodule does not: nobody else could get at its files.
    """
    head = base if own is None else own.head
    if head != index_of:
        await snapshot.read_index(git, place, head)
    if own is None:
        return
    words = ("diff-tree", "-r", "-z", "--raw", "--no-renames", base, own.head)
    fields = (await git.run(*words)).split(b"\0")
    pairs = zip(fields[::2], fields[1::2], strict=False)
    new = [name for row, name in pairs if row[8:14] == _SUBMODULE != row[1:7]]
    if new:
        await snapshot.write(git, place, Difference(new, []))


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
