"""The content of a working tree as git's tree object, taken through an index of the engine's own.

Nothing that lies in the tree is run or believed: a repository that an agent made in it counts as
the files that it holds, and a submodule stays at the commit that the base has.
"""

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import anyio.to_thread

from engine.workspace.folders import remove
from engine.workspace.git import Git, Place
from engine.workspace.naming import shown
from engine.workspace.protocol import Refused

_DEEPEST: Final = 20
"""As many repositories inside each other are opened up."""

_NAMED: Final = 5


class _Difference(NamedTuple):
    gone: list[bytes]
    there: list[bytes]


async def read_index(git: Git, place: Place, commit: str) -> None:
    """Let the index be the commit's; what it knows of unchanged files it keeps."""
    await anyio.to_thread.run_sync(unlock, place)
    ended = await git.ask("read-tree", "--reset", commit, place=place)
    if ended.exit_code != 0:  # an index that was torn
        place.index.unlink(missing_ok=True)
        await git.run("read-tree", commit, place=place)


def unlock(place: Place) -> None:
    """Take away the lock that a git of ours left when it was killed; nobody else uses the index."""
    place.index.with_name(place.index.name + ".lock").unlink(missing_ok=True)


async def take(
    git: Git, place: Place, *, most_file_bytes: int, without: Sequence[str] = ()
) -> str | Refused:
    """The tree object of what is in the working tree and is not ignored.

    The index must be that of a commit near it. Empty folders, sockets and the like are not taken.

    Args:
        git: the repository that takes the objects.
        place: the working tree, with an index that nobody else uses.
        most_file_bytes: the tree is refused when a new or changed file has more.
        without: exclude patterns beside those of the repository and the tree.
    """
    if not stat.S_ISDIR(await anyio.to_thread.run_sync(_mode, place.tree)):
        return Refused(reason=f"the folder {place.tree} is gone")
    difference = await _difference(git, place, without)
    big = await anyio.to_thread.run_sync(_big, place.tree, difference.there, most_file_bytes)
    if big:
        return Refused(
            reason=f"too big to be committed (over {most_file_bytes} bytes): {named(big)}"
        )
    return await _write(git, place, difference)


async def take_what_fits(
    git: Git, place: Place, *, most_file_bytes: int, without: Sequence[str] = ()
) -> str:
    """As `take`, but files that are too big are left out."""
    difference = await _difference(git, place, without)
    big = await anyio.to_thread.run_sync(_big, place.tree, difference.there, most_file_bytes)
    there = [name for name in difference.there if name not in set(big)]
    return await _write(git, place, _Difference(difference.gone, there))


async def _write(git: Git, place: Place, difference: _Difference) -> str:
    update, listed = ("update-index", "-z"), "--stdin"
    if difference.gone:
        await git.run(
            *update, "--force-remove", listed, place=place, stdin=_listed(difference.gone)
        )
    if difference.there:
        words = (*update, "--add", "--replace", "--remove", listed)
        await git.run(*words, place=place, stdin=_listed(difference.there))
    return await git.line("write-tree", place=place)


async def _difference(git: Git, place: Place, without: Sequence[str]) -> _Difference:
    out = await git.run(
        "diff-files", "-z", "--name-status", "--no-renames", "--ignore-submodules=all", place=place
    )
    fields = out.split(b"\0")
    changes = list(zip(fields[::2], fields[1::2], strict=False))
    gone = [name for kind, name in changes if kind == b"D"]
    there = [name for kind, name in changes if kind != b"D"]
    there += await _untracked(git, place, without)
    return _Difference(gone, there)


async def _untracked(git: Git, place: Place, without: Sequence[str]) -> list[bytes]:
    """The new files; repositories of an agent's own are opened up so that theirs are among them."""
    found: list[bytes] = []
    for _ in range(_DEEPEST):
        found = await untracked(git, place, without)
        nested = [name for name in found if name.endswith(b"/")]
        if not nested:
            break
        await anyio.to_thread.run_sync(_open_up, place.tree, nested)
    return [name for name in found if not name.endswith(b"/")]


async def untracked(git: Git, place: Place, without: Sequence[str]) -> list[bytes]:
    """Files that are new and not ignored; a repository inside the tree as its folder with a /."""
    patterns = [word for pattern in without for word in ("-x", pattern)]
    words = ("ls-files", "-z", "--others", "--exclude-standard", *patterns)
    return [name for name in (await git.run(*words, place=place)).split(b"\0") if name]


def _open_up(tree: Path, nested: Iterable[bytes]) -> None:
    for name in nested:
        remove(tree / os.fsdecode(name) / ".git")


def _big(tree: Path, names: Iterable[bytes], most_bytes: int) -> list[bytes]:
    """Those of the files that are too big; what cannot be read is made readable meanwhile."""
    big: list[bytes] = []
    for name in names:
        path = tree / os.fsdecode(name)
        try:
            status = path.lstat()
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            if status.st_size > most_bytes:
                big.append(name)
            if not status.st_mode & stat.S_IRUSR and status.st_uid == os.geteuid():
                path.chmod(stat.S_IMODE(status.st_mode) | stat.S_IRUSR)
    return big


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def named(names: Sequence[bytes]) -> str:
    """A few of the names, for a message."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(shown(name) for name in names[:_NAMED]) + more


def _listed(names: Iterable[bytes]) -> bytes:
    return b"".join(name + b"\0" for name in names)
