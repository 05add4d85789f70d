"""The content of a working tree as git's tree object, taken through an index of the engine's own.

Nothing that lies in the tree is run or believed: a repository that an agent made in it counts as
the files that it holds, and a submodule stays at the commit that the base has.
"""

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import anyio
import anyio.to_thread

from engine.workspace.at_once import both
from engine.workspace.folders import remove
from engine.workspace.git import Git, Place
from engine.workspace.naming import shown
from engine.workspace.protocol import Refused

_DEEPEST: Final = 20
"""As many repositories inside each other are opened up."""

_NAMED: Final = 5
_SUBMODULE: Final = b"\0\0\xe0\0"


class Limits(NamedTuple):
    """What is not taken: files with more bytes, what these words for git leave out, and `spared`.

    The last holds files, and folders with a / at the end, that stay out whatever the ignore rules
    have become.
    """

    most_file_bytes: int
    exclude: tuple[str, ...] = ()
    spared: frozenset[bytes] = frozenset()

    def spares(self, name: bytes) -> bool:
        """Whether the file is left out by its name, or by that of a folder it is in."""
        if name in self.spared:
            return True
        parts = name.split(b"/")
        folders = (b"/".join(parts[:count]) + b"/" for count in range(1, len(parts)))
        return any(folder in self.spared for folder in folders)


class Difference(NamedTuple):
    """Files that are not in the tree any more, and those that are new or may be changed."""

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


async def take(git: Git, place: Place, limits: Limits) -> str | Refused:
    """The tree object of what is in the working tree and is not ignored.

    The index must be that of a commit near it. Empty folders, sockets and the like are not taken.
    """
    found = await _difference(git, place, limits)
    big = await too_big(place, found.there, limits)
    if big:
        return Refused(
            reason=f"too big to be committed (over {limits.most_file_bytes} bytes): {named(big)}"
        )
    return await write(git, place, found)


async def take_what_fits(git: Git, place: Place, limits: Limits) -> str:
    """As `take`, but files that are too big are left out."""
    found = await _difference(git, place, limits)
    big = set(await too_big(place, found.there, limits))
    there = [name for name in found.there if name not in big]
    return await write(git, place, Difference(found.gone, there))


async def _difference(git: Git, place: Place, limits: Limits) -> Difference:
    found, new = await both(lambda: changed(git, place), lambda: _opened_up(git, place, limits))
    return Difference(found.gone, [*found.there, *new])


async def changed(git: Git, place: Place) -> Difference:
    """Which files of the index are gone or may have changed."""
    out = await git.run(
        "diff-files", "-z", "--name-status", "--no-renames", "--ignore-submodules=all", place=place
    )
    fields = out.split(b"\0")
    changes = list(zip(fields[::2], fields[1::2], strict=False))
    gone = [name for kind, name in changes if kind == b"D"]
    return Difference(gone, [name for kind, name in changes if kind != b"D"])


async def write(git: Git, place: Place, found: Difference) -> str:
    """The tree object of the index with these files as they are in the working tree."""
    update, listed = ("update-index", "-z"), "--stdin"
    if found.gone:
        await git.run(*update, "--force-remove", listed, place=place, stdin=_listed(found.gone))
    if found.there:
        words = (*update, "--add", "--replace", "--remove", listed)
        await git.run(*words, place=place, stdin=_listed(found.there))
    return await git.line("write-tree", place=place)


async def too_big(place: Place, names: Sequence[bytes], limits: Limits) -> list[bytes]:
    """Those of the files that are too big."""
    return await anyio.to_thread.run_sync(_big, place.tree, names, limits.most_file_bytes)


async def _opened_up(git: Git, place: Place, limits: Limits) -> list[bytes]:
    """The new files; repositories of an agent's own are opened up so that theirs are among them."""
    found: list[bytes] = []
    for _ in range(_DEEPEST):
        found = await untracked(git, place, limits)
        nested = [name for name in found if name.endswith(b"/")]
        if not nested:
            break
        await anyio.to_thread.run_sync(_open_up, place.tree, nested)
    return [name for name in found if not name.endswith(b"/")]


async def untracked(git: Git, place: Place, limits: Limits) -> list[bytes]:
    """Files that are new and not ignored; a repository inside the tree as its folder with a /."""
    words = ("ls-files", "-z", "--others", "--exclude-standard", *limits.exclude)
    names = (await git.run(*words, place=place)).split(b"\0")
    return [name for name in names if name and not limits.spares(name)]


async def submodules(git: Git, place: Place, index: bytes) -> list[bytes]:
    """Where the index, with this content, has submodules."""
    # Their mode as the index writes it: where it does not occur there is none, and no git to run.
    if _SUBMODULE not in index:
        return []
    rows = (await git.run("ls-files", "-z", "--stage", place=place)).split(b"\0")
    return [row.split(b"\t", 1)[1] for row in rows if row.startswith(b"160000 ")]


async def ignored(git: Git, place: Place, limits: Limits) -> list[bytes]:
    """Files that are ignored, one by one."""
    words = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard")
    names = (await git.run(*words, place=place)).split(b"\0")
    return [name for name in names if name and not limits.spares(name)]


async def untracked_folders(git: Git, place: Place) -> list[bytes]:
    """Folders with nothing tracked in them, empty ones as well, each with a / at the end."""
    out = await git.run("ls-files", "-z", "--others", "--directory", place=place)
    return [name for name in out.split(b"\0") if name.endswith(b"/")]


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


def named(names: Sequence[bytes]) -> str:
    """A few of the names, for a message."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(shown(name) for name in names[:_NAMED]) + more


def _listed(names: Iterable[bytes]) -> bytes:
    return b"".join(name + b"\0" for name in names)
