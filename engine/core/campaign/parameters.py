"""The parameters that a search may set: choices, integers and floats, some only under conditions.

A parameter is active when each name in its `when` is active and has one of the values named there.
"""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from engine.core.campaign.fields import (
    COMPLAINT,
    Int,
    Model,
    Number,
    Value,
    complaint,
    show,
    show_all,
)

Scalar = str | bool | int | float


def _as_list(value: object) -> object:
    return [value] if isinstance(value, (str, bool, int, float)) else value


def _step(value: object) -> object:
    """Refuse in one sentence for the union."""
    if value == "power2" or (type(value) is int and value >= 1):
        return value
    raise complaint("a step is power2 or an integer from 1 up", "write step: power2, or step: 2")


Step = Annotated[Literal["power2"] | Annotated[Int, Field(ge=1)], BeforeValidator(_step)]
Condition = Annotated[
    Annotated[tuple[Value, ...], Field(min_length=1)],
    BeforeValidator(_as_list, json_schema_input_type=Scalar | tuple[Scalar, ...]),
]


When = Annotated[
    dict[str, Condition],
    Field(
        description="The parameter means something only when each parameter named here has the "
        "value, or one of the values, given for it; otherwise it is left out of the candidate.",
        examples=["{inverse: blocked}", "{scan: [tree, serial]}"],
    ),
]


