"""What measured pairs make of a candidate, of the baseline, and of what the champion is worth."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from engine.core.demoting import best_of
from engine.core.events import (
    AnyEvent,
    ChampionMeasured,
    CheckFinished,
    NoiseMeasured,
    VerdictReached,
)
from engine.core.ids import CandidateId, candidate_id
from engine.core.measuring import next_half, pair_s, pairs_of, stale
from engine.core.metric import Metric
from engine.core.pairs.decided import Pair
from engine.core.pairs.decision import decide
from engine.core.pairs.power import noise_of, pairs_needed, visible_gain
from engine.core.plan import Plan, PlannedCheck, PlannedReferee
from engine.core.sameness import MORE_THAN_NOISE, mean_of
from engine.core.signature import signature
from engine.core.state import Candidate, OpenIteration, RunState
from engine.core.steps import DrawPair, RunCheck, Wait
from engine.core.verdict import SCORED, Verdict
from engine.core.verdicts import verdict_of

_USUAL_GAIN: Final = 0.005
"""The gain that is spoken of where the campaign asks for none."""


def by_pairs(
    state: RunState, turn: OpenIteration, referee: PlannedReferee, champion: Candidate
) -> RunCheck | DrawPair | VerdictReached:
    """The next half of a pair, or the verdict that the pairs come to."""
    pairs = pairs_of(turn, champion.id, state.metric.name)
    decision = decide(pairs, state.metric, referee.design)
    if decision.outcome == "more":
        half = next_half(turn, champion.id, referee, len(pairs) + 1)
        assert half is not None  # noqa: S101  (there are fewer pairs than that)
        return half
    reason = f"{decision.reason} (against {champion.id})"
    verdict = verdict_of(state, turn, decision.outcome, reason)
    return msgspec.structs.replace(
        _valued(verdict, state.metric, [pair.candidate for pair in pairs]), decision=decision
    )


def calibrated(
    state: RunState, turn: OpenIteration, referee: PlannedReferee | None
) -> RunCheck | DrawPair | VerdictReached:
    """The baseline's next measurement against itself, or its verdict."""
    verdict = verdict_of(state, turn, "promoted", "the baseline")
    if referee is None or not referee.noisy or not referee.calibrate:
        return verdict
    half = next_half(turn, verdict.candidate, referee, referee.calibrate)
    if half is not None:
        return half
    pairs = pairs_of(turn, verdict.candidate, state.metric.name)
    values = [value for pair in pairs for value in (pair.champion, pair.candidate)]
    return _valued(verdict, state.metric, values)


def _valued(verdict: VerdictReached, metric: Metric, values: Sequence[float]) -> VerdictReached:
    """The verdict with the mean of what was measured, and that mean's standard error."""
    value, error = mean_of(values)
    return msgspec.structs.replace(
        verdict,
        value=value,
        metrics=verdict.metrics | {metric.name: value},
        value_error=error,
    )


def half_failed(
    state: RunState, turn: OpenIteration, plan: Plan, now_s: float
) -> RunCheck | Wait | VerdictReached | None:
    """The verdict of a half that failed; or once more, when it failed for want of the machine."""
    last = turn.halves[-1] if turn.halves else None
    if last is None or last.outcome != "failed" or last.half is None:
        return None
    check = next((check for check in plan.checks if check.name == last.check), None)
    check = check or PlannedCheck(name=last.check)
    if last.voided:
        return verdict_of(state, turn, "infra", last.voided)
    failed = sum(
        (report.half, report.check, report.outcome) == (last.half, last.check, "failed")
        for report in turn.halves
    )
    if last.verdict == "infra" and failed <= check.retries:
        ended_s = datetime.fromisoformat(turn.finished_at).timestamp()
        until_s = ended_s + check.backoff_s * 2 ** (failed - 1)
        again = RunCheck(name=check.name, half=last.half)
        return again if until_s <= now_s else Wait(until_s=until_s, reason=last.detail)
    verdict, reason = _why_failed(last)
    strange = not last.own or last.half.role == "champion"
    return verdict_of(
        state,
        turn,
        verdict,
        reason,
        on_fail=check.on_fail,
        signature=signature(f"{last.check} {verdict}: {last.detail}") if strange else "",
    )


