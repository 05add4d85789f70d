"""An iteration that is under way: what its slot does, and what was found out so far."""

import msgspec

from engine.core.event import LogSpan
from engine.core.events import (
    AgentFinished,
    AgentInterrupted,
    ChangeCollected,
    CheckFinished,
    PairDrawn,
    StashRequested,
)
from engine.core.ids import ApprovalId, CandidateId, IterationNumber, JobId, TraceId
from engine.core.parts import Half
from engine.core.repair.events import RepairStarted
from engine.core.repair.parts import Mended
from engine.core.reviews.parts import Held


class Attempt(msgspec.Struct, kw_only=True):
    """An attempt of an agent that is under way; `folder` lies below the run's.

    `approved` is what was decided of that which it asked.
    """

    agent: str
    number: int
    since: str
    folder: str
    approved: dict[ApprovalId, bool] = {}


class OpenIteration(msgspec.Struct, kw_only=True):
    """An iteration without a verdict: what its slot does now, and what was found out so far.

    `attempts` counts those of the agent, `answers` is what those that ended came to, `let_down`
    are those that the machine cut off; `answered_at` is when the last of both ended. `half` is the
    one that `check` runs for, `halves` are those that ended; they are not in `finished`. `drawn`
    is what chance has said of pairs. `again` says for what a candidate is measured again whose own
    iteration is over. `cut` says why the run's finish leaves no time for what is left of it. `job`
    is what runs `check`, where that outlives the engine. `repair` is under way, `mended` is what
    became of those before it, by check. `held` tells that its candidate waits for a review, or did.
    """

    iteration: IterationNumber
    slot: int
    trace_id: TraceId
    since: str
    candidate: CandidateId | None = None
    check: str | None = None
    attempt: int = 0
    check_since: str = ""
    log: LogSpan | None = None
    half: Half | None = None
    finished: list[CheckFinished] = []
    halves: list[CheckFinished] = []
    drawn: list[PairDrawn] = []
    finished_at: str = ""
    agent: Attempt | None = None
    attempts: int = 0
    answers: list[AgentFinished] = []
    let_down: list[AgentInterrupted] = []
    answered_at: str = ""
    change: ChangeCollected | None = None
    escalated: bool = False
    put_aside: StashRequested | None = None
    again: str = ""
    cut: str = ""
    job: JobId | None = None
    repair: RepairStarted | None = None
    mended: dict[str, Mended] = {}
    held: Held | None = None

    @property
    def waits_for_review(self) -> bool:
        """Whether its candidate waits for a review before its checks."""
        return self.held is not None and not self.held.settled

    @property
    def phase(self) -> str:
        """What the slot is doing, in a word or two."""
        if self.agent is not None:
            return self.agent.agent
        if self.waits_for_review:
            return "waits for a review"
        told = self.check or (f"repairing {self.repair.check}" if self.repair else "deciding")
        if self.check is not None and self.half is not None:
            told = f"{self.check}, pair {self.half.pair}, {self.half.role}"
        return f"{self.again}: {told}" if self.again else told

    @property
    def phase_since(self) -> str:
        """Since when it does that; UTC, ISO 8601."""
        return self.agent.since if self.agent else self.check_since or self.since
