"""The prompt of a worker's decision, assembled from a template and the run's state. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from engine.core.deciding import free_slots
from engine.core.decisions.parts import Decided
from engine.core.finish.times import unix_s
from engine.core.ids import DecisionId
from engine.core.parts import PromptPart
from engine.core.state import OpenIteration, RunState
from engine.knowledge.briefing import CAPS, Occasion, brief
from engine.knowledge.chosen import tried
from engine.knowledge.mission import mission_section
from engine.knowledge.templates import Template, fill, parse
from engine.knowledge.wording import one_line, section

WORKER: Final = "worker_decision.md"
_NOT_ITS_OWN: Final = frozenset({"hypotheses", "negatives", "escalation", "device", "protected"})
PARTS: Final = (
    *(name for name in CAPS if name not in _NOT_ITS_OWN),
    "mission", "space", "runs", "decisions", "answer",
)  # fmt: skip
WORDS: Final = ("decision", "reasons", "metric")
_SPACE: Final = 3_000
_RUNS: Final = 3_000
_DECISIONS: Final = 2_400
_SHOWN: Final = 6
_ANSWER: Final = """\
## Your answer

End with one JSON object and nothing after it, alone or in a ```json block. All keys are required:

```json
{"action": "run | propose | stop_run | wait | shut_down",
 "rationale": "why this and why now, with figures",
 "category": "augmentation | preprocessing | data_sampling | loss | model_arch | optimization | evaluation | other",
 "label": "what is new in the run, in a few words",
 "command": "", "folder": "",
 "parameters": [{"name": "...", "value": "..."}],
 "run": "", "wait_s": 0, "monitor_s": 0,
 "follows": ["ids of the review, the directives and the open work that this follows"],
 "housekeeping": {"todo_new": [], "resolve_shared_todo_ids": [],
                  "notes_update": "", "data_exploration_update": ""}}
```"""  # noqa: E501


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a decision is for, beside the state. `tails` are the last words of open runs."""

    decision: DecisionId
    reasons: list[str]
    now_s: float
    commands: bool
    mission: str = ""
    tails: Mapping[int, list[str]] = {}


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt, and what the journal keeps of it."""

    text: str
    parts: list[PromptPart]
    sha256: str


def decision_template(text: str, source: str) -> Template:
    """A worker's template, checked.

    Raises:
        TemplateError: a place that is not known, or a part without a place.
    """
    return parse(text, source=source, required=PARTS, free=WORDS)


def assemble(template: Template, state: RunState, asked: Asked) -> Prompt:
    """The prompt of a decision; the same state and time give the same one to the byte."""
    told = brief(state, Occasion(iteration=state.last_iteration + 1, base="")).parts
    texts = {part.name: part.text for part in told if part.name not in _NOT_ITS_OWN}
    texts |= {
        "mission": mission_section(asked.mission),
        "space": _space(state, asked),
        "runs": _runs(state, asked),
        "decisions": _decisions(state),
        "answer": _ANSWER,
    }
    words = {
        "decision": str(asked.decision),
        "reasons": one_line("; ".join(asked.reasons), 400),
        "metric": state.metric.name,
    }
    text = fill(template, texts | words).encode("utf-8", "replace").decode()
    kept = [_kept("template", template.text), *(_kept(n, t) for n, t in texts.items() if t)]
    return Prompt(text=text, parts=kept, sha256=_sha256(text))


def _space(state: RunState, asked: Asked) -> str:
    """What may be chosen: the declared parameters, and whether a command is run."""
    declared: object = state.document.get("space")
    items = cast("dict[str, Any]", declared) if isinstance(declared, dict) else {}
    lines = [
        f"- {one_line(name, 64)}: {one_line(json.dumps(spec, sort_keys=True), 200)}"
        for name, spec in items.items()
    ]
    if lines:
        lines.insert(0, "Parameters; those that you do not name are as in the champion:")
    if asked.commands:
        first = state.first()
        command = first.chosen.command if first and first.chosen else ""
        lines.append("A run's command is yours; without one it is that of the baseline:")
        lines.append(f"- {one_line(command, 400)}")
    else:
        lines.append("No command is run for you: leave `command` and `folder` empty.")
    return section("What you may choose", lines, _SPACE)


def _runs(state: RunState, asked: Asked) -> str:
    free = free_slots(state)
    lines = [f"{free} of {state.slots} slots are free."]
    for number, turn in sorted(state.open.items()):
        lines.append(_run(state, turn, asked.now_s))
        lines += [f"  | {one_line(line, 160)}" for line in asked.tails.get(number, [])]
    return section("Runs under way", lines, _RUNS)


def _run(state: RunState, turn: OpenIteration, now_s: float) -> str:
    one = state.candidates.get(turn.candidate) if turn.candidate else None
    what = tried(state, one, 200) if one else ""
    age = _duration(now_s - unix_s(turn.since))
    figures = {name: value for report in turn.finished for name, value in report.metrics.items()}
    shown = ", ".join(f"{name} {value:.6g}" for name, value in sorted(figures.items()))
    words = [f"- {turn.candidate}, for {age}, {turn.phase}", what, shown, turn.cut]
    return "; ".join(filter(None, words))


def _decisions(state: RunState) -> str:
    lines = [_decided(each) for each in state.decisions.done[-_SHOWN:]]
    return section("Your last decisions, oldest first", lines, _DECISIONS)


def _decided(each: Decided) -> str:
    if each.decision is None:
        return f"- {each.id} could not be used: {one_line(each.detail, 300)}"
    said = each.own or each.decision
    what = " ".join(filter(None, [said.action.replace("_", " "), said.label or said.run]))
    head = f"- {each.id} {one_line(what, 120)}"
    if each.status == "blocked":
        issues = "; ".join(f"{issue.rule}: {issue.text}" for issue in each.issues)
        return f"{head} became a wait, the gate did not let it pass: {one_line(issues, 700)}"
    became = f" began {each.candidate}" if each.candidate and said.action != "stop_run" else ""
    if each.own is not None:
        became = f" was replaced by review {each.review}, which began {each.candidate}"
    detail = f": {one_line(each.detail, 300)}" if each.detail else ""
    return f"{head}, {each.status}{became}{detail}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    return f"{minutes} min" if minutes else f"{rest} s"


def last_lines(text: str, most: int = 4) -> list[str]:
    """The last lines of a log that say something."""
    return [line for line in text.splitlines() if line.strip()][-most:]


def _kept(name: str, text: str) -> PromptPart:
    return PromptPart(name=name, characters=len(text), sha256=_sha256(text))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
