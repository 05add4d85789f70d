"""What happened around agents and the code that they change; see `engine.core.events`."""

from typing import Literal

from engine.core.event import Event, LogSpan
from engine.core.ids import ApprovalId, CandidateId, DirectiveId, IterationNumber, StashId
from engine.core.parts import AgentAnswer, AgentOutcome, FileChange, PromptPart, Tokens


class AgentStarted(Event, frozen=True, kw_only=True):
    """Intent: an agent is about to work. `folder` holds the attempt's files, below the run's."""

    iteration: IterationNumber
    candidate: CandidateId
    attempt: int
    agent: str
    model: str | None
    effort: str | None
    base: str
    folder: str
    prompt_sha256: str
    parts: list[PromptPart]
    directives: list[str]
    escalated: bool
    log: LogSpan


class AgentFinished(Event, frozen=True, kw_only=True):
    """Outcome of an agent's attempt.

    `cost_usd` is None where the price is unknown. `signature` is equal for failures that are
    alike. `problems` says which rules its answer breaks. `retry_at` is UTC, ISO 8601. `kept` is
    the ref under which its tree lies when nothing else comes of it.
    """

    iteration: IterationNumber
    candidate: CandidateId
    attempt: int
    outcome: AgentOutcome
    detail: str
    duration_s: float
    log: LogSpan
    tokens: Tokens = Tokens()
    cost_usd: float | None = None
    model: str = ""
    signature: str = ""
    retry_at: str | None = None
    answer: AgentAnswer | None = None
    problems: list[str] = []
    kept: str = ""


class AgentInterrupted(Event, frozen=True, kw_only=True):
    """An agent was cut off through no fault of its own; its turn is done again.

    `kept` is the ref under which the tree that it left lies, if it had changed. Where the machine
    let it down, and no person and no end of the engine cut it off, it has a `signature`, which is
    equal for failures that are alike: such a turn is done again after a pause, and only so often.
    """

    iteration: IterationNumber
    candidate: CandidateId
    attempt: int
    reason: str
    tokens: Tokens = Tokens()
    cost_usd: float | None = None
    kept: str = ""
    signature: str = ""


class ApprovalAsked(Event, frozen=True, kw_only=True):
    """An agent asks a person, and waits; `default` is what holds after `deadline` (UTC, ISO 8601).

    `ask` is the agent's own id of the question.
    """

    approval: ApprovalId
    iteration: IterationNumber
    candidate: CandidateId
    attempt: int
    ask: str
    text: str
    default: Literal["approve", "refuse"]
    deadline: str


class ApprovalAnswered(Event, frozen=True, kw_only=True):
    """What an agent asked is decided; `by` is a person, or what let the default hold."""

    approval: ApprovalId
    iteration: IterationNumber
    candidate: CandidateId
    approved: bool
    by: str
    reason: str = ""


class ChangeCollected(Event, frozen=True, kw_only=True):
    """The tree that an agent left is a commit now; `commits` is how many it made itself.

    `scalar` tells that nothing but constants differs from the base. `noticed` is what was seen in
    it that cannot count, `said` what its files say of the metric.
    """

    iteration: IterationNumber
    candidate: CandidateId
    commit: str
    tree: str
    base: str
    commits: int
    changed: int
    files: list[FileChange]
    notes: list[str] = []
    scalar: bool = False
    noticed: list[str] = []
    said: dict[str, float] = {}


class ChangeCarriedOver(Event, frozen=True, kw_only=True):
    """The champion had moved on: the change now stands on it, and is checked anew."""

    iteration: IterationNumber
    candidate: CandidateId
    commit: str
    tree: str
    base: str


class DirectiveAdded(Event, frozen=True, kw_only=True):
    """A steering text goes into prompts from now on; `source` is a preset, a file or a person."""

    directive: DirectiveId
    title: str
    text: str
    source: str
    by: str


class DirectiveEdited(Event, frozen=True, kw_only=True):
    """A directive says something else from the next prompt on."""

    directive: DirectiveId
    text: str
    by: str


class DirectiveRetired(Event, frozen=True, kw_only=True):
    """A directive is in no prompt any more."""

    directive: DirectiveId
    reason: str
    by: str


class StashRequested(Event, frozen=True, kw_only=True):
    """A person wants what is under way in an iteration to be put aside."""

    iteration: IterationNumber
    reason: str
    by: str


class AttemptStashed(Event, frozen=True, kw_only=True):
    """What was under way in an iteration lies under a private ref, and its slot is free."""

    iteration: IterationNumber
    candidate: CandidateId
    stash: StashId
    ref: str
    commit: str
    reason: str
    by: str


class StashRestored(Event, frozen=True, kw_only=True):
    """A person wants a stash to be gone on with; the next free slot does."""

    stash: StashId
    by: str


class StashDropped(Event, frozen=True, kw_only=True):
    """A stash is gone."""

    stash: StashId
    by: str
