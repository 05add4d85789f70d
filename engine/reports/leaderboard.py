"""The leaderboard: scored candidates, best first, as data, CSV and text."""

import csv
import io
from typing import Any, Final

import msgspec

from engine.core.changed import changed_from
from engine.core.confidence import Confidence, confidence, doubt, is_demoted
from engine.core.events import Parameters
from engine.core.ids import CandidateId
from engine.core.metric import Metric
from engine.core.pairs.decided import Decision
from engine.core.pairs.words import short_words
from engine.core.recheck_lines import closing_text
from engine.core.state import Candidate, RunState

TEXT_ROWS: Final = 20
_PLAIN_FROM, _PLAIN_BELOW = 1e-2, 1e9
_PARAMETERS_WIDTH: Final = 100
_RIGHT: Final = (0, 2, 3)
"""The columns that end at the right: rank, value and gain."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A scored candidate and its place.

    `again` is its value when it was measured once more at the end of the run; `doubt` says why the
    confidence is no more where measuring again spoke against it.
    """

    rank: int
    candidate: CandidateId
    value: float
    verdict: str
    iteration: int
    parameters: Parameters
    commit: str | None
    parents: list[CandidateId]
    tags: list[str]
    proposer: str
    confidence: Confidence | None
    decision: Decision | None = None
    ruled: str = ""
    again: float | None = None
    doubt: str = ""


class Leaderboard(msgspec.Struct, frozen=True, kw_only=True):
    """Rows, best first, and what their values are compared with.

    `closing` is what measuring the champion once more at the end has come to.
    """

    metric: Metric
    rows: list[Row]
    champion: CandidateId | None
    baseline: CandidateId | None
    baseline_value: float | None
    closing: str = ""


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True):
    """From this iteration on `value` was the best that was accepted."""

    iteration: int
    value: float
    candidate: CandidateId


def leaderboard(state: RunState, top: int | None = None) -> Leaderboard:
    """The `top` scored candidates, or all of them.

    One that fails a hard gate, or was demoted, comes after all others, however good its value is.
    """
    ranked = sorted(_scored(state), key=lambda pair: _place(state.metric, *pair))
    first = state.first()
    return Leaderboard(
        metric=state.metric,
        rows=[_row(state, rank, *pair) for rank, pair in enumerate(ranked[:top], 1)],
        champion=state.champion,
        baseline=state.baseline,
        baseline_value=first.value if first else None,
        closing=_closing(state),
    )


def _closing(state: RunState) -> str:
    """What measuring the champion again has shown; empty while the run goes on."""
    best = state.best()
    if best is None or best.value is None:
        return ""
    told = closing_text(state, best)
    unit = f" {state.metric.unit}" if state.metric.unit else ""
    return f"{best.id}: {best.value:.6g}{unit}, {told}" if told else ""


def _scored(state: RunState) -> list[tuple[Candidate, float]]:
    return [(c, c.value) for c in state.candidates.values() if c.scored and c.value is not None]


def _place(metric: Metric, candidate: Candidate, value: float) -> tuple[bool, float, int]:
    last = candidate.verdict == "infeasible" or is_demoted(candidate)
    return last, metric.sort_key(value), candidate.iteration


def _row(state: RunState, rank: int, candidate: Candidate, value: float) -> Row:
    at_end = state.rechecks.of(candidate.id).at_end
    return Row(
        rank=rank,
        candidate=candidate.id,
        value=value,
        verdict=candidate.verdict or "",
        iteration=candidate.iteration,
        parameters=candidate.parameters,
        commit=candidate.code.commit if candidate.code else None,
        parents=candidate.parents,
        tags=candidate.tags,
        proposer=candidate.proposer,
        confidence=confidence(state, candidate),
        decision=candidate.decision,
        ruled=candidate.ruled,
        again=at_end.value if at_end else None,
        doubt=doubt(state, candidate),
    )


def best_so_far(state: RunState) -> list[CurvePoint]:
    """The steps of the best accepted value, in the order of iterations."""
    points: list[CurvePoint] = []
    for candidate in sorted(state.candidates.values(), key=lambda c: c.iteration):
        value = candidate.value
        if candidate.verdict != "promoted" or value is None or is_demoted(candidate):
            continue
        if not points or state.metric.gain(value, points[-1].value) > 0:
            points.append(
                CurvePoint(iteration=candidate.iteration, value=value, candidate=candidate.id)
            )
    return points


def gain_percent(board: Leaderboard, value: float) -> float | None:
    """How much better than the baseline, in percent of the baseline; None without a baseline."""
    base = board.baseline_value
    if not base:
        return None
    return 100 * board.metric.gain(value, base) / abs(base)


def as_json_data(board: Leaderboard) -> dict[str, Any]:
    """What `leaderboard --json` prints, as plain JSON data."""
    metric = board.metric
    return {
        "metric": {
            "name": metric.name,
            "unit": metric.unit,
            "direction": metric.direction,
            "label": metric.label,
            "forgeable": metric.forgeable,
        },
        "rows": msgspec.to_builtins(board.rows),
    }


