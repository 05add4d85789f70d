"""From events of detached jobs to state; a part of `engine.core.fold`."""

from typing import assert_never

from engine.core import events as e
from engine.core.jobs.events import (
    JobEnded,
    JobOutcome,
    JobReattached,
    JobStarted,
    JobStopRequested,
)
from engine.core.jobs.parts import MOST_DONE, Job
from engine.core.state import RunState
from engine.core.turn import OpenIteration


def fold_job(state: RunState, event: e.JobEvent) -> None:
    """Change the state by what becomes of a job."""
    job = state.jobs.open.get(event.job)
    if job is None:
        return
    match event:
        case JobStarted():
            job.pid, job.host = event.pid, event.host
        case JobReattached():
            job.attached += 1
        case JobStopRequested():
            job.stop_by, job.stop_reason = event.by, event.reason
        case JobEnded():
            job.exit_code, job.signal, job.detail = event.exit_code, event.signal, event.detail
            job.took_s, job.log_bytes = event.took_s, event.log_bytes
            _over(state, job, event.outcome, event.at)
        case _:
            assert_never(event)


def follow_check(
    state: RunState,
    turn: OpenIteration,
    event: e.CheckStarted
    | e.CheckFinished
    | e.CheckInterrupted
    | e.RecheckStarted
    | e.RecheckChecked
    | e.RecheckInterrupted,
    time: str,
) -> None:
    """Open the job of a check that begins, and close what is open of it when the check is over."""
    if isinstance(event, e.CheckStarted | e.RecheckStarted):
        turn.job = event.job
        if event.job is not None:
            state.jobs.number += 1
            state.jobs.open[event.job] = Job(
                id=event.job,
                iteration=event.iteration,
                candidate=event.candidate,
                check=event.check,
                attempt=event.attempt,
                since=time,
            )
        return
    job = state.jobs.open.get(turn.job) if turn.job is not None else None
    if job is not None:
        finished = isinstance(event, e.CheckFinished | e.RecheckChecked)
        _over(state, job, "not started" if finished else "interrupted", time)
    turn.job = None


def _over(state: RunState, job: Job, outcome: JobOutcome, time: str) -> None:
    job.outcome, job.ended = outcome, time
    del state.jobs.open[job.id]
    state.jobs.done = [*state.jobs.done, job][-MOST_DONE:]
