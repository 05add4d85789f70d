"""What every model of a campaign file is made of: strict fields, and complaints with a fix."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

LARGEST_INT: Final = 2**53
"""Integers beyond this are not exact in every program that reads JSON."""

COMPLAINT: Final = "campaign"
"""The type of validation errors whose message and fix are already written for people."""


class Model(BaseModel):
    """A frozen part of a campaign file; keys that it does not know are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True)


def complaint(message: str, fix: str, *at: str | int) -> PydanticCustomError:
    """An error for a person: what is wrong, what to do, and where below the value it is."""
    context: dict[str, Any] = {"message": message, "fix": fix, "at": at}
    return PydanticCustomError(COMPLAINT, "{message}", context)


def _plain(value: object) -> object:
    """Refuse what is not a text, a number or a truth value, in one sentence for the union."""
    if isinstance(value, (str, bool, int, float)):
        return value
    raise complaint("must be one text, number, true or false", "write a single value")


Text = Annotated[str, Field(strict=True)]
Int = Annotated[int, Field(strict=True, ge=-LARGEST_INT, le=LARGEST_INT)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Flag = Annotated[bool, Field(strict=True)]
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
