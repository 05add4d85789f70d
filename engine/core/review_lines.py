"""What events of the mentor say to people: a line each."""

from typing import assert_never

from engine.core import events as e
from engine.core.agent_lines import because, spend_text
from engine.core.fold_reviews import ReviewEvent


def review_line(event: ReviewEvent) -> str:
    """The event in a line."""
    match event:
        case e.ReviewAsked():
            return f"a review is asked for by {event.by}"
        case e.ReviewStarted():
            return f"mentor {event.agent} looks as {event.review}: {'; '.join(event.reasons)}"
        case e.ReviewFinished():
            return _finished(event)
        case e.ReviewInterrupted():
            return f"{event.review} interrupted: {event.reason}"
        case _:
            assert_never(event)


def _finished(event: e.ReviewFinished) -> str:
    spent = spend_text(event.tokens, event.cost_usd)
    took = f"{event.duration_s:.1f} s{f', {spent}' if spent else ''}"
    if event.opinion is None:
        said = event.detail or "; ".join(event.problems)
        return because(f"{event.review} came to nothing in {took}", said)
    words = event.opinion.course.replace("_", " ")
    return because(f"{event.review} {words} in {took}", event.opinion.critique)
