"""How many checks run at once: what they need, within what the campaign has. Pure."""

from collections.abc import Callable, Mapping

from engine.core.ids import IterationNumber
from engine.core.plan import Plan
from engine.core.state import RunState
from engine.core.steps import RunCheck, TakeTurns
from engine.core.turn import OpenIteration


def free(state: RunState, plan: Plan) -> dict[str, int]:
    """What is left of the campaign's resources while the checks run that run now."""
    left = dict(plan.resources)
    for turn in state.turns:
        if turn.check is not None:
            for name, count in plan.named(turn.check).needs.items():
                left[name] = left.get(name, 0) - count
    return left


def within(
    state: RunState,
    turn: OpenIteration,
    plan: Plan,
    step: RunCheck,
    next_of: Callable[[OpenIteration], object] | None = None,
) -> RunCheck | TakeTurns:
    """The check, or whom it has to wait for until there is enough of what it needs.

    Of two that wait the iteration that is first in number goes first, so that one which needs much
    is not passed by for ever.

    Args:
        state: the run.
        turn: the iteration, or what is measured again.
        plan: what there is, and what checks need.
        step: the check.
        next_of: what another iteration does next; None where nobody is let go first.
    """
    needs = plan.named(step.name).needs
    if not needs:
        return step
    left = free(state, plan)
    if not _fits(needs, left):
        return TakeTurns(after=_holder(state, turn, plan, needs))
    for other in state.open.values() if next_of is not None else ():
        if other.iteration >= turn.iteration or other.slot >= state.slots or other.check:
            continue
        wanted = next_of(other) if next_of is not None else None
        if not isinstance(wanted, RunCheck):
            continue
        theirs = plan.named(wanted.name).needs
        after = {name: count - theirs.get(name, 0) for name, count in left.items()}
        if theirs.keys() & needs.keys() and not _fits(needs, after):
            return TakeTurns(after=other.iteration)
    return step


def _fits(needs: Mapping[str, int], left: Mapping[str, int]) -> bool:
    return all(count <= left.get(name, 0) for name, count in needs.items())


def _holder(
    state: RunState, turn: OpenIteration, plan: Plan, needs: Mapping[str, int]
) -> IterationNumber:
    for other in state.turns:
        if other.check is not None and plan.named(other.check).needs.keys() & needs.keys():
            return other.iteration
    return turn.iteration
