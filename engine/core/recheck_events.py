"""Measuring again outside of an iteration: to confirm, at the end, for the baseline's drift."""

from typing import Literal

from engine.core.check_events import CheckFinished
from engine.core.event import Event, LogSpan
from engine.core.ids import CandidateId, IterationNumber, JobId
from engine.core.pairs.decided import Decision
from engine.core.parts import Half

Purpose = Literal[
    "confirm",  # a champion, under one of the declared variants
    "end",  # a leader, before the run is called finished
    "baseline",  # for the drift of the fixed baseline
    "final",  # a leader, by the checks of `finish` alone
]
RecheckOutcome = Literal[
    "held",
    "failed",
    "inconclusive",  # neither
    "infra",  # the machine's fault: nothing was found out
    "moot",  # nobody needs to know any more
]


class RecheckBegun(Event, frozen=True, kw_only=True):
    """A candidate is to be measured again, in a slot, beside the candidate `against`.

    `iteration` is the candidate's own, which is over. `env` is what its checks get besides, as
    the `variant` of a confirmation says.
    """

    recheck: int
    iteration: IterationNumber
    candidate: CandidateId
    against: CandidateId
    purpose: Purpose
    slot: int
    variant: str = ""
    env: dict[str, str] = {}


class RecheckStarted(Event, frozen=True, kw_only=True):
    """Intent: a check of a candidate that is measured again is about to run."""

    recheck: int
    iteration: IterationNumber
    candidate: CandidateId
    check: str
    attempt: int
    log: LogSpan
    half: Half | None = None
    job: JobId | None = None


class RecheckChecked(Event, frozen=True, kw_only=True):
    """Outcome of such a check. It belongs to no iteration: `report` says what it came to."""

    recheck: int
    iteration: IterationNumber
    candidate: CandidateId
    report: CheckFinished


class RecheckInterrupted(Event, frozen=True, kw_only=True):
    """Such a check was cut off through no fault of the candidate; it is done again."""

    recheck: int
    iteration: IterationNumber
    candidate: CandidateId
    check: str
    attempt: int
    reason: str


class RecheckEnded(Event, frozen=True, kw_only=True):
    """What measuring again came to.

    `value` is the candidate's now and `error` its standard error, 0 where it was measured once;
    `reference` and `reference_error` are those of the baseline beside it, where that was measured.
    `changed` tells that the value is another one than before, by more than noise. `metrics` are
    what the final checks reported.
    """

    recheck: int
    iteration: IterationNumber
    candidate: CandidateId
    against: CandidateId
    purpose: Purpose
    outcome: RecheckOutcome
    reason: str
    variant: str = ""
    env: dict[str, str] = {}
    value: float | None = None
    error: float = 0.0
    reference: float | None = None
    reference_error: float = 0.0
    before: float | None = None
    changed: bool = False
    decision: Decision | None = None
    metrics: dict[str, float] = {}


class ChampionDemoted(Event, frozen=True, kw_only=True):
    """A confirmation failed: the candidate is not champion, and `champion` is it now.

    `judged` were judged against it and stay as they were judged. `better` is the best of these,
    where it has a better value than the champion of now.
    """

    iteration: IterationNumber
    candidate: CandidateId
    champion: CandidateId | None
    reason: str
    judged: list[CandidateId] = []
    better: CandidateId | None = None
