"""What happened: frozen, tagged, in the past tense. Only decisions are events.

A published event never changes meaning; what is new gets a new event or a new optional field.
The times at which events were recorded stand beside them in the journal, in UTC.
"""

from typing import Any, Final, Literal

import msgspec

from engine.core.agent_events import (
    AgentFinished,
    AgentInterrupted,
    AgentStarted,
    ApprovalAnswered,
    ApprovalAsked,
    AttemptStashed,
    ChangeCarriedOver,
    ChangeCollected,
    DirectiveAdded,
    DirectiveEdited,
    DirectiveRetired,
    StashDropped,
    StashRequested,
    StashRestored,
)
from engine.core.check_events import CheckFinished, CheckInterrupted, CheckStarted
from engine.core.check_events import CheckOutcome as CheckOutcome  # noqa: PLC0414  (read from here)
from engine.core.check_events import Tests as Tests  # noqa: PLC0414
from engine.core.control_events import (
    ClockJumped,
    CommandAccepted,
    CommandRefused,
    RunPaused,
    RunResumed,
    StopRequested,
)
from engine.core.decisions.events import DecisionEvent as DecisionEvent  # noqa: PLC0414
from engine.core.decisions.parts import Chosen
from engine.core.event import Event
from engine.core.event import LogSpan as LogSpan  # noqa: PLC0414
from engine.core.finish.events import (
    FinalRoundCounted,
    FinalRoundStarted,
    FinishBegan,
    FinishCancelled,
    FinishMoved,
    FinishPlanned,
    FinishRefused,
    IterationCut,
    ReportFailed,
    ReportStarted,
    ReportWritten,
)
from engine.core.finish.events import FinishEvent as FinishEvent  # noqa: PLC0414  (read from here)
from engine.core.finish.events import Phase as Phase  # noqa: PLC0414
from engine.core.finish.events import ReportFile as ReportFile  # noqa: PLC0414
from engine.core.finish.events import Source as Source  # noqa: PLC0414
from engine.core.finish.parts import FinishRules
from engine.core.ids import (
    CandidateId,
    IterationNumber,
    RunId,
    StashId,
    TraceId,
)
from engine.core.jobs.events import JobEvent as JobEvent  # noqa: PLC0414  (read from here)
from engine.core.measuring_events import (
    ChampionAccepted,
    ChampionMeasured,
    ChampionRejected,
    HarnessRecorded,
    NoiseMeasured,
    PairDrawn,
)
from engine.core.memory.events import (
    NoteTaken,
    TodoAdded,
    TodoEdited,
    TodoLeftOut,
    TodoResolved,
)
from engine.core.metric import Metric
from engine.core.pairs.decided import Decision
from engine.core.recheck_events import (
    ChampionDemoted,
    RecheckBegun,
    RecheckChecked,
    RecheckEnded,
    RecheckInterrupted,
    RecheckStarted,
)
from engine.core.repair.events import RepairEvent
from engine.core.review_events import (
    CandidateHeld,
    CandidateReleased,
    CandidateReplaced,
    CandidateVetoed,
    ReviewAsked,
    ReviewFinished,
    ReviewInterrupted,
    ReviewStarted,
)
from engine.core.verdict import Verdict

Parameters = dict[str, Any]
"""Values by parameter name: strings, booleans, integers and floats."""

FinishReason = Literal[
    "iterations",
    "time",
    "target",
    "plateau",
    "exhausted",
    "failures",
    "baseline",
    "budget",
    "policy",
    "finish",
]


Consequence = Literal[
    "none",
    "counted",  # counts against the failures that the whole run may have
    "fatal",  # the run ends
]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When the run ends by itself. `iterations` is the total of the run, the baseline included.

    `failures` counts those in a row, `failures_in_all` those of the whole run. With `exit_on_halt`
    a guardrail ends the run where it would else wait for a person. `finish` says how it comes to
    its end.
    """

    iterations: int | None = None
    for_s: float | None = None
    plateau: int | None = None
    failures: int | None = None
    failures_in_all: int | None = None
    stop_at_target: bool = False
    usd: float | None = None
    tokens: int | None = None
    exit_on_halt: bool = False
    finish: FinishRules = FinishRules()


class RunCreated(Event, frozen=True, kw_only=True):
    """The run exists; `document` is the whole campaign as plain data."""

    run: RunId
    campaign: str
    campaign_sha256: str
    campaign_path: str
    document: dict[str, Any]
    seed: int
    slots: int
    metric: Metric
    limits: Limits
    space_size: int | None = None


class EngineStarted(Event, frozen=True, kw_only=True):
    """An engine took the run over. `alive_s` is how long earlier engines of the run lived.

    `forgeable` tells that under this engine what judges is open to what it judges, whatever was so
    before: a sealed run that goes on unsealed, an agent whose sandbox does not stand here.
    """

    pid: int
    start_ticks: int
    boot_id: str
    host: str
    version: str
    alive_s: float
    fingerprint: dict[str, str]
    forgeable: bool = False


class LimitsChanged(Event, frozen=True, kw_only=True):
    """The run goes on under other stop rules or with another number of slots."""

    limits: Limits
    slots: int
    by: str


class CampaignChangeAccepted(Event, frozen=True, kw_only=True):
    """The campaign file differs from the run's, and a person said to go on with the new one."""

    campaign_sha256: str
    document: dict[str, Any]
    differences: list[str]
    metric: Metric
    by: str


