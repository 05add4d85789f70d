"""The state of a run: what its events add up to. Changed by `fold` alone.

The fold changes the state in place: with ten thousand candidates a fresh copy for every event
would cost more than all the rest of the engine.
"""

from typing import Any, Final, Literal

import msgspec

from engine.core.decisions.parts import Chosen, Decisions
from engine.core.events import (
    FinishReason,
    HarnessRecorded,
    Limits,
    NoiseMeasured,
    Parameters,
)
from engine.core.finish.parts import Finish, Report
from engine.core.ids import (
    ApprovalId,
    CandidateId,
    CommandId,
    DirectiveId,
    IterationNumber,
    RunId,
    StashId,
)
from engine.core.jobs.parts import Jobs
from engine.core.memory.parts import Memory
from engine.core.metric import Metric
from engine.core.pairs.decided import Decision
from engine.core.parts import AgentAnswer, Hotspot, Tokens
from engine.core.rechecked import Rechecks
from engine.core.repair.parts import Fallback, Repairs
from engine.core.reviews.parts import Instead, Reviews
from engine.core.turn import OpenIteration
from engine.core.verdict import SCORED, Verdict


class Code(msgspec.Struct, kw_only=True):
    """The code of a candidate: what it was made from, by which agent, and at what cost.

    Without an `agent` the commit was there before. `base` is where the agent began; `stands_on` is
    the champion's commit below that: another one where it went on with a stash. `cost_usd` is None
    where a price is unknown. `noticed` and `said` are what its change shows that cannot count.
    """

    base: str
    stands_on: str
    agent: str | None = None
    commit: str | None = None
    tree: str = ""
    changed: int = 0
    answer: AgentAnswer | None = None
    tokens: int = 0
    cost_usd: float | None = None
    noticed: list[str] = []
    said: dict[str, float] = {}


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """When, under which fingerprint and how exactly a champion's value was measured last.

    `error` is its standard error, 0 where it was measured once.
    """

    iteration: IterationNumber
    fingerprint: dict[str, str]
    error: float = 0.0


class Candidate(msgspec.Struct, kw_only=True, gc=False):
    """A candidate and what became of it; `verdict` is None while its iteration runs.

    `measured` is known of those that became the champion. `reigned` is the number of the event
    that made it champion the last time, 0 where none did, or a person or a confirmation took that
    back. `ruled` is what these said of it. `chosen` is what a worker's decision says of it,
    `fallback` what it is run with instead, `instead` what a review put in another's place by it.
    """

    id: CandidateId
    iteration: IterationNumber
    parameters: Parameters
    seed: int
    parents: list[CandidateId]
    tags: list[str]
    proposer: str
    verdict: Verdict | None = None
    value: float | None = None
    reason: str = ""
    metrics: dict[str, float] = {}
    code: Code | None = None
    hotspots: list[Hotspot] = []
    decision: Decision | None = None
    measured: Measured | None = None
    reigned: int = 0
    ruled: str = ""
    chosen: Chosen | None = None
    fallback: Fallback | None = None
    instead: Instead | None = None

    @property
    def scored(self) -> bool:
        """Whether its metric was measured in a valid way."""
        return self.value is not None and self.verdict in SCORED


class Engine(msgspec.Struct, kw_only=True):
    """The engine that holds or last held the run."""

    pid: int
    start_ticks: int
    boot_id: str
    host: str
    version: str
    started: str
    fingerprint: dict[str, str]


class Pausing(msgspec.Struct, kw_only=True):
    """Why no new step starts, and since when."""

    by: str
    reason: str
    since: str
    halt: bool = False


class Directive(msgspec.Struct, kw_only=True):
    """A steering text; `retired` says why it is in no prompt any more."""

    id: DirectiveId
    title: str
    text: str
    source: str
    by: str
    since: str
    retired: str | None = None


class Stash(msgspec.Struct, kw_only=True):
    """An attempt that was put aside."""

    id: StashId
    iteration: IterationNumber
    ref: str
    commit: str
    reason: str
    by: str
    since: str


class Approval(msgspec.Struct, kw_only=True):
    """What an agent asks a person; `until` says when `default` holds (UTC, ISO 8601)."""

    id: ApprovalId
    iteration: IterationNumber
    candidate: CandidateId
    text: str
    default: Literal["approve", "refuse"]
    until: str
    since: str


class Spend(msgspec.Struct, kw_only=True):
    """What agents have used so far. `unpriced` counts the tokens whose price is unknown.

    `untold` counts attempts and reviews that told nothing of what they used; `silent` those of
    them that were at work, and were not kept from it by their provider or the machine.
    """

    tokens: Tokens = Tokens()
    usd: float = 0.0
    unpriced: int = 0
    untold: int = 0
    silent: int = 0


