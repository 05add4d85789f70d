"""What became of a worker's decisions, and of checks that said what they lack."""

from collections.abc import Sequence
from typing import Any

from engine.core import events as e
from engine.core.decisions.events import (
    DecisionAnswered,
    DecisionGated,
    DecisionReplaced,
    DecisionVetoed,
)
from engine.core.repair.events import RepairFinished, RepairSkipped
from engine.reports.final.book import Book
from engine.reports.final.facts import At, count, none
from engine.reports.final.scores import Scores
from engine.reports.final.sheet import Part, Sheet


def decided(sheet: Sheet, scores: Scores) -> None:
    """How many decisions a worker made, and how many of them did not stand."""
    book = scores.book
    answered = [at for at in book.all(DecisionAnswered) if at.event.answer is not None]
    if not answered:
        return
    gated = [at for at in book.all(DecisionGated) if at.event.blocked]
    sheet.say(
        "Decisions that the worker made: {answered}; blocked by the gate: {gated}; vetoed by a "
        "review: {vetoed}; replaced by a review's: {replaced}.",
        answered=count(answered),
        gated=_some(book, gated, "DecisionGated, blocked"),
        vetoed=_some(book, book.all(DecisionVetoed), "DecisionVetoed"),
        replaced=_some(book, book.all(DecisionReplaced), "DecisionReplaced"),
    )


def held_up(sheet: Sheet, scores: Scores) -> None:
    """How many candidates waited for a review before their checks, and what that did to them."""
    book = scores.book
    held = book.all(e.CandidateHeld)
    if not held:
        return
    sheet.gap()
    sheet.say(
        "Candidates that waited for a review before their checks: {held}; went on: {released}; "
        "vetoed: {vetoed}; replaced: {replaced}.",
        held=count(held),
        released=_some(book, book.all(e.CandidateReleased), "CandidateReleased"),
        vetoed=_some(book, book.all(e.CandidateVetoed), "CandidateVetoed"),
        replaced=_some(book, book.all(e.CandidateReplaced), "CandidateReplaced"),
    )


def repaired(sheet: Sheet, scores: Scores) -> None:
    """How many checks were repaired, and whether they passed then."""
    book = scores.book
    ended, skipped = book.all(RepairFinished), book.all(RepairSkipped)
    if not ended and not skipped:
        return
    helped = [at for at in ended if at.event.outcome == "repaired"]
    again = [check for at in helped if (check := _run_again(book, at)) is not None]
    passed = [at for at in again if at.event.outcome == "passed"]
    sheet.gap()
    sheet.say(
        "Repairs of checks that said what they lack: {ended}; of these brought what was lacking: "
        "{helped}; checks that passed when they were run again after that: {passed}; not "
        "repaired, with a reason: {skipped}.",
        ended=_some(book, ended, "RepairFinished"),
        helped=_some(book, helped, "RepairFinished, repaired"),
        passed=_some(book, passed, "CheckFinished, passed after a repair"),
        skipped=_some(book, skipped, "RepairSkipped"),
    )


def _some(book: Book, events: Sequence[At[Any]], what: str) -> Part:
    return count(events) if events else none(book.first, book.last, what, "none")


def _run_again(book: Book, repair: At[RepairFinished]) -> At[e.CheckFinished] | None:
    """The end of the check that was run once more after a repair."""
    if not repair.event.again:
        return None
    wanted = repair.event.candidate, repair.event.check
    for at in book.all(e.CheckFinished):
        if at.seq > repair.seq and (at.event.candidate, at.event.check) == wanted:
            return at
    return None
