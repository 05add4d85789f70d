"""Candidates that wait for a review before their checks, where no worker decides. Pure.

The point is where what is to be tried is known and nothing was spent on judging it: an agent's
change once it is a commit, parameters once they are proposed. Whatever goes wrong with a review,
the candidate goes on; what a review puts aside lies under a private ref, and can be restored.
"""

from typing import Final

from engine.core import events as e
from engine.core.finish.times import unix_s, utc
from engine.core.finishing import FINAL
from engine.core.fold_reviews import PUT_ASIDE
from engine.core.ids import CandidateId
from engine.core.measuring import SYNC
from engine.core.plan import Plan
from engine.core.reviewing import due
from engine.core.reviews.parts import Held, MentorRules, Review
from engine.core.state import Candidate, OpenIteration, RunState
from engine.core.steps import HoldUp, Settle, Wait
from engine.core.stopping import ending
from engine.core.verdicts import verdict_of

BY: Final = "mentor"
_RESTORED: Final = "restored"
_LEFT_ALONE: Final = frozenset({SYNC, FINAL, _RESTORED})
"""Tags of candidates that are no idea of the moment, or that a person wants to be tried."""


def review_step(
    state: RunState, turn: OpenIteration, plan: Plan, now_s: float
) -> HoldUp | Settle | Wait | e.VerdictReached | None:
    """What a review has to do with the iteration before its checks; None where it has nothing.

    Args:
        state: the run.
        turn: an open iteration, whose candidate is complete.
        plan: says which candidates wait for the mentor.
        now_s: seconds since 1970.
    """
    held = turn.held
    if held is not None and held.settled in PUT_ASIDE:
        did = "vetoed" if held.settled == "vetoed" else "replaced"
        reason = f"{did} by {held.review}, before its checks: {held.why}"
        return verdict_of(state, turn, "inconclusive", reason)
    rules = plan.mentor
    if held is not None and not held.settled:
        return _waiting(state, turn, held, rules, now_s)
    if held is not None or rules is None or not _may_wait(state, turn, rules):
        return None
    reasons = due(state, rules)
    return HoldUp(reasons=reasons, until_s=now_s + rules.wait_s) if reasons else None


def recorded(turn: OpenIteration, step: HoldUp | Settle) -> list[e.AnyEvent]:
    """The events of such a step; what an agent made and may not be checked is put aside."""
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    number, name = turn.iteration, turn.candidate
    if isinstance(step, HoldUp):
        until = utc(step.until_s)
        return [
            e.CandidateHeld(iteration=number, candidate=name, until=until, reasons=step.reasons)
        ]
    why = f"{step.review}: {step.reason}"
    put_aside = e.StashRequested(iteration=number, reason=why, by=BY)
    aside = [put_aside] if turn.change is not None else []
    if step.review is None or step.outcome == "released":
        return [
            e.CandidateReleased(
                iteration=number, candidate=name, reason=step.reason, review=step.review
            )
        ]
    if step.replacement is None:
        vetoed = e.CandidateVetoed(
            iteration=number, candidate=name, review=step.review, reason=step.reason
        )
        return [vetoed, *aside]
    replaced = e.CandidateReplaced(
        iteration=number,
        candidate=name,
        review=step.review,
        replacement=step.replacement,
        reason=step.reason,
    )
    return [replaced, *aside]


def candidate_review_due(state: RunState, rules: MentorRules) -> list[str]:
    """Why a review is due now where candidates wait for reviews: it waits for one of them, too.

    It does not where a person asked for it, where nothing but failures comes, and where it is so
    late that no candidate seems to come.
    """
    turn = waiting_turn(state)
    if turn is not None and turn.held is not None:
        under_way = turn.held.review or state.reviews.open is not None
        return [] if under_way else turn.held.reasons
    reasons = due(state, rules)
    since = state.ended_iterations - state.reviews.last_at
    late = 0 < 2 * rules.every <= since or state.failures_in_a_row >= rules.failures
    return reasons if late or state.reviews.asked_by or not rules.holds else []


def waiting_turn(state: RunState) -> OpenIteration | None:
    """The iteration whose candidate waits for a review."""
    return next((turn for turn in state.open.values() if turn.waits_for_review), None)


def waiting_candidate(state: RunState) -> CandidateId | None:
    """The candidate that waits for a review."""
    turn = waiting_turn(state)
    return turn.candidate if turn is not None else None


def _may_wait(state: RunState, turn: OpenIteration, rules: MentorRules) -> bool:
    """Whether the iteration's candidate is one that a review may keep from its checks."""
    assert turn.candidate is not None  # noqa: S101  (proposed in the iteration's transaction)
    one = state.candidates[turn.candidate]
    if not (rules.candidates and rules.holds) or one.id == state.baseline:
        return False
    begun = turn.finished or turn.halves or turn.check or turn.attempt or turn.mended
    if begun or _carried_over(turn, one) or one.instead is not None or _LEFT_ALONE & {*one.tags}:
        return False
    return waiting_turn(state) is None and not state.reviews.put_aside


def _carried_over(turn: OpenIteration, one: Candidate) -> bool:
    """Whether its change was put on another champion: it was reviewed, or checked, before."""
    change, code = turn.change, one.code
    return change is not None and code is not None and code.commit != change.commit


def _waiting(
    state: RunState, turn: OpenIteration, held: Held, rules: MentorRules | None, now_s: float
) -> Settle | Wait:
    if rules is None or not rules.candidates:
        return _goes_on("the campaign lets nothing wait for reviews any more")
    review = next((each for each in state.reviews.done if each.candidate == turn.candidate), None)
    if review is not None:
        return _reviewed(state, review, rules)
    if now_s >= unix_s(held.until):
        return _goes_on(f"there was no review within {rules.wait_s:g} s")
    begun = state.reviews.open
    if held.review and (begun is None or begun.candidate != turn.candidate):
        return _goes_on(f"review {held.review} was cut off")
    return Wait(until_s=unix_s(held.until), reason=f"a review of {turn.candidate}")


def _reviewed(state: RunState, review: Review, rules: MentorRules) -> Settle:
    said = review.opinion
    if said is None:
        return _goes_on(f"{review.id} came to nothing: {review.detail}", review)
    if said.course == "on_track":
        return _goes_on(f"{review.id}: on track", review)
    why = said.critique[:400]
    if rules.policy == "veto":
        return Settle(outcome="vetoed", reason=why, review=review.id)
    if said.replacement is None:
        detail = f": {review.detail}" if review.detail else ""
        return _goes_on(f"{review.id} names nothing else to do{detail}", review)
    if ending(state, 0.0) is not None:
        return _goes_on(f"nothing begins any more that {review.id} could put in its place", review)
    return Settle(outcome="replaced", reason=why, review=review.id, replacement=said.replacement)


def _goes_on(reason: str, review: Review | None = None) -> Settle:
    name = None if review is None else review.id
    return Settle(outcome="released", reason=reason[:400], review=name)
