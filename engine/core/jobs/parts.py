"""What the state of a run knows of its detached jobs."""

from typing import Final

import msgspec

from engine.core.ids import CandidateId, IterationNumber, JobId
from engine.core.jobs.events import JobOutcome

MOST_DONE: Final = 200
"""So many jobs that ended are remembered; the journal has them all."""


class Job(msgspec.Struct, kw_only=True):
    """A job: which check of which candidate it is, and what became of it.

    `since` is when it was recorded, `pid` is its supervisor's once that runs, on `host` where that
    is another machine. `stop_by` is who does not want it any more. `outcome` is None while it is
    under way.
    """

    id: JobId
    iteration: IterationNumber
    candidate: CandidateId
    check: str
    attempt: int
    since: str
    pid: int | None = None
    host: str = ""
    attached: int = 0
    stop_by: str = ""
    stop_reason: str = ""
    outcome: JobOutcome | None = None
    exit_code: int | None = None
    signal: int | None = None
    detail: str = ""
    ended: str = ""
    took_s: float = 0.0
    log_bytes: int = 0


class Jobs(msgspec.Struct, kw_only=True):
    """The jobs of a run; `number` is that of the last one."""

    number: int = 0
    open: dict[JobId, Job] = {}
    done: list[Job] = []

    def of(self, job: JobId) -> Job | None:
        """A job, whether it is under way or ended lately."""
        return self.open.get(job) or next((each for each in self.done if each.id == job), None)
