"""The leaderboard of a report: what leaders had then, what they had again, and by what."""

from typing import Any, Final

import msgspec

from engine.core.ids import CandidateId
from engine.reports.final.book import Figure
from engine.reports.final.facts import Fact, Source, count, field, number, word
from engine.reports.final.parts import FinalRequest
from engine.reports.final.results import scale
from engine.reports.final.scores import Scores
from engine.reports.final.sheet import NOTHING, Part, Sheet, Told, tell
from engine.reports.final.tested import tested_data
from engine.reports.leaderboard import Row, gain_percent, leaderboard

_HEADS: Final = (
    "rank", "candidate", "value then", "measured again", "gain over the baseline", "verdict",
    "confidence", "against the champion of its time, by pairs", "iteration", "seed", "trace id",
    "what it is",
)  # fmt: skip
_RULED: Final = {
    "demoted": ", demoted",
    "accepted": ", accepted by a person",
    "rejected": ", rejected by a person",
}
_SHORT: Final = 8
"""So many columns fit into a paper."""


def board_page(sheet: Sheet, scores: Scores, request: FinalRequest) -> None:
    """The leaders, with what is needed to make them again."""
    sheet.title("The leaders of {run}", run=field(scores.book.created, "run"))
    _table(sheet, scores, request, len(_HEADS))


def leaders(sheet: Sheet, scores: Scores, request: FinalRequest) -> None:
    """The same for a paper: without seeds and traces."""
    _table(sheet, scores, request, _SHORT)


def _table(sheet: Sheet, scores: Scores, request: FinalRequest, columns: int) -> None:
    board = leaderboard(scores.state, request.top_k)
    if not board.rows:
        sheet.say("No candidate has a score.")
        return
    scored = scores.book.verdicts(t for t in scores.book.judged if t.scored)
    scale(sheet, scores)
    sheet.say("Of {scored} candidates with a value these are the best.", scored=count(scored))
    sheet.table(_HEADS[:columns], [_cells(scores, row)[:columns] for row in board.rows])
    _not_first(sheet, scores, board.rows[0])


def _not_first(sheet: Sheet, scores: Scores, first: Row) -> None:
    """Why the best value is not the champion's."""
    champion, verdict = scores.state.champion, scores.trial(first.candidate).verdict
    if champion is None or verdict is None or first.candidate == champion:
        return
    sheet.say(
        "The first by its value is not the champion: {first} was judged {verdict}; the champion "
        "is {champion}.",
        first=scores.id(first.candidate),
        verdict=word(verdict, "verdict"),
        champion=scores.id(champion),
    )


def _cells(scores: Scores, row: Row) -> list[Part]:
    name = row.candidate
    trial = scores.trial(name)
    then, again, label = scores.then(name), scores.again(name), scores.label(name)
    first = name == scores.state.baseline
    return [
        _rank(scores, row),
        _name(scores, name),
        _value(scores, then),
        tell("{value}{how}", value=_value(scores, again), how=_how(again)) if again else NOTHING,
        tell("baseline") if first else scores.over_baseline(name) or NOTHING,
        word(trial.verdict, "verdict") if trial.verdict else NOTHING,
        tell("{label}{doubt}", label=label, doubt=_doubt(row)) if label else NOTHING,
        scores.pairs(trial.verdict) if trial.verdict else NOTHING,
        scores.iteration(name),
        field(trial.proposed, "seed", str(trial.proposed.event.seed)),
        field(trial.started, "trace_id"),
        scores.parameters(name) if trial.proposed.event.parameters else scores.changed(name),
    ]


def _name(scores: Scores, name: CandidateId) -> Told:
    mark = tell(" (champion)") if name == scores.state.champion else NOTHING
    return tell("{id}{mark}", id=scores.id(name), mark=mark)


def _rank(scores: Scores, row: Row) -> Fact:
    now = scores.now(row.candidate)
    of = (Source((now.at.seq,), now.path),) if now else ()
    return Fact(f"{row.rank}", "rank", of)


def _value(scores: Scores, found: Figure | None) -> Told:
    if found is None:
        return NOTHING
    if not found.error_value:
        return tell("{value}", value=scores.figure(found, finely=True))
    error = field(found.at, found.error, number(found.error_value, 2))
    return tell("{value} ± {error}", value=scores.figure(found, finely=True), error=error)


def _how(again: Figure | None) -> Told:
    if again is None:
        return NOTHING
    ended = type(again.at.event).__name__ == "RecheckEnded"
    return tell(" (at the end)") if ended else tell(" (beside a candidate)")


def _doubt(row: Row) -> Told:
    doubt = ", not shown again" if row.doubt else ""
    return tell(doubt + _RULED.get(row.ruled.partition(" ")[0].rstrip(":"), ""))


def board_data(scores: Scores, request: FinalRequest) -> dict[str, Any]:
    """The same as plain JSON data, each row with the numbers of its events."""
    board = leaderboard(scores.state, request.top_k)
    first = scores.state.baseline
    return {
        "run": scores.state.run,
        "campaign": scores.state.campaign,
        "events": {"first": scores.book.first.seq, "last": scores.book.last.seq},
        "top_k": request.top_k,
        "scored": sum(each.scored for each in scores.book.judged),
        "metric": msgspec.to_builtins(board.metric) | {"mark": board.metric.caption},
        "champion": board.champion,
        "baseline": {"candidate": first, "value": board.baseline_value},
        "rows": [
            _row(scores, row) | {"gain_percent": gain_percent(board, row.value)}
            for row in board.rows
        ],
    }


def _row(scores: Scores, row: Row) -> dict[str, Any]:
    trial, then = scores.trial(row.candidate), scores.then(row.candidate)
    return msgspec.to_builtins(row) | {
        "value_then": then.value if then else None,
        "error_then": then.error_value if then else None,
        "measured_again": [
            {"event": v.at.seq, "type": type(v.at.event).__name__, "value": v.value,
             "error": v.error_value}
            for v in trial.values if v is not then
        ],
        "final_checks": tested_data(scores, row.candidate),
        "trace_id": trial.started.event.trace_id,
        "seed": trial.proposed.event.seed,
        "events": {
            "proposed": trial.proposed.seq,
            "verdict": _seq(trial.verdict),
            "again": [at.seq for at in scores.book.rechecks_of(row.candidate)],
        },
    }  # fmt: skip


def _seq(at: Any) -> int | None:
    return None if at is None else at.seq
