"""What the status of a run says of its worker and of repairs. Pure."""

from datetime import datetime
from typing import Any

import msgspec

from engine.core.decisions.parts import Action, Status
from engine.core.ids import DecisionId, IterationNumber, RepairId
from engine.core.state import RunState


class WorkerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker does, and what it decided last.

    `open` is the decision that it is being asked for, `held_until` until when its decision waits
    for a review, `waits_until` until when it is left alone unless something happens. `in_vain`
    counts decisions in a row that came to nothing. The rest is of the last one that was answered:
    its `last`, `status`, `action` and `iteration`.
    """

    decisions: int
    open: DecisionId | None
    held_until: str | None
    waits_until: str | None
    in_vain: int
    last: DecisionId | None
    status: Status | None
    action: Action | None
    iteration: IterationNumber | None


class RepairsStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How many repairs came to what; `skipped` were not tried. `open` is the one under way."""

    begun: int = 0
    repaired: int = 0
    failed: int = 0
    skipped: int = 0
    open: RepairId | None = None


def worker_status(state: RunState | None, now: float) -> WorkerStatus | None:
    """None where no worker decides in the run; `now` is in seconds since 1970."""
    if state is None or not _has_worker(state):
        return None
    made = state.decisions
    last, held = made.last, made.held
    decision = last.decision if last else None
    return WorkerStatus(
        decisions=made.begun,
        open=made.open.id if made.open else None,
        held_until=held.held_until if held else None,
        waits_until=_yet_to_come(made.waits_until, now),
        in_vain=made.in_vain,
        last=last.id if last else None,
        status=last.status if last else None,
        action=decision.action if decision else None,
        iteration=last.iteration if last else None,
    )


def repairs_status(state: RunState | None) -> RepairsStatus:
    """What repairs came to; all of them 0 where there were none."""
    if state is None:
        return RepairsStatus()
    under_way = [turn.repair.repair for turn in state.turns if turn.repair is not None]
    return RepairsStatus(
        begun=state.repairs.begun,
        repaired=state.repairs.repaired,
        failed=state.repairs.in_vain,
        skipped=state.repairs.skipped,
        open=under_way[0] if under_way else None,
    )


def _has_worker(state: RunState) -> bool:
    if state.decisions.begun:
        return True
    proposers: list[dict[str, Any]] = state.document.get("proposers") or []
    return any(each.get("kind") == "worker" for each in proposers)


def _yet_to_come(time: str, now: float) -> str | None:
    return time if time and datetime.fromisoformat(time).timestamp() > now else None