def as_csv(board: Leaderboard) -> str:
    """A table for spreadsheets: one column for each parameter, lists joined by spaces."""
    names = sorted({name for row in board.rows for name in row.parameters})
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    head = ["rank", "candidate", board.metric.name, "verdict", "iteration"]
    tail = ["commit", "parents", "tags", "proposer", "confidence"]
    writer.writerow([*head, *(f"parameters.{name}" for name in names), *tail])
    for row in board.rows:
        values = [_cell(row.parameters.get(name)) for name in names]
        lists = [" ".join(row.parents), " ".join(row.tags)]
        head = [row.rank, row.candidate, repr(row.value), row.verdict, row.iteration]
        tail = [row.commit or "", *lists, row.proposer, _cell(row.confidence)]
        writer.writerow([*head, *values, *tail])
    return out.getvalue()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def as_text(board: Leaderboard, top: int = TEXT_ROWS) -> str:
    """A table for people, without a line break at its end."""
    rows = board.rows[:top]
    if not rows:
        return "No candidate has a score yet."
    values = aligned([row.value for row in rows])
    what, told = _told_apart(board, rows)
    cells = [
        [*_text_row(board, row, value), text]
        for row, value, text in zip(rows, values, told, strict=True)
    ]
    head = ["", "candidate", board.metric.name, "gain", "verdict", "confidence", "by pairs", what]
    table = _columns([head, *cells])
    lines = [_title(board), *table]
    if len(board.rows) > len(rows):
        lines.append(f"and {len(board.rows) - len(rows)} more")
    if board.closing:
        lines.append(board.closing)
    return "\n".join(lines)


def _title(board: Leaderboard) -> str:
    metric = board.metric
    unit = f" in {metric.unit}" if metric.unit else ""
    better = "lower" if metric.direction == "min" else "higher"
    label = f"; {metric.caption}" if metric.caption else ""
    return f"{metric.name}{unit}, {better} is better{label}"


def _text_row(board: Leaderboard, row: Row, value: str) -> list[str]:
    gain = gain_percent(board, row.value)
    mark = "*" if row.candidate == board.champion else ""
    return [
        f"{mark}{row.rank}",
        row.candidate,
        value,
        "baseline" if row.candidate == board.baseline else _percent(gain),
        ", ".join(filter(None, (row.verdict, row.ruled.partition(":")[0]))),
        confidence_text(row),
        short_words(row.decision),
    ]


def _told_apart(board: Leaderboard, rows: list[Row]) -> tuple[str, list[str]]:
    """Each row's parameters, and what stands above them.

    Where they are too many to be read, each has what differs from the baseline.
    """
    whole = [_values(row.parameters) for row in rows]
    first = next((row for row in board.rows if row.candidate == board.baseline), None)
    if first is None or max(map(len, whole)) <= _PARAMETERS_WIDTH:
        return "", [_cut(text) for text in whole]
    differing = (_values(changed_from(row.parameters, first.parameters)) for row in rows)
    told = [
        "" if row.candidate == first.candidate else text or "nothing"
        for row, text in zip(rows, differing, strict=True)
    ]
    return f"differs from {first.candidate} in", [_cut(text) for text in told]


def _values(parameters: Parameters) -> str:
    return " ".join(f"{name}={_cell(each)}" for name, each in parameters.items())


def confidence_text(row: Row) -> str:
    """The label of one that won something, and whether measuring again spoke against it."""
    if row.doubt:
        return f"{row.confidence}, not shown again"
    won = row.verdict == "promoted" or row.confidence != "exploratory"
    return row.confidence or "" if won else ""


def _cut(text: str) -> str:
    return text if len(text) <= _PARAMETERS_WIDTH else text[: _PARAMETERS_WIDTH - 1] + "…"


def _percent(gain: float | None) -> str:
    return "" if gain is None else f"{gain:+.2f} %"


def _columns(rows: list[list[str]]) -> list[str]:
    """The rows in columns; one that has nothing but its title is left out."""
    full = [i for i in range(len(rows[0])) if i == 0 or any(row[i] for row in rows[1:])]
    rows = [[row[i] for i in full] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    right = {place for place, i in enumerate(full) if i in _RIGHT}
    return [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def aligned(values: list[float]) -> list[str]:
    """The values with the same number of decimals: as many as tell them apart, from 3 to 9.

    Very large and very small ones have six significant digits instead.
    """
    largest = max((abs(value) for value in values), default=1.0)
    if not _PLAIN_FROM <= largest < _PLAIN_BELOW:
        return [f"{value:.6g}" for value in values]
    for decimals in range(3, 10):
        texts = [f"{value:.{decimals}f}" for value in values]
        if len(set(texts)) == len(set(values)):
            return texts
    return [f"{value:.9f}" for value in values]
