"""What comes next in an iteration whose candidate an agent is to make: pure decisions."""

from datetime import datetime
from typing import Literal, assert_never

import msgspec

from engine.core.events import AgentFinished, ChangeCollected, VerdictReached
from engine.core.plan import Plan
from engine.core.signature import signature
from engine.core.state import OpenIteration, RunState
from engine.core.steps import CollectChange, RunAgent, Wait
from engine.core.stopping import budget_spent
from engine.core.verdicts import verdict_of

_LONGEST_S = 3600.0


def agent_step(
    state: RunState, turn: OpenIteration, plan: Plan, now_s: float
) -> RunAgent | CollectChange | Wait | VerdictReached | None:
    """The agent's next step, or None when the candidate's commit is there.

    Args:
        state: the run.
        turn: an open iteration.
        plan: how often attempts are repeated, and what their failures mean.
        now_s: seconds since 1970.
    """
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    code = state.candidates[turn.candidate].code
    if code is None or code.agent is None:
        return None
    if turn.change is not None:
        return _against_the_rules(state, turn, plan, turn.change)
    if turn.let_down and turn.let_down[-1].attempt == turn.attempts:
        last = turn.let_down[-1]
        return _again(state, turn, plan, now_s, _Failure(last.reason, last.signature))
    if not turn.answers:
        return _when_free(state, turn, now_s)
    return _after(state, turn, plan, now_s, turn.answers[-1])


class _Failure(msgspec.Struct, frozen=True):
    """Why the last attempt came to nothing."""

    reason: str
    signature: str


def _after(
    state: RunState, turn: OpenIteration, plan: Plan, now_s: float, last: AgentFinished
) -> RunAgent | CollectChange | Wait | VerdictReached:
    failure = _Failure(last.detail, last.signature)
    match last.outcome:
        case "answered":
            return CollectChange()
        case "limited":
            return _after_limit(state, turn, plan, now_s, failure)
        case "unreachable" | "crashed":
            return _again(state, turn, plan, now_s, failure)
        case "timeout" | "ceiling":
            return _ended(state, turn, plan, "timeout", failure)
        case "login":
            # The run is halted until a person has logged in; then the agent has its turn.
            ends = state.ends_by_halt
            return _ended(state, turn, plan, "infra", failure) if ends else RunAgent()
        case _:
            assert_never(last.outcome)


def worked_s(turn: OpenIteration) -> float:
    """How long the agent has worked on the iteration, in the attempts that ended.

    What was cut off through no fault of its own begins anew, and has all its time again.
    """
    return sum(answer.duration_s for answer in turn.answers)


def _against_the_rules(
    state: RunState, turn: OpenIteration, plan: Plan, change: ChangeCollected
) -> VerdictReached | None:
    """Refuses a change whose answer breaks the rules, or that is too small for an escalation.

    A campaign that requires no answer judges by its checks alone: there, a constant may be the
    whole of what is sought.
    """
    if not plan.agent.answer_required:
        return None
    problems = turn.answers[-1].problems if turn.answers else []
    if problems:
        reason = f"its answer breaks the rules: {'; '.join(problems)}"
    elif change.scalar and turn.escalated:
        reason = "an escalation stands, and nothing but constants was changed"
    else:
        return None
    return invalid(state, turn, plan, reason)


def invalid(state: RunState, turn: OpenIteration, plan: Plan, reason: str) -> VerdictReached:
    """The verdict on a candidate that broke the rules; alike for all that broke the same one."""
    alike = signature(f"invalid: {reason}")
    return verdict_of(state, turn, "invalid", reason, on_fail=plan.errors, signature=alike)


def no_change(state: RunState, turn: OpenIteration, plan: Plan, commits: int) -> VerdictReached:
    """The verdict on an agent that changed nothing, also by commits that undo each other.

    Where the campaign allows that it is no failure, and not alike to any other.
    """
    undone = f"; its {commits} commits undo each other" if commits else ""
    reason = f"the agent changed nothing{undone}"
    alike = "" if plan.no_commit == "continue" else signature(f"no_change: {reason}")
    return verdict_of(state, turn, "no_change", reason, on_fail=plan.no_commit, signature=alike)


def _when_free(
    state: RunState, turn: OpenIteration, now_s: float
) -> RunAgent | Wait | VerdictReached:
    """The agent may work, unless the run has spent its budget meanwhile.

    It waits where the provider said that it is not to be asked before some time.
    """
    if (spent := budget_spent(state)) is not None:
        return verdict_of(state, turn, "inconclusive", f"its agent could not work: {spent}")
    until_s = _seconds(state.parked_until) if state.parked_until else 0.0
    return Wait(until_s=until_s, reason="usage limit") if until_s > now_s else RunAgent()


def _after_limit(
    state: RunState, turn: OpenIteration, plan: Plan, now_s: float, failure: _Failure
) -> RunAgent | Wait | VerdictReached:
    """A usage limit says nothing about the candidate: it is waited out, however often.

    What a provider says of the time may be over already, and the limit not: the pause of an
    attempt that failed is the least.
    """
    times = sum(answer.outcome == "limited" for answer in turn.answers)
    return _once_more(state, turn, plan, now_s, _pause(turn, plan, times, failure))


def _again(
    state: RunState, turn: OpenIteration, plan: Plan, now_s: float, failure: _Failure
) -> RunAgent | Wait | VerdictReached:
    """An attempt that its provider or the machine let down is made again, so often and no more."""
    failed = sum(answer.outcome in ("unreachable", "crashed") for answer in turn.answers)
    failed += len(turn.let_down)
    if failed > plan.agent.retries:
        return _ended(state, turn, plan, "infra", failure)
    return _once_more(state, turn, plan, now_s, _pause(turn, plan, failed, failure))


def _once_more(
    state: RunState, turn: OpenIteration, plan: Plan, now_s: float, pause: Wait
) -> RunAgent | Wait | VerdictReached:
    most_s = plan.agent.most_s
    if most_s is not None and worked_s(turn) >= most_s:
        spent = f"the {most_s / 60:g} minutes of the iteration are used up"
        return _ended(state, turn, plan, "timeout", _Failure(spent, signature(spent)))
    free = _when_free(state, turn, now_s)
    return pause if isinstance(free, RunAgent) and pause.until_s > now_s else free


def _pause(turn: OpenIteration, plan: Plan, times: int, failure: _Failure) -> Wait:
    """The time until the next attempt: doubled with each that failed, at most an hour."""
    wait_s = min(plan.agent.backoff_s * 2 ** min(times - 1, 20), _LONGEST_S)
    return Wait(until_s=_seconds(turn.answered_at) + wait_s, reason=failure.reason)


def _ended(
    state: RunState,
    turn: OpenIteration,
    plan: Plan,
    verdict: Literal["timeout", "infra"],
    failure: _Failure,
) -> VerdictReached:
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    reason = f"{state.candidates[turn.candidate].proposer}: {failure.reason}"
    return verdict_of(
        state, turn, verdict, reason, on_fail=plan.errors, signature=failure.signature
    )


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()
