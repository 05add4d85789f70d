"""What every model of a campaign file is made of: strict fields, and complaints with a fix."""

import re
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from engine.core import size
from engine.core.duration import EXAMPLES, PATTERN, format_duration, parse_duration

LARGEST_INT: Final = 2**53
"""Integers beyond this are not exact in every program that reads JSON."""

_PERCENT: Final = re.compile(r"(\d{1,9}(?:\.\d+)?) ?%")

COMPLAINT: Final = "campaign"
"""The type of validation errors whose message and fix are already written for people."""


class Model(BaseModel):
    """A frozen part of a campaign file; keys that it does not know are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def complaint(message: str, fix: str, *at: str | int) -> PydanticCustomError:
    """An error for a person: what is wrong, what to do, and where below the value it is."""
    context: dict[str, Any] = {"message": message, "fix": fix, "at": at}
    return PydanticCustomError(COMPLAINT, "{message}", context)


def _plain(value: object) -> object:
    """Refuse what is not a text, a number or a truth value, in one sentence for the union."""
    if isinstance(value, (str, bool, int, float)):
        return value
    raise complaint("must be one text, number, true or false", "write a single value")


def _seconds(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise complaint("must be a duration", f"write it with its unit: {EXAMPLES}")
    text = str(value)
    try:
        return parse_duration(text)
    except ValueError as error:
        message, _, fix = str(error).partition(": ")
        raise complaint(message, fix or f"write {EXAMPLES}") from None


def _bytes(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise complaint("must be a size", f"write it with its unit: {size.EXAMPLES}")
    try:
        return size.parse_size(str(value))
    except ValueError as error:
        raise complaint(str(error), f"write {size.EXAMPLES}") from None


def _share(value: object) -> object:
    """The share that a percentage such as `3%` is."""
    found = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise complaint("must be a share", "write a percentage, such as 3%")
    return round(float(found[1]) / 100, 10)


def format_share(share: float) -> str:
    """The share as a percentage, to eight decimals: `3%`."""
    return f"{share * 100:.8f}".rstrip("0").rstrip(".") + "%"


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise complaint("holds a character that no path and no argument can hold", "remove the \\0")
    return text


def _regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        place = "" if error.pos is None else f" (character {error.pos + 1} of the pattern)"
        raise complaint(
            f"not a regular expression: {error.msg}{place}", "correct the pattern"
        ) from None
    return pattern


Text = Annotated[str, Field(strict=True)]
Int = Annotated[int, Field(strict=True, ge=-LARGEST_INT, le=LARGEST_INT)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Flag = Annotated[bool, Field(strict=True)]
Duration = Annotated[
    float,
    BeforeValidator(_seconds),
    PlainSerializer(format_duration),
    WithJsonSchema({"type": "string", "format": "duration", "pattern": f"^{PATTERN}$"}),
]
"""Seconds, written as `90s` or `1h30m`."""
Share = Annotated[
    float,
    BeforeValidator(_share),
    PlainSerializer(format_share),
    WithJsonSchema({"type": "string", "format": "share", "pattern": f"^{_PERCENT.pattern}$"}),
]
"""A part of a whole, 0.03 say, written as `3%`."""
Size = Annotated[
    int,
    BeforeValidator(_bytes),
    PlainSerializer(size.format_size),
    WithJsonSchema({"type": "string", "format": "size", "pattern": f"^{size.PATTERN}$"}),
]
"""Bytes, written as `512MiB`."""
Count = Annotated[Int, Field(ge=0)]
Positive = Annotated[Int, Field(ge=1)]
Regex = Annotated[
    str, Field(strict=True, json_schema_extra={"format": "regex"}), AfterValidator(_regex)
]

FILE_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
PARAMETER_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"
METRIC_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_./-]{0,63}$"
VARIABLE_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
NAMING: Final = {
    FILE_NAME: "at most 64 letters, digits, - _ and ., beginning with a letter or digit",
    PARAMETER_NAME: "at most 64 letters, digits, - and _, beginning with a letter or _",
    METRIC_NAME: "at most 64 letters, digits, - _ . and /, beginning with a letter or _",
    VARIABLE_NAME: "letters, digits and _, beginning with a letter or _",
}
"""What each pattern of names asks for, in words."""

FileName = Annotated[str, Field(strict=True, pattern=FILE_NAME)]
ParameterName = Annotated[str, Field(strict=True, pattern=PARAMETER_NAME)]
MetricName = Annotated[str, Field(strict=True, pattern=METRIC_NAME)]
VariableName = Annotated[str, Field(strict=True, pattern=VARIABLE_NAME)]
Filled = Annotated[str, Field(strict=True, min_length=1), AfterValidator(_without_nul)]

Value = Annotated[Text | Flag | Int | Number, BeforeValidator(_plain)]
"""A value that a parameter can take."""


def show(value: object) -> str:
    """A value as it is written in a campaign file."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return repr(value)
        case float():
            return f"{value:g}" if float(f"{value:g}") == value else repr(value)
        case _:
            return str(value)


def show_all(values: "tuple[object, ...] | list[object]", most: int = 8) -> str:
    """The values, separated by commas; a long list is cut."""
    shown = [show(value) for value in values[:most]]
    return ", ".join(shown) + (", …" if len(values) > most else "")
