"""What an agent did in an attempt, in words; the raw output lies beside it, whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from engine.agents.files import EVENTS
from engine.agents.protocol import AnyAgentEvent
from engine.agents.rendering import rendered
from engine.cli.lines import printable

_WIDTH: Final = 8


class _Told(msgspec.Struct, frozen=True):
    """A line of the file; `time` is UTC, ISO 8601."""

    time: str
    event: AnyAgentEvent


def transcript(folder: Path) -> Iterator[str]:
    """Pieces of text, each with its end of line; lines that are no event are passed over.

    Raises:
        OSError: there is none, or it cannot be read.
    """
    decoder = msgspec.json.Decoder(_Told)
    with (folder / EVENTS).open("rb") as file:
        for line in file:
            try:
                told = decoder.decode(line)
            except msgspec.DecodeError:
                continue
            text = printable(rendered(told.event))
            yield _stamped(told.time[11 : 11 + _WIDTH], text)


def _stamped(clock: str, text: str) -> str:
    """The text with the time of day before its first line."""
    first, *more = text.splitlines() or [""]
    if not text:
        return ""
    lines = [f"{clock:<{_WIDTH}}  {first}", *(f"{'':<{_WIDTH}}  {each}" for each in more)]
    return "\n".join(line.rstrip() for line in lines) + "\n"
