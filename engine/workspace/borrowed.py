"""Where a repository keeps its objects: what trees that borrow them have to be able to read."""

from pathlib import Path
from typing import Final

_GIT_FILE: Final = "gitdir: "
_DEEPEST: Final = 5


def object_folders(top: Path) -> list[Path]:
    """The folders with the objects of a checkout's repository, and those that it borrows itself."""
    found: list[Path] = []
    new = [git_folders(top)[-1] / "objects"]
    for _ in range(_DEEPEST):
        found += new
        new = [path for folder in new for path in _borrowed(folder) if path not in found]
    return [path for path in dict.fromkeys(found) if path.is_dir()]


def git_folders(top: Path) -> list[Path]:
    """The folder of the checkout's own git files, and that which all checkouts share, if another.

    They are in the checkout, but for one of `git worktree` or of a submodule.
    """
    git = top / ".git"
    named = _line(git)
    own = top / named.removeprefix(_GIT_FILE) if named.startswith(_GIT_FILE) else git
    shared = _line(own / "commondir")
    return [own, (own / shared).resolve()] if shared else [own]


def _borrowed(objects: Path) -> list[Path]:
    try:
        text = (objects / "info" / "alternates").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    lines = [line.strip() for line in text.splitlines()]
    return [(objects / line).resolve() for line in lines if line and line[0] not in '#"']


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError):
        return ""
