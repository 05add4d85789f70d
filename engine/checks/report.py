"""What is recorded of a check that ended."""

import msgspec

from engine.core.events import CheckFinished, CheckOutcome, LogSpan, Tests
from engine.core.ids import CandidateId, IterationNumber
from engine.core.parts import Hotspot
from engine.core.repair.parts import Found
from engine.core.verdict import Verdict


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """A check of a candidate, done. `background` counts processes that it left, killed since."""

    iteration: IterationNumber
    candidate: CandidateId
    check: str
    attempt: int
    outcome: CheckOutcome
    exit_code: int | None
    duration_s: float
    log: LogSpan
    metrics: dict[str, float]
    tests: Tests | None
    verdict: Verdict | None
    detail: str
    artifacts: list[str]
    hotspots: list[Hotspot]
    background: int
    seed: int | None = None
    voided: str = ""
    own: bool = False
    product: str = ""
    found: Found | None = None
    said: dict[str, float] = {}

    def to_event(self) -> CheckFinished:
        """The report as an event."""
        known = set(self.__struct_fields__)
        names = (name for name in CheckFinished.__struct_fields__ if name in known)
        fields = {name: getattr(self, name) for name in names}
        return CheckFinished(**fields)
