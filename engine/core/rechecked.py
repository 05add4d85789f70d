"""What was found out by measuring again: part of the state of a run."""

import msgspec

from engine.core.ids import CandidateId, IterationNumber
from engine.core.pairs.decided import Decision
from engine.core.recheck_events import Purpose, RecheckOutcome
from engine.core.turn import OpenIteration


class Recheck(msgspec.Struct, kw_only=True):
    """A candidate that is being measured again; `turn` is what its slot does."""

    number: int
    purpose: Purpose
    candidate: CandidateId
    against: CandidateId
    variant: str
    env: dict[str, str]
    turn: OpenIteration


class Rechecked(msgspec.Struct, frozen=True, kw_only=True):
    """What measuring a candidate again came to; `at` was the last iteration then.

    `tries` counts those for the same purpose and under the same variant.
    """

    outcome: RecheckOutcome
    reason: str
    at: IterationNumber
    env: dict[str, str]
    value: float | None
    error: float
    reference: float | None
    changed: bool
    tries: int
    decision: Decision | None = None
    metrics: dict[str, float] = {}


class Evidence(msgspec.Struct, kw_only=True):
    """What is known of a candidate beyond its own iteration.

    `repeated` counts how often its gain was shown again, `lost` says why its figure does not hold
    any more; the last word counts. `confirmed` is by variant, `at_end` the last time before the run
    was called finished, `final` what the final checks said then. `judged` are the iterations that
    were judged against it.
    """

    repeated: int = 0
    lost: str = ""
    confirmed: dict[str, Rechecked] = {}
    at_end: Rechecked | None = None
    final: Rechecked | None = None
    judged: list[IterationNumber] = []


class Drift(msgspec.Struct, kw_only=True):
    """The fixed baseline's first value, and its value when it was measured last.

    `at` was the last iteration then; `changed` tells that the two differ by more than noise.
    """

    first: float
    first_error: float
    at: IterationNumber
    now: float | None = None
    error: float = 0.0
    changed: bool = False

    @property
    def share(self) -> float | None:
        """How far it went, as a share of the first value; None where that cannot be said."""
        return None if self.now is None or not self.first else self.now / self.first - 1


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The baseline's value under a variant, and under which environment it was measured."""

    value: float
    env: dict[str, str]
    fingerprint: dict[str, str]


class Rechecks(msgspec.Struct, kw_only=True):
    """All that was measured again outside of iterations; `took_s` is how long that took."""

    number: int = 0
    open: Recheck | None = None
    evidence: dict[CandidateId, Evidence] = {}
    references: dict[str, Known] = {}
    drift: Drift | None = None
    took_s: float = 0.0

    def of(self, candidate: CandidateId) -> Evidence:
        """What is known of a candidate; nothing is, mostly."""
        return self.evidence.get(candidate) or Evidence()
