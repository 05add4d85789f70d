"""What events of detached jobs say to people: a line each."""

from typing import assert_never

from engine.core.jobs.events import (
    JobEnded,
    JobEvent,
    JobReattached,
    JobStarted,
    JobStopRequested,
)


def job_line(event: JobEvent) -> str:
    """The event in a line."""
    match event:
        case JobStarted():
            where = f" on {event.host}" if event.host else ""
            return f"job {event.job} runs by itself{where}, supervised by pid {event.pid}"
        case JobReattached():
            return f"job {event.job} is followed again, {event.log_bytes} bytes in its log"
        case JobStopRequested():
            why = f": {event.reason}" if event.reason else ""
            return f"job {event.job} is to stop, says {event.by}{why}"
        case JobEnded():
            return _ended(event)
        case _:
            assert_never(event)


def _ended(event: JobEnded) -> str:
    detail = f": {event.detail}" if event.detail else ""
    if event.outcome == "lost":
        return f"job {event.job} is lost{detail}"
    took = f" after {event.took_s:.1f} s"
    if event.outcome != "ended":
        return f"job {event.job} was ended ({event.outcome}){took}{detail}"
    how = f"signal {event.signal}" if event.signal is not None else f"status {event.exit_code}"
    return f"job {event.job} ended with {how}{took}{detail}"
