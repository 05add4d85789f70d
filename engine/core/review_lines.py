"""What events of the mentor say to people: a line each."""

from typing import assert_never

from engine.core import events as e
from engine.core.agent_lines import because, spend_text
from engine.core.decision_lines import words_of
from engine.core.fold_reviews import ReviewEvent
from engine.core.review_events import HeldEvent


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


def held_line(event: HeldEvent) -> str:
    """What a review does to a candidate before its checks, in a line."""
    match event:
        case e.CandidateHeld():
            until = event.until[11:19]
            return f"{event.candidate} waits for a review until {until}: {'; '.join(event.reasons)}"
        case e.CandidateReleased():
            return because(f"{event.candidate} goes on", event.reason)
        case e.CandidateVetoed():
            return because(f"{event.candidate} vetoed by {event.review}", event.reason)
        case e.CandidateReplaced():
            what = words_of(event.replacement)
            return because(f"{event.candidate} replaced by {event.review}: {what}", event.reason)
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
