"""Decides what becomes of a candidate, from what its checks reported.

This is the short way, for metrics without noise: one value against the champion's.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from engine.core.events import CheckFinished, VerdictReached
from engine.core.state import Candidate, OpenIteration, RunState
from engine.core.verdict import Verdict


class PlannedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What the referee knows of a check: its name, and when it is worth running."""

    name: str
    when: Literal["always", "would_promote"] = "always"


class RunCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The next step of an iteration: run this check."""

    name: str


def next_step(
    state: RunState, turn: OpenIteration, checks: Sequence[PlannedCheck]
) -> RunCheck | VerdictReached:
    """What comes next for an open iteration: its next check, or its verdict.

    The first check that fails ends the candidate.
    """
    for report in turn.finished:
        if report.outcome == "failed":
            verdict = report.verdict or "incorrect"
            return _verdict(state, turn, verdict, f"{report.check}: {report.detail}")
    done = {report.check for report in turn.finished}
    for check in checks:
        if check.name not in done and _worth_running(state, turn, check):
            return RunCheck(name=check.name)
    return _compare(state, turn)


def metrics_of(finished: Sequence[CheckFinished]) -> dict[str, float]:
    """All metrics that an iteration's checks reported; a later check overrides an earlier one."""
    merged: dict[str, float] = {}
    for report in finished:
        merged |= report.metrics
    return merged


def _worth_running(state: RunState, turn: OpenIteration, check: PlannedCheck) -> bool:
    return check.when == "always" or _compare(state, turn).verdict == "promoted"


def _compare(state: RunState, turn: OpenIteration) -> VerdictReached:
    metric = state.metric
    value = metrics_of(turn.finished).get(metric.name)
    if value is None:
        return _verdict(state, turn, "infra", f"no check reported {metric.name}")
    if turn.candidate == state.baseline:
        return _verdict(state, turn, "promoted", "the baseline")
    champion = state.best()
    if champion is None or champion.value is None:
        return _verdict(state, turn, "inconclusive", "there is no baseline to compare with")
    return _against(state, turn, value, champion)


def _against(
    state: RunState, turn: OpenIteration, value: float, champion: Candidate
) -> VerdictReached:
    metric = state.metric
    reference = champion.value
    assert reference is not None  # noqa: S101  (the caller looked)
    gain = metric.gain(value, reference)
    if gain <= 0:
        return _verdict(state, turn, "rejected", f"not better than {champion.id} ({reference:g})")
    if gain < metric.min_gain.over(reference):
        return _verdict(
            state, turn, "rejected", f"{gain:g} better than {champion.id}: less than min_gain"
        )
    return _verdict(state, turn, "promoted", f"{gain:g} better than {champion.id} ({reference:g})")


def _verdict(state: RunState, turn: OpenIteration, verdict: Verdict, reason: str) -> VerdictReached:
    assert turn.candidate is not None  # noqa: S101  (an iteration proposes in its first transaction)
    metrics = metrics_of(turn.finished)
    return VerdictReached(
        iteration=turn.iteration,
        candidate=turn.candidate,
        verdict=verdict,
        reason=reason,
        value=metrics.get(state.metric.name),
        metrics=metrics,
    )
