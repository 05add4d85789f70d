"""Detached jobs in the running engine: what becomes of them recorded, and their end asked for."""

import logging
from datetime import UTC, datetime
from typing import Final, assert_never

import anyio

from engine.core.detaching import followed
from engine.core.ids import JobId
from engine.core.jobs.events import (
    JobEnded,
    JobEvent,
    JobOutcome,
    JobReattached,
    JobStarted,
)
from engine.core.jobs.parts import Job
from engine.executors.jobs import record
from engine.executors.jobs.detached import end, ended_in, kill
from engine.executors.jobs.protocol import Attached, Begun, Gone, News, Over
from engine.loop.writer import Writer
from engine.runfolder.paths import RunPaths

_OUTCOMES: Final[dict[str, JobOutcome]] = {
    "ended": "ended",
    "deadline": "timeout",
    "idle": "timeout",
    "pattern": "pattern",
    "stopped": "stopped",
    "interrupted": "interrupted",
    "told": "interrupted",
    "not started": "not started",
    "broken": "lost",
}
LEFT_S: Final = 10.0
_log = logging.getLogger(__name__)


class Follower:
    """Records what becomes of jobs, each thing once."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def tell(self, event: JobEvent) -> None:
        """Record the news, unless they are known."""
        await self._writer.decide(lambda state: followed(state, event))


class Ender:
    """Asks for the end of jobs, whoever follows them.

    Args:
        writer: knows which jobs there are.
        paths: the run's folder.
    """

    def __init__(self, writer: Writer, paths: RunPaths) -> None:
        self._writer = writer
        self._paths = paths
        self._run_marker = paths.run_marker

    def stop(self, job: JobId) -> None:
        """Have a job ended that somebody does not want any more."""
        known = self._writer.state.jobs.open.get(job)
        if known is not None:
            self._ask(known, record.Stop(how="stopped", by=known.stop_by, reason=known.stop_reason))

    def stop_unwanted(self) -> None:
        """The same for those of which an earlier engine only recorded that."""
        for job in self._writer.state.jobs.open.values():
            if job.stop_by:
                self.stop(job.id)

    async def end_left(self) -> None:
        """End those that nobody follows: an engine that ends in good order leaves nothing."""
        jobs = list(self._writer.state.jobs.open.values())
        for job in jobs:
            self._ask(job, record.Stop(how="interrupted", reason="the engine stopped"))
        with anyio.move_on_after(LEFT_S) as waiting:
            for job in jobs:
                await ended_in(self._paths.job(job.id))
        if waiting.cancelled_caught:
            for job in jobs:
                await kill(self._run_marker, job.id)

    def _ask(self, job: Job, wish: record.Stop) -> None:
        folder = self._paths.job(job.id)
        if not folder.exists():
            return  # it has not begun
        try:
            end(folder, wish)
        except OSError as error:
            _log.warning("job %s cannot be asked to end: %s", job.id, error.strerror)


def event_of(job: JobId, news: News) -> JobEvent:
    """What an executor tells of a job, as an event."""
    match news:
        case Begun():
            return JobStarted(
                job=job,
                pid=news.pid,
                start_ticks=news.start_ticks,
                boot_id=news.boot_id,
                marker=news.marker,
                host=news.host,
                device=news.device,
            )
        case Attached():
            return JobReattached(job=job, log_bytes=news.log_bytes)
        case Gone():
            return JobEnded(job=job, outcome="lost", detail=news.reason, at=_utc(None))
        case Over():
            return JobEnded(
                job=job,
                outcome=_OUTCOMES.get(news.how, "lost"),
                exit_code=news.exit_code,
                signal=news.signal,
                detail=news.detail,
                at=_utc(news.ended),
                took_s=news.took_s,
                cpu_s=news.cpu_s,
                log_bytes=news.log_bytes,
            )
        case _:
            assert_never(news)


def _utc(unix_s: float | None) -> str:
    moment = datetime.now(UTC) if unix_s is None else datetime.fromtimestamp(unix_s, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
