"""What an attempt may use, and what is known of it in the end."""

from pathlib import Path

import msgspec

from engine.agents.files import TRANSCRIPT
from engine.agents.protocol import AgentTask, AnyAgentEvent
from engine.core.parts import AgentOutcome, Tokens


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt may use; None is no limit.

    `silent_s` is how long it may print nothing at all; `retrying_s` how long it may do nothing but
    try to reach its provider. What goes over `tokens` or `usd` is cut off, also by its last call;
    with a limit in USD and an unknown price it is cut off at once.
    """

    wall_s: float | None = None
    silent_s: float | None = None
    retrying_s: float | None = 300.0
    tokens: int | None = None
    usd: float | None = None


class SessionResult(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended, and what it used.

    `cost_usd` is None when it is unknown. `structured` is a JSON object, when the answer is one.
    `retry_at` is in seconds since 1970, UTC.
    """

    outcome: AgentOutcome
    detail: str
    retry_at: float | None
    tokens: Tokens
    cost_usd: float | None
    model: str
    answer: str
    structured: str | None
    duration_s: float
    transcript: Path
    events: int

    @classmethod
    def not_started(cls, task: AgentTask, reason: str) -> "SessionResult":
        """The result of an attempt whose program is not there."""
        return cls(
            outcome="crashed",
            detail=reason,
            retry_at=None,
            tokens=Tokens(),
            cost_usd=0.0,
            model=task.model or "",
            answer="",
            structured=None,
            duration_s=0.0,
            transcript=task.folder / TRANSCRIPT,
            events=0,
        )


class Recorded(msgspec.Struct, frozen=True):
    """A line of an attempt's events; the time is UTC, ISO 8601."""

    time: str
    event: AnyAgentEvent
