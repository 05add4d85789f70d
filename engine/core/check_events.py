"""What happens to the checks of an iteration; see `engine.core.events`."""

from typing import Literal

import msgspec

from engine.core.event import Event, LogSpan
from engine.core.ids import CandidateId, IterationNumber, JobId
from engine.core.parts import Half, Hotspot
from engine.core.repair.parts import Found
from engine.core.verdict import Verdict

CheckOutcome = Literal["passed", "failed", "skipped"]


class Tests(msgspec.Struct, frozen=True, kw_only=True):
    """A test inventory as a check reported it."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0


class CheckStarted(Event, frozen=True, kw_only=True):
    """Intent: the command of a check is about to run; `half` says for which half of a pair.

    With a `job` it outlives the engine, and its output is that job's log.
    """

    iteration: IterationNumber
    candidate: CandidateId
    check: str
    attempt: int
    log: LogSpan
    half: Half | None = None
    job: JobId | None = None


class CheckFinished(Event, frozen=True, kw_only=True):
    """Outcome of a check. `verdict` is what it makes of the candidate when it did not pass.

    As the `half` of a pair it may be the champion's; `candidate` is the iteration's even then.
    `seed` is what a judge drew its inputs from. `voided` says why nothing of it counts: what
    judges was changed under the run. `own` tells that a failure is the candidate's own doing: it
    is no sign of anything else, however often it comes back. `product` is the digest of what the
    candidate's half of a sealed check left: equal ones are the same files to the byte. `found` is
    what it said that it lacks. `said` is what the candidate's half of a sealed check says of the
    metric, by where it says so: nothing that counts.
    """

    iteration: IterationNumber
    candidate: CandidateId
    check: str
    attempt: int
    outcome: CheckOutcome
    exit_code: int | None
    duration_s: float
    log: LogSpan
    metrics: dict[str, float] = {}
    tests: Tests | None = None
    verdict: Verdict | None = None
    detail: str = ""
    artifacts: list[str] = []
    hotspots: list[Hotspot] = []
    seed: int | None = None
    voided: str = ""
    own: bool = False
    product: str = ""
    half: Half | None = None
    found: Found | None = None
    said: dict[str, float] = {}


class CheckInterrupted(Event, frozen=True, kw_only=True):
    """A check was cut off through no fault of the candidate; it is done again."""

    iteration: IterationNumber
    candidate: CandidateId
    check: str
    attempt: int
    reason: str
    half: Half | None = None
