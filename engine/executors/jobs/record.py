"""The files of a job: what its supervisor writes down, and what it may be told. Stdlib alone.

The folder is the job: `lock` is held while its supervisor lives, `job.json` says who that is,
`log` is what the command printed, `pulse.json` how it is doing, `exit.json` how it ended, and
`stop.json` asks for its end. Whoever follows it on another host holds the lock of `followed`.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar

LOCK: Final = "lock"
FOLLOWED: Final = "followed"
LOG: Final = "log"
ERRORS: Final = "errors"
STARTED: Final = "job.json"
ENDED: Final = "exit.json"
PULSE: Final = "pulse.json"
STOP: Final = "stop.json"
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

How = Literal[
    "ended",  # by itself: an exit status, or a signal
    "deadline",
    "idle",  # neither output nor work for longer than allowed
    "pattern",  # it printed what it is to be stopped for
    "stopped",  # somebody did not want it any more
    "interrupted",  # the engine ended it, to run it again
    "told",  # a signal told the supervisor to end, as a shutdown does
    "not started",
    "broken",  # the supervisor could not go on
]


class Started(NamedTuple):
    """Which process supervises the job. `began` is in seconds since 1970."""

    pid: int
    start_ticks: int
    boot_id: str
    marker: str
    began: float
    argv_sha256: str = ""


class Ended(NamedTuple):
    """How the job ended: the only truth about that.

    `detail` is the reason, or the pattern; `line` what matched it; `after_s` when it was cut off.
    `background` processes were left behind and killed, `unkilled` would not die. `took_s` is in
    time that the machine was awake; `log_bytes` lie in the log, `left_out_bytes` had no room there.
    """

    how: How
    exit_code: int | None = None
    signal: int | None = None
    detail: str = ""
    line: str = ""
    by: str = ""
    after_s: float = 0.0
    background: int = 0
    unkilled: int = 0
    took_s: float = 0.0
    ended: float = 0.0
    log_bytes: int = 0
    left_out_bytes: int = 0
    cpu_s: float = 0.0
    machine: bool = False


class Pulse(NamedTuple):
    """How the job is doing; all times in seconds since 1970.

    `last_busy` is when its processes last used a processor worth speaking of.
    """

    time: float
    began: float
    last_output: float
    last_busy: float
    cpu_s: float = 0.0
    rss_bytes: int = 0
    processes: int = 0
    out_bytes: int = 0


class Stop(NamedTuple):
    """That a job is to end, and who says so."""

    how: Literal["stopped", "interrupted"]
    by: str = ""
    reason: str = ""


T = TypeVar("T", Started, Ended, Pulse, Stop)


def boot_id() -> str:
    """What tells this boot of the machine from all others; empty where it is not known."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def started(folder: Path) -> Started | None:
    """Who supervises the job, or did; None before."""
    return _read(folder / STARTED, Started)


def ended(folder: Path) -> Ended | None:
    """How the job ended; None while nobody has said."""
    return _read(folder / ENDED, Ended)


def pulse(folder: Path) -> Pulse | None:
    """How the job was doing last; None before the first look."""
    return _read(folder / PULSE, Pulse)


def stop(folder: Path) -> Stop | None:
    """Who wants the job to end; None where nobody does."""
    return _read(folder / STOP, Stop)


def write(folder: Path, name: str, record: Started | Ended | Pulse | Stop) -> None:
    """Put a record in place, whole; all but a pulse are on the disk then.

    Raises:
        OSError: it cannot be written.
    """
    fresh = folder / f".{name}.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, json.dumps(record._asdict()).encode() + b"\n")
        if name != PULSE:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    fresh.replace(folder / name)
    if name != PULSE:
        _keep_name(folder)


def ask(folder: Path, wish: Stop) -> None:
    """Let the job end; who asked first is heard.

    Raises:
        OSError: it cannot be written.
    """
    if stop(folder) is None:
        write(folder, STOP, wish)


def is_locked(folder: Path, name: str = LOCK) -> bool:
    """Whether a supervisor holds the job; or somebody another lock of it."""
    with _opened(folder / name) as descriptor:
        return descriptor is not None and not _lock(descriptor, fcntl.LOCK_SH)


def take_lock(folder: Path, name: str = LOCK) -> int | None:
    """A lock of the job, as a descriptor to be kept open; None where another one has it.

    Raises:
        OSError: the file cannot be made.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    descriptor = os.open(folder / name, flags, 0o644)
    if _lock(descriptor, fcntl.LOCK_EX):
        return descriptor
    os.close(descriptor)
    return None


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _opened(path: Path) -> Generator[int | None]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _keep_name(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, kind: type[T]) -> T | None:
    """The record; None where there is none, or nothing that one can believe."""
    try:
        found: Any = json.loads(path.read_bytes())
        return kind(**found)
    except (OSError, ValueError, TypeError):
        return None
