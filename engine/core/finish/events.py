"""What happened around the end of a run: the plan, its phases, the report.

All times are UTC, ISO 8601; see `engine.core.events`.
"""

from typing import Literal

import msgspec

from engine.core.event import Event
from engine.core.ids import IterationNumber

Source = Literal[
    "command",
    "file",  # RUN/FINISH_UP.json
    "worker",  # its decision to shut down
    "for",  # stop.for, less the minutes that the campaign gives the finish
]
Phase = Literal[
    "scheduled",
    "final_rounds",  # frozen: nothing begins but the final rounds
    "measuring",  # the leaders are measured again
    "reporting",
    "done",
    "cancelled",
]


class FinishPlanned(Event, frozen=True, kw_only=True):
    """The run is to be brought to its end: from `activate_at`, and over by `deadline`.

    With `report_only` there are neither final rounds nor leaders, only the report. `digest` is the
    hash of the file that asked.
    """

    by: str
    source: Source
    activate_at: str
    deadline: str
    final_rounds: int
    top_k: int
    note: str = ""
    report_only: bool = False
    digest: str = ""


class FinishRefused(Event, frozen=True, kw_only=True):
    """A file that asked for a finish is not understood; it lies in `kept` now."""

    reason: str
    kept: str


class FinishBegan(Event, frozen=True, kw_only=True):
    """The run is frozen. No final round begins after `latest_start`.

    What runs at `cut_at` is cut off, and at `report_at` the report begins. `leaders` are measured
    again. `left_out` says what the time is too short for.
    """

    deadline: str
    latest_start: str
    cut_at: str
    report_at: str
    final_rounds: int
    leaders: int
    left_out: list[str] = []


class FinalRoundStarted(Event, frozen=True, kw_only=True):
    """An iteration that began is one of the final rounds."""

    iteration: IterationNumber


class FinalRoundCounted(Event, frozen=True, kw_only=True):
    """A final round has its verdict; it counts only when its candidate was measured."""

    iteration: IterationNumber
    counts: bool
    reason: str


class IterationCut(Event, frozen=True, kw_only=True):
    """Intent: what runs of an iteration is cut off, and not done again; no time is left for it.

    With `recheck` it is what measures its candidate again.
    """

    iteration: IterationNumber
    reason: str
    recheck: int | None = None


class FinishMoved(Event, frozen=True, kw_only=True):
    """The finish is in its next phase, and why."""

    phase: Literal["measuring", "reporting"]
    reason: str


class FinishCancelled(Event, frozen=True, kw_only=True):
    """The finish will not be; the run goes on. `phase` is the one in which it was."""

    by: str
    phase: Phase
    reason: str = ""


class ReportFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a report; its path is below the run's folder."""

    path: str
    sha256: str


class ReportStarted(Event, frozen=True, kw_only=True):
    """Intent: the report is about to be written, and has so many seconds."""

    top_k: int
    within_s: float


class ReportWritten(Event, frozen=True, kw_only=True):
    """The report is there; `missing` says what of it is not."""

    top_k: int
    files: list[ReportFile]
    took_s: float
    missing: str = ""


class ReportFailed(Event, frozen=True, kw_only=True):
    """There is no report of this end; `controlroom report` makes one at any time."""

    reason: str
    took_s: float


FinishEvent = (
    FinishPlanned
    | FinishRefused
    | FinishBegan
    | FinalRoundStarted
    | FinalRoundCounted
    | IterationCut
    | FinishMoved
    | FinishCancelled
    | ReportStarted
    | ReportWritten
    | ReportFailed
)
