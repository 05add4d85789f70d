"""What writes the report of a run, and what is recorded of it."""

import time
from collections.abc import Callable
from typing import Final, Protocol

import anyio
import msgspec

from engine.core import failpoints
from engine.core.events import (
    AnyEvent,
    FinishMoved,
    ReportFailed,
    ReportFile,
    ReportStarted,
    ReportWritten,
)
from engine.core.finish.planning import REPORT_S
from engine.core.finish.times import unix_s
from engine.core.state import RunState
from engine.loop.control import Control, CutOff
from engine.loop.writer import Writer

LEAST_S: Final = 10.0
"""A report gets so long even where its time is over: late is better than never."""

INTERRUPTED: Final = "the engine was told to stop"


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a report; `missing` says what could not be made."""

    files: list[ReportFile]
    missing: str = ""


class NotWritten(msgspec.Struct, frozen=True):
    """There is no report, and why."""

    reason: str


class Reporter(Protocol):
    """Writes the report of the run into its folder."""

    async def write(self, top_k: int, within_s: float) -> Written | NotWritten:
        """What was written within so many seconds; when cancelled, nothing of it goes on."""
        ...


class Reporting:
    """Writes the report when the run comes to its end: intent recorded, act, outcome recorded."""

    def __init__(
        self,
        writer: Writer,
        control: Control,
        reporter: Reporter,
        *,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._writer = writer
        self._control = control
        self._reporter = reporter
        self._now_s = now_s

    async def at_end(self) -> None:
        """Write the report, unless the campaign wants none; a failure is recorded and no more."""
        if not self._writer.state.limits.finish.report:
            await self._writer.decide(moved)
            return
        records = await self._writer.decide(lambda state: begun(state, self._now_s()))
        started = records[-1].event
        assert isinstance(started, ReportStarted)  # noqa: S101  (see begun)
        failpoints.reach("report.started")
        await self._write(started)

    async def _write(self, started: ReportStarted) -> None:
        since_s = anyio.current_time()
        written = await self._control.attempt(
            lambda: self._reporter.write(started.top_k, started.within_s)
        )
        failpoints.reach("report.written")
        took_s = round(anyio.current_time() - since_s, 3)
        match written:
            case Written():
                outcome: AnyEvent = ReportWritten(
                    top_k=started.top_k,
                    files=written.files,
                    took_s=took_s,
                    missing=written.missing,
                )
            case NotWritten() | CutOff():
                outcome = ReportFailed(reason=written.reason or INTERRUPTED, took_s=took_s)
        await self._writer.record(outcome)


def begun(state: RunState, now_s: float) -> list[AnyEvent]:
    """The report begins; where a finish was planned, that is its last phase."""
    finish = state.finish
    if finish is None or finish.over or finish.began is None:
        top_k = state.limits.finish.top_k
        return [ReportStarted(top_k=top_k, within_s=2 * REPORT_S)]
    left_s = unix_s(finish.began.deadline) - now_s
    started = ReportStarted(top_k=finish.plan.top_k, within_s=round(max(LEAST_S, left_s), 3))
    return [*moved(state), started]


def moved(state: RunState) -> list[AnyEvent]:
    """The last phase of a finish; from it on it cannot be cancelled."""
    finish = state.finish
    if finish is None or finish.over or finish.began is None or finish.phase == "reporting":
        return []
    return [FinishMoved(phase="reporting", reason="")]