def _why_failed(last: CheckFinished) -> tuple[Verdict, str]:
    """What a half that failed means: the champion's says nothing about the candidate."""
    half = last.half
    assert half is not None  # noqa: S101  (the caller looked)
    if half.role == "champion":
        return "infra", f"{last.check} of the champion, {half.of}, failed: {last.detail}"
    reason = f"{last.check} passed, and failed in pair {half.pair}: {last.detail}"
    return ("infra" if last.verdict == "infra" else "flaky"), reason


def found_out(
    state: RunState, turn: OpenIteration, plan: Plan, verdict: VerdictReached
) -> list[AnyEvent]:
    """What an iteration found out besides its verdict; recorded right before that."""
    referee = plan.referee
    if referee is None or verdict.verdict not in SCORED or not turn.halves:
        return []
    if turn.candidate == state.baseline:
        return [_noise(state, turn, referee)]
    champion = state.best()
    pairs = pairs_of(turn, champion.id, state.metric.name) if champion else []
    return [_again(state, turn, referee, champion, pairs)] if champion and pairs else []


def _noise(state: RunState, turn: OpenIteration, referee: PlannedReferee) -> NoiseMeasured:
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    pairs, design = pairs_of(turn, turn.candidate, state.metric.name), referee.design
    gain, noise = _gain_of_interest(state.metric, pairs), noise_of(pairs)
    if not math.isfinite(noise):
        noise = None
    return NoiseMeasured(
        iteration=turn.iteration,
        candidate=turn.candidate,
        check=referee.check,
        pairs=len(pairs),
        noise=noise,
        pair_s=round(pair_s(turn), 3),
        most=design.most,
        visible=None if noise is None else visible_gain(noise, design, 0.8),
        surely=None if noise is None else visible_gain(noise, design, 0.95),
        gain=gain,
        needed=None if noise is None else pairs_needed(gain, noise, design),
    )


def _gain_of_interest(metric: Metric, pairs: Sequence[Pair]) -> float:
    """The gain that the campaign asks for, as a share of what the baseline is worth."""
    mean = abs(math.fsum(pair.champion for pair in pairs) / len(pairs))
    asked = metric.min_gain.over(mean) / mean if mean else 0.0
    return asked or _USUAL_GAIN


def _again(
    state: RunState,
    turn: OpenIteration,
    referee: PlannedReferee,
    champion: Candidate,
    pairs: Sequence[Pair],
) -> ChampionMeasured:
    (now, error), before = mean_of([pair.champion for pair in pairs]), champion.value
    earlier = champion.measured.error if champion.measured else 0.0
    if not referee.noisy:
        changed = before is None or not math.isclose(before, now, rel_tol=1e-9)
    else:
        # A single value has no error of its own: nothing can be told by it.
        apart = 0.0 if before is None or not earlier else abs(now - before)
        changed = apart > MORE_THAN_NOISE * math.hypot(error, earlier)
    doubtful = _doubtful(state, champion) if changed and not referee.noisy else []
    return ChampionMeasured(
        iteration=turn.iteration,
        candidate=champion.id,
        before=before,
        now=now,
        error=error,
        why=stale(state, turn, referee) or "measured beside a candidate",
        changed=changed,
        doubtful=doubtful,
        better=best_of(state, doubtful, champion.id, now),
    )


def _doubtful(state: RunState, champion: Candidate) -> list[CandidateId]:
    """Whom the champion judged since its value was known to be true; noise measures it anew.

    Nobody, where the fingerprint tells what changed, and when: all before was judged without it.
    """
    since = champion.measured.iteration if champion.measured else 0
    if champion.measured and champion.measured.fingerprint != state.fingerprint:
        return []
    judged = state.rechecks.of(champion.id).judged
    return [candidate_id(number) for number in judged if number > since]
