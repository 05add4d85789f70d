"""What failures that are alike have in common."""

import re
from typing import Final

_LONGEST: Final = 300
_CHANGING: Final = (
    (re.compile(r"\x1b\[[0-9;]*[A-Za-z]"), ""),
    (re.compile(r"0x[0-9a-fA-F]+"), "#"),
    (re.compile(r"\b[0-9a-f]{7,64}\b"), "#"),
    (re.compile(r"(?:[A-Za-z]:)?(?:[\w.@~+-]*/)+[\w.@~+-]*"), "/"),
    (re.compile(r"[-+]?\d[\d.,:_]*(?:[eE][-+]?\d+)?"), "#"),
    (re.compile(r"\s+"), " "),
)
"""Terminal colours, addresses, hashes, paths, numbers with dates and times, blanks."""


def signature(text: str) -> str:
    """The text without what differs from one time to the next: equal for failures that are alike.

    An empty text has an empty signature.
    """
    text = text[:4000]
    for pattern, stand_in in _CHANGING:
        text = pattern.sub(stand_in, text)
    return text.strip()[:_LONGEST]
