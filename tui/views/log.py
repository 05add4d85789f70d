"""Lines of the log: what programs wrote, and what was decided."""

from datetime import tzinfo
from typing import Final, NamedTuple, assert_never

from rich.cells import cell_len, chop_cells

from engine.core import events as e
from engine.core.agent_lines import agent_line, short
from engine.core.decision_lines import decision_line
from engine.core.finish_lines import finish_line
from engine.core.fold_memory import MemoryEvent
from engine.core.fold_reviews import ReviewEvent
from engine.core.job_lines import job_line
from engine.core.measuring_lines import champion_text, half_text, noise_text, ruling_text
from engine.core.memory_lines import memory_line
from engine.core.recheck_lines import recheck_text
from engine.core.repair.events import RepairEvent
from engine.core.repair_lines import repair_line
from engine.core.review_events import HeldEvent
from engine.core.review_lines import held_line, review_line
from tui.ink import Ink, Line, Span, cell
from tui.views.board import differences
from tui.views.words import clock_text, duration_text

SOURCE_CELLS: Final = 11


class LogEntry(NamedTuple):
    """A line; `at` is None for output whose moment is not known (written before we looked)."""

    at: float | None
    slot: str
    source: str
    text: str
    ink: Ink = "plain"


PREFIX_CELLS: Final = 1 + 8 + 3 + 1 + SOURCE_CELLS + 1
"""Cells in front of a line's text."""


class LogRow(NamedTuple):
    """A row on the screen: a line, or a further part of one that is too long for one row."""

    entry: LogEntry
    text: str
    first: bool


def rows_of(entry: LogEntry, width: int) -> list[LogRow]:
    """The rows that show a line in `width` cells, its prefix included."""
    parts = wrapped(entry.text, width - PREFIX_CELLS - 1)
    return [LogRow(entry, part, index == 0) for index, part in enumerate(parts)]


