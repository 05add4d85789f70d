"""What happened around a worker's decisions; see `engine.core.events`.

All times are UTC, ISO 8601.
"""

from engine.core.decisions.parts import Action, Decision, Issue
from engine.core.event import Event, LogSpan
from engine.core.ids import CandidateId, DecisionId, IterationNumber, ReviewId
from engine.core.parts import AgentOutcome, PromptPart, Tokens


class DecisionAsked(Event, frozen=True, kw_only=True):
    """Intent: a worker is about to be asked what comes next, and why now.

    `at_iteration` is how many had ended. `folder` holds its files, below the run's; what it was
    asked once more, where its answer could not be read, lies in a folder beside it.
    """

    decision: DecisionId
    at_iteration: IterationNumber
    reasons: list[str]
    agent: str
    model: str | None
    effort: str | None
    folder: str
    prompt_sha256: str
    parts: list[PromptPart]
    log: LogSpan


class DecisionAnswered(Event, frozen=True, kw_only=True):
    """Outcome: what the worker decided. Without an `answer` nothing comes of it.

    `asked_again` says what was wrong with its first answer, `problems` with the last; an answer
    with problems stands where it stops something. Until `rest_until` it is left alone.
    """

    decision: DecisionId
    outcome: AgentOutcome
    detail: str
    duration_s: float
    log: LogSpan
    answer: Decision | None = None
    asked_again: list[str] = []
    problems: list[str] = []
    searched: bool = False
    tokens: Tokens = Tokens()
    cost_usd: float | None = None
    model: str = ""
    rest_until: str = ""


class DecisionInterrupted(Event, frozen=True, kw_only=True):
    """A worker was cut off while it decided; it is asked again.

    With `rest_until` the machine did not do its part, and it is left alone until then.
    """

    decision: DecisionId
    reason: str
    tokens: Tokens = Tokens()
    cost_usd: float | None = None
    rest_until: str = ""


class DecisionGated(Event, frozen=True, kw_only=True):
    """What the gate says of a decision to begin a run. One that is `blocked` becomes a wait."""

    decision: DecisionId
    issues: list[Issue]
    blocked: bool
    rest_until: str = ""


class DecisionHeld(Event, frozen=True, kw_only=True):
    """A decision waits for a review, until then at most; `reasons` say what the review is for."""

    decision: DecisionId
    until: str
    reasons: list[str]


class DecisionReleased(Event, frozen=True, kw_only=True):
    """A decision that waited goes on as the worker made it, and why."""

    decision: DecisionId
    reason: str
    review: ReviewId | None = None


class DecisionVetoed(Event, frozen=True, kw_only=True):
    """A review let a decision come to nothing; the worker is asked again, with its critique."""

    decision: DecisionId
    review: ReviewId
    reason: str


class DecisionReplaced(Event, frozen=True, kw_only=True):
    """A review put another decision in the place of the worker's; both are kept."""

    decision: DecisionId
    review: ReviewId
    replacement: Decision
    reason: str


class DecisionTaken(Event, frozen=True, kw_only=True):
    """A decision is carried out: with the run that began or was cut off, or the end of a wait.

    Where it names a run that is not under way there is no `iteration`, and `detail` says so.
    """

    decision: DecisionId
    action: Action
    detail: str = ""
    iteration: IterationNumber | None = None
    candidate: CandidateId | None = None
    until: str = ""
    in_vain: bool = False


class DecisionDropped(Event, frozen=True, kw_only=True):
    """A decision that was ready was not carried out, and why."""

    decision: DecisionId
    reason: str


DecisionEvent = (
    DecisionAsked
    | DecisionAnswered
    | DecisionInterrupted
    | DecisionGated
    | DecisionHeld
    | DecisionReleased
    | DecisionVetoed
    | DecisionReplaced
    | DecisionTaken
    | DecisionDropped
)
