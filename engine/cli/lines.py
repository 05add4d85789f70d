"""Events as plain lines for people and as JSON lines for scripts."""

import json
from typing import assert_never

from engine.core import events as e
from engine.core.agent_lines import agent_line, short
from engine.core.decision_lines import decision_line
from engine.core.finish_lines import finish_line
from engine.core.job_lines import job_line
from engine.core.measuring_lines import champion_text, half_text, noise_text, ruling_text
from engine.core.memory_lines import memory_line
from engine.core.metric import Metric
from engine.core.recheck_lines import recheck_text
from engine.core.repair.events import RepairEvent
from engine.core.repair_lines import repair_line
from engine.core.review_events import HeldEvent
from engine.core.review_lines import held_line, review_line

_Apart = e.FinishEvent | e.JobEvent | e.DecisionEvent | HeldEvent | RepairEvent


def as_json(record: e.Record) -> str:
    """The record as one line of JSON, in ASCII: it is right under any locale."""
    return json.dumps(e.flat(record), separators=(",", ":"))


def as_text(record: e.Record, metric: Metric | None = None) -> str:
    """The record as one line: number, time of day, what happened."""
    clock = record.time[11:19]
    return f"{record.seq:>6}  {clock}  {_where(record.event)}{_what(record.event, metric)}"


def value_text(value: float | None, metric: Metric | None) -> str:
    """A value with its unit, and with what kind of figure it is."""
    if value is None:
        return "–"
    if metric is None:
        return f"{value:.6g}"
    unit = f" {metric.unit}" if metric.unit else ""
    label = f" ({metric.caption})" if metric.caption else ""
    return f"{value:.6g}{unit}{label}"


def printable(text: str) -> str:
    """The text without what would steer a terminal: some of it comes from programs."""
    return "".join(each if each.isprintable() or each in "\n\t" else "?" for each in text)


def _where(event: e.AnyEvent) -> str:
    iteration = getattr(event, "iteration", None)
    return "" if iteration is None else f"#{iteration:<5} "


def _of_a_room(event: _Apart) -> str:
    if isinstance(event, e.FinishEvent):
        return finish_line(event)
    if isinstance(event, e.JobEvent):
        return job_line(event)
    if isinstance(event, e.DecisionEvent):
        return decision_line(event)
    if isinstance(event, HeldEvent):
        return held_line(event)
    return repair_line(event)


def _what(event: e.AnyEvent, metric: Metric | None) -> str:
    if isinstance(event, _Apart):
        return _of_a_room(event)
    match event:
        case (
            e.IterationStarted()
            | e.CandidateProposed()
            | e.CheckStarted()
            | e.CheckFinished()
            | e.CheckInterrupted()
            | e.PairDrawn()
            | e.NoiseMeasured()
            | e.ChampionMeasured()
            | e.VerdictReached()
        ):
            return _iteration(event, metric)
        case e.ReviewAsked() | e.ReviewStarted() | e.ReviewFinished() | e.ReviewInterrupted():
            return review_line(event)
        case e.ChampionAccepted() | e.ChampionRejected():
            return ruling_text(event)
        case e.TodoAdded() | e.TodoLeftOut() | e.TodoEdited() | e.TodoResolved() | e.NoteTaken():
            return memory_line(event)
        case (
            e.RecheckBegun()
            | e.RecheckStarted()
            | e.RecheckChecked()
            | e.RecheckInterrupted()
            | e.RecheckEnded()
            | e.ChampionDemoted()
        ):
            return recheck_text(event, metric)
        case (
            e.CommandAccepted()
            | e.CommandRefused()
            | e.RunPaused()
            | e.RunResumed()
            | e.StopRequested()
            | e.ClockJumped()
        ):
            return _control(event)
        case (
            e.RunCreated()
            | e.EngineStarted()
            | e.HarnessRecorded()
            | e.LimitsChanged()
            | e.CampaignChangeAccepted()
            | e.RunFinished()
            | e.EngineStopped()
        ):
            return _run(event)
        case _:
            return agent_line(event)


