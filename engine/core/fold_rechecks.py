"""From events of measuring again to state; a part of `engine.core.fold`."""

from typing import assert_never

from engine.core import events as e
from engine.core.fold_jobs import follow_check
from engine.core.ids import CandidateId, trace_id
from engine.core.rechecked import Drift, Evidence, Known, Recheck, Rechecked
from engine.core.sameness import differs
from engine.core.state import RunState
from engine.core.turn import OpenIteration

RecheckEvent = (
    e.RecheckBegun
    | e.RecheckStarted
    | e.RecheckChecked
    | e.RecheckInterrupted
    | e.RecheckEnded
    | e.ChampionDemoted
)


def fold_recheck(state: RunState, event: RecheckEvent, time: str) -> None:
    """Let the state know of an event of measuring again."""
    match event:
        case e.RecheckBegun():
            state.rechecks.number = event.recheck
            state.rechecks.open = _begun(state, event, time)
        case e.RecheckStarted() | e.RecheckChecked() | e.RecheckInterrupted():
            if state.rechecks.open is not None:
                _step(state, state.rechecks.open.turn, event, time)
                follow_check(state, state.rechecks.open.turn, event, time)
        case e.RecheckEnded():
            _ended(state, event)
        case e.ChampionDemoted():
            candidate = state.candidates[event.candidate]
            candidate.reigned = 0
            candidate.ruled = f"demoted: {event.reason}"
            state.champion = event.champion
            # What was judged meanwhile was judged against one that it is no shame not to beat.
            state.since_promotion = 0
        case _:
            assert_never(event)


def judged_against_champion(state: RunState, event: e.VerdictReached) -> None:
    """Keep whom the champion judged, and the baseline's first value; before the verdict counts."""
    if event.candidate == state.baseline:
        if event.value is not None:
            first = Drift(first=event.value, first_error=event.value_error, at=event.iteration)
            state.rechecks.drift = first
    elif event.value is not None and state.champion is not None:
        _evidence(state, state.champion).judged.append(event.iteration)


def champion_measured(state: RunState, event: e.ChampionMeasured) -> None:
    """Take note of a champion that pairs measured again; before its value is brought up to date."""
    known = state.candidates[event.candidate].measured
    if event.before is None or (event.error and not (known and known.error)):
        return  # there is no saying whether it is the same
    evidence = _evidence(state, event.candidate)
    if event.changed:
        evidence.lost = f"{event.before:.6g} before, {event.now:.6g} in #{event.iteration}"
        for name in event.doubtful:
            why = (
                f"in doubt: {event.candidate} was not what it was, as #{event.iteration} found out"
            )
            _evidence(state, name).lost = why
    else:
        evidence.repeated += 1
        evidence.lost = ""


def _evidence(state: RunState, candidate: CandidateId) -> Evidence:
    return state.rechecks.evidence.setdefault(candidate, Evidence())


def _begun(state: RunState, event: e.RecheckBegun, time: str) -> Recheck:
    turn = OpenIteration(
        iteration=event.iteration,
        slot=event.slot,
        trace_id=trace_id(state.run, event.iteration),
        since=time,
        candidate=event.candidate,
        again=_what_for(event),
    )
    return Recheck(
        number=event.recheck,
        purpose=event.purpose,
        candidate=event.candidate,
        against=event.against,
        variant=event.variant,
        env=event.env,
        turn=turn,
    )


def _what_for(event: e.RecheckBegun) -> str:
    match event.purpose:
        case "confirm":
            return f"confirming {event.candidate} under {event.variant}"
        case "end":
            return f"measuring {event.candidate} again"
        case "baseline":
            return "measuring the baseline again"
        case "final":
            return f"the final checks of {event.candidate}"
        case _:
            assert_never(event.purpose)


def _step(
    state: RunState,
    turn: OpenIteration,
    event: e.RecheckStarted | e.RecheckChecked | e.RecheckInterrupted,
    time: str,
) -> None:
    match event:
        case e.RecheckStarted():
            turn.check, turn.attempt, turn.half = event.check, event.attempt, event.half
            turn.check_since, turn.log = time, event.log
        case e.RecheckChecked(report=report):
            (turn.finished if report.half is None else turn.halves).append(report)
            turn.finished_at = time
            turn.check, turn.attempt, turn.half, turn.log = None, 0, None, report.log
            state.rechecks.took_s += report.duration_s
        case e.RecheckInterrupted():
            turn.check, turn.attempt, turn.half = None, event.attempt, None


def _ended(state: RunState, event: e.RecheckEnded) -> None:
    state.rechecks.open = None
    evidence = _evidence(state, event.candidate)
    match event.purpose:
        case "confirm":
            if event.outcome != "moot":
                before = evidence.confirmed.get(event.variant)
                evidence.confirmed[event.variant] = _rechecked(state, event, before)
            _keep_reference(state, event)
        case "end":
            evidence.at_end = _rechecked(state, event, evidence.at_end)
            _drifted(state, event)
        case "baseline":
            _drifted(state, event)
        case "final":
            evidence.final = _rechecked(state, event, evidence.final)
            return  # it says nothing of the metric
        case _:
            assert_never(event.purpose)
    if event.outcome == "held":
        evidence.repeated += 1
        if event.purpose != "confirm":
            evidence.lost = ""
    elif event.outcome == "failed" and event.purpose != "confirm":
        evidence.lost = event.reason


def _rechecked(state: RunState, event: e.RecheckEnded, before: Rechecked | None) -> Rechecked:
    same = before is not None and before.env == event.env
    return Rechecked(
        outcome=event.outcome,
        reason=event.reason,
        at=state.last_iteration,
        env=event.env,
        value=event.value,
        error=event.error,
        reference=event.reference,
        changed=event.changed,
        tries=before.tries + 1 if before is not None and same else 1,
        decision=event.decision,
        metrics=event.metrics,
    )


def _keep_reference(state: RunState, event: e.RecheckEnded) -> None:
    if event.reference is not None:
        state.rechecks.references[event.variant] = Known(
            value=event.reference, env=event.env, fingerprint=state.fingerprint
        )


def _drifted(state: RunState, event: e.RecheckEnded) -> None:
    """Bring the baseline's drift up to date; where it failed to be measured, that it was tried."""
    drift = state.rechecks.drift
    if drift is None or event.against != state.baseline:
        return
    drift.at = state.last_iteration
    if event.reference is not None:
        drift.now, drift.error = event.reference, event.reference_error
        drift.changed = differs(drift.now, drift.error, drift.first, drift.first_error)
