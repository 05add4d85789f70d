"""Jobs on a host: begun once, followed as often as it takes, ended. Standard library alone."""

import contextlib
import hashlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from engine.executors import procfs, programs, signalling
from engine.executors.far import wire
from engine.executors.jobs import record
from engine.executors.jobs.supervisor import TAKEN
from engine.executors.markers import JOB_VARIABLE, JOBS_VARIABLE
from engine.executors.procfs import Process

_BEGIN_S: Final = 20.0
_LOOK_S: Final = 0.02
_SLOW_LOOK_S: Final = 0.1
_CHUNK_BYTES: Final = 65536
_AFTER_GRACE_S: Final = 13.0
STDIN: Final = "stdin"


def begin(request: dict[str, Any]) -> dict[str, Any]:
    """Start the job in a folder, unless it has begun; who supervises it, or why it cannot start."""
    folder = Path(request["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    orders: dict[str, Any] = request["orders"]
    if not _is_begun(folder):
        try:
            argv = programs.program_of(
                request["run"], Path(orders["cwd"]), orders["env"].get("PATH", os.defpath)
            )
        except programs.CannotStartError as error:
            machine = isinstance(error, programs.MachineLacksError)
            return {"not_started": str(error), "machine": machine}
        orders["argv"] = [*programs.death_signal(), *argv]
        orders["argv_sha256"] = hashlib.sha256("\0".join(argv).encode()).hexdigest()
        if request["stdin"]:
            orders["stdin"] = str(folder / STDIN)
        process = _spawn(orders, folder, request["mark"])
        lost = _wait(folder, process)
        if lost:
            return {"lost": lost}
    started = record.started(folder)
    return {"started": None if started is None else started._asdict()}


def _is_begun(folder: Path) -> bool:
    known = record.started(folder) is not None or record.ended(folder) is not None
    return known or record.is_locked(folder)


def _spawn(orders: dict[str, Any], folder: Path, mark: str) -> "subprocess.Popen[bytes]":
    """A supervisor in a session of its own; nothing of the orders ever has a name on the disk."""
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        JOBS_VARIABLE: mark,
        JOB_VARIABLE: orders["marker"],
    }
    program = str(Path(sys.argv[0]).absolute())
    with _unnamed() as told, (folder / "supervisor.log").open("ab") as said:
        told.write(json.dumps(orders).encode())
        told.seek(0)
        return subprocess.Popen(
            [sys.executable, "-I", "-S", program, "supervise", str(folder)],
            stdin=told,
            stdout=said,
            stderr=said,
            cwd="/",
            env=env,
            start_new_session=True,
        )


def _unnamed() -> BinaryIO:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("orders"), "w+b")
    return cast("BinaryIO", tempfile.TemporaryFile())


def _wait(folder: Path, process: "subprocess.Popen[bytes]") -> str:
    """Wait until the supervisor says who it is; why it never does, or nothing."""
    last_s = time.monotonic() + _BEGIN_S
    while record.started(folder) is None and record.ended(folder) is None:
        gone = process.poll()
        if gone is not None and gone != TAKEN and not record.is_locked(folder):
            with contextlib.suppress(OSError):
                said = (folder / "supervisor.log").read_text(errors="replace").strip()
                return f"its supervisor ended with status {gone}: {said[-300:]}"
            return f"its supervisor ended with status {gone} before it began"
        if time.monotonic() > last_s:
            process.kill()
            return f"its supervisor has not begun in {_BEGIN_S:.0f} s"
        time.sleep(0.005)
    return ""


def follow(request: dict[str, Any]) -> dict[str, Any]:
    """Send what the job prints, from the offsets asked for, until it is over; how it ended."""
    return _Follower(Path(request["folder"]), request["log"], request["errors"]).run()


