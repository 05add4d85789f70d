"""From events of the mentor to state; a part of `engine.core.fold`."""

from typing import assert_never

from engine.core import events as e
from engine.core.parts import Tokens
from engine.core.reviews.parts import KEPT_REVIEWS, OpenReview, Review
from engine.core.state import RunState

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
            )
        case e.ReviewFinished():
            _finished(state, event)
        case e.ReviewInterrupted():
            reviews.open = None
            _spend(state, event.tokens, event.cost_usd)
        case _:
            assert_never(event)


def note_followed(state: RunState, event: e.AgentFinished) -> None:
    """Remember which reviews an agent says that it follows."""
    if event.answer is None:
        return
    for review in state.reviews.done:
        if review.id in event.answer.follows and event.candidate not in review.followed_by:
            review.followed_by = [*review.followed_by, event.candidate]


def _finished(state: RunState, event: e.ReviewFinished) -> None:
    reviews, begun = state.reviews, state.reviews.open
    _spend(state, event.tokens, event.cost_usd)
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
        )
    )
    del reviews.done[:-KEPT_REVIEWS]


def _spend(state: RunState, tokens: Tokens, cost_usd: float | None) -> None:
    state.spend.tokens = state.spend.tokens.plus(tokens)
    state.reviews.tokens = state.reviews.tokens.plus(tokens)
    if cost_usd is None:
        state.spend.unpriced += tokens.total
    else:
        state.spend.usd += cost_usd
        state.reviews.usd += cost_usd
