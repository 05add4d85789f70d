"""What was to be done and what a review said of it, side by side."""

import textwrap
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from engine.core.decision_lines import words_of
from engine.core.decisions.parts import Decided
from engine.core.reviews.parts import Review
from engine.core.state import Candidate, RunState
from tui.views.board import differences

MOST: Final = 12
"""So many are kept for the card, the newest first."""

NARROWEST: Final = 24
_BECAME: Final = {
    "held": "waits for the review",
    "ready": "goes on",
    "taken": "was carried out",
    "blocked": "was blocked by the gate",
    "vetoed": "came to nothing",
    "failed": "failed",
    "dropped": "was dropped",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision or a candidate that a review looked at, by its id; and what became of it."""

    id: str
    own: tuple[str, ...]
    review: str
    mentors: tuple[str, ...]
    became: str


@dataclass(frozen=True, slots=True)
class ChoicesView:
    """The newest ones, the newest first."""

    rows: tuple[Choice, ...] = ()


def choices_of(state: RunState | None) -> ChoicesView:
    """All that reviews looked at before it was carried out."""
    if state is None:
        return ChoicesView()
    made = state.decisions
    decided = [each for each in [*made.done, made.pending] if each is not None and each.review]
    found = [(_number(each.review), _decision(state, each)) for each in decided]
    found += [
        (_number(review.id), _candidate(state, review, state.candidates[review.candidate]))
        for review in state.reviews.done
        if review.candidate is not None and review.candidate in state.candidates
    ]
    newest = sorted(found, key=lambda pair: -pair[0])[:MOST]
    return ChoicesView(tuple(choice for _, choice in newest))


def choice_lines(view: ChoicesView, width: int) -> list[str]:
    """The card's text: a head, two columns and a last line for each, in `width` cells."""
    half = max(NARROWEST, (width - 3) // 2)
    lines: list[str] = []
    for row in view.rows:
        lines += [_beside(f"worker, {row.id}", f"mentor, {row.review}", half)]
        left, right = (_wrapped(texts, half) for texts in (row.own, row.mentors))
        lines += [_beside(*pair, half) for pair in zip_longest(left, right, fillvalue="")]
        lines += [f"→ {row.became}", ""]
    return lines[:-1] if lines else ["No review has looked at a decision or a candidate yet."]


def _decision(state: RunState, made: Decided) -> Choice:
    own = made.own or made.decision
    review = next((each for each in state.reviews.done if each.id == made.review), None)
    replaced = made.own is not None
    said = _said(review, words_of(made.decision) if replaced and made.decision else "")
    began = f", as iteration {made.iteration}" if made.iteration is not None else ""
    became = _BECAME[made.status] if not replaced else "the mentor's took its place"
    detail = f": {made.detail}" if made.detail and made.status == "ready" and not replaced else ""
    return Choice(
        id=made.id,
        own=() if own is None else tuple(filter(None, (words_of(own), own.rationale))),
        review=made.review,
        mentors=said,
        became=f"{became}{began}{detail}",
    )


def _candidate(state: RunState, review: Review, one: Candidate) -> Choice:
    baseline = state.first()
    answer = one.code.answer if one.code else None
    changed = differences(one.parameters, baseline.parameters if baseline else {})
    own = (answer.hypothesis, answer.summary) if answer else (changed or one.proposer,)
    said = review.opinion
    instead = words_of(said.replacement) if said and said.replacement else ""
    placed = [each.id for each in state.candidates.values()
              if each.instead is not None and each.instead.review == review.id]  # fmt: skip
    became = one.verdict or "is under way"
    reason = f": {one.reason.splitlines()[0]}" if one.reason else ""
    then = f"; in its place {', '.join(placed)}" if placed else ""
    return Choice(
        id=one.id,
        own=tuple(filter(None, own)),
        review=review.id,
        mentors=_said(review, instead),
        became=f"{became}{reason}{then}",
    )


def _said(review: Review | None, instead: str) -> tuple[str, ...]:
    if review is None:
        return ("is looking",)
    if review.opinion is None:
        return (f"came to nothing: {review.detail}",)
    said = review.opinion
    placed = f"instead: {instead}" if instead else ""
    why = said.replacement.rationale if instead and said.replacement else ""
    return tuple(filter(None, (said.course.replace("_", " "), said.critique, placed, why)))


def _number(review: str) -> int:
    digits = review.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0


def _wrapped(texts: tuple[str, ...], width: int) -> list[str]:
    clean = ("".join(each if each.isprintable() else " " for each in text) for text in texts)
    return [part for text in clean for part in textwrap.wrap(text, width)]


def _beside(left: str, right: str, half: int) -> str:
    return f"{left:<{half}} │ {right}".rstrip()
