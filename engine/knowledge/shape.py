"""What is wrong with a JSON value by a JSON Schema, all of it, in words.

Knows the part of JSON Schema that answer schemas use: type, properties, required,
additionalProperties: false, items and enum. A schema with anything else is refused, so that no
rule of it is silently not looked at.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

_KNOWN: Final = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "enum", "description"}
)
_WORDS: Final = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}

Schema = Mapping[str, Any]


def faults(value: object, schema: Schema, path: str = "answer") -> list[str]:
    """Every way in which the value does not fit, each with the path to it; none when it fits.

    Raises:
        ValueError: the schema uses a keyword that is not looked at here.
    """
    return list(_faults(value, schema, path))


def _faults(value: object, schema: Schema, path: str) -> Iterator[str]:
    strange = sorted(set(schema) - _KNOWN)
    if strange:
        raise ValueError(f"schema at {path}: {', '.join(strange)} is not supported")
    kind = str(schema["type"])
    if not _is(value, kind):
        yield f"{path}: must be {_WORDS[kind]}, not {_shown(value)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        allowed = ", ".join(map(str, schema["enum"]))
        yield f"{path}: {_shown(value)} is not one of {allowed}"
    if kind == "object":
        yield from _object(cast("dict[str, object]", value), schema, path)
    if kind == "array":
        for number, item in enumerate(cast("list[object]", value), start=1):
            yield from _faults(item, schema["items"], f"{path}[{number}]")


def _object(value: dict[str, object], schema: Schema, path: str) -> Iterator[str]:
    properties: Schema = schema["properties"]
    for name in schema["required"]:
        if name not in value:
            yield f"{path}.{name}: missing"
    for name, item in value.items():
        if name in properties:
            yield from _faults(item, properties[name], f"{path}.{name}")
        else:
            yield f"{path}: {_shown(name)} is not known"


def _is(value: object, kind: str) -> bool:
    match kind:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case _:
            raise ValueError(f"schema: type {kind!r} is not supported")


def _shown(value: object) -> str:
    match value:
        case None:
            return "null"
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return repr(value)[:60]