class ChoicesParameter(Model):
    """One of a list of values: texts, numbers, true or false."""

    choices: Annotated[tuple[Value, ...], Field(min_length=1)] = Field(
        description="The values that it can take. Neighbours in the list are not assumed to be "
        "alike.",
        examples=["[64, 128, 256]", "[blocked, ladder]"],
    )
    when: When = Field(default={})

    @field_validator("choices")
    @classmethod
    def _distinct(cls, choices: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
        for index, value in enumerate(choices):
            if value in choices[:index]:
                first = choices[choices.index(value)]
                note = "" if show(first) == show(value) else f" (as {show(first)})"
                raise complaint(f"{show(value)} is there twice{note}", "remove one of them", index)
        return choices

    def problem(self, value: object) -> str | None:
        """Why `value` is not one of the choices, or None."""
        if any(_same(value, choice) for choice in self.choices):
            return None
        return f"{show(value)} is not one of {show_all(self.choices)}"

    def normal(self, value: Scalar) -> Scalar:
        """The choice that `value` is; 64.0 is the choice 64."""
        return next(choice for choice in self.choices if _same(value, choice))


class IntParameter(Model):
    """An integer from a range, the ends included."""

    range: tuple[Int, Int] = Field(
        alias="int",
        description="Smallest and largest value, both included.",
        examples=["[1, 8]"],
    )
    step: Step = Field(
        default=1,
        description="`power2`: only powers of two. A number n: smallest, smallest + n, and so on.",
        examples=["power2", "16"],
    )
    when: When = Field(default={})

    @property
    def low(self) -> int:
        """The smallest value."""
        return self.range[0]

    @property
    def high(self) -> int:
        """The largest value allowed; the step may not reach it."""
        return self.range[1]

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        _ordered(self.low, self.high, "int")
        if self.step == "power2" and self.low < 1:
            raise complaint(
                f"powers of two start at 1, not at {self.low}", "let the range begin at 1", "int", 0
            )
        if self.step == "power2" and 1 << self.high.bit_length() - 1 < self.low:
            raise complaint(
                f"there is no power of two from {self.low} to {self.high}", "widen the range", "int"
            )
        return self

    def problem(self, value: object) -> str | None:
        """Why `value` is not one that the parameter can take, or None."""
        if isinstance(value, bool) or not isinstance(value, int):
            return f"{show(value)} is not an integer"
        if not self.low <= value <= self.high:
            return f"{value} is outside {self.low} to {self.high}"
        if self.step == "power2":
            return f"{value} is not a power of two" if value & (value - 1) else None
        if (value - self.low) % self.step:
            return f"{value} is not {self.low} plus a multiple of {self.step}"
        return None

    def normal(self, value: Scalar) -> Scalar:
        """The value itself."""
        return value


class FloatParameter(Model):
    """A real number from a range."""

    range: tuple[Number, Number] = Field(
        alias="float",
        description="Smallest and largest value, both included.",
        examples=["[1e-5, 1e-2]"],
    )
    scale: Literal["linear", "log"] = Field(
        default="linear",
        description="`log`: values are drawn, and changed, in even shares of their logarithm.",
        examples=["log"],
    )
    digits: Annotated[Int, Field(ge=1, le=15)] | None = Field(
        default=None,
        description="Drawn values are rounded to so many significant digits, and stay inside the "
        "range. Without it they have all their digits.",
        examples=["3"],
    )
    when: When = Field(default={})

    @property
    def low(self) -> float:
        """The smallest value."""
        return self.range[0]

    @property
    def high(self) -> float:
        """The largest value."""
        return self.range[1]

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        _ordered(self.low, self.high, "float")
        if self.scale == "log" and self.low <= 0:
            raise complaint(
                f"a log scale needs a range above zero, not one from {show(self.low)}",
                "let the range begin above 0, or use scale: linear",
                "float",
                0,
            )
        return self

    def problem(self, value: object) -> str | None:
        """Why `value` is not one that the parameter can take, or None."""
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return f"{show(value)} is not a number"
        if not math.isfinite(value):
            return f"{show(value)} is not a finite number"
        if not self.low <= value <= self.high:
            return f"{show(value)} is outside {show(self.low)} to {show(self.high)}"
        return None

    def normal(self, value: Scalar) -> Scalar:
        """The value as a float."""
        return float(value)


_KINDS: Final = ("choices", "int", "float")


def _kind(data: Any) -> str | None:
    match data:
        case ChoicesParameter():
            return "<choices>"
        case IntParameter():
            return "<int>"
        case FloatParameter():
            return "<float>"
        case dict():
            return next((f"<{kind}>" for kind in _KINDS if kind in data), None)
        case _:
            return None


Parameter = Annotated[
    Annotated[ChoicesParameter, Tag("<choices>")]
    | Annotated[IntParameter, Tag("<int>")]
    | Annotated[FloatParameter, Tag("<float>")],
    Discriminator(
        _kind,
        custom_error_type=COMPLAINT,
        custom_error_message="a parameter says which values it can take",
        custom_error_context={
            "fix": "write {choices: [a, b]}, {int: [1, 8]} or {float: [0.0, 1.0]}",
        },
    ),
]
"""One parameter; the key that is present says which kind."""

Space = Mapping[str, ChoicesParameter | IntParameter | FloatParameter]


def active_names(space: Space, point: Mapping[str, Scalar]) -> set[str]:
    """The parameters that mean something at `point`; conditions must not go round in a circle."""
    known: dict[str, bool] = {}
    return {name for name in space if _is_active(space, name, point, known)}


def _is_active(
    space: Space, name: str, point: Mapping[str, Scalar], known: dict[str, bool]
) -> bool:
    if name not in known:
        known[name] = all(
            _is_active(space, other, point, known)
            and other in point
            and _among(point[other], values)
            for other, values in space[name].when.items()
        )
    return known[name]


def condition_cycle(space: Space) -> list[str]:
    """Names whose conditions go round in a circle, the first again at the end; [] when none do."""
    finished: set[str] = set()
    for name in space:
        trail = _circle(space, name, [], finished)
        if trail:
            return trail
    return []


def _circle(space: Space, name: str, trail: list[str], finished: set[str]) -> list[str]:
    if name in trail:
        return [*trail[trail.index(name) :], name]
    if name in finished or name not in space:
        return []
    for other in space[name].when:
        found = _circle(space, other, [*trail, name], finished)
        if found:
            return found
    finished.add(name)
    return []


def _among(value: Scalar, values: tuple[Scalar, ...]) -> bool:
    return any(_same(value, other) for other in values)


def _same(value: object, other: object) -> bool:
    """Equality that keeps true apart from 1."""
    return isinstance(value, bool) == isinstance(other, bool) and value == other


def _ordered(low: float, high: float, key: str) -> None:
    if low > high:
        raise complaint(
            f"the range is empty: {show(low)} is more than {show(high)}",
            f"write the smaller one first: [{show(high)}, {show(low)}]",
            key,
        )
