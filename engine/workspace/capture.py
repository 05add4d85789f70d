"""A person's uncommitted work as a commit that holds all of it, and what brings it back.

The commit's tree is every tracked and every new file as it lies there. Its parents are HEAD, a
commit with the details (the index byte for byte, modes and times of files, what is ignored, the
list of stashes), and, when anything is not committed, a commit of the form that `git stash apply`
understands, so that a person can get at the work with git alone.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

import anyio.to_thread
import msgspec

from engine.workspace import history, snapshot
from engine.workspace.checkout import Checkout
from engine.workspace.git import Git, Place
from engine.workspace.protocol import Commit, WorkspaceError
from engine.workspace.snapshot import Difference, Limits


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What the tree of the captured work does not say.

    `index_ns` is the time of the index; None when there was none. `modes` holds mode and time
    (nanoseconds; 0 for folders) of files that are not as HEAD has them, by their names in Latin-1,
    which can write all bytes; `dirty` are their names as people read them.
    """

    head: Commit
    work_tree: str
    index_tree: str
    index_ns: int | None
    stash_tip: str
    marks: dict[str, str]
    modes: dict[str, tuple[int, int]]
    dirty: list[str]

    @property
    def clean(self) -> bool:
        """Whether there is nothing that is not committed."""
        return not self.dirty


class Captured(msgspec.Struct, frozen=True, kw_only=True):
    """The person's work, in the repository; nothing refers to the commit yet."""

    commit: Commit
    details: Details


async def capture(git: Git, checkout: Checkout, place: Place, limits: Limits) -> Captured:
    """The person's work as it is now. The index at `place` is a picture of it afterwards.

    Args:
        git: the repository.
        checkout: what is captured.
        place: the checkout with an index of the engine's own.
        limits: what is too big to be put into the repository, and what is not the person's.

    Raises:
        WorkspaceError: an operation is not finished, or a file is too big.
    """
    head = await checkout.commit()
    index = await anyio.to_thread.run_sync(_copy, checkout.index, place.index)
    index_tree = await _index_tree(git, place)
    ignored = await _ignored(git, place)
    tracked = await snapshot.changed(git, place)
    new = await snapshot.untracked(git, place, limits)
    files = [name for name in new if not name.endswith(b"/")]
    await _check_sizes(place, [*tracked.there, *files], limits)
    tracked_tree = await snapshot.write(git, place, tracked)
    work_tree = await snapshot.write(git, place, Difference([], files))
    (head_tree,) = await history.trees_of(git, head)
    changed = await _names(git, head_tree, index_tree) | await _names(git, head_tree, work_tree)
    details = Details(
        head=head,
        work_tree=work_tree,
        index_tree=index_tree,
        index_ns=index[1] if index else None,
        stash_tip=await checkout.stash_tip(),
        marks=checkout.marks(),
        modes=await anyio.to_thread.run_sync(_modes, place.tree, changed),
        dirty=[snapshot.named([name]) for name in sorted(changed)],
    )
    nested = [name for name in new if name.endswith(b"/")]
    parts = {
        "details.json": msgspec.json.encode(details),
        "index": index[0] if index else b"",
        "spared": b"\0".join([*ignored, *nested]),
        "folders": b"\0".join(await snapshot.untracked_folders(git, place)),
        "stash-log": checkout.stash_log(),
    }
    parents = [str(head), str(await _kept(git, parts))]
    if not details.clean:
        parents.append(await _stash(git, place, details, tracked_tree, files))
    commit = await history.commit_tree(git, work_tree, parents, "Uncommitted work")
    return Captured(commit=commit, details=details)


async def details_of(git: Git, captured: str) -> Details:
    """The details that were captured with the work."""
    return msgspec.json.decode(await part(git, captured, "details.json"), type=Details)


async def part(git: Git, captured: str, name: str) -> bytes:
    """A part of what was captured beside the files: such as `index` or `spared`."""
    return await git.run("cat-file", "blob", f"{captured}^2:{name}", most_bytes=1 << 30)


