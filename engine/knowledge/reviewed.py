"""What became of a mentor's reviews, and what the next prompts say of the newest one. Pure.

Advice, a question and open work are each followed by their id: somebody named it, or nobody did.
"""

from collections.abc import Container
from typing import Final, Literal

import msgspec

from engine.core.ids import CandidateId, TodoId
from engine.core.reviews.parts import Instead, Review
from engine.core.state import RunState
from engine.knowledge.past import Trial, trials
from engine.knowledge.wording import one_line, percent

Kind = Literal["advice", "question", "open work"]

IGNORED_AFTER: Final = 4
"""Advice that so many iterations did not follow counts as ignored."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a review's advice, its question or its open work.

    `gain` is the share by which the candidates that followed it made the metric better, all those
    together that became champion; 0 where none did.
    """

    word: str
    gain: float = 0.0


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a review said, by its id, and what became of it by whom."""

    id: str
    kind: Kind
    text: str
    outcome: Outcome
    followed_by: list[CandidateId]


class Effects(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the mentor helps: of each kind how much was said, and how much of it followed.

    `with_share` of the iterations that followed something became champion, `without_share` of all
    others; None where there were none. `gain` is what those that followed gained together.
    """

    said: dict[Kind, int]
    adopted: dict[Kind, int]
    gain: float
    with_share: float | None
    without_share: float | None


def outcome_of(state: RunState, review: Review) -> Outcome:
    """Whether the advice of a review was followed, and its gain."""
    if review.opinion is None:
        return Outcome(word="failed")
    if not review.opinion.advice:
        return Outcome(word="no advice")
    return _outcome(state, review, review.followed_by)


def said_by(state: RunState, review: Review) -> list[Said]:
    """All that a review said which somebody could follow."""
    opinion = review.opinion
    if opinion is None:
        return []
    found: list[tuple[str, Kind, str, list[CandidateId]]] = [
        (review.id, "advice", opinion.advice, review.followed_by),
        (review.question_id, "question", opinion.question, review.answered_by),
        *((name, "open work", _todo_text(state, name), by) for name, by in review.todos.items()),
    ]
    return [
        Said(
            id=name,
            kind=kind,
            text=text,
            outcome=_outcome(state, review, by, done=kind == "open work" and _done(state, name)),
            followed_by=by,
        )
        for name, kind, text, by in found
        if text
    ]


def effects_of(state: RunState) -> Effects:
    """What all reviews together came to."""
    every = [one for review in state.reviews.done for one in said_by(state, review)]
    kinds: tuple[Kind, ...] = ("advice", "question", "open work")
    adopted = [one for one in every if one.outcome.word == "adopted"]
    followers = {name for one in adopted for name in one.followed_by}
    judged = [
        trial for trial in trials(state) if trial.reference is not None
    ]  # the baseline has none
    return Effects(
        said={kind: sum(one.kind == kind for one in every) for kind in kinds},
        adopted={kind: sum(one.kind == kind for one in adopted) for kind in kinds},
        gain=_gain(state, followers),
        with_share=_won([trial for trial in judged if trial.id in followers]),
        without_share=_won([trial for trial in judged if trial.id not in followers]),
    )


def became_of(state: RunState, review: Review) -> str:
    """The same in words."""
    found = outcome_of(state, review)
    if found.word != "adopted":
        return found.word
    who = ", ".join(review.followed_by[:4])
    return f"adopted by {who}, gain {percent(found.gain)}"


def said_words(one: Said) -> str:
    """One thing that was said, and what became of it."""
    who = f" by {', '.join(one.followed_by[:4])}" if one.followed_by else ""
    gain = f", gain {percent(one.outcome.gain)}" if one.outcome.word == "adopted" else ""
    return f"{one.kind} {one.id}, {one.outcome.word}{who}{gain}: {one.text}"


def effects_words(found: Effects) -> str:
    """Whether the mentor helps, in a sentence; empty where it said nothing to be followed."""
    parts = [f"{kind} {found.adopted[kind]} of {said}" for kind, said in found.said.items() if said]
    if not parts:
        return ""
    shares = [
        f"{100 * share:.3g} % of the iterations {which} became champion"
        for which, share in (("that did", found.with_share), ("that did not", found.without_share))
        if share is not None
    ]
    return f"Followed: {', '.join(parts)}; gain {percent(found.gain)}. {'; '.join(shares)}."


def waited_words(state: RunState, review: Review) -> str:
    """What became of the candidate that waited for a review before its checks."""
    if review.candidate is None:
        return ""
    one = state.candidates.get(review.candidate)
    by = ", ".join(
        each.id
        for each in state.candidates.values()
        if each.instead is not None and each.instead.review == review.id
    )
    placed = f"; in its place {by}" if by else ""
    became = "it waits" if one is None or one.verdict is None else str(one.verdict)
    return f"{review.candidate} waited for it: {became}{placed}"


def instead_lines(instead: Instead | None) -> list[str]:
    """What an agent is to do in the place of a change that a review put aside."""
    if instead is None:
        return []
    said = instead.decision
    what = ": ".join(filter(None, [said.label, said.rationale]))
    return [
        f"{instead.review} put {instead.candidate} aside before it was checked. In its place, do "
        f"this now, and put {instead.review} into `follows`: {one_line(what, 1_100)}"
    ]


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
            f"- its question, to be answered in your summary, with {review.question_id} in "
            f"`follows`: {one_line(said.question, 400)}"
        )
    if said.advice:
        lines.append(f"- its advice: {one_line(said.advice, 500)}")
        lines.append(f"- you decide; if your change follows it, put {review.id} into `follows`.")
    return lines


def _todo_text(state: RunState, name: str) -> str:
    todo = state.memory.todos.get(TodoId(name))
    return todo.text if todo else "resolved long ago"


def _done(state: RunState, name: str) -> bool:
    todo = state.memory.todos.get(TodoId(name))
    return todo is None or todo.resolved is not None


def _outcome(
    state: RunState, review: Review, by: list[CandidateId], *, done: bool = False
) -> Outcome:
    if by:
        return Outcome(word="adopted", gain=_gain(state, by))
    if done:
        return Outcome(word="resolved")
    waited = state.ended_iterations - review.at_iteration
    return Outcome(word="ignored" if waited >= IGNORED_AFTER else "open")


def _gain(state: RunState, followers: Container[CandidateId]) -> float:
    share = 1.0
    for trial in trials(state):
        if trial.verdict == "promoted" and trial.id in followers and trial.gain is not None:
            share *= 1 + trial.gain
    return share - 1


def _won(judged: list[Trial]) -> float | None:
    if not judged:
        return None
    return sum(trial.verdict == "promoted" for trial in judged) / len(judged)
