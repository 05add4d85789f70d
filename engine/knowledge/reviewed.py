"""What became of a mentor's reviews, and what the next prompts say of the newest one. Pure."""

from typing import Final

import msgspec

from engine.core.reviews.parts import Review
from engine.core.state import RunState
from engine.knowledge.past import trials
from engine.knowledge.wording import one_line, percent

IGNORED_AFTER: Final = 4
"""Advice that so many iterations did not follow counts as ignored."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a review's advice.

    `gain` is the share by which the candidates that followed it made the metric better, all those
    together that became champion; 0 where none did.
    """

    word: str
    gain: float = 0.0


def outcome_of(state: RunState, review: Review) -> Outcome:
    """Whether the advice of a review was followed, and its gain."""
    if review.opinion is None:
        return Outcome(word="failed")
    if not review.opinion.advice:
        return Outcome(word="no advice")
    if review.followed_by:
        return Outcome(word="adopted", gain=_gain(state, review))
    waited = state.ended_iterations - review.at_iteration
    return Outcome(word="ignored" if waited >= IGNORED_AFTER else "open")


def became_of(state: RunState, review: Review) -> str:
    """The same in words."""
    found = outcome_of(state, review)
    if found.word != "adopted":
        return found.word
    who = ", ".join(review.followed_by[:4])
    return f"adopted by {who}, gain {percent(found.gain)}"


def newest_lines(state: RunState) -> list[str]:
    """What a worker is told of the newest review; none where that was long ago."""
    review = state.reviews.newest
    if review is None or review.opinion is None:
        return []
    if state.ended_iterations - review.at_iteration > 2 * IGNORED_AFTER:
        return []
    said = review.opinion
    head = f"Review {review.id}, after {review.at_iteration} iterations: {said.course}."
    lines = [head, f"- {one_line(said.critique, 900)}"]
    if said.question:
        lines.append(
            f"- its question, to be answered in your summary: {one_line(said.question, 400)}"
        )
    if said.advice:
        lines.append(f"- its advice: {one_line(said.advice, 500)}")
        lines.append(f"- you decide; if your change follows it, put {review.id} into `follows`.")
    return lines


def _gain(state: RunState, review: Review) -> float:
    share = 1.0
    for trial in trials(state):
        won = trial.verdict == "promoted" and trial.gain is not None
        if won and trial.id in review.followed_by and trial.gain is not None:
            share *= 1 + trial.gain
    return share - 1
