"""From events of the run's end to state; a part of `engine.core.fold`."""

from typing import assert_never

from engine.core import events as e
from engine.core.finish.parts import Finish, Report
from engine.core.state import RunState


def fold_finish(state: RunState, event: e.FinishEvent, time: str) -> None:
    """Change the state by what happens at its end."""
    match event:
        case e.FinishPlanned():
            state.finish = Finish(plan=event, since=time)
        case e.FinishRefused():
            pass
        case e.IterationCut():
            _cut(state, event)
        case e.ReportStarted() | e.ReportWritten() | e.ReportFailed():
            _report(state, event, time)
        case _:
            _phase(state, event)


def _phase(
    state: RunState,
    event: e.FinishBegan
    | e.FinalRoundStarted
    | e.FinalRoundCounted
    | e.FinishMoved
    | e.FinishCancelled,
) -> None:
    finish = state.finish
    assert finish is not None  # noqa: S101  (a plan comes first)
    match event:
        case e.FinishBegan():
            finish.began, finish.phase = event, "final_rounds"
        case e.FinalRoundStarted():
            finish.rounds = [*finish.rounds, event.iteration]
        case e.FinalRoundCounted():
            finish.counted += event.counts
        case e.FinishMoved():
            finish.phase = event.phase
        case e.FinishCancelled():
            finish.phase = "cancelled"
        case _:
            assert_never(event)


def _cut(state: RunState, event: e.IterationCut) -> None:
    again = state.rechecks.open
    if event.recheck is None:
        state.open[event.iteration].cut = event.reason
    elif again is not None and again.number == event.recheck:
        again.turn.cut = event.reason


def _report(
    state: RunState, event: e.ReportStarted | e.ReportWritten | e.ReportFailed, time: str
) -> None:
    match event:
        case e.ReportStarted():
            state.report = Report(top_k=event.top_k, since=time)
        case e.ReportWritten():
            state.report = Report(
                top_k=event.top_k, since=time, files=event.files, trouble=event.missing
            )
        case e.ReportFailed():
            top_k = state.report.top_k if state.report else 0
            state.report = Report(top_k=top_k, since=time, files=[], trouble=event.reason)
        case _:
            assert_never(event)
