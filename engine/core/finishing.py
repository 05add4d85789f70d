"""What is due of a finish now: called again and again, and after a restart. Pure."""

from typing import Final

from engine.core import events as e
from engine.core.finish.parts import Finish
from engine.core.finish.planning import Reserves, Timetable, Wanted, timetable
from engine.core.finish.times import unix_s, utc
from engine.core.plan import Plan
from engine.core.rechecking import leader_s
from engine.core.state import OpenIteration, RunState
from engine.core.verdict import SCORED

TRIES: Final = 3
"""A final round that fails at once is begun again, but no more than this many for each."""

FINAL: Final = "final"
"""The tag of candidates of final rounds."""


def finish_step(state: RunState, plan: Plan, now_s: float, alive_s: float) -> list[e.AnyEvent]:
    """The events that are due now; none mostly.

    Args:
        state: the run.
        plan: how its candidates are measured.
        now_s: seconds since 1970.
        alive_s: seconds that engines of this run have lived, this one included.
    """
    finish = state.finish
    if state.finished is not None or state.stopping is not None:
        return []
    if finish is None or finish.over:
        return _for(state, now_s, alive_s)
    match finish.phase:
        case "scheduled":
            return _scheduled(state, finish, plan, now_s, alive_s)
        case "final_rounds":
            return _final_rounds(state, finish, now_s)
        case "measuring":
            return _cuts(state, finish, now_s, _report_at_s(finish))
        case _:
            return []


def may_begin(state: RunState, now_s: float) -> bool:
    """Whether a new iteration may begin, as far as the finish has a say."""
    finish = state.finish
    if finish is None or finish.over:
        return True
    if finish.phase == "scheduled":
        return now_s < unix_s(finish.plan.activate_at)
    return finish.phase == "final_rounds" and _round_is_left(state, finish, now_s)


def is_final_round(state: RunState) -> bool:
    """Whether an iteration that begins now is a final round."""
    return state.finish is not None and state.finish.phase == "final_rounds"


def counted(state: RunState, verdict: e.VerdictReached) -> list[e.AnyEvent]:
    """Whether a final round that has its verdict counts: only when it was measured."""
    finish = state.finish
    if finish is None or finish.over or verdict.iteration not in finish.rounds:
        return []
    measured = verdict.verdict in SCORED and verdict.value is not None
    return [
        e.FinalRoundCounted(
            iteration=verdict.iteration,
            counts=measured,
            reason="it was measured" if measured else f"{verdict.verdict}: nothing was measured",
        )
    ]


def next_moment(state: RunState) -> float | None:
    """When something is due by the clock, in seconds since 1970; None where nothing is."""
    finish = state.finish
    if finish is None or finish.over:
        return None
    if finish.began is None:
        return unix_s(finish.plan.activate_at)
    moments = {
        "final_rounds": finish.began.cut_at if state.turns else finish.began.latest_start,
        "measuring": finish.began.report_at,
    }
    moment = moments.get(finish.phase)
    return None if moment is None else unix_s(moment)


def leaders_left(state: RunState, plan: Plan, now_s: float) -> int | None:
    """How many leaders the finish measures now; None where the campaign's referee says it."""
    finish = state.finish
    if finish is None or finish.over or finish.began is None or plan.referee is None:
        return None
    in_time = now_s + leader_s(state, plan) <= _report_at_s(finish)
    return finish.began.leaders if in_time and state.paused is None else 0


def _for(state: RunState, now_s: float, alive_s: float) -> list[e.AnyEvent]:
    """The plan that `stop.for` means, where the campaign says how long its finish is."""
    rules, for_s = state.limits.finish, state.limits.for_s
    cancelled = state.finish is not None and state.finish.plan.source == "for"
    if for_s is None or rules.before_for is None or cancelled:
        return []
    # A run that is shorter than its finish works for half of its time at least.
    minutes_s = min(rules.before_for * 60, for_s / 2)
    if alive_s < for_s - minutes_s:
        return []
    return [
        e.FinishPlanned(
            by="stop.for",
            source="for",
            activate_at=utc(now_s),
            deadline=utc(now_s + max(0.0, for_s - alive_s)),
            final_rounds=rules.final_rounds,
            top_k=rules.top_k,
        )
    ]


