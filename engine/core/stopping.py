"""When a run ends by itself."""

from typing import Final

from engine.core.events import FinishReason, RunFinished
from engine.core.state import RunState

NOTHING_VALID: Final = 4
FAILED: Final = 3


def ending(state: RunState, alive_s: float) -> RunFinished | None:
    """The stop rule that says that no further iteration starts, or None.

    Args:
        state: the run.
        alive_s: seconds that engines of this run have lived, this one included.
    """
    rule = (
        _baseline(state)
        or _target(state)
        or _policy(state)
        or _budget(state)
        or _finish(state)
        or _bounds(state, alive_s)
    )
    if rule is None:
        return None
    reason, detail, failure = rule
    status = NOTHING_VALID if state.champion is None else FAILED if failure else 0
    return RunFinished(reason=reason, detail=detail, exit_status=status)


def exhausted(state: RunState) -> RunFinished:
    """The ending of a run whose proposer has nothing left to propose."""
    detail = f"every configuration of the space was tried ({len(state.candidates)})"
    status = 0 if state.champion is not None else NOTHING_VALID
    return RunFinished(reason="exhausted", detail=detail, exit_status=status)


def budget_spent(state: RunState) -> str | None:
    """What of the run's budget is used up, in words; None where there is some left."""
    limits, spend = state.limits, state.spend
    if limits.usd is not None and spend.usd >= limits.usd:
        return f"{spend.usd:.2f} USD of {limits.usd:g} are spent"
    if limits.usd is not None and spend.unpriced:
        return f"{spend.unpriced} tokens were used whose price is not known"
    if limits.usd is not None and spend.silent:
        some = "an attempt" if spend.silent == 1 else f"{spend.silent} attempts"
        return f"what {some} cost is not known, nothing was told of it; go on without budget.usd"
    if limits.tokens is not None and spend.tokens.total >= limits.tokens:
        return f"{spend.tokens.total} tokens of {limits.tokens} are used"
    return None


_Rule = tuple[FinishReason, str, bool]


def _baseline(state: RunState) -> _Rule | None:
    baseline = state.first()
    if baseline is None or baseline.verdict is None or baseline.verdict == "promoted":
        return None
    return "baseline", f"the baseline is {baseline.verdict}: {baseline.reason}", True


def _target(state: RunState) -> _Rule | None:
    champion = state.best()
    if not state.limits.stop_at_target or champion is None or champion.value is None:
        return None
    if not state.metric.reaches_target(champion.value):
        return None
    return "target", f"{champion.id} reached the target: {champion.value:g}", False


def _policy(state: RunState) -> _Rule | None:
    most = state.limits.failures_in_all
    if state.fatal is not None:
        return "policy", f"the policy ends the run: {state.fatal}", True
    if state.ends_by_halt and state.paused is not None:
        return "policy", f"halted: {state.paused.reason}", True
    if most is not None and state.counted_failures > most:
        return "failures", f"{state.counted_failures} failures; max_failures is {most}", True
    return None


def _budget(state: RunState) -> _Rule | None:
    """The money and the tokens; an iteration that runs is cut off by its agent's session."""
    spent = budget_spent(state)
    return None if spent is None else ("budget", spent, True)


def _finish(state: RunState) -> _Rule | None:
    finish = state.finish
    if finish is None or not finish.closes:
        return None
    return "finish", f"finished as planned by {finish.plan.by}", False


def _bounds(state: RunState, alive_s: float) -> _Rule | None:
    limits = state.limits
    if limits.iterations is not None and state.last_iteration >= limits.iterations:
        return "iterations", f"{limits.iterations} iterations", False
    if limits.for_s is not None and alive_s >= limits.for_s:
        return "time", f"{limits.for_s:g} s of engine time", False
    if limits.plateau is not None and state.since_promotion >= limits.plateau:
        return "plateau", f"no promotion in {state.since_promotion} iterations", False
    if limits.failures is not None and state.failures_in_a_row >= limits.failures:
        return "failures", f"{state.failures_in_a_row} iterations in a row failed", True
    return None
