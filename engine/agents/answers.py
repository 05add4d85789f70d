"""Finding a structured answer in what an agent said."""

import re
from typing import Final

import msgspec

_FENCED: Final = re.compile(r"^```[a-zA-Z]*[ \t]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
LONGEST_CHARACTERS: Final = 1 << 20


def structured_in(text: str) -> str | None:
    """The JSON object that a text is, or that its last fenced block holds, or None."""
    text = text[-LONGEST_CHARACTERS:]
    for candidate in (text, *reversed(_FENCED.findall(text))):
        if is_object(candidate):
            return candidate.strip()
    return None


def is_object(text: str) -> bool:
    """Whether the text is a JSON object."""
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return False