def _control(
    event: e.CommandAccepted
    | e.CommandRefused
    | e.RunPaused
    | e.RunResumed
    | e.StopRequested
    | e.ClockJumped,
) -> str:
    match event:
        case e.CommandAccepted():
            return f"{event.command} by {event.by}"
        case e.CommandRefused():
            return f"{event.command} by {event.by} refused: {event.reason}"
        case e.RunPaused():
            done = "halted" if event.halt else "paused"
            return f"{done} by {event.by}" + (f": {event.reason}" if event.reason else "")
        case e.RunResumed():
            return f"resumed by {event.by}"
        case e.StopRequested():
            return f"stopping: {event.reason}"
        case e.ClockJumped():
            return f"was asleep for {event.gap_s:.0f} s; deadlines are extended"
        case _:
            assert_never(event)


def _run(
    event: e.RunCreated
    | e.EngineStarted
    | e.HarnessRecorded
    | e.LimitsChanged
    | e.CampaignChangeAccepted
    | e.RunFinished
    | e.EngineStopped,
) -> str:
    match event:
        case e.RunCreated():
            return f"run {event.run} of campaign {event.campaign}, seed {event.seed}"
        case e.EngineStarted():
            return f"engine {event.version} started, pid {event.pid} on {event.host}"
        case e.HarnessRecorded():
            return f"what judges: {event.files} files in {event.folder}, {event.sha256[:12]}"
        case e.LimitsChanged():
            return f"stop rules or slots changed by {event.by}"
        case e.CampaignChangeAccepted():
            return f"campaign changed by {event.by}: {'; '.join(event.differences)}"
        case e.RunFinished():
            return f"finished: {event.detail}"
        case e.EngineStopped():
            return f"engine stopped: {event.reason}"
        case _:
            assert_never(event)


def _iteration(
    event: e.IterationStarted
    | e.CandidateProposed
    | e.CheckStarted
    | e.CheckFinished
    | e.CheckInterrupted
    | e.PairDrawn
    | e.NoiseMeasured
    | e.ChampionMeasured
    | e.VerdictReached,
    metric: Metric | None,
) -> str:
    match event:
        case e.IterationStarted():
            return f"slot {event.slot} begins, trace {event.trace_id}"
        case e.CandidateProposed():
            return _proposed(event)
        case e.CheckStarted():
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            return f"{event.check}{half_text(event.half)} …{again}"
        case e.CheckFinished():
            detail = f": {event.detail}" if event.detail else ""
            figures = "".join(f" {name}={value:g}" for name, value in event.metrics.items())
            what = f"{event.check}{half_text(event.half)} {event.outcome}"
            return f"{what} in {event.duration_s:.1f} s{figures}{detail}"
        case e.CheckInterrupted():
            what = f"{event.check}{half_text(event.half)}"
            return f"{what} interrupted, to be done again: {event.reason}"
        case e.PairDrawn():
            return f"pair {event.pair} against {event.against}: the {event.first} is first"
        case e.NoiseMeasured():
            return noise_text(event)
        case e.ChampionMeasured():
            return champion_text(event, metric)
        case e.VerdictReached():
            return f"{event.verdict} {value_text(event.value, metric)}: {event.reason}"
        case _:
            assert_never(event)


def _proposed(event: e.CandidateProposed) -> str:
    facts = [event.chosen.label if event.chosen else "", parameters(event.parameters)]
    if event.restores:
        facts.append(f"goes on with {event.restores}")
    if event.agent and event.base:
        facts.append(f"{event.agent} is to change {short(event.base)}")
    elif event.commit:
        facts.append(f"commit {short(event.commit)}")
    tags = "".join(f" {tag}" for tag in event.tags)
    return f"{event.candidate}{tags}: {', '.join(filter(None, facts))}"


def parameters(values: e.Parameters) -> str:
    """Parameters in one line."""
    return " ".join(f"{name}={value}" for name, value in values.items())
