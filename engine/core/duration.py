"""Durations as people write them: `90s`, `5m`, `1h30m`, `250ms`, `2d`."""

import re
from typing import Final

_UNITS_MS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
PATTERN: Final = r"(\d+(\.\d+)?(ms|[dhms]))+"
LONGEST_S: Final = 10 * 366 * 86_400
EXAMPLES: Final = "90s, 5m or 1h30m"

_WHOLE: Final = re.compile(PATTERN)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")


def parse_duration(text: str) -> float:
    """Seconds, to the millisecond, more than zero and at most ten years.

    Raises:
        ValueError: it is no duration; the message says how one is written.
    """
    compact = text.strip().replace(" ", "")
    if compact.isdecimal():
        raise ValueError(f"{text!r} has no unit: write {compact}s, {compact}m or {compact}h")
    if not _WHOLE.fullmatch(compact):
        raise ValueError(f"{text!r} is not a duration such as {EXAMPLES}")
    parts: list[tuple[str, str]] = _PART.findall(compact)
    names = [name for _, name in parts]
    if len(set(names)) < len(names):
        raise ValueError(f"{text!r} has a unit twice: write each once, such as 1h30m")
    seconds = round(sum(float(amount) * _UNITS_MS[name] for amount, name in parts)) / 1000
    if not 0 < seconds <= LONGEST_S:
        raise ValueError(f"{text!r} must be more than zero and at most ten years")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest text that `parse_duration` reads back to the same millisecond: `1h30m`."""
    left_ms = round(seconds * 1000)
    parts: list[str] = []
    for name, unit_ms in _UNITS_MS.items():
        count, left_ms = divmod(left_ms, unit_ms)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts) or "0s"
