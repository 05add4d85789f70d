"""Decisions that wait for a review: which do, for how long, and what the review does to them. Pure.

Whatever goes wrong with a review, the worker's decision goes on: it is lost to nothing but an
opinion in due time.
"""

from engine.core import events as e
from engine.core.deciding import free_slots
from engine.core.decision_gate import Facts, gate
from engine.core.decision_taking import Means, carried_out
from engine.core.decisions.events import (
    DecisionHeld,
    DecisionReleased,
    DecisionReplaced,
    DecisionVetoed,
)
from engine.core.decisions.parts import SAFE, Decided, Decision
from engine.core.finish.times import unix_s, utc
from engine.core.holding_candidates import candidate_review_due
from engine.core.ids import DecisionId
from engine.core.reviewing import due
from engine.core.reviews.parts import MentorRules, Review
from engine.core.state import RunState


def held(
    state: RunState, name: DecisionId, rules: MentorRules | None, now_s: float
) -> list[e.AnyEvent]:
    """That a decision which passed the gate waits for a review; nothing where it need not."""
    if rules is None or not rules.holds:
        return []
    reasons = due(state, rules)
    until = utc(now_s + rules.wait_s)
    return [DecisionHeld(decision=name, until=until, reasons=reasons)] if reasons else []


def review_due(state: RunState, rules: MentorRules) -> list[str]:
    """Why a review is due now, in words; where decisions wait for reviews, it waits for them too.

    Else it would begin a moment before the decision is known that it is to look at.
    """
    if rules.candidates:
        return candidate_review_due(state, rules)
    waiting = state.decisions.held
    if waiting is not None and not waiting.review and state.reviews.open is None:
        return waiting.held_for
    reasons = due(state, rules)
    return [] if rules.holds and _about_to_decide(state) else reasons


def settled(
    state: RunState, rules: MentorRules, means: Means, facts: Facts, *, over: bool
) -> list[e.AnyEvent]:
    """What becomes of the decision that waits; nothing where it goes on waiting.

    Args:
        state: the run.
        rules: the mentor's.
        means: by what a replacement is judged.
        facts: what was looked up of it.
        over: whether no iteration begins any more.
    """
    waiting = state.decisions.held
    if waiting is None or waiting.decision is None:
        return []
    review = next((each for each in state.reviews.done if each.decision == waiting.id), None)
    if review is not None:
        return _reviewed(state, waiting, review, rules, (means, facts))
    if over:
        return [_goes_on(waiting, "nothing begins any more")]
    if means.now_s >= unix_s(waiting.held_until):
        return [_goes_on(waiting, f"there was no review within {rules.wait_s:g} s")]
    under_way = state.reviews.open is not None and state.reviews.open.decision == waiting.id
    if waiting.review and not under_way:
        return [_goes_on(waiting, f"review {waiting.review} was cut off")]
    return []


def replacement_of(state: RunState) -> Decision | None:
    """What a review would do in the place of the worker whose decision waits."""
    waiting = state.decisions.held
    for review in state.reviews.done:
        if waiting is not None and review.decision == waiting.id and review.opinion is not None:
            return review.opinion.replacement
    return None


def _about_to_decide(state: RunState) -> bool:
    made = state.decisions
    return made.open is not None or (free_slots(state) > 0 and not made.waits_until)


def _goes_on(waiting: Decided, reason: str, review: Review | None = None) -> DecisionReleased:
    return DecisionReleased(
        decision=waiting.id, reason=reason, review=None if review is None else review.id
    )


def _reviewed(
    state: RunState,
    waiting: Decided,
    review: Review,
    rules: MentorRules,
    judge: tuple[Means, Facts],
) -> list[e.AnyEvent]:
    said = review.opinion
    if said is None:
        return [_goes_on(waiting, f"{review.id} came to nothing: {review.detail}"[:400], review)]
    if said.course == "on_track":
        return [_goes_on(waiting, f"{review.id}: on track", review)]
    if rules.policy == "veto":
        return [_vetoed(state, waiting, review, said.critique)]
    if said.replacement is None:
        why = f": {review.detail}" if review.detail else ""
        return [_goes_on(waiting, f"{review.id} names nothing else to do{why}"[:400], review)]
    return _replaced(state, waiting, review, said.replacement, judge)


def _vetoed(state: RunState, waiting: Decided, review: Review, critique: str) -> e.AnyEvent:
    """A veto, but not twice in a row: the worker has heard it, and knows more than before."""
    done = state.decisions.done
    if done and done[-1].status == "vetoed":
        return _goes_on(waiting, f"{review.id}: off track, as before; the worker insists", review)
    return DecisionVetoed(decision=waiting.id, review=review.id, reason=critique[:400])


def _replaced(
    state: RunState,
    waiting: Decided,
    review: Review,
    other: Decision,
    judge: tuple[Means, Facts],
) -> list[e.AnyEvent]:
    means, facts = judge
    if other.action not in SAFE:
        other = means.ground.completed(other, state)
    issues = gate(state, other, means.rules.gate, means.ground, facts)
    if issues:
        why = "; ".join(issue.text for issue in issues)
        reason = f"what {review.id} would do does not pass the gate: {why}"
        return [_goes_on(waiting, reason[:400], review)]
    said = review.opinion
    replaced = DecisionReplaced(
        decision=waiting.id,
        review=review.id,
        replacement=other,
        reason=said.critique[:400] if said else "",
    )
    taken = carried_out(state, waiting.id, other, means) if other.action in SAFE else []
    return [replaced, *taken]
