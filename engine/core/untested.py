"""Final checks for which a finish left no time: what is recorded of those that it kept from them.

Without it nobody could tell a candidate that was not to be tested from one that was, and was not.
"""

from engine.core import events as e
from engine.core.plan import Plan
from engine.core.rechecking import to_be_tested
from engine.core.state import Candidate, RunState


def untested(state: RunState, plan: Plan) -> list[e.AnyEvent]:
    """That the candidates which are still to be tested will not be, and why; mostly nothing.

    Args:
        state: a run whose finish measures nobody any more.
        plan: its final checks.
    """
    finish = state.finish
    if finish is None or finish.over or finish.began is None or state.rechecks.open is not None:
        return []
    reason = f"not run: no time was left before the finish, over by {finish.plan.deadline[:19]}Z"
    left = to_be_tested(state, plan, finish.began.leaders)
    numbered = enumerate(left, start=state.rechecks.number + 1)
    return [event for number, one in numbered for event in _not_run(state, one, number, reason)]


def _not_run(state: RunState, one: Candidate, number: int, reason: str) -> list[e.AnyEvent]:
    assert state.baseline is not None  # noqa: S101  (it comes first)
    begun = e.RecheckBegun(
        recheck=number,
        iteration=one.iteration,
        candidate=one.id,
        against=state.baseline,
        purpose="final",
        slot=0,
        variant="",
        env={},
    )
    ended = e.RecheckEnded(
        recheck=number,
        iteration=one.iteration,
        candidate=one.id,
        against=state.baseline,
        purpose="final",
        variant="",
        env={},
        outcome="infra",
        reason=reason,
    )
    return [begun, ended]
