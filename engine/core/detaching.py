"""Naming jobs, and recording what becomes of them once. Pure."""

from typing import TypeVar

import msgspec

from engine.core.answering_steering import Refusal
from engine.core.check_events import CheckStarted
from engine.core.commands import StopJob
from engine.core.event import LogSpan
from engine.core.events import AnyEvent
from engine.core.ids import JobId
from engine.core.jobs.events import JobEvent, JobStarted, JobStopRequested
from engine.core.plan import Plan
from engine.core.recheck_events import RecheckStarted
from engine.core.state import RunState
from engine.core.turn import OpenIteration

T = TypeVar("T", CheckStarted, RecheckStarted)


def job_id(number: int) -> JobId:
    """The id of a run's nth job: `j-0007`."""
    return JobId(f"j-{number:04d}")


def as_job(state: RunState, plan: Plan, started: T) -> T:
    """The intent to run a check, in a job of its own where the campaign wants it detached."""
    if not plan.named(started.check).detached:
        return started
    job = job_id(state.jobs.number + 1)
    return msgspec.structs.replace(started, job=job, log=LogSpan(path=f"jobs/{job}/log"))


def followed(state: RunState, event: JobEvent) -> list[JobEvent]:
    """What is recorded of news of a job: nothing that is known, or of one that is over."""
    job = state.jobs.open.get(event.job)
    if job is None or (isinstance(event, JobStarted) and job.pid is not None):
        return []
    return [event]


def stop_job(state: RunState, command: StopJob, *, by: str) -> list[AnyEvent] | Refusal:
    """The events of the wish that a job ends; or why not."""
    job = state.jobs.open.get(command.job)
    if job is None:
        known = state.jobs.of(command.job)
        return Refusal(f"{command.job} is over" if known else f"there is no job {command.job}")
    if job.stop_by:
        return []
    return [JobStopRequested(job=command.job, by=by, reason=command.reason)]


def resumable(turn: OpenIteration) -> bool:
    """Whether what an earlier engine left running may go on."""
    return turn.check is not None and turn.job is not None and not (turn.cut or turn.put_aside)
