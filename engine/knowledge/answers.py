"""From what an agent says at the end to its answer, and to the rules that the answer breaks.

A rule that is broken is a problem, never an error: whatever an agent prints, there is a reading.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, Literal, cast

import msgspec

from engine.core.memory.parts import Housekeeping
from engine.core.parts import AgentAnswer, Idea
from engine.knowledge.shape import Schema, faults
from engine.knowledge.templates import read_text, shipped
from engine.knowledge.wording import clip

SCHEMA_FILE: Final = "worker_answer.schema.json"
MOST_CHARACTERS: Final = 200_000
_MOST_TEXT: Final = 2_000
_MOST_IDEAS: Final = 12
_MOST_CLAIMS: Final = 40
_MOST_TEXTS: Final = 12
_NOT_THE_CHANGE: Final = ("answer.housekeeping", "answer.follows")
_MOST_CHOICE: Final = 1_000
_MOST_FAULTS: Final = 6

_FENCE: Final = re.compile(r"(?ms)^[ \t]*(`{3,}|~{3,})[^\n]*\n(.*?)^[ \t]*\1[ \t]*$")

Rule = Literal[
    "json",  # there is no JSON object in it
    "schema",  # it does not have the form that was asked for
    "shortlist",  # fewer ideas than were asked for
    "structural",  # no idea of the shortlist is structural
    "choice",  # the choice is outside of the shortlist
    "hypotheses",  # the change tests nothing, or more than one thing
    "scalar",  # a scalar-only change
    "escalation",  # not the structural change that an escalation asks for
]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that an answer breaks; `text` is for people and for the journal."""

    rule: Rule
    text: str


