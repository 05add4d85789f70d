"""The state of a run: what its events add up to. Changed by `fold` alone.

The fold changes the state in place: with ten thousand candidates a fresh copy for every event
would cost more than all the rest of the engine.
"""

from typing import Any, Final

import msgspec

from engine.core.events import (
    CheckFinished,
    FinishReason,
    Limits,
    LogSpan,
    Parameters,
)
from engine.core.ids import CandidateId, CommandId, IterationNumber, RunId, TraceId
from engine.core.metric import Metric
from engine.core.verdict import SCORED, Verdict


class Candidate(msgspec.Struct, kw_only=True, gc=False):
    """A candidate and what became of it; `verdict` is None while its iteration runs."""

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

    @property
    def scored(self) -> bool:
        """Whether its metric was measured in a valid way."""
        return self.value is not None and self.verdict in SCORED


class OpenIteration(msgspec.Struct, kw_only=True):
    """An iteration without a verdict: what its slot does now, and what its checks said so far."""

    iteration: IterationNumber
    slot: int
    trace_id: TraceId
    since: str
    candidate: CandidateId | None = None
    check: str | None = None
    attempt: int = 0
    check_since: str = ""
    log: LogSpan | None = None
    finished: list[CheckFinished] = []

    @property
    def phase(self) -> str:
        """What the slot is doing, in a word or two."""
        return self.check or "deciding"


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
    """Everything that events have said about a run so far."""

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

    @property
    def ended_iterations(self) -> int:
        """How many iterations have a verdict."""
        return self.last_iteration - len(self.open)

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
