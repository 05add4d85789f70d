"""Asking a person: how the program of an agent waits for the answer to what it asks.

A program prints `{"type": "asks", "id": "q-1", "text": "May I?", "default": "refuse", "wait_s":
60}` and waits for the file `q-1` in the folder that `ANSWERS_VARIABLE` names; it holds `approve`
or `refuse`, and is there whole or not at all.
"""

import os
import re
import time
from pathlib import Path
from typing import Final

import msgspec

from engine.agents.protocol import AgentTask, Asks, Trouble

ANSWERS_VARIABLE: Final = "CONTROLROOM_ANSWERS"
LONGEST_WAIT_S: Final = 86_400.0
_FOLDER: Final = "answers"
_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_LOOK_S: Final = 0.02
_LATE_S: Final = 30.0
"""So much later than promised the engine is taken for one that does not answer any more."""


def folder_of(attempt: Path) -> Path:
    """Where the answers to an attempt's questions are."""
    return attempt / _FOLDER


def env_of(task: AgentTask) -> dict[str, str]:
    """The variables of a program that may ask."""
    return {**task.env, ANSWERS_VARIABLE: str(folder_of(task.folder))}


def answers_folder() -> Path:
    """Where the answers are, for a program that was started to ask."""
    return Path(os.environ.get(ANSWERS_VARIABLE, _FOLDER))


def sound(event: Asks) -> Asks | Trouble:
    """The question, its time held to a day; Trouble where its id cannot be the name of a file."""
    if not _ID.fullmatch(event.id):
        return Trouble(text=f"it asks as {event.id[:64]!r}: use A-Z a-z 0-9 _ -; nobody is asked")
    return msgspec.structs.replace(event, wait_s=min(max(0.0, event.wait_s), LONGEST_WAIT_S))


def write_answer(folder: Path, ask: str, *, approved: bool) -> None:
    """Answer a question.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{ask}.tmp"
    draft.unlink(missing_ok=True)
    with draft.open("x", encoding="ascii") as file:  # never through a link that is there
        file.write("approve" if approved else "refuse")
    draft.replace(folder / ask)


def read_answer(folder: Path, ask: str) -> bool | None:
    """Whether it was approved; None as long as nobody has said."""
    try:
        return (folder / ask).read_text(encoding="ascii", errors="replace").strip() == "approve"
    except OSError:
        return None


def wait_answer(folder: Path, event: Asks) -> bool:
    """Whether it was approved; the default holds when the engine says nothing."""
    end_s = time.monotonic() + event.wait_s + _LATE_S
    while (answer := read_answer(folder, event.id)) is None and time.monotonic() < end_s:
        time.sleep(_LOOK_S)
    return event.default == "approve" if answer is None else answer
