"""The event that ends an iteration."""

from collections.abc import Sequence
from typing import Final

from engine.core.events import CheckFinished, Consequence, VerdictReached
from engine.core.plan import OnFail
from engine.core.state import OpenIteration, RunState
from engine.core.verdict import Verdict

_CONSEQUENCES: Final[dict[OnFail, Consequence]] = {
    "fail": "fatal",
    "count-failure": "counted",
    "continue": "none",
}


def verdict_of(
    state: RunState,
    turn: OpenIteration,
    verdict: Verdict,
    reason: str,
    *,
    on_fail: OnFail = "continue",
    signature: str = "",
) -> VerdictReached:
    """The verdict on an iteration's candidate, with all that its checks measured.

    Args:
        state: the run.
        turn: the iteration.
        verdict: how it ends.
        reason: why, for people.
        on_fail: what it means for the loop.
        signature: equal for failures that are alike.
    """
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    metrics = metrics_of(turn.finished)
    return VerdictReached(
        iteration=turn.iteration,
        candidate=turn.candidate,
        verdict=verdict,
        reason=reason,
        value=metrics.get(state.metric.name),
        metrics=metrics,
        consequence=_CONSEQUENCES[on_fail],
        signature=signature,
    )


def metrics_of(finished: Sequence[CheckFinished]) -> dict[str, float]:
    """All metrics that an iteration's checks reported; a later check overrides an earlier one."""
    merged: dict[str, float] = {}
    for report in finished:
        merged |= report.metrics
    return merged