class Repeated(msgspec.Struct, kw_only=True):
    """Failures in a row that are alike."""

    signature: str
    times: int


class Finished(msgspec.Struct, kw_only=True):
    """Which stop rule ended the run."""

    reason: FinishReason
    detail: str
    exit_status: int


class Stopped(msgspec.Struct, kw_only=True):
    """How the last engine ended; None in the state while one runs or after it was killed."""

    reason: str
    exit_status: int


class Answer(msgspec.Struct, kw_only=True):
    """What became of a command."""

    seq: int
    accepted: bool
    reason: str = ""


class RunState(msgspec.Struct, kw_only=True):
    """Everything that events have said about a run so far.

    `failing` counts failures by their class, since a candidate was last judged by what it is worth.
    `pairs_s` is how long measurements in pairs took, `checks_s` all other checks. `overstated`
    names where the baseline says that it is better than it is.
    """

    run: RunId
    campaign: str
    campaign_sha256: str
    campaign_path: str
    document: dict[str, Any]
    seed: int
    slots: int
    metric: Metric
    limits: Limits
    created: str
    space_size: int | None = None
    seq: int = 0
    time: str = ""
    last_iteration: IterationNumber = IterationNumber(0)
    open: dict[int, OpenIteration] = {}
    candidates: dict[CandidateId, Candidate] = {}
    keys: set[str] = set()
    counts: dict[str, int] = {}
    champion: CandidateId | None = None
    baseline: CandidateId | None = None
    since_promotion: int = 0
    failures_in_a_row: int = 0
    engine: Engine | None = None
    engines: int = 0
    alive_s: float = 0.0
    paused: Pausing | None = None
    stopping: str | None = None
    finished: Finished | None = None
    stopped: Stopped | None = None
    answers: dict[CommandId, Answer] = {}
    directives: dict[DirectiveId, Directive] = {}
    stashes: dict[StashId, Stash] = {}
    stashed: int = 0
    restoring: list[StashId] = []
    approvals: dict[ApprovalId, Approval] = {}
    asked: int = 0
    spend: Spend = msgspec.field(default_factory=Spend)
    parked_until: str | None = None
    parked_at: str = ""
    counted_failures: int = 0
    alike: Repeated | None = None
    failing: dict[str, int] = {}
    fatal: str | None = None
    memory: Memory = msgspec.field(default_factory=Memory)
    reviews: Reviews = msgspec.field(default_factory=Reviews)
    noise: NoiseMeasured | None = None
    harness: HarnessRecorded | None = None
    checks_s: float = 0.0
    pairs_s: float = 0.0
    rechecks: Rechecks = msgspec.field(default_factory=Rechecks)
    finish: Finish | None = None
    repairs: Repairs = msgspec.field(default_factory=Repairs)
    report: Report | None = None
    jobs: Jobs = msgspec.field(default_factory=Jobs)
    decisions: Decisions = msgspec.field(default_factory=Decisions)
    overstated: list[str] = []

    @property
    def turns(self) -> list[OpenIteration]:
        """All that is under way: open iterations, and what is measured again outside of one."""
        again = self.rechecks.open
        return [*self.open.values(), *([again.turn] if again else [])]

    @property
    def ended_iterations(self) -> int:
        """How many iterations have a verdict."""
        return self.last_iteration - len(self.open)

    @property
    def ends_by_halt(self) -> bool:
        """Whether a guardrail opened and nobody is to be waited for."""
        return self.paused is not None and self.paused.halt and self.limits.exit_on_halt

    @property
    def fingerprint(self) -> dict[str, str]:
        """Under which measurements are taken now."""
        return self.engine.fingerprint if self.engine else {}

    def best(self) -> Candidate | None:
        """The champion, when there is one."""
        return self.candidates[self.champion] if self.champion else None

    def first(self) -> Candidate | None:
        """The baseline, once it is proposed."""
        return self.candidates[self.baseline] if self.baseline else None


_DECODER: Final[msgspec.msgpack.Decoder[RunState]] = msgspec.msgpack.Decoder(RunState)


def dump(state: RunState) -> bytes:
    """The state as bytes, for a snapshot."""
    return msgspec.msgpack.encode(state)


def load(body: bytes) -> RunState:
    """The state that `dump` wrote.

    Raises:
        msgspec.ValidationError: the bytes are of another version of the state.
    """
    return _DECODER.decode(body)
