"""The event that ends an iteration."""

from collections.abc import Sequence
from typing import Final

from engine.core.claims import disputed
from engine.core.events import CheckFinished, Consequence, VerdictReached
from engine.core.ids import CandidateId
from engine.core.metric import Metric
from engine.core.noticing import noticed
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
        on_fail: what it means for the loop; `infra` is not the idea's fault, and never counted.
        signature: equal for failures that are alike.
    """
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    metrics = metrics_of(turn.finished)
    code = state.candidates[turn.candidate].code
    claims = code.answer.claims if code and code.answer else {}
    seen = noticed(state, turn, metrics)
    return VerdictReached(
        iteration=turn.iteration,
        candidate=turn.candidate,
        verdict=verdict,
        reason="; ".join([reason, *disputed(claims, metrics), *seen]),
        value=metrics.get(state.metric.name),
        metrics=metrics,
        consequence=_consequence(verdict, on_fail),
        signature=signature,
        noticed=seen,
    )


def _consequence(verdict: Verdict, on_fail: OnFail) -> Consequence:
    counted = on_fail == "count-failure"
    return "none" if verdict == "infra" and counted else _CONSEQUENCES[on_fail]


def compared(
    metric: Metric, value: float, champion: CandidateId, reference: float
) -> tuple[Verdict, str]:
    """What one value makes of a candidate, and why.

    Args:
        metric: says what is better, and which gain counts.
        value: the candidate's.
        champion: whom it is compared with.
        reference: the champion's value.
    """
    gain = metric.gain(value, reference)
    if gain <= 0:
        return "rejected", f"not better than {champion} ({reference:g})"
    if gain < metric.min_gain.over(reference):
        return "rejected", f"{gain:g} better than {champion}: less than min_gain"
    return "promoted", f"{gain:g} better than {champion} ({reference:g})"


def metrics_of(finished: Sequence[CheckFinished]) -> dict[str, float]:
    """All metrics that an iteration's checks reported; a later check overrides an earlier one."""
    merged: dict[str, float] = {}
    for report in finished:
        merged |= report.metrics
    return merged
