"""Whether a change alters nothing but constants, whatever its author calls it. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from engine.core.parts import FileChange

_TOKEN: Final = re.compile(r"\d[\w.]*(?:[eE][+-]\d+)?|\.\d+|\w+|[^\w\s]")
_LITERAL: Final = re.compile(r"\d[\w.]*(?:[eE][+-]\d+)?|\.\d+|True|False|true|false")
_COMMENT: Final = re.compile(r"\s*(?:#|//|--\s)")
_FILE: Final = re.compile(r"(?m)^diff --git [^\n]*\n")


def may_be_scalar(files: Sequence[FileChange]) -> bool:
    """Whether a look at the diff may show that nothing but constants was changed."""
    return all(file.kind == "update" and file.added is not None for file in files)


def scalar_only(diff: str) -> bool:
    """Whether every changed line is the line before with other numbers or truth values in it.

    Lines that are comments, and space, do not count. False for a change of nothing at all, and
    where a file was added, deleted or is binary: there is more to it then.

    Args:
        diff: unified, as git writes it; a summary may stand before the first file.
    """
    changes = [_change(part) for part in _FILE.split(diff)[1:]]
    if any(change is None for change in changes):
        return False
    sides = [(_tokens(before), _tokens(after)) for before, after in filter(None, changes)]
    alike = all(_without_literals(a) == _without_literals(b) for a, b in sides)
    return alike and any(a != b for a, b in sides)


def _change(part: str) -> tuple[list[str], list[str]] | None:
    """The lines that went and those that came in one file; None where that is not all of it."""
    head, _, body = part.partition("\n@@")
    if not body or re.search(r"(?m)^(?:new file|deleted file|Binary|GIT binary|rename)", head):
        return None
    lines = body.splitlines()[1:]
    return list(_counted(lines, "-")), list(_counted(lines, "+"))


def _counted(lines: list[str], sign: str) -> Iterator[str]:
    for line in lines:
        if line.startswith(sign) and line[1:].strip() and not _COMMENT.match(line[1:]):
            yield line[1:]


def _tokens(lines: list[str]) -> list[str]:
    return [token for line in lines for token in _TOKEN.findall(line)]


def _without_literals(tokens: list[str]) -> list[str]:
    return ["0" if _LITERAL.fullmatch(token) else token for token in tokens]
