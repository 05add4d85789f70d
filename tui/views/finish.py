"""The finish of a run as the screen tells of it: the plan and its clock."""

from dataclasses import dataclass

from engine.core.finish.parts import Finish
from engine.core.finish.times import unix_s
from engine.core.state import RunState
from tui.views.words import duration_text


@dataclass(frozen=True, slots=True)
class FinishView:
    """What is planned; times in seconds since 1970, 0 where there is none.

    `phase` is empty where nothing is planned; `minutes`, `rounds` and `top_k` are then what the
    campaign says.
    """

    phase: str = ""
    by: str = ""
    note: str = ""
    activate_at: float = 0.0
    cut_at: float = 0.0
    report_at: float = 0.0
    deadline: float = 0.0
    minutes: float = 60.0
    rounds: int = 1
    counted: int = 0
    top_k: int = 10
    left_out: tuple[str, ...] = ()

    @property
    def planned(self) -> bool:
        """Whether the run is to come to its end."""
        return bool(self.phase)

    @property
    def cancellable(self) -> bool:
        """Whether it can still be taken back."""
        return self.planned and self.phase != "reporting"


def finish_of(state: RunState | None) -> FinishView:
    """The view of a run's finish."""
    if state is None:
        return FinishView()
    if state.finish is not None and not state.finish.over:
        return _planned(state.finish)
    rules = state.limits.finish
    return FinishView(minutes=rules.minutes, rounds=rules.final_rounds, top_k=rules.top_k)


def _planned(finish: Finish) -> FinishView:
    plan, began = finish.plan, finish.began
    return FinishView(
        phase=finish.phase,
        by=plan.by,
        note=plan.note,
        activate_at=unix_s(plan.activate_at),
        cut_at=unix_s(began.cut_at) if began else 0.0,
        report_at=unix_s(began.report_at) if began else 0.0,
        deadline=unix_s(plan.deadline),
        rounds=began.final_rounds if began else plan.final_rounds,
        counted=finish.counted,
        top_k=plan.top_k,
        left_out=tuple(began.left_out) if began else (),
    )


def countdown(view: FinishView, now: float) -> tuple[str, str]:
    """The words of the header and what goes before them; empty where nothing is planned."""
    if not view.planned:
        return "", ""
    if view.phase == "scheduled":
        return "finish in ", duration_text(max(0.0, view.activate_at - now))
    return "over in ", duration_text(max(0.0, view.deadline - now))


def plan_lines(view: FinishView, now: float) -> list[str]:
    """The plan with its clock, a line each."""
    rounds = f"{view.counted} of {view.rounds} final rounds measured; the best {view.top_k} again"
    moments = [
        ("begins", view.activate_at if view.phase == "scheduled" else 0.0),
        ("cuts off", view.cut_at if view.phase == "final_rounds" else 0.0),
        ("report", view.report_at if view.phase in {"final_rounds", "measuring"} else 0.0),
        ("over", view.deadline),
    ]
    return [
        f"{view.phase.replace('_', ' ')}, planned by {view.by}",
        rounds,
        *(f"{what:<9} in {duration_text(max(0.0, at - now))}" for what, at in moments if at),
        *view.left_out,
        *([view.note] if view.note else []),
    ]
