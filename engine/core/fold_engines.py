"""From events of engines, and of the run as a whole, to state; a part of `engine.core.fold`."""

from typing import assert_never

import msgspec

from engine.core import events as e
from engine.core.parts import Half
from engine.core.state import Engine, Finished, Pausing, RunState, Stopped

EngineEvent = (
    e.EngineStarted
    | e.HarnessRecorded
    | e.LimitsChanged
    | e.CampaignChangeAccepted
    | e.RunPaused
    | e.RunResumed
    | e.StopRequested
    | e.RunFinished
    | e.EngineStopped
)


def fold_engine(state: RunState, event: EngineEvent, time: str) -> None:
    """Change the state by what an engine says of itself and of the run as a whole."""
    match event:
        case e.EngineStarted():
            _engine_started(state, event, time)
        case e.HarnessRecorded():
            state.harness = event
        case e.LimitsChanged():
            state.limits, state.slots = event.limits, event.slots
            state.failures_in_a_row = state.counted_failures = 0
        case e.CampaignChangeAccepted():
            forgeable = state.metric.forgeable or event.metric.forgeable
            state.campaign_sha256, state.document = event.campaign_sha256, event.document
            state.metric = msgspec.structs.replace(event.metric, forgeable=forgeable)
            state.reviews.instead = None
        case e.RunPaused():
            state.paused = Pausing(by=event.by, reason=event.reason, since=time, halt=event.halt)
        case e.RunResumed():
            state.paused = state.alike = None
            state.failing = {}
        case e.StopRequested():
            state.stopping = event.reason
        case e.RunFinished():
            _finished(state, event)
        case e.EngineStopped():
            state.stopped = Stopped(reason=event.reason, exit_status=event.exit_status)
            state.alive_s = event.alive_s
        case _:
            assert_never(event)


def _finished(state: RunState, event: e.RunFinished) -> None:
    state.finished = Finished(
        reason=event.reason, detail=event.detail, exit_status=event.exit_status
    )
    if state.finish is not None and not state.finish.over:
        state.finish.phase = "done"


def _engine_started(state: RunState, event: e.EngineStarted, time: str) -> None:
    if state.engine is not None and state.fingerprint != event.fingerprint:
        for turn in state.turns:
            # What was measured elsewhere, or with other tools, says nothing here.
            turn.finished, turn.halves, turn.drawn = [], [], []
    for turn in state.turns:
        turn.halves = [report for report in turn.halves if not _undone(report.half)]
    state.engine = Engine(
        pid=event.pid,
        start_ticks=event.start_ticks,
        boot_id=event.boot_id,
        host=event.host,
        version=event.version,
        started=time,
        fingerprint=event.fingerprint,
    )
    if event.forgeable:  # for good: its champions may have been forged, and others fall to them
        state.metric = msgspec.structs.replace(state.metric, forgeable=True)
    state.engines += 1
    state.alive_s = event.alive_s
    if state.finished is not None:
        # One that takes over a run that was over goes on with it, under whatever new terms.
        state.finished = state.fatal = state.finish = None
    state.stopping = state.stopped = None


def _undone(half: Half | None) -> bool:
    """Whether the tree that was made ready for a half went back to the person with its engine."""
    return half is not None and half.prepares and (half.pair > 0 or half.role == "candidate")
