"""Keeps the readable pages of a run's memory: the queue, the workpad, the mentor, the storyline.

The journal is the truth; the pages are made from the state, and made anew when they are behind.
"""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import anyio
import anyio.to_thread

from engine.core.events import (
    NoteTaken,
    Record,
    ReviewFinished,
    TodoAdded,
    TodoEdited,
    TodoResolved,
    VerdictReached,
)
from engine.core.state import RunState
from engine.knowledge.storyline import story_line
from engine.reports.pages import STORY_HEAD, mentor_page, story_page, todo_page, workpad_page
from engine.runfolder.paths import RunPaths
from engine.runfolder.room import Room

TODO_PAGE: Final = "shared_todo.md"
WORKPAD_PAGE: Final = "workpad.md"
MENTOR_PAGE: Final = "mentor_notes.md"
STORY_PAGE: Final = "storyline.md"
_PACE_S: Final = 0.5
_log = logging.getLogger(__name__)


class Pages:
    """Writes the pages soon after what they say has changed.

    Args:
        state: of the run; the one that events change.
        paths: the pages lie among the run's artifacts.
        room: waits where the disk is full.
    """

    def __init__(self, state: RunState, paths: RunPaths, room: Room) -> None:
        self._state = state
        self._folder = paths.artifacts
        self._room = room
        self._lines: list[str] = []
        self._remembers = False
        self._advised = False
        self._news = anyio.Event()
        self._closing = False
        self._done = anyio.Event()

    def hear(self, record: Record) -> None:
        """Take note of a record; the state has it already."""
        match record.event:
            case VerdictReached(candidate=name):
                self._lines.append(f"- {story_line(self._state, self._state.candidates[name])}\n")
                self._advised = bool(self._state.reviews.done)
            case TodoAdded() | TodoEdited() | TodoResolved() | NoteTaken():
                self._remembers = True
            case ReviewFinished():
                self._advised = True
            case _:
                return
        self._news.set()

    async def run(self) -> None:
        """Write the pages as news come, until `close`."""
        self._lines, self._remembers, self._advised = [], True, bool(self._state.reviews.done)
        await self._kept(self._folder / STORY_PAGE, partial(_make_story, story_page(self._state)))
        while True:
            await self._write()
            if self._closing and not self._news.is_set():
                break
            await self._news.wait()
            self._news = anyio.Event()
            if not self._closing:
                await anyio.sleep(_PACE_S)
        self._done.set()

    async def close(self) -> None:
        """Return when all that is known of is written, by `run`."""
        self._closing = True
        self._news.set()
        await self._done.wait()

    async def _write(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            path = self._folder / STORY_PAGE
            size = await anyio.to_thread.run_sync(_size, path)
            await self._kept(path, partial(_append, "".join(lines), size))
        for name, page in self._behind():
            await self._kept(self._folder / name, partial(_replace, page(self._state)))

    def _behind(self) -> list[tuple[str, Callable[[RunState], str]]]:
        pages: list[tuple[str, Callable[[RunState], str]]] = []
        if self._remembers:
            pages += [(TODO_PAGE, todo_page), (WORKPAD_PAGE, workpad_page)]
        if self._advised:
            pages.append((MENTOR_PAGE, mentor_page))
        self._remembers = self._advised = False
        return pages

    async def _kept(self, path: Path, action: "partial[None]") -> None:
        async def act() -> None:
            await anyio.to_thread.run_sync(action, path)

        try:
            await self._room.write(str(path), act)
        except OSError as error:
            _log.warning("%s cannot be written: %s", path, error.strerror)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _append(text: str, size: int, path: Path) -> None:
    """Put the text at the end, where an earlier try may have left a part of it."""
    path.parent.mkdir(exist_ok=True)
    with path.open("r+b" if path.exists() else "wb") as file:
        file.truncate(size)
        file.seek(size)
        file.write(text.encode("utf-8", "replace"))


def _replace(text: str, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8", errors="replace")
    part.replace(path)


def _make_story(text: str, path: Path) -> None:
    """Make the page anew unless it has a line for every verdict already."""
    try:
        had = path.read_bytes()
    except FileNotFoundError:
        had = b""
    whole = had.startswith(STORY_HEAD.encode()) and had.endswith(b"\n")
    if not whole or had.count(b"\n") != text.count("\n"):
        _replace(text, path)
