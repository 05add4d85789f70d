"""What events of the run's end say to people: a line each."""

from typing import assert_never

from engine.core import events as e


def finish_line(event: e.FinishEvent) -> str:
    """The event in a line, without its iteration."""
    match event:
        case e.FinishPlanned():
            return _planned(event)
        case e.FinishRefused():
            return f"a wish to finish is refused: {event.reason}; it lies in {event.kept}"
        case e.FinishBegan():
            return _began(event)
        case e.FinalRoundStarted():
            return "a final round"
        case e.FinalRoundCounted():
            return f"final round {'counts' if event.counts else 'does not count'}: {event.reason}"
        case e.IterationCut():
            return event.reason
        case e.FinishMoved():
            return f"finish: {event.phase}: {event.reason}" if event.reason else event.phase
        case e.FinishCancelled():
            why = f": {event.reason}" if event.reason else ""
            return f"finish cancelled by {event.by} ({phase_text(event.phase)}){why}"
        case _:
            return _report(event)


def phase_text(phase: e.Phase) -> str:
    """The phase in words."""
    return phase.replace("_", " ")


def _planned(event: e.FinishPlanned) -> str:
    what = "report only" if event.report_only else f"{event.final_rounds} final rounds"
    note = f": {event.note}" if event.note else ""
    begins, over = _clock(event.activate_at), _clock(event.deadline)
    return f"finish planned by {event.by}: from {begins}, over by {over}, {what}{note}"


def _began(event: e.FinishBegan) -> str:
    left_out = f"; {', '.join(event.left_out)}" if event.left_out else ""
    times = f"cut at {_clock(event.cut_at)}, report at {_clock(event.report_at)}"
    return f"frozen: {event.final_rounds} final rounds, {event.leaders} leaders, {times}{left_out}"


def _clock(time: str) -> str:
    return f"{time[:19].replace('T', ' ')} UTC"


def _report(event: e.ReportStarted | e.ReportWritten | e.ReportFailed) -> str:
    match event:
        case e.ReportStarted():
            return f"report on the best {event.top_k} begun, {event.within_s:.0f} s for it"
        case e.ReportWritten():
            missing = f"; missing: {event.missing}" if event.missing else ""
            return f"report written in {event.took_s:.1f} s, {len(event.files)} files{missing}"
        case e.ReportFailed():
            return f"no report after {event.took_s:.1f} s: {event.reason}"
        case _:
            assert_never(event)
