"""What happened around the mentor; see `engine.core.events`."""

from engine.core.decisions.parts import Decision
from engine.core.event import Event, LogSpan
from engine.core.ids import CandidateId, DecisionId, IterationNumber, ReviewId
from engine.core.parts import AgentOutcome, PromptPart, Tokens
from engine.core.reviews.parts import Mode, Opinion, Signals


class ReviewAsked(Event, frozen=True, kw_only=True):
    """A person wants the mentor to look now."""

    by: str


class ReviewStarted(Event, frozen=True, kw_only=True):
    """Intent: a mentor is about to look, and why. `at_iteration` is how many had ended.

    `folder` holds its files, below the run's. `decision` is the worker's that waits for it, or
    `candidate` the one whose checks do.
    """

    review: ReviewId
    at_iteration: IterationNumber
    reasons: list[str]
    mode: Mode
    signals: Signals
    agent: str
    model: str | None
    effort: str | None
    folder: str
    prompt_sha256: str
    parts: list[PromptPart]
    log: LogSpan
    decision: DecisionId | None = None
    candidate: CandidateId | None = None


class ReviewFinished(Event, frozen=True, kw_only=True):
    """Outcome of a review. Without an `opinion` nothing comes of it; `detail` says why.

    `problems` says in which way its answer was not what was asked for. `searched` tells that it
    looked something up, by the tools that it used.
    """

    review: ReviewId
    outcome: AgentOutcome
    detail: str
    duration_s: float
    log: LogSpan
    opinion: Opinion | None = None
    problems: list[str] = []
    searched: bool = False
    tokens: Tokens = Tokens()
    cost_usd: float | None = None
    model: str = ""


class ReviewInterrupted(Event, frozen=True, kw_only=True):
    """A review was cut off; it is not done again, the next one is due in its time."""

    review: ReviewId
    reason: str
    tokens: Tokens = Tokens()
    cost_usd: float | None = None


class CandidateHeld(Event, frozen=True, kw_only=True):
    """A candidate waits for a review before its checks, until then (UTC) at most, and why."""

    iteration: IterationNumber
    candidate: CandidateId
    until: str
    reasons: list[str]


class CandidateReleased(Event, frozen=True, kw_only=True):
    """A candidate goes on to its checks, whatever became of the review."""

    iteration: IterationNumber
    candidate: CandidateId
    reason: str
    review: ReviewId | None = None


class CandidateVetoed(Event, frozen=True, kw_only=True):
    """A review kept a candidate from its checks; its work is put aside."""

    iteration: IterationNumber
    candidate: CandidateId
    review: ReviewId
    reason: str


class CandidateReplaced(Event, frozen=True, kw_only=True):
    """A review put something else in a candidate's place, which the next iteration tries."""

    iteration: IterationNumber
    candidate: CandidateId
    review: ReviewId
    replacement: Decision
    reason: str


HeldEvent = CandidateHeld | CandidateReleased | CandidateVetoed | CandidateReplaced
