"""The condensed story: one page for whoever has two minutes."""

from typing import Final

from engine.core.events import ReviewStarted
from engine.reports.final.advice import mentor
from engine.reports.final.cost import cost, limits
from engine.reports.final.facts import field
from engine.reports.final.parts import FinalRequest
from engine.reports.final.results import failed, others, steps, won
from engine.reports.final.scores import Scores
from engine.reports.final.setting import goal, made_from, outcome
from engine.reports.final.sheet import Sheet

_STEPS: Final = 8


def story(sheet: Sheet, scores: Scores, request: FinalRequest) -> None:
    """What was looked for, what won and how, what failed, what it cost."""
    sheet.title("The story of {run}", run=field(scores.book.created, "run"))
    made_from(sheet, scores, request)
    sheet.gap()
    goal(sheet, scores)
    outcome(sheet, scores, request)
    sheet.section("What won")
    won(sheet, scores)
    sheet.section("How it came to that")
    steps(sheet, scores, _STEPS)
    others(sheet, scores)
    sheet.section("What failed")
    failed(sheet, scores, _STEPS)
    if scores.book.all(ReviewStarted):
        sheet.section("The mentor")
        mentor(sheet, scores)
    sheet.section("What it cost")
    cost(sheet, scores)
    sheet.section("What to keep in mind")
    limits(sheet, scores)
