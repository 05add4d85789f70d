"""What happened when a check was repaired; see `engine.core.events`.

What the check came to before and after that stands in its own two outcomes.
"""

from collections.abc import Sequence
from typing import Literal

from engine.core.event import Event, LogSpan
from engine.core.ids import CandidateId, IterationNumber, RepairId
from engine.core.repair.parts import Fallback, Found, Tried, Way, way_text


class RepairStarted(Event, frozen=True, kw_only=True):
    """Intent: what a check lacks is about to be given to it, by the first of `ways` that works.

    An attempt that was cut off is begun again under the same id.
    """

    repair: RepairId
    iteration: IterationNumber
    candidate: CandidateId
    check: str
    attempt: int
    found: Found
    ways: list[Way]
    folder: str


class RepairFinished(Event, frozen=True, kw_only=True):
    """Outcome of a repair.

    `lines` are the requirements that the environment of the checks has from now on besides the
    campaign's, `requirements` the file that says so, `log` what making it printed; `fallback` is
    what the candidate is run with from now on. `again` tells whether the check is run once more.
    """

    repair: RepairId
    iteration: IterationNumber
    candidate: CandidateId
    check: str
    outcome: Literal["repaired", "failed"]
    tried: list[Tried]
    took_s: float
    again: bool
    lines: list[str] = []
    requirements: str = ""
    log: LogSpan | None = None
    fallback: Fallback | None = None


class RepairSkipped(Event, frozen=True, kw_only=True):
    """A check said what it lacks, and nothing is done about it; `reason` says why."""

    iteration: IterationNumber
    candidate: CandidateId
    check: str
    found: Found
    reason: str


RepairEvent = RepairStarted | RepairFinished | RepairSkipped


def same_again(found: Found, ways: Sequence[Way], engines: int) -> str:
    """A repair by what it is for and how, as a key; another engine may try it once more."""
    return f"{engines} {found.kind} {found.name}: {'; '.join(map(way_text, ways))}"


def repair_id(number: int) -> RepairId:
    """The id of a repair: `p-0001`."""
    return RepairId(f"p-{number:04d}")
