"""Champion and baseline as `status` tells them: values, and how far these can be relied on."""

import msgspec

from engine.core.confidence import Confidence, confidence, doubt
from engine.core.ids import CandidateId
from engine.core.recheck_lines import drift_text
from engine.core.state import Candidate, RunState


class ChampionStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The champion and its value; `label` says what has to be known of it ("static estimate").

    `confidence` says how far it was shown again, `doubt` what spoke against it then, `again` what
    its value was at the end of the run.
    """

    candidate: CandidateId
    metric: str
    value: float | None
    unit: str
    iteration: int
    label: str = ""
    forgeable: bool = False
    confidence: Confidence | None = None
    doubt: str = ""
    again: float | None = None


class BaselineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The baseline; its value is None until it was measured.

    `drift` is how far it went since it was measured first, as a share of that: None before it was
    measured again. `drifted` tells that this is more than noise; `text` says it in words.
    """

    candidate: CandidateId
    value: float | None
    first: float | None = None
    drift: float | None = None
    drifted: bool = False
    text: str = ""


def champion_status(state: RunState | None) -> ChampionStatus | None:
    """The champion as `status` has it; None before there is one."""
    best = state.best() if state else None
    if state is None or best is None:
        return None
    at_end = state.rechecks.of(best.id).at_end
    return ChampionStatus(
        candidate=best.id,
        metric=state.metric.name,
        value=best.value,
        unit=state.metric.unit,
        iteration=best.iteration,
        label=state.metric.caption,
        forgeable=state.metric.forgeable,
        confidence=confidence(state, best),
        doubt=doubt(state, best),
        again=at_end.value if at_end else None,
    )


def baseline_status(state: RunState | None) -> BaselineStatus | None:
    """The baseline as `status` has it; None before it is proposed."""
    first: Candidate | None = state.first() if state else None
    if state is None or first is None:
        return None
    drift = state.rechecks.drift
    return BaselineStatus(
        candidate=first.id,
        value=first.value,
        first=drift.first if drift else None,
        drift=drift.share if drift else None,
        drifted=drift.changed if drift else False,
        text=drift_text(drift, state.metric) if drift else "",
    )
