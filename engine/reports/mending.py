"""The repairs of an iteration's checks, as events tell them. Pure."""

from typing import Literal

import msgspec

from engine.core.ids import RepairId
from engine.core.repair.events import RepairEvent, RepairFinished, RepairSkipped, RepairStarted
from engine.core.repair.parts import Fallback, Found, Tried


class Mending(msgspec.Struct, kw_only=True):
    """A repair of a check, or why there was none; `again` tells whether the check is run again.

    `folder` lies below the run's, and so does `requirements`, the file that says what is installed.
    """

    id: RepairId | None
    check: str
    found: Found
    outcome: Literal["under way", "repaired", "failed", "skipped"]
    reason: str = ""
    tried: list[Tried] = []
    again: bool = False
    took_s: float | None = None
    folder: str = ""
    requirements: str = ""
    fallback: Fallback | None = None


def mend(repairs: list[Mending], event: RepairEvent) -> None:
    """Add what an event says of a repair; one that was cut off is begun again under its id."""
    match event:
        case RepairStarted():
            if not any(each.id == event.repair for each in repairs):
                repairs.append(_begun(event))
        case RepairSkipped():
            skipped = Mending(
                id=None,
                check=event.check,
                found=event.found,
                outcome="skipped",
                reason=event.reason,
            )
            repairs.append(skipped)
        case RepairFinished():
            for each in repairs:
                if each.id == event.repair:
                    _ended(each, event)


def _begun(event: RepairStarted) -> Mending:
    return Mending(
        id=event.repair,
        check=event.check,
        found=event.found,
        outcome="under way",
        folder=event.folder,
    )


def _ended(repair: Mending, event: RepairFinished) -> None:
    repair.outcome, repair.tried, repair.again = event.outcome, event.tried, event.again
    repair.took_s, repair.requirements = event.took_s, event.requirements
    repair.fallback = event.fallback
