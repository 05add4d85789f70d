"""Amounts of memory and disk as people write them: `512MiB`, `8GiB`."""

import re
from typing import Final

_UNITS: Final = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10}
PATTERN: Final = r"\d+(\.\d+)?(KiB|MiB|GiB)"
EXAMPLES: Final = "512MiB or 8GiB"
LARGEST_BYTES: Final = 1 << 50

_WHOLE: Final = re.compile(r"(\d{1,13}(?:\.\d{1,9})?) ?(KiB|MiB|GiB)")


def parse_size(text: str) -> int:
    """Bytes, at least one KiB and at most a million GiB.

    Raises:
        ValueError: it is no size; the message says how one is written.
    """
    found = _WHOLE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a size such as {EXAMPLES}")
    size_bytes = round(float(found[1]) * _UNITS[found[2]])
    if not 1 << 10 <= size_bytes <= LARGEST_BYTES:
        raise ValueError(f"{text!r} must be at least 1KiB and at most 1048576GiB")
    return size_bytes


def format_size(size_bytes: int) -> str:
    """The size in the largest unit that it is a whole number of; else in KiB, rounded up."""
    for name, unit in _UNITS.items():
        if size_bytes % unit == 0:
            return f"{size_bytes // unit}{name}"
    return f"{-(-size_bytes // 1024)}KiB"
