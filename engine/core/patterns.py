"""Patterns of paths: `*` stands for a part of a name, `**` for any folders.

A pattern that names a folder means everything below it.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

_ANY_FOLDERS: Final = "**"
_SPECIAL: Final = {"*": "[^/]*", "?": "[^/]"}


def matching(patterns: Sequence[str], paths: Iterable[str]) -> list[str]:
    """The paths, with / between their parts, that any of the patterns means."""
    found = [_compiled(pattern) for pattern in patterns]
    return [path for path in paths if any(each.fullmatch(path) for each in found)]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    whole = "".join("(?:[^/]+/)*" if part == _ANY_FOLDERS else f"{_name(part)}/" for part in parts)
    if parts and parts[-1] == _ANY_FOLDERS:
        return re.compile(f"{whole}.+", re.DOTALL)
    return re.compile(f"{whole.removesuffix('/')}(?:/.*)?", re.DOTALL)


def _name(part: str) -> str:
    return "".join(_SPECIAL.get(character) or re.escape(character) for character in part)
