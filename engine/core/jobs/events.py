"""What happens to detached jobs: commands that outlive the engine; see `engine.core.events`.

A job begins with the `CheckStarted` or `RecheckStarted` that names it.
"""

from typing import Literal

from engine.core.event import Event
from engine.core.ids import JobId

JobOutcome = Literal[
    "ended",  # by itself: an exit status, or a signal
    "timeout",  # over its deadline, or idle
    "pattern",  # it printed what it is to be stopped for
    "stopped",  # somebody did not want it any more
    "interrupted",  # it is to be run again
    "not started",
    "lost",  # its supervisor is gone, and how it ended is not known
]


class JobStarted(Event, frozen=True, kw_only=True):
    """A supervisor runs the job. The process is this one only if all of it fits.

    It runs on `host`, which is this machine where that is empty; `device` is what that host is.
    """

    job: JobId
    pid: int
    start_ticks: int
    boot_id: str
    marker: str
    host: str = ""
    device: str = ""


class JobReattached(Event, frozen=True, kw_only=True):
    """An engine follows the job that an earlier one began; `log_bytes` lay in its log by then."""

    job: JobId
    log_bytes: int


class JobStopRequested(Event, frozen=True, kw_only=True):
    """Somebody does not want the job any more: a person, or a decision of the worker."""

    job: JobId
    by: str
    reason: str = ""


class JobEnded(Event, frozen=True, kw_only=True):
    """The job ended, as its supervisor has written down; nothing is known of one that is lost.

    `at` is when (UTC, ISO 8601): it may have been in no engine's time. `detail` is why it was
    ended, or the line that it was ended for.
    """

    job: JobId
    outcome: JobOutcome
    exit_code: int | None = None
    signal: int | None = None
    detail: str = ""
    at: str = ""
    took_s: float = 0.0
    cpu_s: float = 0.0
    log_bytes: int = 0


JobEvent = JobStarted | JobReattached | JobStopRequested | JobEnded
