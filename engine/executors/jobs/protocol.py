"""What is to be detached, what is told of it while it runs, and how it can end."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from engine.executors.protocol import Ended

MOST_LOG_BYTES: Final = 16 << 20


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """Its supervisor runs, or ran: this process; on a `host` where it is another machine's."""

    pid: int
    start_ticks: int
    boot_id: str
    marker: str
    host: str = ""
    device: str = ""


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """It had begun before, and is followed again; `log_bytes` lay in its log by then."""

    log_bytes: int


class Over(msgspec.Struct, frozen=True, kw_only=True):
    """It ended, as its record says; `ended` is in seconds since 1970."""

    how: str
    exit_code: int | None
    signal: int | None
    detail: str
    log_bytes: int
    took_s: float
    cpu_s: float
    ended: float


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """Its supervisor is gone, and nobody wrote down how it ended."""

    reason: str


News = Begun | Attached | Over | Gone


async def _nobody(news: News) -> None:
    del news


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A command that is to outlive the engine. The folder is the job: it is begun in it once.

    Of what it prints `secrets` are taken out, and `most_bytes` are kept, besides the end. A line
    that matches one of `stop_patterns` ends it. `tell` hears what becomes of it, and may hear a
    thing again.
    """

    id: str
    folder: Path
    stop_patterns: tuple[str, ...] = ()
    secrets: dict[str, str] = {}
    most_bytes: int = MOST_LOG_BYTES
    tell: Callable[[News], Awaitable[None]] = _nobody


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """It was ended by what it printed, or by somebody who did not want it any more."""

    reason: str
    asked: bool


class Lost(msgspec.Struct, frozen=True):
    """How it ended is not known, and never will be."""

    reason: str


JobEnded = Ended | Stopped | Lost
