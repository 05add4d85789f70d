"""What a review is told of that which waits for it: a decision, or a candidate. Pure."""

from collections.abc import Iterator
from typing import Final

from engine.core.decision_lines import words_of
from engine.core.decisions.parts import Decided
from engine.core.holding_candidates import waiting_turn
from engine.core.state import Candidate, OpenIteration, RunState
from engine.knowledge.wording import one_line, section

_MOST: Final = 1_800
_FILES: Final = 12

_VALUES: Final = """\
 "replacement": {"action": "none | run | propose | stop_run | wait | shut_down",
                 "rationale": "", "category": "other", "label": "", "command": "", "folder": "",
                 "parameters": [{"name": "...", "value": "..."}], "run": "",
                 "wait_s": 0, "monitor_s": 0}
```"""
_PROPOSED: Final = _VALUES.replace(
    "none | run | propose | stop_run | wait | shut_down", "none | propose"
)

_DECISION: Final = f"""

The worker's decision waits for you. Where it is off_track and you know something better, add to the
object what is to be done instead, with the keys of a decision; else with the action "none":

```json
{_VALUES}"""

_CODE: Final = f"""

The candidate waits for you. Where it is off_track and you know something better, add to the object
what is to be tried in its place: in `rationale` what to change in the code and why, as an
instruction to the one who will; leave `parameters` empty. Else with the action "none":

```json
{_PROPOSED}"""

_PARAMETERS: Final = f"""

The candidate waits for you. Where it is off_track and you know something better, add to the object
the values that are to be tried in its place, in `parameters`; what you leave out is as in the
champion. Else with the action "none":

```json
{_PROPOSED}"""


def asked_instead(state: RunState) -> str:
    """How a replacement is to be named, by what waits."""
    one = _candidate(state)
    if one is None:
        return _DECISION
    return _CODE if one.code is not None and one.code.agent is not None else _PARAMETERS


def what_waits(state: RunState) -> str:
    """The section about what waits for the review; empty where nothing does."""
    waiting = state.decisions.held
    if waiting is not None and waiting.decision is not None:
        return _decision(waiting)
    turn, one = waiting_turn(state), _candidate(state)
    if turn is None or one is None:
        return ""
    lines = [*_words(state, one), *_files(turn)]
    return section("The candidate that waits for you, before its checks", lines, _MOST)


def _decision(waiting: Decided) -> str:
    said = waiting.decision
    assert said is not None  # noqa: S101  (the caller looked)
    lines = [
        f"{waiting.id}: {one_line(words_of(said), 600)}",
        f"- kind of idea: {said.category}",
        f"- its rationale: {one_line(said.rationale, 800)}",
    ]
    return section("The worker's decision, which waits for you", lines, _MOST)


def _candidate(state: RunState) -> Candidate | None:
    turn = waiting_turn(state)
    return state.candidates[turn.candidate] if turn is not None and turn.candidate else None


def _words(state: RunState, one: Candidate) -> Iterator[str]:
    yield f"{one.id} by {one_line(one.proposer, 80)}, made from {', '.join(one.parents)}"
    best = state.best()
    kept = best.parameters if best else {}
    changed = {name: v for name, v in one.parameters.items() if kept.get(name) != v}
    if changed:
        values = " ".join(f"{name}={value}" for name, value in changed.items())
        yield f"- what differs from the champion: {one_line(values, 600)}"
    answer = one.code.answer if one.code else None
    if answer is None:
        return
    named = (
        ("hypothesis", answer.hypothesis, 300),
        ("kind of change", answer.change_class, 40),
        ("predicted", answer.prediction, 120),
        ("what it changed", answer.summary, 500),
    )
    for name, text, most in named:
        if text:
            yield f"- {name}: {one_line(text, most)}"


def _files(turn: OpenIteration) -> Iterator[str]:
    files = turn.change.files if turn.change else []
    for file in files[:_FILES]:
        yield f"- {one_line(file.path, 120)}: {_lines(file.added, file.removed)}"
    if len(files) > _FILES:
        yield f"- and {len(files) - _FILES} more files"


def _lines(added: int | None, removed: int | None) -> str:
    if added is None or removed is None:
        return "changed"
    return f"{added} lines added, {removed} removed"
