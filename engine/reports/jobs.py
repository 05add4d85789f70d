"""The detached jobs of a run, as status tells of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from engine.core.ids import JobId
from engine.core.jobs.liveness import JobState, job_state
from engine.core.jobs.parts import Job
from engine.core.state import RunState
from engine.executors.jobs.record import Pulse


class JobLook(NamedTuple):
    """What a job's folder says now: whether it `began`, `ended`, and is `held` by a supervisor."""

    began: bool = False
    held: bool = False
    ended: bool = False
    pulse: Pulse | None = None


class JobStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A job that is under way, and how it is doing; `quiet_s` is how long it has printed nothing.

    `supervisor` is the pid of the process that ends it and writes down how it ended, on `host`
    where that is another machine.
    """

    job: JobId
    iteration: int
    candidate: str
    check: str
    state: JobState
    since_s: float
    quiet_s: float | None
    cpu_s: float
    rss_bytes: int
    processes: int
    supervisor: int | None
    stopping: str | None
    log: str
    host: str = ""


def job_statuses(
    state: RunState | None, looks: Mapping[JobId, JobLook], now: float
) -> list[JobStatus]:
    """The jobs that are under way at `now`, in seconds since 1970, the oldest first."""
    jobs = state.jobs.open.values() if state else ()
    return [_status(job, looks.get(job.id) or JobLook(), now) for job in jobs]


def _state(look: JobLook, now: float, host: str) -> JobState:
    if look.ended:
        return "over"
    if look.began and not look.held:
        return "unheard" if host else "lost"  # no engine follows it, which goes on there
    if look.pulse is None:
        return job_state(now, looked=None)
    pulse = look.pulse
    return job_state(
        now, looked=pulse.time, last_output=pulse.last_output, last_busy=pulse.last_busy
    )


def _status(job: Job, look: JobLook, now: float) -> JobStatus:
    begun = datetime.fromisoformat(job.since).timestamp()
    pulse = look.pulse
    return JobStatus(
        job=job.id,
        iteration=job.iteration,
        candidate=job.candidate,
        check=job.check,
        state=_state(look, now, job.host),
        since_s=round(max(0.0, now - begun), 3),
        quiet_s=round(max(0.0, now - pulse.last_output), 3) if pulse else None,
        cpu_s=pulse.cpu_s if pulse else 0.0,
        rss_bytes=pulse.rss_bytes if pulse else 0,
        processes=pulse.processes if pulse else 0,
        supervisor=job.pid,
        stopping=job.stop_by or None,
        log=f"jobs/{job.id}/log",
        host=job.host,
    )
