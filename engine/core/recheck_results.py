"""What measuring a candidate again came to: values and pairs against the fixed baseline."""

from collections.abc import Sequence
from typing import Final

import msgspec

from engine.core.events import RecheckEnded
from engine.core.measuring import SYNC, next_half, pairs_of
from engine.core.pairs.decided import Decision, Pair
from engine.core.pairs.decision import decide
from engine.core.pairs.looks import Design
from engine.core.plan import Plan, PlannedReferee
from engine.core.recheck_events import RecheckOutcome
from engine.core.rechecked import Recheck
from engine.core.sameness import differs, mean_of
from engine.core.state import Candidate, RunState
from engine.core.steps import DrawPair, RunCheck
from engine.core.verdicts import compared, metrics_of

_OUTCOMES: Final[dict[str, RecheckOutcome]] = {"promoted": "held", "rejected": "failed"}


def ended(again: Recheck, outcome: RecheckOutcome, reason: str) -> RecheckEnded:
    """The end of measuring again, before any value is in it."""
    return RecheckEnded(
        recheck=again.number,
        iteration=again.turn.iteration,
        candidate=again.candidate,
        against=again.against,
        purpose=again.purpose,
        variant=again.variant,
        env=again.env,
        outcome=outcome,
        reason=reason,
    )


def compared_again(
    state: RunState, again: Recheck, plan: Plan
) -> RunCheck | DrawPair | RecheckEnded:
    """The next measurement that the comparison needs, or what it came to.

    Args:
        state: the run.
        again: all checks of its candidate have passed.
        plan: the referee.
    """
    referee, name = plan.referee, state.metric.name
    if referee is None:
        return ended(again, "inconclusive", f"no check has to report {name}")
    confirms = again.purpose == "confirm"
    if confirms and SYNC in state.candidates[again.candidate].tags:
        return ended(again, "held", "its checks pass; a merge is not compared")
    if referee.noisy:
        return _by_pairs(state, again, referee)
    value = metrics_of(again.turn.finished).get(name)
    if value is None:
        return ended(again, "inconclusive", f"no check reported {name}")
    if confirms:
        return _against_baseline(state, again, referee, value)
    return _as_before(state, again, value)


def _as_before(state: RunState, again: Recheck, value: float) -> RecheckEnded:
    """Without noise: whether the value is what it was."""
    before = _before(state, again)
    changed = before is None or differs(value, 0.0, before, 0.0)
    was = "unknown" if before is None else f"{before:.6g}"
    reason = f"{was} before, {value:.6g} now" if changed else f"{value:.6g}, as before"
    return msgspec.structs.replace(
        ended(again, "failed" if changed else "held", reason),
        value=value,
        before=before,
        changed=changed,
        reference=value if again.candidate == again.against else None,
    )


def _before(state: RunState, again: Recheck) -> float | None:
    """What the value was: the baseline's is the first that was measured."""
    drift = state.rechecks.drift
    if again.candidate == again.against and drift is not None:
        return drift.first
    return state.candidates[again.candidate].value


def _against_baseline(
    state: RunState, again: Recheck, referee: PlannedReferee, value: float
) -> RunCheck | RecheckEnded:
    """Without noise: one value against the baseline's, which is measured once under a variant."""
    reference = _known(state, again)
    if reference is None:
        half = next_half(again.turn, again.against, referee, 1)
        if isinstance(half, RunCheck) and half.half and half.half.role == "champion":
            return half
        reference = _measured(again, state.metric.name)
    if reference is None:
        return ended(again, "inconclusive", f"the baseline has no {state.metric.name}")
    verdict, reason = compared(state.metric, value, again.against, reference)
    outcome = _OUTCOMES.get(verdict, "inconclusive")
    return msgspec.structs.replace(ended(again, outcome, reason), value=value, reference=reference)


def _known(state: RunState, again: Recheck) -> float | None:
    known = state.rechecks.references.get(again.variant)
    if known is None or (known.env, known.fingerprint) != (again.env, state.fingerprint):
        return None
    return known.value


def _measured(again: Recheck, metric: str) -> float | None:
    """What the baseline's half came to."""
    for report in again.turn.halves:
        half = report.half
        mine = half is not None and half.role == "champion" and not half.prepares
        if mine and report.outcome != "failed":
            return report.metrics.get(metric)
    return None


def _by_pairs(
    state: RunState, again: Recheck, referee: PlannedReferee
) -> RunCheck | DrawPair | RecheckEnded:
    """With noise: the referee's own rule, against the baseline."""
    design = _design(again, referee)
    pairs = pairs_of(again.turn, again.against, state.metric.name)
    decision = decide(pairs, state.metric, design)
    if decision.outcome == "more":
        half = next_half(again.turn, again.against, referee, len(pairs) + 1)
        assert half is not None  # noqa: S101  (there are fewer pairs than that)
        return half
    return _decided(state, again, pairs, decision)


def _design(again: Recheck, referee: PlannedReferee) -> Design:
    """A drift is looked at once; all else may take as many pairs as it needs."""
    if again.purpose == "confirm":
        return referee.confirming
    if again.purpose == "end":
        return referee.design
    return Design(error=referee.design.error, first=referee.design.first, most=referee.design.first)


def _decided(
    state: RunState, again: Recheck, pairs: Sequence[Pair], decision: Decision
) -> RecheckEnded:
    value, error = mean_of([pair.candidate for pair in pairs])
    reference, reference_error = mean_of([pair.champion for pair in pairs])
    candidate = state.candidates[again.candidate]
    before = None if again.purpose == "confirm" else _before(state, again)
    changed = before is not None and differs(value, error, before, _error(state, again, candidate))
    outcome: RecheckOutcome = _OUTCOMES.get(decision.outcome, "inconclusive")
    if again.candidate == again.against:
        outcome = "failed" if changed else "held"
    return msgspec.structs.replace(
        ended(again, outcome, decision.reason),
        value=value,
        error=error,
        reference=reference,
        reference_error=reference_error,
        before=before,
        changed=changed,
        decision=decision,
    )


def _error(state: RunState, again: Recheck, candidate: Candidate) -> float:
    """The standard error of the value before."""
    drift = state.rechecks.drift
    if again.candidate == again.against and drift is not None:
        return drift.first_error
    return candidate.measured.error if candidate.measured else 0.0
