"""Reading and writing files of the tree for an agent, and nothing outside of it."""

from pathlib import Path

from engine.agents.acp_json import Json, number, text
from engine.agents.acp_wire import INVALID, PeerError


def inside(tree: Path, name: str) -> Path | None:
    """The file that a path means, links followed; None where that is not in the tree.

    What git keeps for itself is not in it.
    """
    try:
        top, path = tree.resolve(), (tree / name).resolve()
        loops = path.is_symlink()  # Python 3.13 raises no more
    except (OSError, ValueError, RuntimeError):  # a loop of links, a NUL
        return None
    if loops or not name or path == top or not path.is_relative_to(top):
        return None
    return None if ".git" in path.relative_to(top).parts else path


def read_file(tree: Path, params: Json) -> Json:
    """The answer to `fs/read_text_file`.

    Raises:
        PeerError: it is not in the tree, or cannot be read.
    """
    path = _allowed(tree, params)
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    except OSError as error:
        raise _refused(path, error) from error
    first = max(number(params, "line") - 1, 0)
    last = first + number(params, "limit") if number(params, "limit") else None
    return {"content": "".join(lines[first:last])}


def write_file(tree: Path, params: Json) -> bool:
    """Do what `fs/write_text_file` asks; whether the file is new.

    Raises:
        PeerError: it is not in the tree, or cannot be written.
    """
    path = _allowed(tree, params)
    try:
        fresh = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(params, "content"), encoding="utf-8", errors="replace", newline="")
    except OSError as error:
        raise _refused(path, error) from error
    return fresh


def _allowed(tree: Path, params: Json) -> Path:
    path = inside(tree, text(params, "path"))
    if path is None:
        raise PeerError(f"not in the tree: {text(params, 'path')!r}"[:500], INVALID)
    return path


def _refused(path: Path, error: OSError) -> PeerError:
    return PeerError(f"{path}: {error.strerror or error}", INVALID)