def bring_modes_back(top: Path, details: Details, *, times: bool) -> None:
    """Give files that lie where they lay the modes that they had and, if told, their times."""
    folders_last = sorted(details.modes.items(), reverse=True)
    for name, (mode, modified_ns) in folders_last:
        path = top / os.fsdecode(name.encode("latin-1"))
        try:
            status = path.lstat()
        except OSError:
            continue
        if stat.S_IFMT(status.st_mode) != stat.S_IFMT(mode):
            continue
        if times and modified_ns:
            os.utime(path, ns=(status.st_atime_ns, modified_ns), follow_symlinks=False)
        if status.st_mode != mode and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode))


async def _index_tree(git: Git, place: Place) -> str:
    ended = await git.ask("write-tree", place=place)
    if ended.exit_code != 0:
        raise WorkspaceError(
            f"files in {place.tree} are unmerged; finish or abort the merge first: "
            + ended.err.decode(errors="replace").strip()[:300]
        )
    return ended.out.decode().strip()


async def _ignored(git: Git, place: Place) -> list[bytes]:
    words = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory")
    return [name for name in (await git.run(*words, place=place)).split(b"\0") if name]


async def _check_sizes(place: Place, names: list[bytes], limits: Limits) -> None:
    big = await snapshot.too_big(place, names, limits)
    if big:
        raise WorkspaceError(
            f"too big to be put aside (over {limits.most_file_bytes} bytes): "
            f"{snapshot.named(big)} in {place.tree}; ignore it (.gitignore) or move it away"
        )


async def _names(git: Git, one: str, other: str) -> set[bytes]:
    if one == other:
        return set()
    out = await git.run("diff-tree", "-r", "-z", "--name-only", "--no-renames", one, other)
    return {name for name in out.split(b"\0") if name}


async def _kept(git: Git, parts: dict[str, bytes]) -> Commit:
    rows: list[str] = []
    for name, content in sorted(parts.items()):
        blob = await git.line("hash-object", "-w", "--stdin", stdin=content)
        rows.append(f"100644 blob {blob}\t{name}\n")
    tree = await git.line("mktree", stdin="".join(rows).encode())
    return await history.commit_tree(git, tree, [], "Details of uncommitted work")


async def _stash(
    git: Git, place: Place, details: Details, tracked_tree: str, files: list[bytes]
) -> Commit:
    """The work in the form of `git stash --include-untracked`."""
    index = await history.commit_tree(git, details.index_tree, [details.head], "Staged work")
    apart = Place(place.tree, place.index.with_name("new-files.index"))
    snapshot.unlock(apart)
    await anyio.to_thread.run_sync(lambda: apart.index.unlink(missing_ok=True))
    new_tree = await snapshot.write(git, apart, Difference([], files))
    parents = [details.head, index]
    if files:
        parents.append(await history.commit_tree(git, new_tree, [], "New files"))
    return await history.commit_tree(git, tracked_tree, list(parents), "Uncommitted work")


def _copy(index: Path, to: Path) -> tuple[bytes, int] | None:
    """The index's content and time, after it was copied."""
    to.parent.mkdir(parents=True, exist_ok=True)
    to.with_name(to.name + ".lock").unlink(missing_ok=True)
    try:
        status, content = index.stat(), index.read_bytes()
    except FileNotFoundError:
        to.unlink(missing_ok=True)
        return None
    to.write_bytes(content)
    # Its time tells git which entries were written in the same moment as the index.
    os.utime(to, ns=(status.st_atime_ns, status.st_mtime_ns))
    return content, status.st_mtime_ns


def _modes(top: Path, names: Iterable[bytes]) -> dict[str, tuple[int, int]]:
    """Modes and times of the files, and the modes of the folders that they are in."""
    found: dict[str, tuple[int, int]] = {}
    for name in names:
        path = top / os.fsdecode(name)
        try:
            status = path.lstat()
        except OSError:
            continue
        found[name.decode("latin-1")] = (status.st_mode, status.st_mtime_ns)
        for folder in path.relative_to(top).parents[:-1]:
            key = os.fsencode(folder).decode("latin-1")
            found[key] = ((top / folder).lstat().st_mode, 0)
    return found
