"""What the status of a run says of its mentor. Pure."""

import msgspec

from engine.core.reviewing import signals
from engine.core.reviews.parts import Course, Signals
from engine.core.state import RunState
from engine.knowledge.reviewed import Effects, effects_of


class MentorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How often it looked, what it said last, what speaks for a look now, and whether it helps.

    `open` is the id of the review that is under way.
    """

    reviews: int
    open: str | None
    course: Course | None
    signals: Signals
    effects: Effects


def mentor_status(state: RunState | None) -> MentorStatus | None:
    """None where no mentor looks at the run."""
    if state is None or not state.document.get("mentor"):
        return None
    reviews = state.reviews
    newest = reviews.newest.opinion if reviews.newest else None
    return MentorStatus(
        reviews=reviews.begun,
        open=reviews.open.id if reviews.open else None,
        course=newest.course if newest else None,
        signals=signals(state),
        effects=effects_of(state),
    )
