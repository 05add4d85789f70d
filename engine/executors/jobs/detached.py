"""Commands that outlive the engine: begun once, and followed by whichever engine lives."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO, Final, cast

import anyio
import anyio.lowlevel
import anyio.to_thread

import engine
from engine.core import failpoints
from engine.executors import processes, trees
from engine.executors.jobs import record
from engine.executors.jobs.protocol import (
    Attached,
    Begun,
    Gone,
    Job,
    JobEnded,
    Lost,
    Over,
    Stopped,
)
from engine.executors.jobs.supervisor import TAKEN, Orders
from engine.executors.jobs.watched import Watched, found
from engine.executors.local import GRACE_S
from engine.executors.protocol import (
    JOB_VARIABLE,
    JOBS_VARIABLE,
    Command,
    Finished,
    Interrupted,
    LogSink,
    NotStarted,
    TimedOut,
)

_PROGRAM: Final = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from engine.executors.jobs.supervisor import main; sys.exit(main())"
)
_CHUNK_BYTES: Final = 65536
_LOOK_S: Final = 0.1
_BEGIN_S: Final = 20.0
_AFTER_GRACE_S: Final = 13.0
"""What a supervisor may need after its grace: for what does not die, and for its record."""


class Detached:
    """Runs a command in a job, or goes on with the one that has begun in its folder.

    It keeps the contract of an Executor, and has two more ways to end. Only a cancellation, `stop`
    and the job's own limits end the command; the death of this process does not.

    Args:
        grace_s: seconds between TERM and KILL.
    """

    def __init__(self, *, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        processes.adopt_orphans()

    async def run(
        self,
        command: Command,
        job: Job,
        *,
        log: LogSink,
        errors: LogSink | None = None,
        stop: anyio.Event | None = None,
    ) -> JobEnded:
        """How the command ended, in this engine's time or before; nothing of it is left.

        `log` takes all of its output, from the beginning.
        """
        if command.awaits is not None:
            wanted = await command.awaits()
            if wanted is None:
                return Interrupted("nothing is wanted of it any more")
            command = wanted
        there = found(job.folder)
        attached = there is not None
        if there is None:
            try:
                there = await self._begin(command, job, apart=errors is not None)
            except processes.CannotStartError as error:
                machine = isinstance(error, processes.MachineLacksError)
                return NotStarted(str(error), machine=machine)
        with _Tails(job.folder, log, errors) as tails:
            return await self._attend(there, command, job, tails, stop, attached=attached)

    async def _attend(
        self,
        there: Watched | record.Ended | Lost,
        command: Command,
        job: Job,
        tails: "_Tails",
        stop: anyio.Event | None,
        *,
        attached: bool,
    ) -> JobEnded:
        if (started := record.started(job.folder)) is not None:
            await job.tell(
                Begun(
                    pid=started.pid,
                    start_ticks=started.start_ticks,
                    boot_id=started.boot_id,
                    marker=started.marker,
                )
            )
            failpoints.reach("job.started")
        if isinstance(there, Watched):
            if attached:
                await job.tell(Attached(log_bytes=tails.size))
                failpoints.reach("job.attached")
            there = await self._follow(there, command, job, tails, stop)
        else:
            await tails.carry()
            await _last_step(job.folder)
        failpoints.reach("job.ended")
        if isinstance(there, Lost):
            await kill(command.marker.run, job.id)
            await job.tell(Gone(reason=there.reason))
            return there
        await job.tell(over(there))
        failpoints.reach("job.over")
        return meaning(there)

    async def _begin(
        self, command: Command, job: Job, *, apart: bool
    ) -> Watched | record.Ended | Lost:
        """Start a supervisor, and wait until it says who it is.

        Raises:
            CannotStartError: the command, or its supervisor, cannot be started here.
        """
        orders = self._orders(command, job, apart=apart)
        job.folder.mkdir(parents=True, exist_ok=True)
        try:
            process = _spawn(orders, job.folder, command.marker.run)
        except OSError as error:
            raise processes.MachineLacksError(f"cannot start a supervisor: {error}") from error
        failpoints.reach("job.spawned")
        begun_s = anyio.current_time()
        while (there := found(job.folder)) is None:
            gone = process.poll()
            # Another engine may have started one just before it was killed.
            if gone is not None and gone != TAKEN and not record.is_locked(job.folder):
                return Lost(f"its supervisor ended with status {gone} before it began")
            if anyio.current_time() - begun_s > _BEGIN_S:
                process.kill()
                return Lost(f"its supervisor has not begun in {_BEGIN_S:.0f} s")
            await anyio.sleep(0.005)
        if isinstance(there, Watched) and there.pid == process.pid:
            process.returncode = 0  # it is nobody's child, in the end
        else:
            await processes.wait_exit(process)
        return there

    def _orders(self, command: Command, job: Job, *, apart: bool) -> Orders:
        program = processes.program_of(command)
        marker = f"{command.marker.run}#{job.id}"
        marks = {JOBS_VARIABLE: command.marker.run, JOB_VARIABLE: marker}
        return Orders(
            marker=marker,
            argv=[*processes.death_signal(), *program],
            argv_sha256=hashlib.sha256("\0".join(program).encode(errors="replace")).hexdigest(),
            env=command.env | marks,
            cwd=str(command.cwd),
            stdin=None if command.stdin is None else str(command.stdin),
            deadline_s=command.deadline_s,
            idle_s=command.idle_s,
            grace_s=self._grace_s,
            patterns=list(job.stop_patterns),
            secrets=dict(job.secrets),
            most_bytes=job.most_bytes,
            errors=apart,
        )

    async def _follow(
        self,
        watched: Watched,
        command: Command,
        job: Job,
        tails: "_Tails",
        stop: anyio.Event | None,
    ) -> record.Ended | Lost:
        """Carry its output until its supervisor is gone; what that wrote down."""
        over = False
        try:
            async with anyio.create_task_group() as tasks:
                if stop is not None:
                    tasks.start_soon(self._heed, stop, job, watched)
                await tails.follow(watched)
                over = True
                tasks.cancel_scope.cancel()
        finally:
            if not over:
                with anyio.CancelScope(shield=True):
                    wish = record.Stop(how="interrupted", reason="it was cancelled")
                    await self._end(job, watched, wish, command.marker.run)
            watched.close()
        ended = found(job.folder)
        return (
            Lost("its supervisor cannot be ended")
            if isinstance(ended, Watched)
            else (ended or Lost("its folder is gone"))
        )

    async def _heed(self, stop: anyio.Event, job: Job, watched: Watched) -> None:
        await stop.wait()
        record.ask(job.folder, record.Stop(how="interrupted", reason="it was told to stop"))
        watched.wake()

    async def _end(self, job: Job, watched: Watched, wish: record.Stop, run: str) -> None:
        """Have the job ended; where its supervisor does not do it, it is ended with it."""
        try:
            record.ask(job.folder, wish)
            watched.wake()
            if await watched.wait(self._grace_s + _AFTER_GRACE_S):
                return
        except OSError:
            pass  # there is no room to ask
        await kill(run, job.id)


def end(folder: Path, wish: record.Stop) -> None:
    """Have a job ended that is followed by nobody, or by somebody else.

    Raises:
        OSError: it cannot be asked.
    """
    record.ask(folder, wish)
    there = found(folder)
    if isinstance(there, Watched):
        there.wake()
        there.close()


async def kill(run: str, job: str) -> None:
    """End all that there is of a job, its supervisor included.

    Args:
        run: the real path of the run folder, as in the processes' marker.
        job: its id.
    """
    await anyio.to_thread.run_sync(trees.kill_job, run, job)


async def ended_in(folder: Path) -> None:
    """Wait until the job in a folder has no supervisor any more."""
    there = found(folder)
    while isinstance(there, Watched):
        await there.wait(_BEGIN_S)
        there.close()
        there = found(folder)


async def _last_step(folder: Path) -> None:
    """Let a supervisor be gone that has just written its record."""
    with anyio.move_on_after(_AFTER_GRACE_S):
        while record.is_locked(folder):  # noqa: ASYNC110  (there is nobody to tell)
            await anyio.sleep(0.005)


class _Tails:
    """A job's output, as it comes, from its files to those who take it."""

    def __init__(self, folder: Path, log: LogSink, errors: LogSink | None) -> None:
        pairs = [(folder / record.LOG, log)]
        if errors is not None:
            pairs.append((folder / record.ERRORS, errors))
        self._pairs = pairs
        self._files: dict[Path, BinaryIO] = {}

    def __enter__(self) -> "_Tails":
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()

    @property
    def size(self) -> int:
        """How many bytes lie in the log."""
        path = self._pairs[0][0]
        return path.stat().st_size if path.exists() else 0

    async def follow(self, watched: Watched) -> None:
        """Carry it until the supervisor is gone; then all of it was carried."""
        dirty = False
        while True:
            gone = watched.gone
            if await self.carry():
                dirty = True
            elif gone:
                return
            elif dirty:
                for _, sink in self._pairs:
                    await sink.flush()
                dirty = False
            else:
                await watched.wait(_LOOK_S)

    async def carry(self) -> bool:
        """Carry what is there by now; whether there was anything."""
        moved = False
        for path, sink in self._pairs:
            while data := self._read(path):
                await sink.write(data)
                await anyio.lowlevel.checkpoint()
                moved = True
        return moved

    def _read(self, path: Path) -> bytes:
        file = self._files.get(path)
        if file is None:
            try:
                file = self._files[path] = path.open("rb", buffering=0)
            except FileNotFoundError:
                return b""
        return file.read(_CHUNK_BYTES) or b""


