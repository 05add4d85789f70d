"""What changed between two versions of a campaign."""

from collections.abc import Iterator
from typing import Any, cast

import msgspec

_FREE: tuple[tuple[str, ...], ...] = (
    ("about",),
    ("stop",),
    ("budget",),
    ("finish",),
    ("policy", "max_failures"),
    ("policy", "caps"),
    ("resources",),
    ("executors", "*", "slots"),
    ("executors", "*", "patience"),
    ("executors", "*", "leash"),
    ("referee", "leaders"),
    ("referee", "baseline_every"),
    ("proposers", "evolution", "slots"),
    ("proposers", "agent", "slots"),
    ("proposers", "agent", "directives"),
    ("proposers", "worker", "slots"),
    ("proposers", "worker", "monitor"),
    ("proposers", "worker", "most_monitor"),
    ("proposers", "worker", "wait"),
    ("proposers", "worker", "most_wait"),
    ("proposers", "worker", "backoff"),
    ("proposers", "worker", "halt_after"),
)
"""Places that may change while a run goes on, without a person's consent; `*` is any name."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A value that differs. `old` or `new` is None where there is none."""

    path: str
    old: Any
    new: Any
    needs_consent: bool

    def __str__(self) -> str:
        return f"{self.path}: {_shown(self.old)} -> {_shown(self.new)}"


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    """The values that differ between two documents, by path; checks are matched by name."""
    return [
        Difference(
            path=".".join(path),
            old=before,
            new=after,
            needs_consent=not any(_is_below(path, free) for free in _FREE),
        )
        for path, before, after in _compare(old, new, ())
    ]


def _is_below(path: tuple[str, ...], free: tuple[str, ...]) -> bool:
    pairs = zip(free, path, strict=False)
    return len(path) >= len(free) and all(name in ("*", step) for name, step in pairs)


_Change = tuple[tuple[str, ...], Any, Any]


def _compare(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[_Change]:
    old_parts, new_parts = _parts(old), _parts(new)
    if old_parts is None or new_parts is None or type(old) is not type(new):
        if not _equal(old, new):
            yield path, old, new
        return
    for key in dict.fromkeys((*old_parts, *new_parts)):
        yield from _compare(old_parts.get(key), new_parts.get(key), (*path, key))
    common = [key for key in old_parts if key in new_parts]
    if isinstance(old, list) and common != [key for key in new_parts if key in old_parts]:
        yield (*path, "order"), list(old_parts), list(new_parts)


def _parts(value: Any) -> dict[str, Any] | None:
    """The members of a mapping, or of a list whose items all have a name or kind of their own."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    if not isinstance(value, list):
        return None
    items = cast("list[Any]", value)
    titles = [_title(item) for item in items]
    named = all(titles) and len(set(titles)) == len(titles)
    return {str(title): item for title, item in zip(titles, items, strict=True)} if named else None


def _title(item: Any) -> str | None:
    if not isinstance(item, dict):
        return None
    mapping = cast("dict[str, Any]", item)
    return mapping.get("name") or mapping.get("kind")


def _equal(old: Any, new: Any) -> bool:
    """Equality that keeps true apart from 1."""
    return type(old) is type(new) and old == new


def _shown(value: Any) -> str:
    if value is None:
        return "(nothing)"
    return msgspec.json.encode(value).decode()
