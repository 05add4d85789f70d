"""What people and the machine did to a run that goes on; see `engine.core.events`."""

from engine.core.event import Event
from engine.core.ids import CommandId


class ClockJumped(Event, frozen=True, kw_only=True):
    """The machine slept or the engine was stopped; running deadlines were extended by the gap."""

    gap_s: float


class CommandAccepted(Event, frozen=True, kw_only=True):
    """A command from the inbox was carried out."""

    command_id: CommandId
    command: str
    by: str


class CommandRefused(Event, frozen=True, kw_only=True):
    """A command from the inbox was not carried out, and why."""

    command_id: CommandId
    command: str
    by: str
    reason: str


class RunPaused(Event, frozen=True, kw_only=True):
    """No new step starts. `halt` tells that a guardrail asks for a person."""

    by: str
    reason: str
    halt: bool = False


class RunResumed(Event, frozen=True, kw_only=True):
    """Steps start again."""

    by: str


class StopRequested(Event, frozen=True, kw_only=True):
    """The engine drains and then ends; the same `run` command resumes the run."""

    by: str
    reason: str
