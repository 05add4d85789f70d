"""A command on a host: begun once, followed over as many connections as it takes.

The folder of the job lies on the host; the one here has the same files, brought over as they come.
What lies in the log here is what is known of its output, so that nothing is asked for twice.
"""

import json
import os
import random
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import anyio

from engine.core import failpoints
from engine.executors.far import wire
from engine.executors.far.jobs import STDIN
from engine.executors.jobs import record
from engine.executors.jobs.detached import meaning, over
from engine.executors.jobs.protocol import Attached, Begun, Gone, Job, JobEnded, Lost
from engine.executors.markers import JOB_VARIABLE, JOBS_VARIABLE
from engine.executors.protocol import Command, Interrupted, LogSink, NotStarted
from engine.executors.ssh.errors import HostError
from engine.executors.ssh.host import Host
from engine.executors.ssh.place import Place, read_place, set_gone, write_place
from engine.executors.ssh.sending import described, reading

_LOOK_S: Final = 0.2
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_AFTER_GRACE_S: Final = 20.0
_CHUNK_BYTES: Final = 65536


class RemoteJobs:
    """Runs commands in jobs on one host, with the contract of `Detached`.

    Args:
        host: where.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    async def run(
        self,
        command: Command,
        job: Job,
        place: Place,
        *,
        log: LogSink,
        errors: LogSink | None = None,
        stop: anyio.Event | None = None,
        leash_s: float | None = None,
    ) -> JobEnded:
        """How the command ended, in this engine's time or before; nothing of it is left there.

        `log` takes all of its output, from the beginning.

        Raises:
            HostError: it has not begun, and cannot on this host.
        """
        if command.awaits is not None:
            wanted = await command.awaits()
            if wanted is None:
                return Interrupted("nothing is wanted of it any more")
            command = wanted
        with _Copy(job.folder, log, errors) as copy:
            await copy.replay()
            if (known := record.ended(job.folder)) is not None:
                await job.tell(over(known))
                return meaning(known)
            attached = read_place(job.folder) is not None and copy.begun
            write_place(job.folder, place)
            failpoints.reach("job.recorded")
            begun = await self._begin(command, job, place, leash_s, apart=errors is not None)
            if begun is not None and not attached:
                set_gone(job.folder)
                return begun
            started = record.started(job.folder)
            if started is not None:
                await job.tell(
                    Begun(
                        pid=started.pid,
                        start_ticks=started.start_ticks,
                        boot_id=started.boot_id,
                        marker=started.marker,
                        host=place.host,
                        device=(await self._device()),
                    )
                )
            if attached:
                await job.tell(Attached(log_bytes=copy.size))
            return await self._attend(job, place, copy, stop, begun)

    async def _begin(
        self, command: Command, job: Job, place: Place, leash_s: float | None, *, apart: bool
    ) -> NotStarted | Lost | None:
        """Have it begun there, unless it has; why it cannot be, or None.

        Raises:
            HostError: the host cannot do it.
        """
        if record.started(job.folder) is not None:
            return None
        if command.stdin is not None:
            try:
                known = described(command.stdin.parent, [command.stdin.name])
            except OSError as error:
                return NotStarted(f"cannot read {command.stdin}: {error.strerror}")
            known[0]["path"] = STDIN
            sent = {"into": place.folder, "fresh": False, "files": known}
            await self._host.call("put", sent, reading([command.stdin]))
        marker = place.marker
        orders: dict[str, Any] = {
            "marker": marker,
            "argv": [],
            "argv_sha256": "",
            "env": command.env | {JOBS_VARIABLE: marker.rpartition("#")[0], JOB_VARIABLE: marker},
            "cwd": place.tree or str(command.cwd),
            "stdin": None,
            "deadline_s": command.deadline_s,
            "idle_s": command.idle_s,
            "grace_s": self._host.settings.grace_s,
            "patterns": list(job.stop_patterns),
            "secrets": dict(job.secrets),
            "most_bytes": job.most_bytes,
            "errors": apart,
            "leash_s": leash_s,
        }
        told = await self._host.call(
            "begin",
            {
                "folder": place.folder,
                "run": command.run,
                "orders": orders,
                "mark": marker.rpartition("#")[0],
                "stdin": command.stdin is not None,
            },
        )
        if "not_started" in told:
            return NotStarted(told["not_started"], machine=told["machine"])
        if "lost" in told:
            return Lost(told["lost"])
        if told["started"] is not None:
            started = record.Started(**told["started"])
            # No process of this machine is to be taken for it.
            mine = started._replace(marker=f"{place.host}:{started.marker}")
            record.write(job.folder, record.STARTED, mine)
        failpoints.reach("job.started")
        return None

    async def _device(self) -> str:
        try:
            return (await self._host.facts()).device
        except HostError:
            return ""

    async def _attend(
        self,
        job: Job,
        place: Place,
        copy: "_Copy",
        stop: anyio.Event | None,
        begun: NotStarted | Lost | None,
    ) -> JobEnded:
        over_there = False
        ended: record.Ended | Lost = Lost("it was not followed")
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._heed, job, place, stop)
                ended = begun if isinstance(begun, Lost) else await self._follow(place, copy)
                over_there = not isinstance(ended, _OutOfReach)
                tasks.cancel_scope.cancel()
        finally:
            if not over_there:
                with anyio.CancelScope(shield=True):
                    wish = record.Stop(how="interrupted", reason="it was cancelled")
                    await self.end(job.folder, place, wish)
        failpoints.reach("job.ended")
        if isinstance(ended, Lost):
            if over_there:  # its supervisor is gone: whatever else lives is ended, too
                wish = record.Stop(how="interrupted", reason=ended.reason)
                await self.end(job.folder, place, wish)
            await job.tell(Gone(reason=ended.reason))
            return Lost(ended.reason)
        await copy.store(record.ENDED, ended)
        await job.tell(over(ended))
        failpoints.reach("job.over")
        return meaning(ended)

    async def _follow(self, place: Place, copy: "_Copy") -> record.Ended | Lost:
        """Carry its output over until it is over; each broken connection is replaced."""
        patience_s = self._host.settings.patience_s
        pause_s, last_s = _FIRST_PAUSE_S, anyio.current_time() + patience_s
        while True:
            before = copy.heard
            try:
                request = {"folder": place.folder, "log": copy.size, "errors": copy.errors_size}
                told = await self._host.call("follow", request, hear=copy.hear, beats=True)
            except HostError as error:
                if copy.heard != before:
                    pause_s, last_s = _FIRST_PAUSE_S, anyio.current_time() + patience_s
                if anyio.current_time() >= last_s:
                    return _OutOfReach(f"{error}; given up after {patience_s:.0f} s")
                await anyio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                continue
            if "ended" in told:
                return record.Ended(**told["ended"])
            return Lost(told["lost"])

    async def _heed(self, job: Job, place: Place, stop: anyio.Event | None) -> None:
        """Pass on the wish that it ends, wherever that comes from."""
        wish: record.Stop | None = None
        while wish is None:
            if stop is not None and stop.is_set():
                wish = record.Stop(how="interrupted", reason="it was told to stop")
            elif (wish := record.stop(job.folder)) is None:
                with anyio.move_on_after(_LOOK_S):
                    await (anyio.sleep_forever() if stop is None else stop.wait())
        while not await self.end(job.folder, place, wish):  # noqa: ASYNC110 (nobody tells when)
            await anyio.sleep(_FIRST_PAUSE_S)

    async def end(self, folder: Path, place: Place, wish: record.Stop) -> bool:
        """Have it ended on its host, with all of its processes; whether the host has done it."""
        grace_s = self._host.settings.grace_s
        request = {
            "folder": place.folder,
            "marker": place.marker,
            "wish": wish._asdict(),
            "grace_s": grace_s,
        }
        with anyio.move_on_after(grace_s + _AFTER_GRACE_S):
            try:
                await self._host.call("stop", request)
            except HostError:
                return False
            set_gone(folder)
            return True
        return False


class _OutOfReach(Lost, frozen=True):
    """Nobody knows how it is doing, nor will for a while; it may run on until its leash ends."""


class _Copy:
    """The files of a job here, as they are brought over; and those who hear of them."""

    def __init__(self, folder: Path, log: LogSink, errors: LogSink | None) -> None:
        self._folder = folder
        self._sinks = {wire.LOG: (record.LOG, log)}
        if errors is not None:
            self._sinks[wire.ERRORS] = (record.ERRORS, errors)
        self._files: dict[bytes, BinaryIO] = {}
        self._sizes = dict.fromkeys(self._sinks, 0)
        self._dirty = False
        self.heard = 0
        self.begun = record.started(folder) is not None
        self._lock: int | None = None

    def __enter__(self) -> "_Copy":
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = record.take_lock(self._folder)
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()
        if self._lock is not None:
            os.close(self._lock)

    @property
    def size(self) -> int:
        """How many bytes of its log are known."""
        return self._sizes[wire.LOG]

    @property
    def errors_size(self) -> int | None:
        """The same of its errors, where it has any of their own."""
        return self._sizes.get(wire.ERRORS)

    async def replay(self) -> None:
        """Let those who hear it hear what an earlier engine brought over."""
        for kind, (name, sink) in self._sinks.items():
            file = self._files[kind] = (self._folder / name).open("ab+", buffering=0)
            file.seek(0)
            while data := file.read(_CHUNK_BYTES):
                self._sizes[kind] += len(data)
                await sink.write(data)

    async def hear(self, kind: bytes, data: bytes) -> None:
        """Take a frame."""
        self.heard += 1
        if kind == wire.PULSE:
            with suppress(OSError, ValueError, TypeError):
                record.write(self._folder, record.PULSE, record.Pulse(**json.loads(data)))
            if self._dirty:
                self._dirty = False
                for _, sink in self._sinks.values():
                    await sink.flush()
            return
        file = self._files[kind]
        rest = data
        while rest:
            try:
                written = file.write(rest) or 0
            except OSError:
                await anyio.sleep(_FIRST_PAUSE_S)  # there is no room; meanwhile it waits there
                continue
            self._sizes[kind] += written
            rest = rest[written:]
        await self._sinks[kind][1].write(data)
        self._dirty = True

    async def store(self, name: str, ended: record.Ended) -> None:
        """Have how it ended lie here, too, once there is room for it."""
        while True:
            try:
                record.write(self._folder, name, ended)
            except OSError:
                await anyio.sleep(_FIRST_PAUSE_S)
            else:
                return
