"""What is measured again outside of iterations, which step comes next, and what it came to.

Everything is compared with the fixed baseline: it never moves, its value under a variant serves
all champions, and a gain over it is the one that a report speaks of.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from engine.core.confidence import Variant, confirmation, declared, is_demoted, refuted
from engine.core.events import CheckFinished, RecheckBegun, RecheckEnded
from engine.core.gates import vetoes
from engine.core.measuring import drawn_of, in_turn
from engine.core.plan import Plan, PlannedCheck, PlannedReferee
from engine.core.recheck_events import Purpose
from engine.core.recheck_results import compared_again, ended
from engine.core.rechecked import Recheck
from engine.core.resources import within
from engine.core.state import Candidate, OpenIteration, RunState
from engine.core.steps import DrawPair, RunCheck, TakeTurns, Wait
from engine.core.verdicts import metrics_of

RecheckStep = RunCheck | DrawPair | TakeTurns | Wait | RecheckEnded

_FEWEST_RETRIES: Final = 2
"""What fails for want of the machine is tried so often again at least: nothing else would."""
_MOST_TRIES: Final = 3
_CHEAP_S: Final = 600.0


def due(state: RunState, plan: Plan, slot: int) -> RecheckBegun | None:
    """What is to be measured again now, between two iterations; None where nothing is."""
    first = state.first()
    if state.rechecks.open or state.fatal is not None or state.ends_by_halt:
        return None
    if state.finish is not None and state.finish.closes:
        return None
    if first is None or first.verdict != "promoted" or first.value is None:
        return None
    return _to_confirm(state, slot) or _to_watch(state, plan, slot)


def due_at_end(
    state: RunState, plan: Plan, slot: int, most: int | None = None
) -> RecheckBegun | None:
    """The next leader to be measured before the run is called finished; None where all were.

    Once all were measured their final checks come, and last the baseline's, to compare with.

    Args:
        state: the run.
        plan: how candidates are measured.
        slot: where.
        most: how many leaders; None for as many as the referee says.
    """
    leaders = _how_many(state, plan.referee) if plan.referee else 0
    for leader in _leaders(state)[: leaders if most is None else most]:
        last = state.rechecks.of(leader.id).at_end
        if leader.id != state.baseline and (last is None or last.at != state.last_iteration):
            return _wish(state, leader, "end", slot)
    return _final(state, plan, slot, most)


def _final(state: RunState, plan: Plan, slot: int, most: int | None) -> RecheckBegun | None:
    """The next of whom the final checks are due: of the champion at least, where there is time."""
    if most == 0:
        return None
    leaders = (_how_many(state, plan.referee) if plan.referee else 0) if most is None else most
    # What an earlier finish had no time for is made good by an end that has.
    left = to_be_tested(state, plan, leaders, again=most is None)
    return _wish(state, left[0], "final", slot) if left else None


def to_be_tested(
    state: RunState, plan: Plan, leaders: int, *, again: bool = False
) -> list[Candidate]:
    """Who has not met the final checks since the last iteration: leaders, last the baseline.

    Args:
        state: the run.
        plan: its checks.
        leaders: how many meet them; the champion at least.
        again: also those that were kept from them by the machine or by the time, a few times.
    """
    if not plan.final or state.baseline is None:
        return []
    tested = _leaders(state)[: max(1, leaders)]
    first = state.candidates[state.baseline]
    wanted = (*tested, *([first] if first.scored and first not in tested else []))
    return [each for each in wanted if _is_untested(state, each, again=again)]


def _is_untested(state: RunState, candidate: Candidate, *, again: bool) -> bool:
    last = state.rechecks.of(candidate.id).final
    if last is None or last.at != state.last_iteration:
        return True
    return again and last.outcome == "infra" and last.tries < _MOST_TRIES


def _how_many(state: RunState, referee: PlannedReferee) -> int:
    """How many leaders are measured: as many as are asked for, or one where that is cheap."""
    if referee.leaders is not None:
        return referee.leaders
    return int(takes_s(state, referee) <= _CHEAP_S)


def leader_s(state: RunState, plan: Plan) -> float:
    """Seconds that a leader may take at the end, its final checks included."""
    if plan.referee is None:
        return 0.0
    measuring_s = takes_s(state, plan.referee)
    if not plan.final:
        return measuring_s
    noisy = plan.referee.noisy and state.noise is not None
    return measuring_s + (state.noise.pair_s / 2 if noisy and state.noise else measuring_s)


def takes_s(state: RunState, referee: PlannedReferee) -> float:
    """Seconds that measuring a leader may take, by what measuring took before."""
    if referee.noisy and state.noise is not None:
        return state.noise.pair_s * referee.design.first
    return state.checks_s / max(1, state.ended_iterations)


def _to_confirm(state: RunState, slot: int) -> RecheckBegun | None:
    champion = state.best()
    if champion is None or champion.id == state.baseline or refuted(state, champion):
        return None
    evidence = state.rechecks.of(champion.id)
    for variant in declared(state):
        last = confirmation(evidence, variant)
        again = last is not None and last.outcome == "infra" and last.tries < _MOST_TRIES
        if last is None or (again and last.at < state.last_iteration):
            return _wish(state, champion, "confirm", slot, variant)
    return None


def _to_watch(state: RunState, plan: Plan, slot: int) -> RecheckBegun | None:
    """The baseline, where its last measurement is old; with noise the champion beside it."""
    every = plan.referee.baseline_every if plan.referee else 0
    drift, first, champion = state.rechecks.drift, state.first(), state.best()
    if not every or drift is None or first is None or state.last_iteration - drift.at < every:
        return None
    noisy = plan.referee is not None and plan.referee.noisy
    return _wish(state, champion if noisy and champion else first, "baseline", slot)


def _leaders(state: RunState) -> list[Candidate]:
    """The champion, then the others by their values."""
    scored = [each for each in state.candidates.values() if each.scored and not is_demoted(each)]
    fit = [each for each in scored if each.verdict != "infeasible"]
    return sorted(
        fit,
        key=lambda each: (each.id != state.champion, state.metric.sort_key(each.value or 0.0)),
    )


def _wish(
    state: RunState,
    candidate: Candidate,
    purpose: Purpose,
    slot: int,
    variant: Variant = ("", {}),
) -> RecheckBegun:
    assert state.baseline is not None  # noqa: S101  (it comes first)
    return RecheckBegun(
        recheck=state.rechecks.number + 1,
        iteration=candidate.iteration,
        candidate=candidate.id,
        against=state.baseline,
        purpose=purpose,
        slot=slot,
        variant=variant[0],
        env=variant[1],
    )


def next_recheck_step(state: RunState, again: Recheck, plan: Plan, now_s: float) -> RecheckStep:
    """What comes next for a candidate that is being measured again, or what it came to.

    Args:
        state: the run.
        again: what is open.
        plan: the checks and the referee.
        now_s: seconds since 1970.
    """
    step = (
        _moot(state, again)
        or _after_failure(again, plan, now_s)
        or _checks_left(again, plan)
        or _tested(again, plan)
        or compared_again(state, again, plan)
    )
    step = in_turn(state, again.turn, plan, step) if isinstance(step, RunCheck) else step
    return within(state, again.turn, plan, step) if isinstance(step, RunCheck) else step


def _moot(state: RunState, again: Recheck) -> RecheckEnded | None:
    """The end of what is cut off, or of a confirmation of one that is champion no more."""
    if again.turn.cut:
        return ended(again, "infra", again.turn.cut)
    candidate = state.candidates[again.candidate]
    if again.purpose != "confirm" or candidate.reigned:
        return None
    return ended(again, "moot", f"{candidate.id} is not champion any more: {candidate.ruled}")


def _after_failure(
    again: Recheck, plan: Plan, now_s: float
) -> RunCheck | Wait | RecheckEnded | None:
    """What a check that failed means: once more, where it failed for want of the machine."""
    turn = again.turn
    last = next((each[-1] for each in (turn.halves, turn.finished) if each), None)
    if last is None or last.outcome != "failed":
        return None
    if last.voided:
        return ended(again, "infra", last.voided)
    known = {check.name: check for check in (*plan.checks, *plan.final)}
    check = known.get(last.check) or PlannedCheck(name=last.check)
    failed = _times(turn, last)
    if last.verdict == "infra" and failed <= max(check.retries, _FEWEST_RETRIES):
        begun_s = datetime.fromisoformat(turn.finished_at).timestamp()
        until_s = begun_s + check.backoff_s * 2 ** (failed - 1)
        once_more = RunCheck(name=last.check, half=last.half)
        return once_more if until_s <= now_s else Wait(until_s=until_s, reason=last.detail)
    return _failed(again, last)


def _times(turn: OpenIteration, last: CheckFinished) -> int:
    return sum(
        (each.check, each.half, each.outcome) == (last.check, last.half, "failed")
        for each in (*turn.finished, *turn.halves)
    )


def _failed(again: Recheck, last: CheckFinished) -> RecheckEnded:
    """What a failure says of the candidate: nothing, where the machine or the baseline failed."""
    why = f"{last.check}: {last.detail}"
    if last.verdict in ("infra", "inconclusive"):
        return ended(again, last.verdict, why)
    if last.half is not None and last.half.role == "champion":
        return ended(again, "inconclusive", f"the baseline, {again.against}, fails: {why}")
    if last.half is not None and not last.half.prepares:
        return ended(again, "failed", f"it passed, and failed in pair {last.half.pair}: {why}")
    return ended(again, "failed", why)


def _checks_left(again: Recheck, plan: Plan) -> RunCheck | RecheckEnded | None:
    """The next check of the candidate itself; what gates say of it once it passed them all."""
    passed = {report.check for report in again.turn.finished if report.outcome != "failed"}
    for name in _checks_of(again, plan):
        if name not in passed:
            return RunCheck(name=name)
    if again.purpose != "confirm":
        return None
    # What is relative to a champion means something for its own workload only.
    why = vetoes(plan.gates, metrics_of(again.turn.finished), None)
    return ended(again, "failed", "; ".join(why)) if why else None


def _tested(again: Recheck, plan: Plan) -> RecheckEnded | None:
    """What the final checks came to, all of which have passed; None for any other purpose."""
    if again.purpose != "final":
        return None
    names = {check.name for check in plan.final}
    metrics = metrics_of([each for each in again.turn.finished if each.check in names])
    told = ", ".join(f"{name} {value:.6g}" for name, value in metrics.items())
    found = ended(again, "held", told or "its final checks pass")
    return msgspec.structs.replace(found, metrics=metrics)


def _checks_of(again: Recheck, plan: Plan) -> Sequence[str]:
    """The checks that are run for the candidate itself, before or without pairs."""
    always = [check.name for check in plan.checks if check.when == "always"]
    referee = plan.referee
    if again.purpose == "final":
        ready = referee.prepare if referee is not None else ()
        return (*ready, *(check.name for check in plan.final))
    if again.purpose == "confirm" or referee is None:
        return always
    if referee.noisy:  # in one tree it is made ready before each half
        return () if referee.one_tree else referee.prepare
    return (*referee.prepare, referee.check)


def seed_of_pair(seed: int, again: Recheck, pair: int) -> int:
    """The seed of both halves of a pair: 31 bits that no earlier measurement had.

    Args:
        seed: the run's, from which it follows where chance was not asked.
        again: what is measured again.
        pair: which one.
    """
    if (drawn := drawn_of(again.turn, again.against, pair)) is not None:
        return drawn.seed
    digest = hashlib.blake2b(f"again/{seed}/{again.number}/{pair}".encode(), digest_size=4)
    return int.from_bytes(digest.digest(), "big") >> 1
