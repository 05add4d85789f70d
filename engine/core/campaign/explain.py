"""Validation errors of pydantic as findings in the words of a campaign file."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, cast, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.core.campaign.checks import FailureName
from engine.core.campaign.fields import COMPLAINT, FILE_NAME, NAMING, show
from engine.core.campaign.keys import example_of, listed, model_at, unknown_key
from engine.core.campaign.nearest import did_you_mean, nearest
from engine.core.campaign.problems import Finding, Place
from engine.core.plan import OnFail

Said = tuple[str, str]
"""What is wrong, and what to do."""

_LATER_VALUES: Final = {
    "executor": ("this version runs checks on this machine only", "write executor: local"),
}
_UNION_KEYS: Final = ("choices", "int", "float", "regex", "json")


def mistakes(error: ValidationError) -> list[ErrorDetails]:
    """The errors that a person made; a list is not too short for having broken items."""
    return [
        detail
        for detail in error.errors(include_url=False)
        if not (detail["type"] == "too_short" and len(detail["input"]))
    ]


def explain(error: ErrorDetails, data: Any, written: Mapping[Place, str]) -> Finding:
    """The finding that an error of the model amounts to.

    Args:
        error: as pydantic reports it.
        data: the campaign as plain data.
        written: how scalars stand in the file, by place.
    """
    place = place_of(error["loc"], data)
    context = error.get("ctx", {})
    kind = error["type"]
    if kind == COMPLAINT:
        return _complaint(error, place, context, data)
    if kind == "extra_forbidden":
        message, fix = unknown_key(error["loc"], label(place[:-1], data) or "the campaign")
        return Finding(place=place, message=message, fix=fix, at_key=True)
    if kind == "missing":
        return _missing(error["loc"], place, label(place, data))
    message, fix = _said(error, context, written.get(place))
    at_key = error["loc"][-1] == "[key]"
    what = "the key" if at_key else label(place, data) or "the campaign"
    return Finding(place=place, message=f"{what} {message}", fix=fix, at_key=at_key)


def place_of(location: Place, data: Any) -> Place:
    """The part of a location that exists in `data`, or is the key that is not wanted there."""
    place: Place = ()
    for step in location:
        match data:
            case dict() if step in data:
                data = cast("dict[str, Any]", data)[str(step)]
            case list() if isinstance(step, int) and step < len(cast("list[Any]", data)):
                data = cast("list[Any]", data)[step]
            case _:
                continue
        place = (*place, step)
    return place


def label(place: Place, data: Any) -> str:
    """A place for people: `checks.cost.deadline`; list items by their name if they have one."""
    words: list[str] = []
    for depth, step in enumerate(place):
        name = _name_of(value_at(data, place[: depth + 1]))
        word = name if isinstance(step, int) and name else str(step)
        words.append(word if word.isprintable() else ascii(word))
    return ".".join(words)


def value_at(data: Any, place: Place) -> Any:
    """What stands at a place of `data`."""
    for step in place:
        data = data[step]
    return data


def _name_of(value: Any) -> str | None:
    name = cast("dict[str, Any]", value).get("name") if isinstance(value, dict) else None
    return name if isinstance(name, str) and re.fullmatch(FILE_NAME, name) else None


def _complaint(error: ErrorDetails, place: Place, context: dict[str, Any], data: Any) -> Finding:
    near = _near_union_key(error["input"]) if "message" not in context else None
    if near:
        key, meant = near
        message, fix = (
            f"unknown key {show(key)} in {label(place, data)}",
            f"did you mean {show(meant)}?",
        )
        return Finding(place=(*place, key), message=message, fix=fix, at_key=True)
    below = place_of(tuple(context.get("at", ())), error["input"])
    what = label(place, data) or "the campaign"
    fix = str(context["fix"])
    return Finding(place=(*place, *below), message=f"{what}: {error['msg']}", fix=fix)


def _near_union_key(value: Any) -> tuple[str, str] | None:
    keys = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    for key in keys:
        near = nearest(key, _UNION_KEYS)
        if near:
            return key, near
    return None


def _missing(location: Place, place: Place, section: str) -> Finding:
    key = location[-1]
    if isinstance(key, int):
        return Finding(
            place=place, message=f"{section} needs two values", fix="write [smallest, largest]"
        )
    example = example_of(model_at(location[:-1]), key)
    message = f"{show(key)} is missing" + (f" in {section}" if section else "")
    return Finding(place=place, message=message, fix=f"add {key}: {example}", at_key=True)


def _said(error: ErrorDetails, context: dict[str, Any], written: str | None) -> Said:
    kind, value = error["type"], error["input"]
    if kind in _BOUNDS:
        wanted, fix = _BOUNDS[kind]
        bound = show(next(context[key] for key in ("ge", "gt", "le") if key in context))
        return f"{wanted.format(bound)}, not {show(value)}", fix.format(bound)
    if kind in ("too_short", "too_long"):
        return _length(error, context)
    if kind == "literal_error":
        return _choice(error, str(context["expected"]))
    if kind == "string_pattern_mismatch":
        naming = NAMING.get(str(context["pattern"]), str(context["pattern"]))
        return f"{show(value)} is not a possible name", f"use {naming}"
    if kind in _WANTED:
        wanted, fix = _WANTED[kind]
        return f"must be {wanted}, not {_described(value)}", fix(error, written)
    return f"is wrong: {error['msg']}", "change the value"


def _length(error: ErrorDetails, context: dict[str, Any]) -> Said:
    if "min_length" in context:
        return "must not be empty", "add one"
    count, most = context["actual_length"], context["max_length"]
    last = error["loc"][-1]
    fix = "this version takes one proposer" if last == "proposers" else "write [smallest, largest]"
    return f"has {count} items, not {most}", fix


def _choice(error: ErrorDetails, expected: str) -> Said:
    later = _LATER_VALUES.get(str(error["loc"][-1]))
    value = error["input"]
    if later:
        return f"is {show(value)}: {later[0]}", later[1]
    options = expected.replace("' or '", "', '").replace("'", "").split(", ")
    message = f"must be {listed(options)}, not {_described(value)}"
    elsewhere = _meant_elsewhere(str(error["loc"][-1]), value)
    if elsewhere:
        return message, elsewhere
    return message, did_you_mean(str(value), options, f"write {options[0]}")


def _meant_elsewhere(key: str, value: Any) -> str | None:
    """What to do about a word that is one of a similar key, or None."""
    match key:
        case "on_fail" if value in get_args(FailureName):
            return f"write fails_as: {value}, if that is the verdict of a failure"
        case "fails_as" if value in get_args(OnFail):
            return f"write on_fail: {value}, if that is what a failure means for the loop"
        case "no_commit" if value == "continue":
            return "write no_commit: allow"
        case _:
            return None


def _described(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return show(value)
        case int() | float():
            return f"the number {show(value)}"
        case str():
            return f"the text {show(value)}" if value else "an empty text"
        case dict():
            return "a mapping"
        case _:
            return "a list"


def _quoted(error: ErrorDetails, written: str | None) -> str:
    value = error["input"]
    if written is not None and not isinstance(value, str):
        return f"put it in quotes: '{written}'"
    if isinstance(value, dict):
        return "put a text that begins with { in quotes"
    return "write one text"


def _number(error: ErrorDetails, written: str | None) -> str:
    location = error["loc"]
    text = (written or "").replace("_", "").replace(",", "")
    if text.isdecimal() and len(text) < 16 and str(int(text)) != written:
        return f"write {int(text)}"
    example = example_of(model_at(location[:-1]), str(location[-1])) if _named(location) else "1"
    return f"write a number, such as {example}"


def _named(location: Place) -> bool:
    model = model_at(location[:-1])
    return model is not None and str(location[-1]) in {
        field.alias or name for name, field in model.model_fields.items()
    }


def _always(text: str) -> Callable[[ErrorDetails, str | None], str]:
    return lambda error, written: text  # noqa: ARG005


_BOUNDS: Final = {
    "greater_than_equal": ("must be at least {}", "write {} or more"),
    "greater_than": ("must be more than {}", "write a number above {}"),
    "less_than_equal": ("must be at most {}", "write {} or less"),
}
_LIST: Final = ("a list", _always("write [a, b], or lines that begin with -"))
_MAPPING: Final = ("a mapping", _always("write {key: value}, or indented lines key: value"))
_WANTED: Final[dict[str, tuple[str, Callable[[ErrorDetails, str | None], str]]]] = {
    "string_type": ("a text", _quoted),
    "string_too_short": ("a text", _always("write something, or remove the line")),
    "int_type": ("a whole number", _number),
    "float_type": ("a number", _number),
    "finite_number": ("a finite number", _number),
    "bool_type": ("true or false", _always("write true or false, without quotes")),
    "tuple_type": _LIST,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
}
