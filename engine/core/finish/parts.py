"""The finish-up as part of a run's state, and its rules."""

from typing import Final

import msgspec

from engine.core.finish.events import FinishBegan, FinishPlanned, Phase, ReportFile
from engine.core.ids import IterationNumber

FREEZING: Final[frozenset[Phase]] = frozenset({"final_rounds", "measuring", "reporting"})
"""Phases in which nothing begins but what the plan says."""

CLOSING: Final[frozenset[Phase]] = frozenset({"measuring", "reporting"})
"""Phases in which no iteration begins any more."""


class FinishRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a campaign says of its end.

    With `before_for` the finish begins that many minutes before `stop.for` is over; `minutes` is
    what a command without a number means.
    """

    minutes: float = 60.0
    before_for: float | None = None
    final_rounds: int = 1
    top_k: int = 10
    report: bool = True


class Finish(msgspec.Struct, kw_only=True):
    """The finish of a run: what was planned, what of it has come.

    `rounds` are the final rounds that were begun, `counted` how many of them were measured.
    """

    plan: FinishPlanned
    since: str
    phase: Phase = "scheduled"
    began: FinishBegan | None = None
    rounds: list[IterationNumber] = []
    counted: int = 0

    @property
    def over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.phase in {"done", "cancelled"}

    @property
    def freezes(self) -> bool:
        """Whether nothing may begin but what the plan says."""
        return self.phase in FREEZING

    @property
    def closes(self) -> bool:
        """Whether no iteration may begin any more."""
        return self.phase in CLOSING


class Report(msgspec.Struct, kw_only=True):
    """The last report that the engine wrote: None for `files` while it does."""

    top_k: int
    since: str
    files: list[ReportFile] | None = None
    trouble: str = ""
