"""What the final checks said of the leaders: a table, and the same as data."""

from typing import Any

from engine.core.events import RecheckEnded
from engine.core.ids import CandidateId
from engine.reports.final.facts import At, count, field, quote, word
from engine.reports.final.scores import Scores
from engine.reports.final.sheet import NOTHING, Part, Sheet


def tested(scores: Scores) -> dict[CandidateId, At[RecheckEnded]]:
    """The last time that each candidate met the final checks, in the order of the events."""
    found = [at for at in scores.book.all(RecheckEnded) if at.event.purpose == "final"]
    return {at.event.candidate: at for at in found}


def final_checks(sheet: Sheet, scores: Scores) -> None:
    """A section of its own, where there were any."""
    found = tested(scores)
    if not found:
        return
    sheet.section("The final checks")
    sheet.say(
        "{count} candidates met the final checks, once each, after the search was over: no verdict "
        "hangs on what they say.",
        count=count(list(found.values())),
    )
    names = list(dict.fromkeys(name for at in found.values() for name in at.event.metrics))
    rows = [_row(scores, at, names) for at in found.values()]
    sheet.table(["candidate", "outcome", *names, "the engine's reason"], rows)


def _row(scores: Scores, at: At[RecheckEnded], names: list[str]) -> list[Part]:
    metrics = at.event.metrics
    values = [field(at, f"metrics.{name}") if name in metrics else NOTHING for name in names]
    passed = at.event.outcome == "held"
    outcome = field(at, "outcome", "passed") if passed else word(at, "outcome")
    return [scores.id(at.event.candidate), outcome, *values, quote(at, "reason")]


def tested_data(scores: Scores, candidate: CandidateId) -> dict[str, Any] | None:
    """The same of one candidate as plain JSON data; None where it met none."""
    at = tested(scores).get(candidate)
    if at is None:
        return None
    return {"event": at.seq, "outcome": at.event.outcome, "metrics": at.event.metrics}
