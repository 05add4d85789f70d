"""The person's repository: where its parts are, and whether it can be worked with."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import anyio
import msgspec

from engine.workspace.git import Git
from engine.workspace.protocol import Commit, WorkspaceError

OLDEST_GIT: Final = (2, 38)
_NOBODY: Final = {
    "GIT_AUTHOR_NAME": "controlroom",
    "GIT_AUTHOR_EMAIL": "controlroom@localhost",
    "GIT_COMMITTER_NAME": "controlroom",
    "GIT_COMMITTER_EMAIL": "controlroom@localhost",
}
_KINDS: Final = ("--is-bare-repository", "--is-shallow-repository", "--show-object-format")
_PLACES: Final = (
    ("--show-toplevel",),
    ("--absolute-git-dir",),
    ("--git-common-dir",),
    ("--git-path", "objects"),
)


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """A repository with a checkout.

    `git_dir` belongs to this checkout alone, `common_dir` to all checkouts of the repository.
    """

    top: Path
    git_dir: Path
    common_dir: Path
    objects: Path
    object_format: str
    shallow: bool
    git: Git


async def open_repository(
    folder: Path, environ: Mapping[str, str], more: Mapping[str, str] | None = None
) -> Repository:
    """The repository that the folder is in.

    Args:
        folder: any folder of the checkout.
        environ: the surrounding environment.
        more: variables for every git that runs on it.

    Raises:
        WorkspaceError: there is none, it is bare, or git is too old.
    """
    if not await anyio.Path(folder).is_dir():
        raise WorkspaceError(f"the folder {folder} does not exist; correct `workspace.repo`")
    finder = Git(folder, None, environ)
    await _check_version(finder)
    bare, shallow, object_format = (await _found(finder, *_KINDS)).split()
    if bare == "true":
        raise WorkspaceError(f"{folder} is a bare repository; name a checkout of it instead")
    top, git_dir, common_dir, objects = [
        Path(await _found(finder, "--path-format=absolute", *words)) for words in _PLACES
    ]
    return Repository(
        top=top,
        git_dir=git_dir,
        common_dir=common_dir,
        objects=objects,
        object_format=object_format,
        shallow=shallow == "true",
        git=Git(top, git_dir, environ, {**await _identity(finder), **(more or {})}),
    )


async def _found(finder: Git, *words: str) -> str:
    ended = await finder.ask("rev-parse", *words)
    if ended.exit_code == 0:
        return os.fsdecode(ended.out.removesuffix(b"\n"))
    said = ended.err.decode(errors="replace").strip()
    if "not a git repository" in said:
        raise WorkspaceError(
            f"{finder.cwd} is not in a git repository; make one (git init, git add, git commit), "
            "or name another folder as `workspace.repo`"
        )
    if "must be run in a work tree" in said:
        raise WorkspaceError(f"{finder.cwd} is in no checkout; name the checkout instead")
    raise WorkspaceError(f"git cannot use {finder.cwd}: {said}")


async def _check_version(finder: Git) -> None:
    said = await finder.line("version")
    numbers = re.search(r"(\d+)\.(\d+)", said)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST_GIT:
        raise WorkspaceError(f"git 2.38 or newer is needed, and this is {said!r}; install it")


async def _identity(finder: Git) -> dict[str, str]:
    """Variables for commits: none where the person has a name and an address."""
    known = await finder.ask("config", "--name-only", "--get-regexp", r"^user\.(name|email)$")
    both = {b"user.name", b"user.email"} <= set(known.out.split())
    return {} if both else dict(_NOBODY)


async def resolve(repository: Repository, name: str) -> Commit:
    """The commit that the name stands for.

    Raises:
        WorkspaceError: there is none.
    """
    git = repository.git
    ended = await git.ask("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    if ended.exit_code == 0:
        return Commit(ended.out.decode().strip())
    if name == "HEAD":
        raise WorkspaceError(
            f"{repository.top} has no commit yet; commit what the run should begin from"
        )
    deeper = "; it is a shallow clone: git fetch --unshallow" if repository.shallow else ""
    raise WorkspaceError(
        f"there is no commit {name!r} in {repository.top}; name one that `git log` shows{deeper}"
    )