class Demands(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer has to keep to: how many ideas, and whether an escalation stands."""

    shortlist: int = 3
    escalated: bool = False


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it was understood.

    `answer` is None where there is no JSON object to read. `predicted_pct` is the gain that the
    agent expects, in percent of the champion.
    """

    answer: AgentAnswer | None
    problems: list[Problem]
    predicted_pct: float | None = None
    next_idea: str = ""

    def broken(self, *rules: Rule) -> bool:
        """Whether any of these rules is broken."""
        return any(problem.rule in rules for problem in self.problems)


@cache
def schema() -> Schema:
    """The JSON Schema of an answer, in the strict dialect: every property is required.

    Raises:
        TemplateError: the shipped file is not there.
    """
    return cast("Schema", json.loads(read_text(shipped(SCHEMA_FILE))))


def read_answer(text: str, structured: str | None, demands: Demands) -> Reading:
    """What an agent answered and which rules that breaks.

    Args:
        text: its last message; JSON, alone or in the last fenced block that holds an object.
        structured: the JSON, where the agent's program gave it as such.
        demands: what was asked for.
    """
    found = object_in(text, structured)
    if found is None:
        problem = Problem(rule="json", text="the answer holds no JSON object")
        return Reading(answer=None, problems=[problem])
    answer = _answer(found)
    prediction = _mapping(found.get("prediction"))
    return Reading(
        answer=answer,
        problems=[*_form(found), *_rules(found, answer, demands)],
        predicted_pct=_number(prediction.get("gain_pct")),
        next_idea=_text(found.get("next_idea")),
    )


def _form(found: dict[str, Any]) -> list[Problem]:
    # However badly somebody keeps house, it says nothing about the change.
    texts = [text for text in faults(found, schema()) if not text.startswith(_NOT_THE_CHANGE)]
    more = len(texts) - _MOST_FAULTS
    if more > 0:
        texts = [*texts[:_MOST_FAULTS], f"answer: {more} more faults of form"]
    return [Problem(rule="schema", text=text) for text in texts]


def _rules(found: dict[str, Any], answer: AgentAnswer, demands: Demands) -> Iterator[Problem]:
    ideas = len({" ".join(idea.idea.lower().split()) for idea in answer.shortlist if idea.idea})
    if ideas < demands.shortlist:
        text = f"the shortlist has {ideas} different ideas; {demands.shortlist} are asked for"
        yield Problem(rule="shortlist", text=text)
    if demands.shortlist and not any(idea.structural for idea in answer.shortlist):
        yield Problem(rule="structural", text="no idea of the shortlist is structural")
    if not _chosen_exists(answer):
        count = len(answer.shortlist)
        text = f"choice {answer.choice} is outside of the shortlist of {count}"
        yield Problem(rule="choice", text=text)
    tested = _tested(found)
    if tested != 1:
        text = f"the change tests {tested} hypotheses; it must be exactly one"
        yield Problem(rule="hypotheses", text=text)
    yield from _class_rules(answer, demands)


def _class_rules(answer: AgentAnswer, demands: Demands) -> Iterator[Problem]:
    if answer.change_class == "scalar":
        text = "a scalar change alone is no candidate: constants are tuned beside a structural one"
        yield Problem(rule="scalar", text=text)
    if not demands.escalated:
        return
    if answer.change_class in {"scalar", "scaffolding"}:
        text = f"an escalation stands: a change of class {answer.change_class} is refused"
        yield Problem(rule="escalation", text=text)
    elif _chosen_exists(answer) and not answer.shortlist[answer.choice - 1].structural:
        text = "an escalation stands: the chosen idea has to be a structural one"
        yield Problem(rule="escalation", text=text)


def _chosen_exists(answer: AgentAnswer) -> bool:
    return 1 <= answer.choice <= len(answer.shortlist)


def _tested(found: dict[str, Any]) -> int:
    """How many hypotheses the change tests, by its own word; without a word, by its hypothesis."""
    listed = found.get("hypotheses_tested")
    if isinstance(listed, list):
        return sum(1 for item in cast("list[object]", listed) if str(item).strip())
    return 1 if _text(found.get("hypothesis")) else 0


def _answer(found: dict[str, Any]) -> AgentAnswer:
    """What can be read of it, whether or not the form is right."""
    shortlist = found.get("shortlist")
    items = cast("list[object]", shortlist) if isinstance(shortlist, list) else []
    choice = _number(found.get("choice"))
    return AgentAnswer(
        shortlist=[_idea(_mapping(item)) for item in items[:_MOST_IDEAS]],
        choice=int(choice) if choice is not None and abs(choice) < _MOST_CHOICE else 0,
        hypothesis=_text(found.get("hypothesis")),
        change_class=_text(found.get("change_class")),
        prediction=_prediction(_mapping(found.get("prediction"))),
        summary=_text(found.get("summary")),
        claims=_claims(found.get("claims")),
        housekeeping=housekeeping_of(found.get("housekeeping")),
        follows=_texts(found.get("follows")),
    )


def housekeeping_of(value: object) -> Housekeeping:
    """What can be read of it, whether or not the form is right."""
    item = _mapping(value)
    return Housekeeping(
        todo_new=_texts(item.get("todo_new")),
        notes_update=_text(item.get("notes_update")),
        data_exploration_update=_text(item.get("data_exploration_update")),
        resolve_shared_todo_ids=_texts(item.get("resolve_shared_todo_ids")),
    )


def _texts(value: object) -> list[str]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [text for item in items[:_MOST_TEXTS] if (text := _text(item))]


def _idea(item: Mapping[str, Any]) -> Idea:
    return Idea(
        idea=_text(item.get("idea")),
        upside=_text(item.get("upside")),
        risk=_text(item.get("risk")),
        structural=item.get("structural") is True,
    )


def _prediction(item: Mapping[str, Any]) -> str:
    gain, why = _number(item.get("gain_pct")), _text(item.get("why"))
    if gain is None:
        return why
    head = f"{_text(item.get('metric')) or 'the metric'} {gain:+g} %"
    return f"{head}: {why}" if why else head


def _claims(value: object) -> dict[str, float]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    claims: dict[str, float] = {}
    for item in map(_mapping, items[:_MOST_CLAIMS]):
        name, number = _text(item.get("metric")), _number(item.get("value"))
        if name and number is not None:
            claims[name] = number
    return claims


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    if not isinstance(value, str):
        return ""
    # A lone surrogate, which JSON can spell, could not be written to the journal.
    clean = value.encode("utf-8", "replace").decode().replace("\x00", "")
    return clip(clean.strip(), _MOST_TEXT)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = _as_float(value)
    return number if number is not None and abs(number) < 1e300 else None


def _as_float(value: int | float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return None if math.isnan(number) else number


def object_in(text: str, structured: str | None) -> dict[str, Any] | None:
    """The JSON object that an agent ended with: as such, or in its last message."""
    found = _object(structured) if structured is not None else None
    return _in_text(text) if found is None else found


def _in_text(text: str) -> dict[str, Any] | None:
    """The object that a message is or ends with: whole, in a fenced block, or its last braces."""
    tail = text[-MOST_CHARACTERS:]
    whole = _object(tail)
    if whole is not None:
        return whole
    for match in reversed(list(_FENCE.finditer(tail))):
        found = _object(match[2])
        if found is not None:
            return found
    return _unfenced(tail)


def _unfenced(text: str) -> dict[str, Any] | None:
    """The object that begins at a line's start and that nothing but space follows."""
    starts = [match.start() for match in re.finditer(r"^\{", text, re.MULTILINE)]
    for start in reversed(starts[-50:]):
        found = _object(text[start:])
        if found is not None:
            return found
    return None


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text[:MOST_CHARACTERS])
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