def wrapped(text: str, width: int) -> list[str]:
    """`text` in parts of at most `width` cells, cut between words where there are any."""
    if width < 8 or (text.isascii() and len(text) <= width) or cell_len(text) <= width:
        return [text]
    if not text.isascii():
        return chop_cells(text, width)
    parts: list[str] = []
    while len(text) > width:
        space = text.rfind(" ", width // 2, width + 1)
        cut = space if space > 0 else width
        parts.append(text[:cut])
        text = text[cut:].lstrip(" ")
    return [*parts, text]


def log_line(row: LogRow, zone: tzinfo | None) -> Line:
    """A row with its prefix: when, in which slot, from which check."""
    entry = row.entry
    if not row.first:
        return (Span(" " * PREFIX_CELLS), Span(row.text, entry.ink))
    stamp = clock_text(entry.at, zone) if entry.at is not None else ""
    prefix = f" {stamp:<8} {entry.slot:>2} {cell(entry.source, SOURCE_CELLS)} "
    return (Span(prefix, "quiet"), Span(row.text, entry.ink))


class Narrator:
    """Says in a line what an event means; remembers the slot of an iteration and the baseline."""

    def __init__(self) -> None:
        self._slots: dict[int, int] = {}
        self._baseline: e.Parameters | None = None

    def begin(self, baseline: e.Parameters | None) -> None:
        """Starts in the middle of a run: what its baseline is."""
        self._baseline = baseline

    def place(self, iteration: int, slot: int) -> None:
        """Says in which slot an iteration runs that began before we looked."""
        self._slots[iteration] = slot

    def slot_of(self, iteration: int) -> str:
        """The slot an open iteration runs in."""
        slot = self._slots.get(iteration)
        return "" if slot is None else str(slot)

    def tell(self, event: e.AnyEvent, at: float) -> LogEntry | None:
        """The line for an event; None for those that other panes show."""
        match event:
            case e.IterationStarted():
                self._slots[event.iteration] = event.slot
                return None
            case e.CandidateProposed():
                return self._proposed(event, at)
            case e.CheckFinished():
                return self._checked(event, at)
            case e.CheckInterrupted():
                slot = self.slot_of(event.iteration)
                return LogEntry(at, slot, event.check, f"interrupted: {event.reason}", "strong")
            case e.NoiseMeasured() | e.ChampionMeasured():
                return self._measured(event, at)
            case e.RecheckEnded() | e.ChampionDemoted():
                return LogEntry(at, "", "referee", recheck_text(event, None), "strong")
            case e.VerdictReached():
                return self._verdict(event, at)
            case e.AgentStarted() | e.AgentFinished() | e.AgentInterrupted():
                return self._agent(event, at)
            case e.ChangeCollected() | e.ChangeCarriedOver():
                return LogEntry(at, self.slot_of(event.iteration), "change", agent_line(event))
            case e.ApprovalAsked() | e.ApprovalAnswered():
                slot = self.slot_of(event.iteration)
                return LogEntry(at, slot, "approval", agent_line(event), "strong")
            case e.StashRequested() | e.AttemptStashed():
                slot = self.slot_of(event.iteration)
                return LogEntry(at, slot, "stash", agent_line(event), "strong")
            case _:
                return self._other(event, at)

    def _other(self, event: e.AnyEvent, at: float) -> LogEntry | None:
        if isinstance(event, HeldEvent):
            slot = self.slot_of(event.iteration)
            return LogEntry(at, slot, "mentor", held_line(event), "strong")
        if isinstance(event, RepairEvent):
            slot = self.slot_of(event.iteration)
            return LogEntry(at, slot, "repair", repair_line(event), "strong")
        return _run_entry(event, at)

    def _agent(
        self, event: e.AgentStarted | e.AgentFinished | e.AgentInterrupted, at: float
    ) -> LogEntry:
        ink: Ink = "quiet" if _went_well(event) else "strong"
        return LogEntry(at, self.slot_of(event.iteration), "agent", agent_line(event), ink)

    def _proposed(self, event: e.CandidateProposed, at: float) -> LogEntry:
        if self._baseline is None:
            self._baseline = event.parameters
        text = f"{event.candidate}: {_candidate_text(event, self._baseline)}"
        return LogEntry(at, self.slot_of(event.iteration), event.proposer, text, "quiet")

    def _checked(self, event: e.CheckFinished, at: float) -> LogEntry:
        metrics = "  ".join(f"{name} {value:.6g}" for name, value in event.metrics.items())
        said = event.detail.splitlines()[0] if event.detail else metrics
        what = f"{half_text(event.half).strip()} " if event.half else ""
        took = f"{what}{event.outcome} in {_seconds(event.duration_s)}"
        text = took + (f": {said}" if said else "")
        ink: Ink = "quiet" if event.outcome == "passed" else "plain"
        return LogEntry(at, self.slot_of(event.iteration), event.check, text, ink)

    def _measured(self, event: e.NoiseMeasured | e.ChampionMeasured, at: float) -> LogEntry:
        slot = self.slot_of(event.iteration)
        match event:
            case e.NoiseMeasured():
                return LogEntry(at, slot, "referee", noise_text(event), "strong")
            case e.ChampionMeasured():
                ink: Ink = "strong" if event.changed else "quiet"
                return LogEntry(at, slot, "referee", champion_text(event, None), ink)
            case _:
                assert_never(event)

    def _verdict(self, event: e.VerdictReached, at: float) -> LogEntry:
        value = "" if event.value is None else f" {event.value:.6g}"
        reason = f": {event.reason.splitlines()[0]}" if event.reason else ""
        text = f"{event.candidate} {event.verdict}{value}{reason}"
        ink: Ink = "accent" if event.verdict == "promoted" else "strong"
        return LogEntry(at, self._pop(event.iteration), "verdict", text, ink)

    def _pop(self, iteration: int) -> str:
        slot = self._slots.pop(iteration, None)
        return "" if slot is None else str(slot)


def _candidate_text(event: e.CandidateProposed, baseline: e.Parameters) -> str:
    changed = differences(event.parameters, baseline)
    if event.agent and event.base:
        return f"{event.agent} is to change {short(event.base)}"
    if event.commit and event.parents:
        return f"commit {short(event.commit)}"
    return changed or "baseline"


def _went_well(event: e.AgentStarted | e.AgentFinished | e.AgentInterrupted) -> bool:
    match event:
        case e.AgentStarted():
            return True
        case e.AgentFinished():
            return event.outcome == "answered" and not event.problems
        case e.AgentInterrupted():
            return False
        case _:
            assert_never(event)


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 10 else duration_text(seconds)


def _run_entry(event: e.AnyEvent, at: float) -> LogEntry | None:
    if isinstance(event, ReviewEvent):
        return LogEntry(at, "", "mentor", review_line(event), "strong")
    if isinstance(event, MemoryEvent):
        return LogEntry(at, "", "memory", memory_line(event), "quiet")
    if isinstance(event, e.DecisionEvent):
        return LogEntry(at, "", "worker", decision_line(event), "strong")
    if isinstance(event, e.FinishEvent):
        return LogEntry(at, "", "finish", finish_line(event), "strong")
    if isinstance(event, e.JobEvent):
        return LogEntry(at, "", "job", job_line(event), "strong")
    said = _said(event)
    return LogEntry(at, "", "run", said, "strong") if said else None


def _said(event: e.AnyEvent) -> str:
    match event:
        case e.EngineStarted():
            return f"engine started: process {event.pid} on {event.host}"
        case e.RunPaused():
            done = "halted" if event.halt else "paused"
            return _because(f"{done} by {event.by}", event.reason)
        case e.StopRequested():
            return _because(f"stop asked by {event.by}", event.reason)
        case e.CommandRefused():
            return f"{event.command} refused: {event.reason}"
        case e.ClockJumped():
            return f"the machine slept for {duration_text(event.gap_s)}"
        case e.RunFinished():
            return _because(f"done ({event.reason})", event.detail)
        case e.EngineStopped():
            return _because("engine stopped", event.reason)
        case _:
            return _said_by_person(event)


def _said_by_person(event: e.AnyEvent) -> str:
    match event:
        case e.ChampionAccepted() | e.ChampionRejected():
            return ruling_text(event)
        case e.RunResumed():
            return f"goes on, by {event.by}"
        case e.LimitsChanged():
            return f"other limits, by {event.by}"
        case e.CampaignChangeAccepted():
            return f"changed campaign accepted by {event.by}"
        case (
            e.DirectiveAdded()
            | e.DirectiveEdited()
            | e.DirectiveRetired()
            | e.StashRestored()
            | e.StashDropped()
        ):
            return agent_line(event)
        case _:
            return ""


def _because(what: str, reason: str) -> str:
    return f"{what}: {reason}" if reason else what
