"""Decides what an iteration does next, and what becomes of its candidate.

The short way, for metrics without noise, is one value against the champion's; a noisy one is
compared by pairs (`engine.core.judging`).
"""

from datetime import datetime

import msgspec

from engine.core.agent_turn import agent_step
from engine.core.events import CheckFinished, VerdictReached
from engine.core.gates import vetoes
from engine.core.holding_candidates import review_step
from engine.core.ids import CandidateId
from engine.core.judging import by_pairs, calibrated, half_failed
from engine.core.measuring import SYNC, in_turn, made_ready_again, next_half, pairs_of, stale
from engine.core.plan import Plan, PlannedReferee
from engine.core.repairing import repair_step
from engine.core.resources import within
from engine.core.signature import signature
from engine.core.state import Candidate, OpenIteration, RunState
from engine.core.steps import (
    CarryOver,
    CollectChange,
    DrawPair,
    HoldUp,
    PutAside,
    Repair,
    RunAgent,
    RunCheck,
    Settle,
    TakeTurns,
    Wait,
)
from engine.core.twins import twin
from engine.core.verdicts import compared, metrics_of, verdict_of

Step = (
    RunAgent
    | CollectChange
    | CarryOver
    | RunCheck
    | Repair
    | DrawPair
    | TakeTurns
    | PutAside
    | HoldUp
    | Settle
    | Wait
    | VerdictReached
)


def next_step(state: RunState, turn: OpenIteration, plan: Plan, now_s: float) -> Step:
    """What comes next for an open iteration, or its verdict.

    The first check that fails ends the candidate.

    Args:
        state: the run.
        turn: the iteration.
        plan: its steps and the policies.
        now_s: seconds since 1970.
    """
    step = _next(state, turn, plan, now_s)
    if not isinstance(step, RunCheck):
        return step
    return within(state, turn, plan, step, lambda other: _next(state, other, plan, now_s))


def _next(state: RunState, turn: OpenIteration, plan: Plan, now_s: float) -> Step:
    """What comes next where there is enough of what checks need."""
    if turn.put_aside is not None:
        return PutAside()
    if turn.cut:
        return verdict_of(state, turn, "inconclusive", turn.cut)
    step = (
        agent_step(state, turn, plan, now_s)
        or twin(state, turn)
        or review_step(state, turn, plan, now_s)
        or repair_step(turn, plan)
        or _after_failure(state, turn, plan, now_s)
        or half_failed(state, turn, plan, now_s)
        or _further(state, turn, plan)
    )
    return in_turn(state, turn, plan, step) if isinstance(step, RunCheck) else step


def _further(
    state: RunState, turn: OpenIteration, plan: Plan
) -> RunCheck | DrawPair | CarryOver | VerdictReached:
    """What comes next where nothing has failed."""
    passed = {report.check for report in turn.finished if report.outcome != "failed"}
    left = [check for check in plan.checks if check.name not in passed]
    for check in left:
        if check.when == "always":
            return RunCheck(name=check.name)
    step = _vetoed(state, turn, plan) or _compare(state, turn, plan)
    if not isinstance(step, VerdictReached) or step.verdict != "promoted":
        return step
    if (onto := _moved_on(state, turn)) is not None:
        return CarryOver(onto=onto)
    if not left:
        return step
    return _made_ready(state, turn, plan) or RunCheck(name=left[0].name)


def _made_ready(state: RunState, turn: OpenIteration, plan: Plan) -> RunCheck | None:
    if plan.referee is None or state.champion is None:
        return None
    return made_ready_again(turn, state.champion, plan.referee)


def _vetoed(state: RunState, turn: OpenIteration, plan: Plan) -> VerdictReached | None:
    """The verdict on a candidate that a gate does not let through."""
    champion = None if turn.candidate == state.baseline else state.best()
    why = vetoes(plan.gates, metrics_of(turn.finished), champion and champion.metrics)
    return verdict_of(state, turn, "infeasible", "; ".join(why)) if why else None


