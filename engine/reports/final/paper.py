"""The report in the form of a paper."""

from collections.abc import Callable
from typing import Final

from engine.reports.final.advice import mentor
from engine.reports.final.board import leaders
from engine.reports.final.choices import decided, held_up, repaired
from engine.reports.final.cost import cost, limits
from engine.reports.final.facts import count, field
from engine.reports.final.parts import EVIDENCE, FIGURES, FinalRequest
from engine.reports.final.results import failed, headline, others, steps, won
from engine.reports.final.scores import Scores
from engine.reports.final.setting import goal, made_from, outcome, setting
from engine.reports.final.sheet import Sheet
from engine.reports.final.tested import final_checks
from engine.reports.final.tried import tried


def paper(sheet: Sheet, scores: Scores, request: FinalRequest) -> None:
    """Abstract, setting, what was tried, what won, what failed, cost, limits."""
    sheet.title("Report on {run}", run=field(scores.book.created, "run"))
    made_from(sheet, scores, request)
    sheet.section("Abstract")
    goal(sheet, scores)
    outcome(sheet, scores, request)
    headline(sheet, scores)
    sheet.section("Setting")
    setting(sheet, scores)
    sheet.section("What was tried")
    tried(sheet, scores)
    decided(sheet, scores)
    held_up(sheet, scores)
    sheet.section("What won")
    won(sheet, scores)
    _picture(sheet, scores, request, "champion")
    sheet.section("How it came to that")
    steps(sheet, scores)
    others(sheet, scores)
    sheet.section("The leaders, then and again")
    leaders(sheet, scores, request)
    _picture(sheet, scores, request, "then_and_again")
    final_checks(sheet, scores)
    sheet.section("What failed")
    failed(sheet, scores)
    repaired(sheet, scores)
    sheet.section("The mentor")
    mentor(sheet, scores)
    sheet.section("Cost")
    cost(sheet, scores)
    _picture(sheet, scores, request, "spend")
    sheet.section("Limits of this evidence")
    limits(sheet, scores)
    sheet.section("How to check this report")
    _how_to_check(sheet)


def _how_to_check(sheet: Sheet) -> None:
    sheet.say(
        f"Each sentence and each row stands in `{EVIDENCE}` with the numbers of the events that it "
        "is made from, and with the rule by which each figure follows from them."
    )
    sheet.say("`controlroom events --json` prints these events; `controlroom verify` says whether "
              "journal, receipts and judges hold.")  # fmt: skip
    sheet.say("What stands in “quotation marks” was written by an agent, a check, a campaign file "
              "or a person, or quotes such a text: it is no fact.")  # fmt: skip


def _picture(sheet: Sheet, scores: Scores, request: FinalRequest, name: str) -> None:
    """A figure that is drawn, with a caption."""
    if name not in request.figures:
        return
    path = f"{FIGURES}/{name}.svg"
    _CAPTIONS[name](sheet, scores, path)


def _of_champion(sheet: Sheet, scores: Scores, path: str) -> None:
    sheet.picture(
        path,
        "The champion, and every candidate with its verdict",
        "The champion's {name}{mark} by iteration, and {all} candidates with their verdicts.",
        name=scores.name,
        mark=scores.mark,
        all=count(scores.book.verdicts(scores.book.judged)),
    )


def _of_leaders(sheet: Sheet, scores: Scores, path: str) -> None:
    sheet.picture(
        path,
        "Leaders, then and again",
        "The leaders' {name}{mark} in their own iterations and, where they were measured again, "
        "the last time; bars are of two standard errors, where there are any.",
        name=scores.name,
        mark=scores.mark,
    )


def _of_spend(sheet: Sheet, scores: Scores, path: str) -> None:
    del scores
    sheet.picture(path, "What was spent", "What was spent as time went by.")


_CAPTIONS: Final[dict[str, Callable[[Sheet, Scores, str], None]]] = {
    "champion": _of_champion,
    "then_and_again": _of_leaders,
    "spend": _of_spend,
}
