"""From what a mentor says at the end to its opinion.

Unlike a worker's answer a review has no partial value: one that does not have the form that was
asked for is no opinion, and its problems say why.
"""

import json
from functools import cache
from typing import Any, Final, Literal, cast

import msgspec

from engine.core.reviews.parts import Opinion
from engine.core.space import Space
from engine.knowledge.answers import housekeeping_of, object_in
from engine.knowledge.decision_answers import read_replacement, replacement_schema
from engine.knowledge.shape import Schema, faults
from engine.knowledge.templates import read_text, shipped
from engine.knowledge.wording import clip

SCHEMA_FILE: Final = "mentor_review.schema.json"
REPLACEMENT: Final = "replacement"
_MOST_TEXT: Final = 2_000
_MOST_LINE: Final = 600
_MOST_FAULTS: Final = 6


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A review as it was understood; without an opinion, or a replacement, `problems` says why."""

    opinion: Opinion | None
    problems: list[str] = []


@cache
def schema(*, replacing: bool = False) -> Schema:
    """The JSON Schema of a review, in the strict dialect: every property is required.

    Args:
        replacing: whether it may put another decision in the place of the worker's.

    Raises:
        TemplateError: a shipped file is not there.
    """
    plain = cast("dict[str, Any]", json.loads(read_text(shipped(SCHEMA_FILE))))
    if not replacing:
        return plain
    properties = plain["properties"] | {REPLACEMENT: replacement_schema()}
    return plain | {"properties": properties, "required": [*plain["required"], REPLACEMENT]}


def read_review(text: str, structured: str | None, replaces: Space | None = None) -> Reading:
    """What a mentor thinks; a replacement that is out of form is none, and spoils nothing else.

    Args:
        text: its last message; JSON, alone or in the last fenced block that holds an object.
        structured: the JSON, where the agent's program gave it as such.
        replaces: whose values its replacement names, where it may name one.
    """
    found = object_in(text, structured)
    if found is None:
        return Reading(opinion=None, problems=["the review holds no JSON object"])
    other = None if replaces is None else found.get(REPLACEMENT)
    found = {key: value for key, value in found.items() if replaces is None or key != REPLACEMENT}
    problems = faults(found, schema(), "review")
    critique = _text(found.get("critique"), _MOST_TEXT)
    if not problems and not critique:
        problems = ["review.critique: it is empty"]
    if problems:
        return Reading(opinion=None, problems=problems[:_MOST_FAULTS])
    replacement, strange = read_replacement(other, replaces) if replaces else (None, [])
    return Reading(
        problems=strange,
        opinion=Opinion(
            replacement=replacement,
            course=cast('Literal["on_track", "off_track"]', found["course"]),
            critique=critique,
            question=_text(found["question"], _MOST_LINE),
            advice=_text(found["advice"], _MOST_LINE),
            housekeeping=housekeeping_of(found["housekeeping"]),
        ),
    )


def _text(value: Any, most: int) -> str:
    clean = str(value).encode("utf-8", "replace").decode().replace("\x00", "")
    return clip(clean.strip(), most)
