"""The finish of a run and its report, as status tells of them."""

from typing import Literal

import msgspec

from engine.core.finish.parts import Finish
from engine.core.finish.times import unix_s
from engine.core.finish_lines import phase_text
from engine.core.state import RunState


class FinishStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The plan and its clock: times are UTC, what is left of it in minutes, never below 0.

    `next` says in words what comes next, and when. `cut_at` and `report_at` are known once it
    began.
    """

    phase: str
    by: str
    source: str
    activate_at: str
    deadline: str
    minutes_left: float
    final_rounds: int
    rounds_left: int
    top_k: int
    note: str
    report_only: bool
    cut_at: str | None
    report_at: str | None
    left_out: list[str]
    next: str


class ReportStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The report that the engine wrote last; `files` are paths below the run's folder."""

    state: Literal["being written", "written", "failed"]
    top_k: int
    files: list[str]
    trouble: str


def ending_word(state: RunState) -> tuple[Literal["finishing", "reporting"], str] | None:
    """The state of a live run that is coming to its end, whether or not it is paused."""
    if state.report is not None and state.report.files is None:
        return "reporting", f"the best {state.report.top_k} are written up"
    finish = state.finish
    if finish is None or not finish.closes:
        return None
    if finish.phase == "reporting":
        return "reporting", ""
    return "finishing", "the leaders are measured again"


def frozen_word(state: RunState) -> tuple[Literal["finishing"], str] | None:
    """The state of a live run in which nothing begins but final rounds."""
    finish = state.finish
    if finish is None or not finish.freezes:
        return None
    return "finishing", f"final rounds: {finish.counted} of {_rounds(finish)}"


def finish_status(state: RunState | None, now: float) -> FinishStatus | None:
    """The finish that is planned or under way, or how the last one ended; None without any."""
    finish = state.finish if state else None
    if finish is None:
        return None
    plan, began = finish.plan, finish.began
    return FinishStatus(
        phase=finish.phase,
        by=plan.by,
        source=plan.source,
        activate_at=plan.activate_at,
        deadline=plan.deadline,
        minutes_left=round(max(0.0, unix_s(plan.deadline) - now) / 60, 2),
        final_rounds=_rounds(finish),
        rounds_left=max(0, _rounds(finish) - finish.counted),
        top_k=plan.top_k,
        note=plan.note,
        report_only=plan.report_only,
        cut_at=began.cut_at if began else None,
        report_at=began.report_at if began else None,
        left_out=began.left_out if began else [],
        next=next_text(finish),
    )


def next_text(finish: Finish) -> str:
    """What comes next, and when."""
    plan, began = finish.plan, finish.began
    match finish.phase:
        case "scheduled":
            return f"nothing new begins from {_clock(plan.activate_at)}"
        case "final_rounds" if began:
            return f"what still runs is cut off at {_clock(began.cut_at)}"
        case "measuring" if began:
            return f"the report begins by {_clock(began.report_at)}"
        case "reporting":
            return f"the run ends, by {_clock(plan.deadline)}"
        case _:
            return phase_text(finish.phase)


def _rounds(finish: Finish) -> int:
    return finish.began.final_rounds if finish.began else finish.plan.final_rounds


def _clock(time: str) -> str:
    return f"{time[11:19]} UTC"


def report_status(state: RunState | None) -> ReportStatus | None:
    """The report that the engine wrote last; None where it has written none."""
    report = state.report if state else None
    if report is None:
        return None
    files = [each.path for each in report.files or ()]
    told = "being written" if report.files is None else "written" if files else "failed"
    return ReportStatus(state=told, top_k=report.top_k, files=files, trouble=report.trouble)