class IterationStarted(Event, frozen=True, kw_only=True):
    """A slot began an iteration."""

    iteration: IterationNumber
    slot: int
    trace_id: TraceId


class CandidateProposed(Event, frozen=True, kw_only=True):
    """What the iteration will judge. `key` names its configuration: equal keys are equal runs.

    A candidate of code has a `commit`, or an `agent` that is to make one out of `base`, which is
    what a stash holds when it `restores` that. `chosen` is what a worker's decision says of it,
    `replaces` the candidate in whose place a review put it.
    """

    iteration: IterationNumber
    candidate: CandidateId
    parameters: Parameters
    key: str
    seed: int
    parents: list[CandidateId]
    tags: list[str]
    proposer: str
    commit: str | None = None
    base: str | None = None
    agent: str | None = None
    restores: StashId | None = None
    chosen: Chosen | None = None
    replaces: CandidateId | None = None


class VerdictReached(Event, frozen=True, kw_only=True):
    """The iteration is over. `value` is the metric's, when it was measured.

    `consequence` is what the campaign's policy makes of a failure; `signature` is equal for
    failures that are alike. `decision` is what measured pairs said, where there were some;
    `value_error` is the standard error of the value then. `noticed` is what was seen of the
    candidate that changed nothing of what counts; the reason has it too.
    """

    iteration: IterationNumber
    candidate: CandidateId
    verdict: Verdict
    reason: str
    value: float | None = None
    metrics: dict[str, float] = {}
    consequence: Consequence = "none"
    signature: str = ""
    decision: Decision | None = None
    value_error: float = 0.0
    noticed: list[str] = []


class RunFinished(Event, frozen=True, kw_only=True):
    """A stop rule ended the run. More iterations or time may be granted later."""

    reason: FinishReason
    detail: str
    exit_status: int


class EngineStopped(Event, frozen=True, kw_only=True):
    """The engine ended in good order."""

    reason: str
    exit_status: int
    alive_s: float


AnyEvent = (
    RunCreated
    | EngineStarted
    | HarnessRecorded
    | LimitsChanged
    | CampaignChangeAccepted
    | ClockJumped
    | CommandAccepted
    | CommandRefused
    | RunPaused
    | RunResumed
    | StopRequested
    | IterationStarted
    | CandidateProposed
    | AgentStarted
    | AgentFinished
    | AgentInterrupted
    | ApprovalAsked
    | ApprovalAnswered
    | ChangeCollected
    | ChangeCarriedOver
    | DirectiveAdded
    | DirectiveEdited
    | DirectiveRetired
    | StashRequested
    | AttemptStashed
    | StashRestored
    | StashDropped
    | CheckStarted
    | CheckFinished
    | CheckInterrupted
    | RepairEvent
    | PairDrawn
    | NoiseMeasured
    | ChampionMeasured
    | ChampionAccepted
    | ChampionRejected
    | VerdictReached
    | RecheckBegun
    | RecheckStarted
    | RecheckChecked
    | RecheckInterrupted
    | RecheckEnded
    | ChampionDemoted
    | TodoAdded
    | TodoLeftOut
    | TodoEdited
    | TodoResolved
    | NoteTaken
    | ReviewAsked
    | ReviewStarted
    | ReviewFinished
    | ReviewInterrupted
    | CandidateHeld
    | CandidateReleased
    | CandidateVetoed
    | CandidateReplaced
    | FinishPlanned
    | FinishRefused
    | FinishBegan
    | FinalRoundStarted
    | FinalRoundCounted
    | IterationCut
    | FinishMoved
    | FinishCancelled
    | ReportStarted
    | ReportWritten
    | ReportFailed
    | JobEvent
    | DecisionEvent
    | RunFinished
    | EngineStopped
)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the journal holds it: numbered from 1 without holes, stamped, chained."""

    seq: int
    time: str
    event: AnyEvent
    hash: bytes


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final[msgspec.json.Decoder[AnyEvent]] = msgspec.json.Decoder(AnyEvent)


def encode(event: AnyEvent) -> bytes:
    """The event as JSON, its class name under `type`."""
    return _ENCODER.encode(event)


def decode(body: bytes) -> AnyEvent:
    """The event in `body`.

    Raises:
        msgspec.ValidationError: the text is not an event that this version knows.
    """
    return _DECODER.decode(body)


def type_of(event: AnyEvent) -> str:
    """The event's name as it stands in the journal."""
    return type(event).__name__


def flat(record: Record) -> dict[str, Any]:
    """The record as one flat object for `events --json`: seq, time, type, then its own fields."""
    fields: dict[str, Any] = msgspec.to_builtins(record.event)
    head: dict[str, Any] = {"seq": record.seq, "time": record.time, "type": fields.pop("type")}
    head["iteration"] = fields.pop("iteration", None)
    head["candidate"] = fields.pop("candidate", None)
    return head | fields
