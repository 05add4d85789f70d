"""Paths of the person's checkout that are there in every tree, by symbolic links."""

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from engine.workspace.folders import remove
from engine.workspace.git import Git, Place
from engine.workspace.protocol import WorkspaceError

_GLOB: Final = re.compile(r"([\\*?\[\]!#])")


def pattern(path: str) -> str:
    """The exclude pattern that fits this path and no other."""
    return "/" + _GLOB.sub(r"\\\1", path).replace(" ", "\\ ")


def normal(link: str) -> str:
    """The path as it is written without detours.

    Raises:
        WorkspaceError: it leads out of the tree, or is none.
    """
    path = PurePosixPath(link)
    if path.is_absolute() or ".." in path.parts or not path.parts or path.parts[0] == ".git":
        raise WorkspaceError(
            f"`workspace.link` {link!r} must be a path inside the repository; correct it"
        )
    return str(path)


async def check(git: Git, top: Path, links: Sequence[str], commit: str) -> None:
    """Refuse links that lead to nothing, or to what git has anyway.

    Raises:
        WorkspaceError: which one, and why.
    """
    for link in links:
        if not _is_there(top / link):
            raise WorkspaceError(
                f"`workspace.link` {link!r} is not in {top}; make it, or leave it out"
            )
        if await git.run("ls-tree", "-z", commit, "--", link):
            raise WorkspaceError(
                f"`workspace.link` {link!r} is tracked, so it is in every tree anyway; leave it out"
            )


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)


def put(top: Path, place: Place, links: Sequence[str]) -> None:
    """Make the links in the tree, in the place of whatever is there.

    Raises:
        OSError: one cannot be made.
    """
    for link in links:
        path, target = place.tree / link, top / link
        if path.is_symlink() and path.readlink() == target:
            continue
        remove(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
