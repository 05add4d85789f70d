"""Decides what an iteration does next, and what becomes of its candidate.

This is the short way, for metrics without noise: one value against the champion's.
"""

from datetime import datetime

from engine.core.agent_turn import agent_step
from engine.core.events import CheckFinished, VerdictReached
from engine.core.plan import Plan, PlannedCheck
from engine.core.signature import signature
from engine.core.state import Candidate, OpenIteration, RunState
from engine.core.steps import CarryOver, CollectChange, PutAside, RunAgent, RunCheck, Wait
from engine.core.verdicts import metrics_of, verdict_of

SYNC = "sync"
"""The tag of a candidate that is the champion with the main branch merged into it."""

Step = RunAgent | CollectChange | CarryOver | RunCheck | PutAside | Wait | VerdictReached


def next_step(state: RunState, turn: OpenIteration, plan: Plan, now_s: float) -> Step:
    """What comes next for an open iteration, or its verdict.

    The first check that fails ends the candidate.

    Args:
        state: the run.
        turn: the iteration.
        plan: its steps and the policies.
        now_s: seconds since 1970.
    """
    if turn.put_aside is not None:
        return PutAside()
    step = agent_step(state, turn, plan, now_s) or _after_failure(state, turn, plan, now_s)
    if step is not None:
        return step
    passed = {report.check for report in turn.finished if report.outcome != "failed"}
    left = [check for check in plan.checks if check.name not in passed]
    for check in left:
        if check.when == "always":
            return RunCheck(name=check.name)
    verdict = _compare(state, turn)
    if verdict.verdict != "promoted":
        return verdict
    if (onto := _moved_on(state, turn)) is not None:
        return CarryOver(onto=onto)
    return RunCheck(name=left[0].name) if left else verdict


def _after_failure(
    state: RunState, turn: OpenIteration, plan: Plan, now_s: float
) -> RunCheck | Wait | VerdictReached | None:
    """The verdict of a check that failed; or once more, when it failed for want of the machine."""
    last = turn.finished[-1] if turn.finished else None
    if last is None or last.outcome != "failed":
        return None
    check = next((check for check in plan.checks if check.name == last.check), None)
    check = check or PlannedCheck(name=last.check)
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
        on_fail=check.on_fail,
        signature=_signature(last),
    )


def _signature(report: CheckFinished) -> str:
    return signature(f"{report.check} {report.verdict}: {report.detail}")


def _moved_on(state: RunState, turn: OpenIteration) -> str | None:
    """The champion's commit, where a candidate's change was made from another one."""
    champion = state.best()
    candidate = _candidate(state, turn)
    if champion is None or champion.code is None or turn.change is None or candidate.code is None:
        return None
    onto = champion.code.commit
    return None if onto == candidate.code.stands_on else onto


def _compare(state: RunState, turn: OpenIteration) -> VerdictReached:
    metric = state.metric
    value = metrics_of(turn.finished).get(metric.name)
    if value is None:
        return verdict_of(state, turn, "infra", f"no check reported {metric.name}")
    if turn.candidate == state.baseline:
        return verdict_of(state, turn, "promoted", "the baseline")
    champion = state.best()
    if SYNC in _candidate(state, turn).tags:
        return _merged(state, turn)
    if champion is None or champion.value is None:
        return verdict_of(state, turn, "inconclusive", "there is no baseline to compare with")
    return _against(state, turn, value, champion)


def _merged(state: RunState, turn: OpenIteration) -> VerdictReached:
    """A merge replaces the champion that it was made from, whatever its value, and no other."""
    if state.champion in _candidate(state, turn).parents:
        return verdict_of(state, turn, "promoted", "the main branch was merged: measured again")
    reason = f"{state.champion} was promoted while the main branch was merged into another"
    return verdict_of(state, turn, "inconclusive", reason)


def _against(
    state: RunState, turn: OpenIteration, value: float, champion: Candidate
) -> VerdictReached:
    metric = state.metric
    reference = champion.value
    assert reference is not None  # noqa: S101  (the caller looked)
    gain = metric.gain(value, reference)
    if gain <= 0:
        reason = f"not better than {champion.id} ({reference:g})"
        return verdict_of(state, turn, "rejected", reason)
    if gain < metric.min_gain.over(reference):
        reason = f"{gain:g} better than {champion.id}: less than min_gain"
        return verdict_of(state, turn, "rejected", reason)
    reason = f"{gain:g} better than {champion.id} ({reference:g})"
    return verdict_of(state, turn, "promoted", reason)


def _candidate(state: RunState, turn: OpenIteration) -> Candidate:
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    return state.candidates[turn.candidate]


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
