"""Looking into JSON that another program made: every look gives something of the wanted kind."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

Json = Mapping[str, Any]


def parsed(line: bytes) -> Json | None:
    """The object that a line is, else None."""
    try:
        found = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def part(data: Json, name: str) -> Json:
    """The object under a name; empty where there is none."""
    found = data.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def parts(data: Json, name: str) -> list[Json]:
    """The objects in the list under a name."""
    found = data.get(name)
    items = cast("list[Any]", found) if isinstance(found, list) else []
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]


def text(data: Json, name: str) -> str:
    """The text under a name; empty where there is none."""
    found = data.get(name)
    return found if isinstance(found, str) else ""


def number(data: Json, name: str) -> int:
    """The number of things under a name; 0 where there is none."""
    found = data.get(name)
    if not isinstance(found, int) or isinstance(found, bool):
        return 0
    return found if 0 < found < 2**60 else 0
