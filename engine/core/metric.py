"""What is measured and what a better value is."""

from typing import Final, Literal

import msgspec

Direction = Literal["min", "max"]
FORGEABLE: Final = "score can be forged"


class Gain(msgspec.Struct, frozen=True):
    """The smallest gain that counts: a share of the champion's value, or an absolute amount."""

    amount: float = 0.0
    relative: bool = False

    def over(self, value: float) -> float:
        """The gain that is asked for beyond `value`, in the metric's unit."""
        return abs(value) * self.amount if self.relative else self.amount


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """The objective of a run.

    `label` says what kind of figure it is where that is not "measured" ("static estimate").
    `forgeable` says that what runs the candidate's code could have written the score itself.
    """

    name: str
    direction: Direction
    unit: str = ""
    target: float | None = None
    min_gain: Gain = Gain()
    label: str = ""
    forgeable: bool = False

    @property
    def caption(self) -> str:
        """What has to be known of its figures wherever they are shown."""
        return ", ".join(filter(None, (self.label, FORGEABLE if self.forgeable else "")))

    @property
    def short_caption(self) -> str:
        """The same where there is little room: initials, and one word."""
        initials = "".join(f"{word[0]}." for word in self.label.split())
        return " ".join(filter(None, (initials, "forgeable" if self.forgeable else "")))

    def gain(self, value: float, reference: float) -> float:
        """How much better `value` is than `reference`, in the metric's unit; negative if worse."""
        return reference - value if self.direction == "min" else value - reference

    def reaches_target(self, value: float) -> bool:
        """Whether `value` is as good as the target; False when there is none."""
        return self.target is not None and self.gain(value, self.target) >= 0

    def sort_key(self, value: float) -> float:
        """A number that is smaller the better `value` is."""
        return value if self.direction == "min" else -value
