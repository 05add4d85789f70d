"""What a command does: pure decisions, as events."""

from typing import assert_never

from engine.core import events as e
from engine.core.answering_approvals import decide
from engine.core.answering_champions import rule
from engine.core.answering_finish import finish_command
from engine.core.answering_steering import Refusal, stash, steer
from engine.core.commands import (
    AcceptChampion,
    AddDirective,
    AddTodo,
    Approve,
    CancelFinish,
    DropStash,
    EditDirective,
    EditTodo,
    Envelope,
    Finish,
    Pause,
    Refuse,
    RejectChampion,
    ResolveTodo,
    RestoreStash,
    Resume,
    RetireDirective,
    Review,
    Stash,
    Stop,
    StopJob,
    name_of,
)
from engine.core.detaching import stop_job
from engine.core.housekeeping import todo_command
from engine.core.reviewing import ask
from engine.core.state import RunState


def answer(state: RunState, envelope: Envelope, now_s: float = 0.0) -> list[e.AnyEvent]:
    """The events that answer a command; none when its id was answered before.

    Args:
        state: the run.
        envelope: the command.
        now_s: seconds since 1970; those commands need it that speak of time.
    """
    if envelope.id in state.answers:
        return []
    effect = _effect(state, envelope, now_s)
    if isinstance(effect, Refusal):
        return refuse(state, envelope, effect.reason)
    accepted = e.CommandAccepted(
        command_id=envelope.id, command=name_of(envelope.command), by=envelope.by
    )
    return [*effect, accepted]


def _effect(state: RunState, envelope: Envelope, now_s: float) -> list[e.AnyEvent] | Refusal:
    match envelope.command:
        case Pause(reason=reason):
            return pause(state, by=envelope.by, reason=reason)
        case Resume():
            return resume(state, by=envelope.by)
        case Stop(reason=reason):
            return stop(state, by=envelope.by, reason=reason)
        case AddDirective() | EditDirective() | RetireDirective() as command:
            return steer(state, command, by=envelope.by)
        case Stash() | RestoreStash() | DropStash() as command:
            return stash(state, command, by=envelope.by)
        case Approve() | Refuse() as command:
            return decide(state, command, by=envelope.by)
        case AddTodo() | EditTodo() | ResolveTodo() as command:
            return todo_command(state, command, by=envelope.by)
        case Review():
            return ask(state, by=envelope.by)
        case AcceptChampion() | RejectChampion() as command:
            return rule(state, command, by=envelope.by)
        case Finish() | CancelFinish() as command:
            return finish_command(state, command, by=envelope.by, now_s=now_s)
        case StopJob() as command:
            return stop_job(state, command, by=envelope.by)
        case _:
            assert_never(envelope.command)


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
