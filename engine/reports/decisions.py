"""A worker's decisions as their events tell them: what was decided, and what became of it. Pure."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from engine.core import events as e
from engine.core.decisions import events as d
from engine.core.decisions.parts import Decision, Issue, Status
from engine.core.ids import CandidateId, DecisionId, IterationNumber, ReviewId
from engine.core.reviews.parts import Course


class ReviewHeard(msgspec.Struct, frozen=True, kw_only=True):
    """The review that a decision waited for; without a `course` it came to nothing."""

    id: ReviewId
    course: Course | None = None
    critique: str = ""


class DecisionTold(msgspec.Struct, kw_only=True):
    """A question to the worker, and all that came of it.

    `decision` is what was carried out, or would have been; `own` is what the worker itself decided
    where a review put another in its place. `problems` are what was wrong with its answer.
    `iteration` is the one that it began or stopped, `verdict` and `value` what that came to. A
    wait lasted until `until`.
    """

    id: DecisionId
    asked: str
    at_iteration: int
    reasons: list[str]
    agent: str
    status: Status | Literal["open", "interrupted"] = "open"
    decision: Decision | None = None
    own: Decision | None = None
    problems: list[str] = []
    issues: list[Issue] = []
    held_for: list[str] = []
    review: ReviewHeard | None = None
    detail: str = ""
    iteration: IterationNumber | None = None
    candidate: CandidateId | None = None
    verdict: str | None = None
    value: float | None = None
    until: str = ""


def decisions_of(records: Iterable[e.Record]) -> list[DecisionTold]:
    """All decisions that records tell of, the newest last.

    Args:
        records: the run's, from the first one on.
    """
    teller = DecisionTeller()
    for record in records:
        teller.take(record)
    return list(teller.found.values())


class DecisionTeller:
    """Puts decisions together while records go by."""

    def __init__(self) -> None:
        self.found: dict[DecisionId, DecisionTold] = {}
        self._verdicts: dict[IterationNumber, list[DecisionTold]] = {}
        self._heard: dict[ReviewId, ReviewHeard] = {}

    def take(self, record: e.Record) -> None:
        """Look at a record: it may say something of a decision."""
        match record.event:
            case d.DecisionAsked() as event:
                self.found[event.decision] = DecisionTold(
                    id=event.decision,
                    asked=record.time,
                    at_iteration=event.at_iteration,
                    reasons=event.reasons,
                    agent=event.agent,
                )
            case e.ReviewFinished(opinion=opinion, review=review) if opinion is not None:
                self._heard[review] = ReviewHeard(
                    id=review, course=opinion.course, critique=opinion.critique
                )
            case e.VerdictReached() as event:
                for told in self._verdicts.pop(event.iteration, []):
                    told.verdict, told.value = event.verdict, event.value
            case event if (told := self._of(event)) is not None:
                self._tell(told, event)
            case _:
                pass

    def _of(self, event: e.AnyEvent) -> DecisionTold | None:
        if not isinstance(event, d.DecisionEvent):
            return None
        return self.found.get(event.decision)

    def _tell(self, told: DecisionTold, event: e.AnyEvent) -> None:
        match event:
            case d.DecisionAnswered():
                told.decision, told.detail = event.answer, event.detail
                told.problems = event.problems
                told.status = "failed" if event.answer is None else "ready"
            case d.DecisionInterrupted():
                told.status, told.detail = "interrupted", event.reason
            case d.DecisionGated():
                told.issues = event.issues
                told.status = "blocked" if event.blocked else told.status
            case d.DecisionDropped():
                told.status, told.detail = "dropped", event.reason
            case d.DecisionTaken():
                self._taken(told, event)
            case _:
                self._reviewed(told, event)

    def _reviewed(self, told: DecisionTold, event: e.AnyEvent) -> None:
        match event:
            case d.DecisionHeld():
                told.status, told.held_for = "held", event.reasons
            case d.DecisionReleased():
                told.status, told.detail = "ready", event.reason
                told.review = self._review(event.review) if event.review else told.review
            case d.DecisionVetoed():
                told.status, told.detail = "vetoed", event.reason
                told.review = self._review(event.review)
            case d.DecisionReplaced():
                told.status, told.detail = "ready", event.reason
                told.review = self._review(event.review)
                told.own, told.decision = told.decision, event.replacement
            case _:
                pass

    def _review(self, review: ReviewId) -> ReviewHeard:
        return self._heard.get(review) or ReviewHeard(id=review)

    def _taken(self, told: DecisionTold, event: d.DecisionTaken) -> None:
        told.status, told.detail = "taken", event.detail or told.detail
        told.iteration, told.candidate = event.iteration, event.candidate
        told.until = event.until if event.action == "wait" else ""
        if event.iteration is not None:
            self._verdicts.setdefault(event.iteration, []).append(told)
