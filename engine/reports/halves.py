"""Halves of pairs as they ended, for a page about an iteration. Pure."""

import msgspec

from engine.core import events as e
from engine.core.ids import CandidateId
from engine.core.metric import Metric
from engine.core.parts import Half, Role


class HalfMeasured(msgspec.Struct, frozen=True, kw_only=True):
    """One half of a pair as it ended; `value` is the metric's, None where it failed."""

    pair: int
    role: Role
    of: CandidateId
    check: str
    value: float | None
    duration_s: float
    outcome: e.CheckOutcome
    detail: str
    log: e.LogSpan
    prepares: bool = False


def half_of(event: e.CheckFinished, half: Half, metric: Metric) -> HalfMeasured:
    """What the end of a half's check says."""
    return HalfMeasured(
        pair=half.pair,
        role=half.role,
        of=half.of,
        check=event.check,
        value=event.metrics.get(metric.name),
        duration_s=event.duration_s,
        outcome=event.outcome,
        detail=event.detail,
        log=event.log,
        prepares=half.prepares,
    )