def _scheduled(
    state: RunState, finish: Finish, plan: Plan, now_s: float, alive_s: float
) -> list[e.AnyEvent]:
    planned = finish.plan
    if state.engine is not None and unix_s(planned.deadline) <= unix_s(state.engine.started):
        reason = "its deadline passed while no engine ran"
        return [e.FinishCancelled(by="the engine", phase=finish.phase, reason=reason)]
    if now_s < unix_s(planned.activate_at):
        return []
    return [_began(_times(state, planned, plan, now_s, alive_s))]


def _times(
    state: RunState, planned: e.FinishPlanned, plan: Plan, now_s: float, alive_s: float
) -> Timetable:
    if planned.report_only:
        deadline_s = unix_s(planned.deadline)
        return Timetable(
            latest_start_s=now_s,
            cut_at_s=now_s,
            report_at_s=now_s,
            deadline_s=max(now_s, deadline_s),
            final_rounds=0,
            leaders=0,
        )
    wanted = Wanted(final_rounds=planned.final_rounds, top_k=planned.top_k)
    reserves = _reserves(state, planned, plan, alive_s)
    return timetable(now_s, unix_s(planned.deadline), wanted, reserves)


def _reserves(state: RunState, planned: e.FinishPlanned, plan: Plan, alive_s: float) -> Reserves:
    """By what was recorded; an iteration's time is that of all slots, waiting included."""
    ended = state.ended_iterations
    scored = sum(one.scored for one in state.candidates.values() if one.id != state.baseline)
    return Reserves(
        leader_s=leader_s(state, plan),
        round_s=alive_s * state.slots / ended if ended else 0.0,
        leaders=scored + len(state.open) + planned.final_rounds if plan.referee else 0,
    )


def _began(times: Timetable) -> e.FinishBegan:
    return e.FinishBegan(
        deadline=utc(times.deadline_s),
        latest_start=utc(times.latest_start_s),
        cut_at=utc(times.cut_at_s),
        report_at=utc(times.report_at_s),
        final_rounds=times.final_rounds,
        leaders=times.leaders,
        left_out=list(times.left_out),
    )


def _final_rounds(state: RunState, finish: Finish, now_s: float) -> list[e.AnyEvent]:
    assert finish.began is not None  # noqa: S101  (the phase begins with it)
    cut_at_s = unix_s(finish.began.cut_at)
    if now_s < cut_at_s and (state.turns or _round_is_left(state, finish, now_s)):
        return []
    # With what cuts off: nothing begins between the two.
    moved = e.FinishMoved(phase="measuring", reason=_rounds_text(finish))
    return [*_cuts(state, finish, now_s, cut_at_s), moved]


def _round_is_left(state: RunState, finish: Finish, now_s: float) -> bool:
    began = finish.began
    if began is None or now_s > unix_s(began.latest_start):
        return False
    under_way = sum(number in state.open for number in finish.rounds)
    fewer = finish.counted + under_way < began.final_rounds
    return fewer and len(finish.rounds) < TRIES * began.final_rounds


def _rounds_text(finish: Finish) -> str:
    wanted = finish.began.final_rounds if finish.began else 0
    tried = len(finish.rounds)
    return f"{finish.counted} of {wanted} final rounds were measured, {tried} begun"


def _cuts(state: RunState, finish: Finish, now_s: float, at_s: float) -> list[e.AnyEvent]:
    """What is to be cut off from `at_s` on, but what was already."""
    if now_s < at_s:
        return []
    again = state.rechecks.open
    number = again.number if again else None
    under_way = [*((turn, None) for turn in state.open.values())]
    more = [(again.turn, number)] if again else []
    return [_cut(turn, recheck, finish) for turn, recheck in (*under_way, *more) if not turn.cut]


def _cut(turn: OpenIteration, recheck: int | None, finish: Finish) -> e.IterationCut:
    reason = f"cut off by the finish, which is over by {finish.plan.deadline[:19]}Z"
    return e.IterationCut(iteration=turn.iteration, reason=reason, recheck=recheck)


def _report_at_s(finish: Finish) -> float:
    return unix_s(finish.began.report_at) if finish.began else 0.0
