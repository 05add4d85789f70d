"""In which condition the run is, and what a person has to know about it."""

from dataclasses import dataclass, field
from typing import Final, Literal

from tui.ink import Ink

RunWord = Literal[
    "starting",
    "running",
    "waiting",
    "pausing",
    "paused",
    "finishing",
    "reporting",
    "stopping",
    "stopped",
    "done",
    "halted",
    "stalled",
    "crashed",
]

MARKS: Final[dict[RunWord, str]] = {
    "starting": "○",
    "running": "●",
    "waiting": "◌",
    "pausing": "◐",
    "paused": "‖",
    "finishing": "◑",
    "reporting": "◑",
    "stopping": "◐",
    "stopped": "■",
    "done": "✓",
    "halted": "!",
    "stalled": "!",
    "crashed": "✗",
}
NEEDS_A_PERSON: Final[frozenset[RunWord]] = frozenset({"crashed", "stalled", "halted"})
LIVE: Final[frozenset[RunWord]] = frozenset(MARKS) - {"stopped", "done", "crashed"}
"""Conditions in which an engine holds the run."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether the engine lives, what it does, and what to do when it does not.

    `beat_at`, the time of the last heartbeat, and `alive_s`, how long engines had lived in all by
    then, are no part of what makes two conditions equal: they are painted once a second anyway.
    """

    word: RunWord
    reason: str = ""
    pid: int | None = None
    beat_at: float | None = field(default=None, compare=False)
    alive_s: float | None = field(default=None, compare=False)
    damage: str = ""
    trouble: str = ""
    resume_command: str = ""
    attach_command: str = ""

    @property
    def live(self) -> bool:
        """Whether an engine holds the run."""
        return self.word in LIVE

    @property
    def ink(self) -> Ink:
        """How the word is painted; the word and its mark say the same without colour."""
        if self.word in NEEDS_A_PERSON:
            return "alarm"
        return "accent" if self.word in {"running", "done"} else "strong"


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence or two above the panes; `alarm` when a person is needed."""

    text: str
    alarm: bool = False
