"""The kinds of parameters: which values one may take, in which order, and what is near what.

Every domain numbers its values from 0 to `cells - 1`. A float without declared digits is
`endless`: its cells are then only as fine as the grid on which it is drawn.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, Final, Literal, Protocol

from engine.core import draws

Scale = Literal["linear", "log"]

_FINE: Final = 1 << 53
_NARROW: Final = 0.003
_WIDE: Final = 0.3
_TRIES: Final = 64
_encode: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class Domain(Protocol):
    """The values of one parameter."""

    @property
    def cells(self) -> int:
        """How many values there are to draw from, at least 1."""
        ...

    @property
    def endless(self) -> bool:
        """Whether the values are too many to be counted."""
        ...

    def at(self, index: int) -> Any:
        """The value with that number."""
        ...

    def index(self, value: Any) -> int:
        """The number of a value of this domain."""
        ...

    def near(self, value: Any, rng: Random) -> Any:
        """Another value, rather close to this one; the same only where there is no other."""
        ...

    def own(self, value: Any) -> Any:
        """The value as this domain writes it (1 as 1.0, say); unchanged if it is not in it."""
        ...

    def problem(self, value: Any) -> str:
        """What is wrong with the value and what is allowed; empty if it is in the domain."""
        ...


def text(value: Any) -> str:
    """The value as JSON, which tells 1, 1.0, true and "1" apart."""
    return _encode(value)


def draw(domain: Domain, rng: Random) -> Any:
    """Any value of the domain, each cell as likely."""
    return domain.at(draws.below(rng, domain.cells))


@dataclass(frozen=True)
class Choices:
    """One of the listed values, which stand in no order; a value listed twice counts once."""

    values: Sequence[Any]

    endless: bool = False

    @cached_property
    def _distinct(self) -> tuple[Any, ...]:
        return tuple({_identity(value): value for value in reversed(self.values)}.values())[::-1]

    @cached_property
    def _numbers(self) -> dict[tuple[str, Any], int]:
        return {_identity(value): number for number, value in enumerate(self._distinct)}

    @property
    def cells(self) -> int:
        """How many different values are listed."""
        return len(self._distinct)

    def at(self, index: int) -> Any:
        """The value with that number, in the order of the list."""
        return self._distinct[index]

    def index(self, value: Any) -> int:
        """The number of the value in the list."""
        return self._numbers[_identity(self.own(value))]

    def near(self, value: Any, rng: Random) -> Any:
        """Any other of the values."""
        if self.cells == 1:
            return self.at(0)
        other = draws.below(rng, self.cells - 1)
        return self.at(other + (other >= self.index(value)))

    def own(self, value: Any) -> Any:
        """The listed value: the one written alike, or else the one equal as a number."""
        if _identity(value) in self._numbers or not _is_number(value):
            return value
        return next((v for v in self._distinct if _is_number(v) and v == value), value)

    def problem(self, value: Any) -> str:
        """Which values are allowed, if this is not one of them."""
        if _identity(self.own(value)) in self._numbers:
            return ""
        return f"{text(value)} is not one of {', '.join(map(text, self._distinct))}"


@dataclass(frozen=True)
class Integers:
    """`count` whole numbers from `low` on, `step` apart."""

    low: int
    count: int
    step: int = 1

    endless: bool = False

    @property
    def cells(self) -> int:
        """How many numbers there are."""
        return self.count

    def at(self, index: int) -> int:
        """The number at that place, counted from the lowest."""
        return self.low + index * self.step

    def index(self, value: Any) -> int:
        """How many of the numbers are lower."""
        return (value - self.low) // self.step

    def near(self, value: Any, rng: Random) -> int:
        """A number some steps up or down; one step where there are few."""
        return self.at(_neighbour(self.index(value), self.cells, rng))

    def own(self, value: Any) -> Any:
        """The value: a whole number is written in one way only."""
        return value

    def problem(self, value: Any) -> str:
        """Which numbers are allowed, if this is not one of them."""
        last = self.at(self.cells - 1)
        if _is_whole(value) and self.low <= value <= last and not (value - self.low) % self.step:
            return ""
        steps = f" in steps of {self.step}" if self.step != 1 else ""
        return f"{text(value)} is not a whole number from {self.low} to {last}{steps}"


@dataclass(frozen=True)
class Powers:
    """The powers of two from 2**low to 2**high."""

    low: int
    high: int

    endless: bool = False

    @property
    def cells(self) -> int:
        """How many powers there are."""
        return self.high - self.low + 1

    def at(self, index: int) -> int:
        """The power at that place, counted from the lowest."""
        return 1 << (self.low + index)

    def index(self, value: Any) -> int:
        """How many of the powers are lower."""
        return int(value).bit_length() - 1 - self.low

    def near(self, value: Any, rng: Random) -> int:
        """Mostly the next power up or down."""
        return self.at(_neighbour(self.index(value), self.cells, rng))

    def own(self, value: Any) -> Any:
        """The value: a whole number is written in one way only."""
        return value

    def problem(self, value: Any) -> str:
        """Which powers are allowed, if this is not one of them."""
        power = _is_whole(value) and value > 0 and value.bit_count() == 1
        if power and 0 <= self.index(value) < self.cells:
            return ""
        return f"{text(value)} is not a power of two from {self.at(0)} to {self.at(self.cells - 1)}"


@dataclass(frozen=True)
class Floats:
    """The numbers from `low` to `high`, evenly or, on the log scale, by their logarithm.

    Those that are drawn have so many significant digits; others are in the domain as well.
    """

    low: float
    high: float
    scale: Scale = "linear"
    digits: int | None = None

    @property
    def endless(self) -> bool:
        """Whether there is more than one number."""
        return self.low < self.high

    @property
    def cells(self) -> int:
        """How fine the grid is on which numbers are drawn."""
        return _FINE if self.endless else 1

    def at(self, index: int) -> float:
        """The number at that place of the grid."""
        return self._value(index / (_FINE - 1))

    def index(self, value: Any) -> int:
        """The place of the grid next to the number."""
        return round(self._place(float(value)) * (self.cells - 1))

    def near(self, value: Any, rng: Random) -> float:
        """A number at a normally distributed distance, narrow or wide; never beyond the ends."""
        start = self._place(float(value))
        step = draws.log_between(rng, _NARROW, _WIDE) * draws.normal(rng)
        # At an end, or where the digits do not show so small a step: the other way, and farther.
        steps = (step * (-2.0) ** attempt for attempt in range(_TRIES))
        moved = (self._value(min(1.0, max(0.0, start + step))) for step in steps)
        return next((other for other in moved if other != value), value)

    def own(self, value: Any) -> Any:
        """The number as a float, and zero without a sign."""
        return float(value) + 0.0 if _is_number(value) else value

    def problem(self, value: Any) -> str:
        """Which numbers are allowed, if this is not one of them."""
        if _is_number(value) and self.low <= value <= self.high:
            return ""
        return f"{text(value)} is not a number from {self.low!r} to {self.high!r}"

    def _value(self, place: float) -> float:
        if self.scale == "log":
            low, high = math.log(self.low), math.log(self.high)
            value = math.exp(low + (high - low) * place)
        else:
            value = self.low + (self.high - self.low) * place
        if self.digits is not None:
            value = float(f"{value:.{self.digits}g}")
        return min(self.high, max(self.low, value)) + 0.0

    def _place(self, value: float) -> float:
        if not self.endless:
            return 0.0
        if self.scale == "log":
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def _identity(value: Any) -> tuple[str, Any]:
    """What tells 1, 1.0, true and "1" apart, quicker than their text."""
    kind = type(value).__name__
    return kind, value if isinstance(value, str | int | float) else repr(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _neighbour(index: int, cells: int, rng: Random) -> int:
    """Another place at a distance that suits the number of cells; the same if there is one."""
    width = draws.log_between(rng, _NARROW, _WIDE)
    step = max(1, round(abs(draws.normal(rng)) * width * cells))
    ways = (step, -step) if draws.chance(rng, 0.5) else (-step, step)
    places = [min(cells - 1, max(0, index + way)) for way in ways]
    return places[0] if places[0] != index else places[1]