def _after_failure(
    state: RunState, turn: OpenIteration, plan: Plan, now_s: float
) -> RunCheck | Wait | VerdictReached | None:
    """The verdict of a check that failed; or once more, when it failed for want of the machine."""
    last = turn.finished[-1] if turn.finished else None
    if last is None or last.outcome != "failed":
        return None
    if last.voided:
        return verdict_of(state, turn, "infra", last.voided)
    check = plan.named(last.check)
    failed = sum(report.check == check.name for report in turn.finished)
    if last.verdict == "infra" and failed <= check.retries:
        until_s = _seconds(turn.finished_at) + check.backoff_s * 2 ** (failed - 1)
        again = RunCheck(name=check.name)
        return again if until_s <= now_s else Wait(until_s=until_s, reason=last.detail)
    return verdict_of(
        state,
        turn,
        last.verdict or "incorrect",
        f"{last.check}: {last.detail}",
        # What somebody stopped is no failure.
        on_fail="continue" if last.verdict == "inconclusive" else check.on_fail,
        signature=_signature(last),
    )


def _signature(report: CheckFinished) -> str:
    """Equal for failures that are alike; none for what candidates do themselves."""
    if report.own:
        return ""
    return signature(f"{report.check} {report.verdict}: {report.detail}")


def _moved_on(state: RunState, turn: OpenIteration) -> str | None:
    """The champion's commit, where a candidate's change was made from another one."""
    champion = state.best()
    candidate = _candidate(state, turn)
    if champion is None or champion.code is None or turn.change is None or candidate.code is None:
        return None
    onto = champion.code.commit
    return None if onto == candidate.code.stands_on else onto


def _compare(
    state: RunState, turn: OpenIteration, plan: Plan
) -> RunCheck | DrawPair | VerdictReached:
    metric, referee = state.metric, plan.referee
    value = metrics_of(turn.finished).get(metric.name)
    if value is None:
        reason = f"no check reported {metric.name}"
        return verdict_of(state, turn, "infra", reason, signature=signature(reason))
    if turn.candidate == state.baseline:
        return calibrated(state, turn, referee)
    champion = state.best()
    if SYNC in _candidate(state, turn).tags:
        return _merged(state, turn)
    if champion is None or champion.value is None:
        return verdict_of(state, turn, "inconclusive", "there is no baseline to compare with")
    if referee is not None and referee.noisy:
        return by_pairs(state, turn, referee, champion)
    if referee is not None and stale(state, turn, referee):
        return _afresh(state, turn, referee, champion)
    return _against(state, turn, value, champion.id, champion.value)


def _afresh(
    state: RunState, turn: OpenIteration, referee: PlannedReferee, champion: Candidate
) -> RunCheck | DrawPair | VerdictReached:
    """The verdict by one pair: what the champion's value was before is not compared with."""
    half = next_half(turn, champion.id, referee, 1)
    if half is not None:
        return half
    (pair,) = pairs_of(turn, champion.id, state.metric.name)
    verdict = _against(state, turn, pair.candidate, champion.id, pair.champion)
    metrics = verdict.metrics | {state.metric.name: pair.candidate}
    return msgspec.structs.replace(verdict, value=pair.candidate, metrics=metrics)


def _merged(state: RunState, turn: OpenIteration) -> VerdictReached:
    """A merge replaces the champion that it was made from, whatever its value, and no other."""
    if state.champion in _candidate(state, turn).parents:
        return verdict_of(state, turn, "promoted", "the main branch was merged: measured again")
    reason = f"{state.champion} was promoted while the main branch was merged into another"
    return verdict_of(state, turn, "inconclusive", reason)


def _against(
    state: RunState, turn: OpenIteration, value: float, champion: CandidateId, reference: float
) -> VerdictReached:
    verdict, reason = compared(state.metric, value, champion, reference)
    return verdict_of(state, turn, verdict, reason)


def _candidate(state: RunState, turn: OpenIteration) -> Candidate:
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    return state.candidates[turn.candidate]


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
