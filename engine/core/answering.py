"""What a command does: pure decisions, as events."""

from typing import assert_never

from engine.core import events as e
from engine.core.commands import Envelope, Pause, Resume, Stop, name_of
from engine.core.state import RunState


def answer(state: RunState, envelope: Envelope) -> list[e.AnyEvent]:
    """The events that answer a command; none when its id was answered before."""
    if envelope.id in state.answers:
        return []
    accepted = e.CommandAccepted(
        command_id=envelope.id, command=name_of(envelope.command), by=envelope.by
    )
    match envelope.command:
        case Pause(reason=reason):
            effect = pause(state, by=envelope.by, reason=reason)
        case Resume():
            effect = resume(state, by=envelope.by)
        case Stop(reason=reason):
            effect = stop(state, by=envelope.by, reason=reason)
        case _:
            assert_never(envelope.command)
    return [*effect, accepted]


def refuse(state: RunState, envelope: Envelope, reason: str) -> list[e.AnyEvent]:
    """The event that refuses a command; none when its id was answered before."""
    if envelope.id in state.answers:
        return []
    name = name_of(envelope.command)
    return [e.CommandRefused(command_id=envelope.id, command=name, by=envelope.by, reason=reason)]


def pause(state: RunState, *, by: str, reason: str) -> list[e.AnyEvent]:
    """Pausing; nothing when the run is paused already."""
    return [] if state.paused else [e.RunPaused(by=by, reason=reason)]


def resume(state: RunState, *, by: str) -> list[e.AnyEvent]:
    """Resuming; nothing when the run is not paused."""
    return [e.RunResumed(by=by)] if state.paused else []


def stop(state: RunState, *, by: str, reason: str) -> list[e.AnyEvent]:
    """Draining; nothing when the engine drains already."""
    return [] if state.stopping is not None else [e.StopRequested(by=by, reason=reason)]
