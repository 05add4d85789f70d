"""What each slot does now, and since when."""

from dataclasses import dataclass, replace

from engine.core.decisions.parts import OpenDecision
from engine.core.reviews.parts import OpenReview
from engine.core.state import OpenIteration, RunState
from tui.ink import Line, Span, cell, line
from tui.views.condition import Condition
from tui.views.words import duration_text, epoch_of


@dataclass(frozen=True, slots=True)
class SlotRow:
    """One slot, or what works beside them; `since` is None where nothing runs."""

    slot: int | None
    phase: str
    iteration: int | None = None
    proposer: str = ""
    since: float | None = None


@dataclass(frozen=True, slots=True)
class SlotsView:
    """The slots, or why there are none."""

    rows: tuple[SlotRow, ...] = ()
    empty: str = "The slots appear with the engine's first event."


def slots_of(state: RunState | None, condition: Condition) -> SlotsView:
    """A row for each slot, busy or not."""
    if state is None:
        return SlotsView()
    if not condition.live and not state.turns:
        return SlotsView(empty="No engine works on the run.")
    busy = {turn.slot: turn for turn in state.turns}
    count = max(state.slots, max(busy, default=-1) + 1)
    idle = _idle_phase(condition)
    rows = [
        _busy_row(busy[slot], state, condition) if slot in busy else SlotRow(slot, idle)
        for slot in range(count)
    ]
    minds = (*_mind("worker", _deciding(state)), *_mind("mentor", state.reviews.open))
    return SlotsView(
        (*rows, *(row if condition.live else replace(row, since=None) for row in minds))
    )


def _mind(role: str, begun: OpenReview | OpenDecision | None) -> tuple[SlotRow, ...]:
    """What works beside the slots now; nothing where it does not."""
    if begun is None:
        return ()
    phase = f"{begun.id}: {begun.reasons[0]}" if begun.reasons else begun.id
    return (SlotRow(None, phase, proposer=role, since=epoch_of(begun.since)),)


def _deciding(state: RunState) -> OpenDecision | None:
    """The worker that is asked, or whose decision waits for a review."""
    made, held = state.decisions, state.decisions.held
    if held is None:
        return made.open
    until = f"waits for a review until {held.held_until[11:19]} UTC"
    return OpenDecision(
        id=held.id,
        agent="",
        since=held.since,
        folder="",
        reasons=[until],
        at_iteration=held.at_iteration,
    )


def _idle_phase(condition: Condition) -> str:
    if not condition.live:
        return "–"
    return "idle" if condition.word in {"running", "starting"} else condition.word


def _busy_row(turn: OpenIteration, state: RunState, condition: Condition) -> SlotRow:
    candidate = state.candidates.get(turn.candidate) if turn.candidate else None
    number = turn.agent.number if turn.agent else turn.attempt
    works = turn.check is not None or turn.agent is not None
    attempt = f", attempt {number}" if works and number > 1 else ""
    phase = turn.phase if turn.candidate else "proposing"
    if not condition.live:
        phase, attempt = (f"cut off in {phase}" if works else "not decided yet"), ""
    held = condition.word in {"paused", "halted"} and not works
    since = turn.phase_since if works else turn.since
    return SlotRow(
        slot=turn.slot,
        phase="held by the pause" if held else phase + attempt,
        iteration=turn.iteration,
        proposer=candidate.proposer if candidate else "",
        since=epoch_of(since) if condition.live and not held else None,
    )


def slot_lines(view: SlotsView, width: int, now: float) -> list[Line]:
    """A line for each slot, in columns."""
    if not view.rows:
        return [line(f" {view.empty}", "quiet")]
    columns = _columns(view, width, now)
    return [_slot_line(row, columns, now) for row in view.rows]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Widths in cells."""

    slot: int
    iteration: int
    proposer: int
    phase: int
    age: int


def _columns(view: SlotsView, width: int, now: float) -> _Columns:
    """Columns as wide as they need; the proposer goes first where the pane is narrow."""
    rows = view.rows
    slot = max(len(_name(row)) for row in rows)
    iteration = max(len(_label(row)) for row in rows)
    proposer = max(len(row.proposer) for row in rows) if width >= 44 else 0
    age = max(len(_age(row, now)) for row in rows)
    taken = 1 + sum(each + 2 for each in (slot, iteration, proposer, age) if each) + 1
    phase = min(max(len(row.phase) for row in rows), max(0, width - taken))
    return _Columns(slot, iteration, proposer, phase, age)


def _slot_line(row: SlotRow, columns: _Columns, now: float) -> Line:
    spans: list[Span] = [Span(f" {_name(row):>{columns.slot}}  ", "quiet")]
    if columns.iteration:
        spans.append(Span(f"{_label(row):<{columns.iteration}}  "))
    if columns.proposer:
        spans.append(Span(f"{row.proposer:<{columns.proposer}}  ", "quiet"))
    spans.append(Span(cell(row.phase, columns.phase), "plain" if row.since else "quiet"))
    if row.since:
        spans.append(Span(f"  {_age(row, now):>{columns.age}}"))
    return tuple(spans)


def _name(row: SlotRow) -> str:
    return "" if row.slot is None else str(row.slot)


def _label(row: SlotRow) -> str:
    return f"#{row.iteration}" if row.iteration else ""


def _age(row: SlotRow, now: float) -> str:
    return duration_text(now - row.since) if row.since is not None else ""
