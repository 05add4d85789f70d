"""The one place where the screen meets the engine's client: reads in a thread of its own.

The loop of the screen never waits for a disk or a database: it takes the newest room and the newest
lines, and leaves wishes.
"""

import queue
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.client import ClientError, Heartbeat, RunHandle
from engine.core.commands import AnyCommand, name_of
from engine.core.events import Record
from engine.core.ids import CommandId
from tui.hints import attach_command, resume_command
from tui.room import Pending, Room, Said
from tui.scribe import Scribe
from tui.views.condition import Condition, RunWord
from tui.views.log import LogEntry
from tui.weaver import Weaver

POLL_S: Final = 0.1
LOOK_S: Final = 0.5
"""How often lock and heartbeat are looked at; a crash is seen well within two seconds."""

RETRY_S: Final = 1.0
BACKLOG: Final = 400
"""How many events from before are told in the log."""

KEPT_LINES: Final = 20_000
GRACE_S: Final = 10.0
"""How long a run without an engine and without an event counts as starting."""

CANDIDATES_PER_S: Final = 5_000
"""Panes of long runs are made less often: a run of this many candidates once a second."""


class RunFeed:
    """Views of a run folder, kept up to date by a thread."""

    def __init__(self, run_dir: Path, folder: Path) -> None:
        self._run_dir = run_dir
        self._folder = folder
        self._lock = threading.Lock()
        self._lines: list[LogEntry] = []
        self._wishes: queue.SimpleQueue[AnyCommand | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._pending: Pending | None = None
        self._room = Weaver(run_dir.name).weave(None, Condition("starting"), 0.0)
        self._thread = threading.Thread(target=self._run, name="bridge", daemon=True)

    def start(self) -> None:
        """Begins to read; a second time it does nothing."""
        if not self._thread.is_alive() and not self._ended.is_set():
            self._thread.start()

    def room(self) -> Room:
        """The newest views."""
        with self._lock:
            return replace(self._room, pending=self._pending)

    def take_lines(self) -> list[LogEntry]:
        """The log lines since the last call."""
        with self._lock:
            lines, self._lines = self._lines, []
        return lines

    def send(self, command: AnyCommand) -> None:
        """Leaves a wish for the thread; it shows as pending at once."""
        with self._lock:
            self._pending = Pending(name_of(command), time.time())
            self._wishes.put(command)

    def close(self) -> None:
        """Tells the thread to end; does not wait for it."""
        self._ended.set()
        self._wishes.put(None)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                reader = Reader(self._run_dir, self._folder)
                try:
                    self._follow(reader)
                finally:
                    reader.close()
            except (ClientError, OSError) as error:
                self._show_trouble(str(error))
            except Exception as error:  # noqa: BLE001 - a dead thread would look like a quiet run
                self._show_trouble(f"{type(error).__name__}: {error}")
            self._ended.wait(RETRY_S)

    def _follow(self, reader: "Reader") -> None:
        lines = reader.backlog()
        while not self._ended.is_set():
            lines += reader.look()
            self._publish(reader, lines)
            lines = []
            self._wait(reader)

    def _publish(self, reader: "Reader", lines: list[LogEntry]) -> None:
        with self._lock:
            self._room = reader.room
            if self._wishes.empty() and not reader.asks:
                self._pending = None
            self._lines = (self._lines + lines)[-KEPT_LINES:] if lines else self._lines

    def _wait(self, reader: "Reader") -> None:
        try:
            command = self._wishes.get(timeout=POLL_S)
        except queue.Empty:
            return
        if command is not None:
            reader.send(command)

    def _show_trouble(self, text: str) -> None:
        with self._lock:
            condition = replace(self._room.condition, trouble=text)
            view = Weaver(self._run_dir.name).weave(None, condition, time.time())
            self._room = replace(self._room, condition=condition, notice=view.notice)


class Reader:
    """An open run, read by one thread: events to state, state to room, logs to lines."""

    def __init__(self, run_dir: Path, folder: Path) -> None:
        self._run = RunHandle.open(run_dir, by="screen")
        self._scribe = Scribe(self._run.read_log)
        self._run_dir, self._folder = run_dir, folder
        self._weaver = Weaver(run_dir.name)
        self._opened_at = time.time()
        self._looked_at = self._woven_at = 0.0
        self._stale = True
        self._asked: tuple[CommandId, str] | None = None
        self._said: Said | None = None
        self._condition = Condition("starting")
        self.room = self._weaver.weave(None, self._condition, 0.0)

    def backlog(self) -> list[LogEntry]:
        """Lines for the latest events from before the run was opened."""
        state = self._run.state
        if state is None:
            return []
        first = max(1, state.seq - BACKLOG + 1)
        return self._scribe.recall(self._run.records_from(first, BACKLOG), state)

    def look(self) -> list[LogEntry]:
        """Takes in what happened since the last look; returns the new lines."""
        now = time.time()
        records = self._run.refresh()
        lines = self._scribe.take(records, now) + self._scribe.poll(now)
        if records or now - self._looked_at >= LOOK_S:
            self._looked_at = now
            self._look_at_engine(now)
        self._weave(records, now)
        self._hear()
        return lines

    def _look_at_engine(self, now: float) -> None:
        status = self._run.status(now)
        beat = self._run.liveness().heartbeat
        word: RunWord = status.state
        damage = "" if status.journal == "ok" or self._not_made_yet(beat) else status.journal
        if word == "crashed" and self._not_made_yet(beat) and now - self._opened_at < GRACE_S:
            word = "starting"
        condition = Condition(
            word=word,
            reason=status.reason or "",
            pid=status.engine.pid,
            beat_at=beat.time if beat else None,
            alive_s=beat.alive_s if beat else None,
            damage=damage,
            resume_command=resume_command(self._run.state, self._run_dir, self._folder),
            attach_command=attach_command(self._run_dir, self._folder),
        )
        if condition != self._condition or word == "stalled":
            self._stale = True
        self._condition = condition

    def _not_made_yet(self, beat: Heartbeat | None) -> bool:
        """Whether no engine has begun the run: that there is no journal then is no damage."""
        return beat is None and not self._run.paths.journal.exists()

    def _weave(self, records: list[Record], now: float) -> None:
        self._stale = self._stale or bool(records)
        state = self._run.state
        pause_s = len(state.candidates) / CANDIDATES_PER_S if state else 0.0
        if self._stale and now - self._woven_at >= pause_s:
            self._stale, self._woven_at = False, now
            self.room = self._weaver.weave(state, self._condition, now)
        header = replace(self.room.header, condition=self._condition)
        self.room = replace(self.room, header=header, condition=self._condition, said=self._said)

    def send(self, command: AnyCommand) -> None:
        """Puts a command into the run's inbox."""
        try:
            self._asked = (self._run.send(command), name_of(command))
        except ClientError as error:
            self._say(str(error))

    def _hear(self) -> None:
        """Looks whether the last command was answered, or never will be."""
        if self._asked is None:
            return
        command_id, name = self._asked
        answer = self._run.answer(command_id)
        if answer is not None and answer.accepted:
            self._asked = None
        elif answer is not None:
            self._say(f"{name} was refused: {answer.reason}")
        elif not self._condition.live:
            self._say(f"{name} was not answered: the engine is gone. It waits in the inbox.")

    def _say(self, text: str) -> None:
        number = self._said.number + 1 if self._said else 1
        self._asked, self._said = None, Said(number, text, refused=True)

    @property
    def asks(self) -> bool:
        """Whether a command is not answered yet."""
        return self._asked is not None

    def close(self) -> None:
        """Lets go of the run."""
        self._run.close()