class _Follower:
    """Sends a job's output as it comes.

    Args:
        folder: the job's.
        log: how many bytes of its log are known.
        errors: the same of its errors; None where they are in the log.
    """

    def __init__(self, folder: Path, log: int, errors: int | None) -> None:
        self._folder = folder
        self._sent = {wire.LOG: (record.LOG, log)}
        if errors is not None:
            self._sent[wire.ERRORS] = (record.ERRORS, errors)
        self._files: dict[bytes, BinaryIO] = {}
        self._pulse = b""
        self._heard_s = time.monotonic()
        self._lock: int | None = None

    def run(self) -> dict[str, Any]:
        """Follow it to its end.

        Raises:
            BrokenPipeError: nobody listens.
        """
        idle = 0
        while True:
            if self._lock is None:
                self._lock = record.take_lock(self._folder, record.FOLLOWED)
            over = not _is_supervised(self._folder)
            if self._carry():
                idle = 0
                continue
            if over:
                return self._over()
            self._send_pulse()
            idle += 1
            self._listen(_LOOK_S if idle < 20 else _SLOW_LOOK_S)

    def _carry(self) -> bool:
        moved = False
        for kind, (name, sent) in self._sent.items():
            data = self._read(kind, name, sent)
            if data:
                self._send(kind, data)
                self._sent[kind] = (name, sent + len(data))
                moved = True
        return moved

    def _read(self, kind: bytes, name: str, sent: int) -> bytes:
        file = self._files.get(kind)
        if file is None:
            try:
                file = self._files[kind] = (self._folder / name).open("rb", buffering=0)
            except FileNotFoundError:
                return b""
        file.seek(sent)
        return file.read(_CHUNK_BYTES) or b""

    def _send_pulse(self) -> None:
        with contextlib.suppress(OSError):
            pulse = (self._folder / record.PULSE).read_bytes()
            if pulse != self._pulse:
                self._send(wire.PULSE, pulse)
                self._pulse = pulse

    def _send(self, kind: bytes, data: bytes) -> None:
        out = sys.stdout.buffer
        out.write(wire.frame(kind, data))
        out.flush()

    def _listen(self, most_s: float) -> None:
        """Hear that the engine is there; without it nobody follows.

        Raises:
            BrokenPipeError: it is not.
        """
        if select.select([0], [], [], most_s)[0]:
            if not os.read(0, 4096):
                raise BrokenPipeError
            self._heard_s = time.monotonic()
        elif time.monotonic() - self._heard_s > wire.DEAF_S:
            raise BrokenPipeError

    def _over(self) -> dict[str, Any]:
        ended = record.ended(self._folder)
        if ended is not None:
            return {"ended": ended._asdict()}
        started = record.started(self._folder)
        if started is None:
            return {"lost": "its folder on the host is gone"}
        if started.boot_id != record.boot_id():
            return {"lost": "the host was started anew while it ran"}
        return {"lost": "its supervisor is gone, and has not written down how it ended"}


def _supervisor(folder: Path) -> Process | None:
    """The process that supervises the job, and no later one with its pid."""
    started = record.started(folder)
    if started is None or started.boot_id != record.boot_id():
        return None
    process = procfs.read(started.pid)
    if process is None or process.dead or process.start_ticks != started.start_ticks:
        return None
    mark = os.fsencode(f"{JOB_VARIABLE}={started.marker}")
    return process if mark in procfs.variables(process.pid) else None


def _is_supervised(folder: Path) -> bool:
    return record.is_locked(folder) or _supervisor(folder) is not None


def stop(request: dict[str, Any]) -> dict[str, Any]:
    """End the job in a folder, all processes of it; how many had to be killed besides."""
    folder, wish = Path(request["folder"]), record.Stop(**request["wish"])
    if not folder.is_dir():
        return {"killed": 0}
    with contextlib.suppress(OSError):  # there may be no room to ask
        record.ask(folder, wish)
    supervisor = _supervisor(folder)
    if supervisor is not None:
        signalling.send(supervisor, signal.SIGTERM)
        signalling.send(supervisor, signal.SIGCONT)
    last_s = time.monotonic() + request["grace_s"] + _AFTER_GRACE_S
    while _supervisor(folder) is not None and time.monotonic() < last_s:
        time.sleep(0.01)
    return {"killed": _kill(JOB_VARIABLE, request["marker"])}


def kill(request: dict[str, Any]) -> dict[str, Any]:
    """End all processes of all jobs of a run, at once; how many there were."""
    return {"killed": _kill(JOBS_VARIABLE, request["mark"])}


def _kill(variable: str, value: str) -> int:
    """Kill every process that carries the mark; how many there were."""
    killed: set[int] = set()
    while found := procfs.carrying(variable, value):
        for process in found:
            signalling.send(process, signal.SIGKILL)
            killed.add(process.pid)
        time.sleep(0.01)
        if len(killed) > 100_000:
            break
    return len(killed)
