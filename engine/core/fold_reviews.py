"""From events of the mentor to state; a part of `engine.core.fold`."""

from collections.abc import Sequence
from typing import Final, assert_never

from engine.core import events as e
from engine.core.fold_spend import add_spend
from engine.core.ids import CandidateId
from engine.core.review_events import HeldEvent
from engine.core.reviews.parts import KEPT_REVIEWS, Held, Instead, OpenReview, Review
from engine.core.state import OpenIteration, RunState

PUT_ASIDE: Final = frozenset({"vetoed", "replaced"})
"""What a review may do to a candidate that keeps it from its checks."""

ReviewEvent = e.ReviewAsked | e.ReviewStarted | e.ReviewFinished | e.ReviewInterrupted


def fold_review(state: RunState, event: ReviewEvent, time: str) -> None:
    """Change the state by what a mentor does."""
    reviews = state.reviews
    match event:
        case e.ReviewAsked():
            reviews.asked_by = event.by
        case e.ReviewStarted():
            reviews.begun += 1
            reviews.asked_by = ""
            reviews.last_at = event.at_iteration
            reviews.open = OpenReview(
                id=event.review,
                agent=event.agent,
                since=time,
                folder=event.folder,
                reasons=event.reasons,
                decision=event.decision,
                candidate=event.candidate,
            )
            for turn in state.open.values():
                if turn.held is not None and turn.candidate == event.candidate:
                    turn.held.review = event.review
            if (held := state.decisions.held) is not None and held.id == event.decision:
                held.review = event.review
        case e.ReviewFinished():
            _finished(state, event)
        case e.ReviewInterrupted():
            reviews.open = None
            _spend(state, event)
        case _:
            assert_never(event)


def fold_held(state: RunState, event: HeldEvent, turn: OpenIteration) -> None:
    """Change the state by what a review does to a candidate before its checks."""
    if isinstance(event, e.CandidateHeld):
        turn.held = Held(until=event.until, reasons=event.reasons)
        return
    if turn.held is None:
        return
    turn.held.why = event.reason
    match event:
        case e.CandidateReleased():
            turn.held.settled = "released"
        case e.CandidateVetoed():
            turn.held.settled = "vetoed"
        case e.CandidateReplaced():
            turn.held.settled = "replaced"
            state.reviews.instead = Instead(
                review=event.review, candidate=event.candidate, decision=event.replacement
            )
        case _:
            assert_never(event)


def put_in_place(
    state: RunState, replaced: CandidateId | None, candidate: CandidateId
) -> Instead | None:
    """What a review put in the place of `replaced`, now that `candidate` is proposed for it."""
    found = state.reviews.instead
    if found is None or found.candidate != replaced:
        return None
    state.reviews.instead = None
    note_follows(state, [found.review], candidate)
    return found


def note_followed(state: RunState, event: e.AgentFinished) -> None:
    """Remember what of reviews an agent says that it follows or answers."""
    if event.answer is not None:
        note_follows(state, event.answer.follows, event.candidate)


def note_follows(state: RunState, follows: Sequence[str], candidate: CandidateId) -> None:
    """Remember what of reviews a candidate is said to follow or answer."""
    for review in state.reviews.done:
        if review.id in follows:
            review.followed_by = _with(review.followed_by, candidate)
        if review.question_id in follows:
            review.answered_by = _with(review.answered_by, candidate)
        review.todos |= {
            todo: _with(names, candidate) for todo, names in review.todos.items() if todo in follows
        }


def note_written_down(state: RunState, event: e.TodoAdded) -> None:
    """Remember which review wrote open work down: it is recorded together with it."""
    if event.role == "mentor" and state.reviews.done:
        review = state.reviews.done[-1]
        review.todos |= {event.todo: []}


def _with(names: list[CandidateId], name: CandidateId) -> list[CandidateId]:
    return names if name in names else [*names, name]


def _finished(state: RunState, event: e.ReviewFinished) -> None:
    reviews, begun = state.reviews, state.reviews.open
    _spend(state, event)
    if begun is None:
        return
    reviews.open = None
    if event.searched:
        reviews.searched_at = reviews.last_at
    reviews.done.append(
        Review(
            id=event.review,
            at_iteration=reviews.last_at,
            since=begun.since,
            reasons=begun.reasons,
            opinion=event.opinion,
            detail=event.detail,
            searched=event.searched,
            decision=begun.decision,
            candidate=begun.candidate,
        )
    )
    del reviews.done[:-KEPT_REVIEWS]


def _spend(state: RunState, event: e.ReviewFinished | e.ReviewInterrupted) -> None:
    outcome = event.outcome if isinstance(event, e.ReviewFinished) else None
    add_spend(state.spend, event.tokens, event.cost_usd, outcome)
    state.reviews.tokens = state.reviews.tokens.plus(event.tokens)
    state.reviews.usd += event.cost_usd or 0.0