def _spawn(orders: Orders, folder: Path, run: str) -> "subprocess.Popen[bytes]":
    """A supervisor in a session of its own; nothing of the orders ever has a name on the disk.

    Raises:
        OSError: it cannot be started.
    """
    root = str(Path(engine.__file__ or "").parent.parent)
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        processes.ENGINE_VARIABLE: os.environ.get(processes.ENGINE_VARIABLE, ""),
        JOBS_VARIABLE: run,
        JOB_VARIABLE: orders.marker,
    }
    with _unnamed() as told, (folder / "supervisor.log").open("ab") as said:
        told.write(json.dumps(orders._asdict()).encode())
        told.seek(0)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", "-B", "-c", _PROGRAM, root, str(folder)],
            stdin=told,
            stdout=said,
            stderr=said,
            cwd="/",
            env=env,
            start_new_session=True,
        )


def _unnamed() -> BinaryIO:
    """A file without a name, in memory where that can be."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("orders"), "w+b")
    return cast("BinaryIO", tempfile.TemporaryFile())


def over(ended: record.Ended) -> Over:
    """The record of a job, as news."""
    return Over(
        how=ended.how,
        exit_code=ended.exit_code,
        signal=ended.signal,
        detail=ended.line or ended.detail,
        log_bytes=ended.log_bytes,
        took_s=ended.took_s,
        cpu_s=ended.cpu_s,
        ended=ended.ended,
    )


def meaning(ended: record.Ended) -> JobEnded:
    """What the record of a job says, as executors do."""
    match ended.how:
        case "ended":
            return Finished(
                exit_code=ended.exit_code, signal=ended.signal, background=ended.background
            )
        case "deadline" | "idle":
            return TimedOut(kind=ended.how, after_s=ended.after_s)
        case "pattern":
            reason = f"its output matched {ended.detail!r}: {ended.line}"
            return Stopped(reason=reason, asked=False)
        case "stopped":
            why = f": {ended.detail}" if ended.detail else ""
            return Stopped(reason=f"stopped by {ended.by or 'somebody'}{why}", asked=True)
        case "interrupted" | "told":
            return Interrupted(ended.detail)
        case "not started":
            return NotStarted(ended.detail, machine=ended.machine)
        case "broken":
            return Lost(ended.detail)
