"""What each slot does now, and since when."""

from dataclasses import dataclass

from engine.core.state import OpenIteration, RunState
from tui.ink import Line, Span, cell, line, width_of
from tui.views.condition import Condition
from tui.views.words import duration_text, epoch_of


@dataclass(frozen=True, slots=True)
class SlotRow:
    """One slot; `since` is None where nothing runs."""

    slot: int
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
    busy = {turn.slot: turn for turn in state.open.values()}
    count = max(state.slots, max(busy, default=-1) + 1)
    idle = _idle_phase(condition)
    rows = [
        _busy_row(busy[slot], state, condition) if slot in busy else SlotRow(slot, idle)
        for slot in range(count)
    ]
    return SlotsView(tuple(rows))


def _idle_phase(condition: Condition) -> str:
    return "idle" if condition.word in {"running", "starting"} else condition.word


def _busy_row(turn: OpenIteration, state: RunState, condition: Condition) -> SlotRow:
    candidate = state.candidates.get(turn.candidate) if turn.candidate else None
    attempt = f", attempt {turn.attempt}" if turn.check and turn.attempt > 1 else ""
    phase = turn.phase if turn.candidate else "proposing"
    if not condition.live:
        phase, attempt = f"cut off in {phase}", ""
    since = turn.check_since if turn.check else turn.since
    return SlotRow(
        slot=turn.slot,
        phase=phase + attempt,
        iteration=turn.iteration,
        proposer=candidate.proposer if candidate else "",
        since=epoch_of(since) if condition.live else None,
    )


def slot_lines(view: SlotsView, width: int, now: float) -> list[Line]:
    """A line for each slot, in columns."""
    if not view.rows:
        return [line(f" {view.empty}", "quiet")]
    number = max(len(str(row.slot)) for row in view.rows)
    label = max((len(f"#{row.iteration}") for row in view.rows if row.iteration), default=0)
    proposer = max(len(row.proposer) for row in view.rows)
    columns = _columns(width, proposer)
    return [_slot_line(row, (number, label, columns), width, now) for row in view.rows]


def _columns(width: int, proposer: int) -> int:
    """Cells for the proposer's name: none where the pane is narrow."""
    return proposer if width >= 44 else 0


def _slot_line(row: SlotRow, columns: tuple[int, int, int], width: int, now: float) -> Line:
    number, label, proposer = columns
    age = duration_text(now - row.since) if row.since is not None else ""
    iteration = f"#{row.iteration}" if row.iteration else ""
    start: list[Span] = [Span(f" {row.slot:>{number}}  ", "quiet")]
    if label:
        start.append(Span(f"{iteration:<{label}}  "))
    if proposer:
        start.append(Span(f"{row.proposer:<{proposer}}  ", "quiet"))
    taken = width_of(tuple(start))
    room = max(0, width - taken - len(age) - 3)
    busy = row.since is not None
    phase = Span(cell(row.phase, min(room, 34)), "plain" if busy else "quiet")
    ending = (Span(f"{age:>9}"),) if age else ()
    return (*start, phase, *ending)
