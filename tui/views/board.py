"""The leaderboard: rank, candidate, value, verdict and what is different from the baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.core.agent_lines import short
from engine.core.changed import changed_from
from engine.core.confidence_words import trust_text
from engine.core.ids import CandidateId
from engine.core.state import Candidate, RunState
from engine.core.verdicts import metrics_of
from tui.ink import Ink, Line, Span, cell, crop, line, width_of
from tui.views.ranking import Ranking
from tui.views.words import NO_VALUE, padded, parameter_text, value_text

LEADERS = 12
"""How many of the best decide how many decimals are shown."""


@dataclass(frozen=True, slots=True)
class Row:
    """One candidate; `value` is None where nothing valid was measured (yet)."""

    candidate: CandidateId
    value: float | None
    verdict: str
    text: str
    proposer: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths in cells that all rows share, and where the point of a value stands."""

    rank: int = 2
    candidate: int = 6
    value: int = 5
    point: int = 1
    verdict: int = 8
    proposer: int = 9


@dataclass(frozen=True, slots=True)
class BoardView:
    """All rows in order; the first `ranked` of them have a rank."""

    rows: tuple[Row, ...] = ()
    ranked: int = 0
    champion: CandidateId | None = None
    decimals: int = 3
    empty: str = "No candidate yet; the baseline comes first."
    columns: Columns = Columns()


class BoardBuilder:
    """Makes board views from a ranking; a row is made once, unless its confidence changes."""

    def __init__(self) -> None:
        self._rows: dict[tuple[CandidateId, str], Row] = {}
        self._trusts: dict[CandidateId, str] = {}
        self._so_far: dict[CandidateId, float] = {}

    def view(self, state: RunState, ranking: Ranking, decimals: int) -> BoardView:
        """The board as it is now."""
        baseline = state.first()
        parameters = baseline.parameters if baseline else {}
        self._so_far = measured_so_far(state)
        self._trusts = {
            name: trust_text(state, state.candidates[name]) for name in state.rechecks.evidence
        }
        order = [*ranking.scored, *ranking.running, *ranking.failed]
        rows = tuple(self._row(candidate, baseline, parameters) for candidate in order)
        return BoardView(
            rows=rows,
            ranked=len(ranking.scored),
            champion=state.champion,
            decimals=decimals,
            columns=_columns(rows, len(ranking.scored), decimals),
        )

    def _row(
        self, candidate: Candidate, baseline: Candidate | None, parameters: Mapping[str, Any]
    ) -> Row:
        trust = self._trusts.get(candidate.id, "")
        known = self._rows.get((candidate.id, trust))
        if known is not None:
            return known
        row = Row(
            candidate=candidate.id,
            value=candidate.value if candidate.scored else self._so_far.get(candidate.id),
            verdict=candidate.verdict or "running",
            text=" · ".join(filter(None, (trust, _text(candidate, baseline, parameters)))),
            proposer=candidate.proposer,
        )
        if candidate.verdict is not None:
            self._rows[candidate.id, trust] = row
        return row


def measured_so_far(state: RunState) -> dict[CandidateId, float]:
    """The values of candidates without a verdict: worth seeing, not yet ranked."""
    values = {
        turn.candidate: metrics_of(turn.finished).get(state.metric.name)
        for turn in state.open.values()
        if turn.candidate is not None
    }
    return {candidate: value for candidate, value in values.items() if value is not None}


def _text(candidate: Candidate, baseline: Candidate | None, parameters: Mapping[str, Any]) -> str:
    """What tells the candidate from the baseline; for one that failed, why, in front."""
    what = "baseline" if candidate is baseline else _short(candidate, parameters)
    if candidate.verdict is None or candidate.scored or not candidate.reason:
        return what
    return f"{candidate.reason.splitlines()[0]} · {what}" if what else candidate.reason


def _short(candidate: Candidate, parameters: Mapping[str, Any]) -> str:
    """What a candidate is: its parameters, or what its agent says of its change."""
    changed = differences(candidate.parameters, parameters)
    answer = candidate.code.answer if candidate.code else None
    said = (answer.summary or answer.hypothesis).strip() if answer else ""
    if said:
        return said.splitlines()[0]
    if candidate.code and candidate.code.commit and not changed:
        return f"commit {short(candidate.code.commit)}"
    return changed


def differences(parameters: Mapping[str, Any], baseline: Mapping[str, Any]) -> str:
    """The parameters that differ from the baseline's, in its order: `chunk 64, inverse ladder`."""
    changed = changed_from(parameters, baseline)
    return ", ".join(parameter_text(name, value) for name, value in changed.items())


def _columns(rows: tuple[Row, ...], ranked: int, decimals: int) -> Columns:
    shown = [row for row in rows if row.value is not None]
    texts = [value_text(row.value, decimals) for row in shown] or [NO_VALUE]
    point = max(_point(text) for text in texts)
    tail = max(len(text) - _point(text) for text in texts)
    return Columns(
        rank=max(2, len(str(ranked))),
        candidate=max((len(row.candidate) for row in rows), default=6),
        value=point + tail,
        point=point,
        verdict=max((len(row.verdict) for row in rows), default=8),
        proposer=max((len(row.proposer) for row in rows), default=9),
    )


def _point(text: str) -> int:
    found = text.find(".")
    return found if found >= 0 else len(text)


def board_line(view: BoardView, index: int, width: int) -> Line:
    """Row `index` in `width` cells."""
    row, columns = view.rows[index], view.columns
    champion = row.candidate == view.champion
    ranked = index < view.ranked
    rank = f"{index + 1 if ranked else '·':>{columns.rank}}"
    ink: Ink = "accent" if champion else "plain" if ranked else "quiet"
    value = padded(value_text(row.value, view.decimals), columns.point, columns.value)
    start: Line = (
        Span(f" {rank} ", "quiet"),
        Span("★ " if champion else "  ", "accent"),
        Span(f"{row.candidate:<{columns.candidate}}  ", ink),
        Span(f"{value}  ", "strong" if champion else ink),
        Span(f"{cell(row.verdict, columns.verdict)}  ", "plain" if ranked else "quiet"),
    )
    if width >= 84:
        start = (*start, Span(f"{row.proposer:<{columns.proposer}}  ", "quiet"))
    room = max(0, width - width_of(start) - 1)
    return (*start, Span(crop(row.text, room), "quiet"))


def empty_line(view: BoardView) -> Line:
    """What an empty board says."""
    return line(f" {view.empty}", "quiet")
