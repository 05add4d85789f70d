"""What a program wrote, reduced to plain lines.

Carriage returns overwrite as on a terminal, escape sequences go, and no control code and no mark
that turns the direction of text is left over. Nothing here is ever read as markup.
"""

import codecs
import re
from typing import Final

MAX_CELLS: Final = 2_000
"""Longer lines are cut: one line of a program must not fill the memory of the screen."""

MAX_RAW: Final = 16_000
"""Characters of a raw line that are looked at; it bounds what a hostile program can cost."""

_ERASE: Final = re.compile(r"\x1b\[([012]?)K")
_ESCAPE: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # CSI
    r"|[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC, DCS, SOS, PM, APC: to their end
    r"|[ -/]*[0-~]?)"  # any other
)
_CONTROL: Final = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)


class LineReducer:
    """Turns chunks of bytes into whole lines; what has no line end yet is kept."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that this chunk completed."""
        text = self._rest + self._decoder.decode(chunk)
        *whole, self._rest = text.split("\n")
        if len(self._rest) > 2 * MAX_RAW:
            self._rest = self._rest[-MAX_RAW:]
        return [reduce_line(raw) for raw in whole]

    def finish(self) -> list[str]:
        """The last line, when it had no end."""
        rest = self._rest + self._decoder.decode(b"", final=True)
        self._rest = ""
        return [reduce_line(rest)] if rest.strip("\r") else []


def reduce_line(raw: str) -> str:
    """The line as a terminal would have left it, without colours."""
    raw = raw.rstrip("\r")
    if raw.isprintable():
        return _cut(raw)
    raw = raw[-MAX_RAW:] if "\r" in raw else raw[:MAX_RAW]
    shown = ""
    for part in raw.split("\r"):
        if part:
            shown = _overwrite(shown, part)
    return _cut(shown.rstrip())


def _overwrite(shown: str, part: str) -> str:
    """`part` written over `shown` from its first cell on; erase codes are obeyed."""
    pieces = _ERASE.split(part)
    at = 0
    for index, piece in enumerate(pieces):
        if index % 2:
            shown = shown[:at] if piece in {"", "0"} else " " * at
        else:
            text = _plain(piece)
            shown = shown[:at].ljust(at) + text + shown[at + len(text) :]
            at += len(text)
    return shown


def _plain(text: str) -> str:
    bare = _ESCAPE.sub("", text) if "\x1b" in text else text
    if "\b" in bare:
        bare = _backspaced(bare)
    return _CONTROL.sub("", bare.expandtabs(4))


def _backspaced(text: str) -> str:
    kept: list[str] = []
    for character in text:
        if character != "\b":
            kept.append(character)
        elif kept:
            kept.pop()
    return "".join(kept)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CELLS else text[: MAX_CELLS - 1] + "…"
