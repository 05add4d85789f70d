"""From what a worker says at the end to its decision, and to what is wrong with it.

A decision has the form that was asked for, or it is none. One that stops something stands even
where the rest of it is out of form: nothing may keep a worker from stopping.
"""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, cast, get_args

import msgspec

from engine.core.decisions.parts import Action, Category, Decision
from engine.core.space import Space
from engine.knowledge.answers import housekeeping_of, object_in
from engine.knowledge.shape import Schema, faults
from engine.knowledge.templates import read_text, shipped
from engine.knowledge.wording import clip

SCHEMA_FILE: Final = "worker_decision.schema.json"
NO_ACTION: Final = "none"
_STOPPING: Final = frozenset({"stop_run", "shut_down"})
_MOST_TEXT: Final = 2_000
_MOST_COMMAND: Final = 8_000
_MOST_WORD: Final = 120
_MOST_ITEMS: Final = 64
_MOST_FAULTS: Final = 6
_MOST_S: Final = 1e9


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as it was understood; without one `problems` says why."""

    decision: Decision | None
    problems: list[str] = []


@cache
def schema() -> Schema:
    """The JSON Schema of a decision, in the strict dialect: every property is required.

    Raises:
        TemplateError: the shipped file is not there.
    """
    return cast("Schema", json.loads(read_text(shipped(SCHEMA_FILE))))


def read_decision(text: str, structured: str | None, space: Space) -> Reading:
    """What a worker decided.

    Args:
        text: its last message; JSON, alone or in the last fenced block that holds an object.
        structured: the JSON, where the agent's program gave it as such.
        space: whose values are named.
    """
    found = object_in(text, structured)
    if found is None:
        return Reading(decision=None, problems=["the answer holds no JSON object"])
    problems = faults(found, schema(), "decision")[:_MOST_FAULTS]
    if problems and found.get("action") not in _STOPPING:
        return Reading(decision=None, problems=problems)
    return Reading(decision=_decision(found, space), problems=problems)


@cache
def replacement_schema() -> Schema:
    """The same of what a mentor would do in the worker's place; `none` where it knows nothing.

    Raises:
        TemplateError: the shipped file is not there.
    """
    whole = schema()
    left_out = ("housekeeping", "follows")
    fields = {name: part for name, part in whole["properties"].items() if name not in left_out}
    action = fields["action"] | {"enum": [NO_ACTION, *fields["action"]["enum"]]}
    return {
        "type": "object",
        "description": f"What is to be done instead; action {NO_ACTION} for nothing else.",
        "additionalProperties": False,
        "required": [name for name in whole["required"] if name not in left_out],
        "properties": fields | {"action": action},
    }


def read_replacement(found: object, space: Space) -> tuple[Decision | None, list[str]]:
    """What a mentor would do in the worker's place, and what is wrong with its words."""
    if not isinstance(found, dict):
        return None, ["replacement: missing"] if found is not None else []
    problems = faults(cast("object", found), replacement_schema(), "replacement")[:_MOST_FAULTS]
    fields = cast("Mapping[str, Any]", found)
    if problems or fields["action"] == NO_ACTION:
        return None, problems
    return _decision(fields, space), []


def _decision(found: Mapping[str, Any], space: Space) -> Decision:
    category = found.get("category")
    return Decision(
        action=cast("Action", found["action"]),
        rationale=_text(found.get("rationale")),
        category=cast("Category", category if category in get_args(Category) else "other"),
        label=_text(found.get("label"), _MOST_WORD),
        command=_text(found.get("command"), _MOST_COMMAND),
        folder=_text(found.get("folder"), _MOST_TEXT),
        parameters=_parameters(found.get("parameters"), space),
        run=_text(found.get("run"), _MOST_WORD),
        wait_s=_seconds(found.get("wait_s")),
        monitor_s=_seconds(found.get("monitor_s")),
        follows=[_text(each, _MOST_WORD) for each in _items(found.get("follows"))],
        housekeeping=housekeeping_of(found.get("housekeeping")),
    )


def _parameters(value: object, space: Space) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for item in _items(value):
        fields: Mapping[str, object] = {}
        if isinstance(item, dict):
            fields = cast("Mapping[str, object]", item)
        name = _text(fields.get("name"), _MOST_WORD)
        if name:
            named[name] = _value(name, _text(fields.get("value")), space)
    return named


def _value(name: str, text: str, space: Space) -> Any:
    """The value that a text stands for: as JSON, or as the word that it is."""
    readings: list[Any] = [text]
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, str | int | float) and value == value:
        readings = [value, text]
    if name in space.names:
        domain = space.domain(name)
        readings = [each for each in readings if not domain.problem(each)] or readings
    return readings[0]


def _items(value: object) -> list[object]:
    return cast("list[object]", value)[:_MOST_ITEMS] if isinstance(value, list) else []


def _text(value: object, most: int = _MOST_TEXT) -> str:
    if not isinstance(value, str):
        return ""
    clean = value.encode("utf-8", "replace").decode().replace("\x00", "")
    return clip(clean.strip(), most)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 < value < _MOST_S else 0.0
