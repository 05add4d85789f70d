"""A short text that is equal for failures that are alike. Pure.

What differs from one occurrence to the next is taken out: numbers, hexadecimal names, addresses,
times, folders, colours. What is left is the kind of failure, which breakers count.
"""

import hashlib
import re
from typing import Final

_MOST_READ: Final = 20_000
_MOST_LINES: Final = 40
_MOST_SHOWN: Final = 90

_REPLACED: Final = tuple(
    (re.compile(pattern), with_)
    for pattern, with_ in (
        (r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?", ""),
        (r"(?m)^[^\n]*\r(?=[^\n\r])", ""),  # what a progress bar has overwritten
        (r"\b[a-z][a-z0-9+.-]{1,15}://[^\s'\"<>)\]]+", "<url>"),
        (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<id>"),
        (
            r"\b\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:z|[+-]\d\d:?\d\d)?)?",
            "<time>",
        ),
        (r"\b\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?[ap]m\b)?", "<time>"),
        (r"\b(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+(?=\w+\s+\d|\d)", ""),
        (r"(?<![\w<.])(?:~|[a-z]:)?(?:[/\\][\w.+@~%=-]+)*[/\\](?=[\w.+@~%=-]+[/\\])", "<dir>/"),
        (r"(?<![\w<.>])(?:~|[a-z]:)?[/\\](?=[\w.+@~%=-]{2,})", "<dir>/"),
        (r"<dir>/[\w.+@~%=-]+[/\\]", "<dir>/"),
        (r"\btmp[a-z0-9_]{6,}", "<tmp>"),
        (r"\b0x[0-9a-f]+\b", "<hex>"),
        (r"\b(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{7,64}\b", "<hex>"),
        (r"(?<![a-z0-9_])[+-]?(?:\d[\d_]*(?:[.,]\d+)*|\.\d+)(?:e[+-]?\d+)?", "<n>"),
        (r"\d{4,}", "<n>"),
        (r"<n> ?(?:h|m|s|ms|min|sec|seconds?|minutes?|hours?)\b", "<n>"),
        (r"<n>(?:[\s,;x×]+<n>)+", "<n>"),
        (r"[^\S\n]+", " "),
    )
)


def signature(text: str) -> str:
    """The signature of a failure's text; empty for a text that says nothing.

    It begins with the first words of what is left, for people, and ends with a hash of all of it.
    """
    normal = normalised(text)
    if not normal:
        return ""
    digest = hashlib.blake2b(normal.encode("utf-8", "replace"), digest_size=4).hexdigest()
    return f"{normal.splitlines()[0][:_MOST_SHOWN].strip()} [{digest}]"


def normalised(text: str) -> str:
    """The text without what differs between failures that are alike; at most 40 lines of it.

    Of a long text the end counts, where programs say why they gave up. A line that was there
    before is left out: how often something was tried is no part of what went wrong.
    """
    left = text[-_MOST_READ:].casefold()
    for pattern, with_ in _REPLACED:
        left = pattern.sub(with_, left)
    lines = dict.fromkeys(line.strip() for line in left.splitlines())
    return "\n".join([line for line in lines if line][-_MOST_LINES:])
