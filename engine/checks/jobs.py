"""A check whose command outlives the engine: begun once, judged by whichever engine sees its end.

All that it takes to judge it is in the job's folder: its output, how it ended, and what lay at the
places of its answers before.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Final

import aiofiles
import msgspec

from engine.checks import observe
from engine.checks.classify import classify
from engine.checks.files import read_plain
from engine.checks.log import Tail
from engine.checks.observe import Before
from engine.checks.readers import lines_of
from engine.checks.sealed import trouble
from engine.checks.turn import Outcome, Turn, voided
from engine.core.event import LogSpan
from engine.core.ids import JobId
from engine.core.repair.detect import detect
from engine.executors.jobs import record
from engine.executors.jobs.detached import Detached
from engine.executors.jobs.protocol import Job, JobEnded, Lost, News, Stopped
from engine.executors.protocol import Command, Interrupted, Marker, NotStarted
from engine.runfolder.paths import RunPaths
from engine.runfolder.room import Room

_BEFORE: Final = "before.json"
_RECENT_BYTES: Final = 65536
_MOST_BEFORE_BYTES: Final = 1 << 20


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The job in which a check is to run; `tell` hears what becomes of it."""

    id: JobId
    tell: Callable[[News], Awaitable[None]]


class JobChecks:
    """Runs checks in jobs, and goes on with those that an earlier engine began.

    Args:
        paths: the run's folder.
        executor: runs the commands.
        room: where everything waits when the disk is full.
    """

    def __init__(self, paths: RunPaths, executor: Detached | None, room: Room) -> None:
        self._paths = paths
        self._executor = executor
        self._room = room
        self._run_marker = paths.run_marker

    async def run(
        self, turn: Turn, wanted: Wanted, hand_over: Callable[[], Awaitable[None]]
    ) -> Outcome | Interrupted:
        """What came of the check, in this engine's time or before; or that it is to be done again.

        `hand_over` writes what the check is handed, where it has not begun yet.
        """
        folder = self._paths.job(wanted.id).absolute()
        log = JobLog(folder / record.LOG)
        if self._is_begun(folder):
            before, reason = _read(folder), ""
        else:
            before = await self._lay_out(folder, turn, hand_over)
            reason = await trouble(turn)
        command = NotStarted(reason) if reason else self._command(turn)
        if isinstance(command, NotStarted) and not self._is_begun(folder):
            ended = command
        else:
            ended = await self._execute(folder, turn, wanted, command, log)
        if isinstance(ended, Interrupted):
            return ended
        seen = await observe.observe(turn.spec, ended, log, before)
        reason = reason or await trouble(turn)
        if reason or (isinstance(ended, Stopped) and ended.asked):
            # What a training was worth when somebody stopped it is no measurement.
            seen = msgspec.structs.replace(seen, metrics={})
        recorded = record.ended(folder)
        return Outcome(
            seen=seen,
            judged=voided(reason) if reason else classify(turn.spec, seen),
            start=0,
            end=log.size,
            folders=(turn.ground.root, turn.step.folder),
            voided=reason,
            log=span(wanted.id),
            took_s=recorded.took_s if recorded else 0.0,
            found=detect(lines_of(log.recent)),
        )

    def _is_begun(self, folder: Path) -> bool:
        return _is_begun(folder)

    async def _lay_out(
        self, folder: Path, turn: Turn, hand_over: Callable[[], Awaitable[None]]
    ) -> Before:
        await self._room.write(str(turn.step.folder), hand_over)
        before = observe.before(turn.spec, turn.ground.root, turn.step)
        await self._room.write(str(folder), partial(_keep, folder, before))
        return before

    def _command(self, turn: Turn) -> tuple[str, ...] | str | NotStarted:
        if turn.variables.missing:
            names = ", ".join(turn.variables.missing)
            return NotStarted(f"not set in the environment of the engine: {names}")
        try:
            return turn.step.command(turn.spec)
        except KeyError as error:
            return NotStarted(f"the candidate has nothing for the placeholder {{{error.args[0]}}}")

    async def _execute(
        self,
        folder: Path,
        turn: Turn,
        wanted: Wanted,
        command: tuple[str, ...] | str | NotStarted,
        log: "JobLog",
    ) -> JobEnded:
        if self._executor is None:
            return Lost("nothing runs jobs on this machine")
        return await self._executor.run(
            Command(
                # One that has begun goes on, whatever has become of what it was begun with.
                run=() if isinstance(command, NotStarted) else command,
                cwd=turn.ground.root,
                env=turn.variables.values | turn.step.variables(turn.trace_id),
                marker=Marker(self._run_marker, f"{self._run_marker}#{turn.name}"),
                deadline_s=turn.spec.deadline_s,
                idle_s=turn.spec.idle_s,
            ),
            Job(
                id=wanted.id,
                folder=folder,
                stop_patterns=turn.spec.stop_patterns,
                secrets=dict(turn.variables.secrets),
                tell=wanted.tell,
            ),
            log=log,
        )


class JobLog:
    """A LogSink that remembers the end of what it is given: the job's own file has all of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._recent = Tail(_RECENT_BYTES)
        self.size = 0

    @property
    def recent(self) -> bytes:
        """The last 64 KiB of the output."""
        return self._recent.text()

    async def write(self, data: bytes) -> None:
        """Take output."""
        self._recent.add(data)
        self.size += len(data)

    async def flush(self) -> None:
        """It lies in the file already."""

    async def output(self) -> bytes:
        """All that is kept of the output."""
        if self.size == len(self.recent):
            return self.recent
        async with aiofiles.open(self._path, "rb") as file:
            return await file.read(self.size)


def span(job: JobId) -> LogSpan:
    """Where the output of a job lies."""
    return LogSpan(path=f"jobs/{job}/{record.LOG}")


def _is_begun(folder: Path) -> bool:
    there = (record.started(folder), record.ended(folder))
    return any(each is not None for each in there) or record.is_locked(folder)


async def _keep(folder: Path, before: Before) -> None:
    _write(folder, before)


def _write(folder: Path, before: Before) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _BEFORE).write_bytes(msgspec.json.encode(before, enc_hook=str))


def _read(folder: Path) -> Before:
    content = read_plain(folder / _BEFORE, _MOST_BEFORE_BYTES)
    return msgspec.json.decode(
        content or b"", type=Before, dec_hook=lambda kind, value: kind(value)
    )
