"""The prompt of one iteration, assembled from a template and the run's state. Pure.

A template places the parts of the briefing by their names, and single words such as
`{{iteration}}`. Every part has to be placed: one that is left out would silence what a person
steers with. `{{briefing}}` stands for all parts that have no place of their own.
"""

import hashlib
from typing import Final

import msgspec

from engine.core.parts import PromptPart
from engine.core.state import RunState
from engine.knowledge.briefing import CAPS, Briefing, Occasion, Part, brief
from engine.knowledge.mission import mission_section
from engine.knowledge.templates import Template, fill, parse

WORKER: Final = "worker.md"
PARTS: Final = (*CAPS, "answer")
MISSION: Final = "mission"
WORDS: Final = ("iteration", "iterations", "base", "trace", "attempt", "metric", "shortlist")
REST: Final = "briefing"

_ANSWER: Final = """\
## Your answer

End with one JSON object and nothing after it, alone or in a ```json block. All keys are required:

```json
{{"shortlist": [{{"idea": "...", "upside": "...", "risk": "...", "structural": true}}],
 "choice": 1,
 "hypothesis": "one sentence that the measurement can prove wrong",
 "change_class": "structural | algorithm | layout | precision | scalar | scaffolding",
 "prediction": {{"metric": "{metric}", "gain_pct": 0.0, "why": "the arithmetic"}},
 "hypotheses_tested": ["exactly one"],
 "summary": "what was changed and where",
 "claims": [{{"metric": "{metric}", "value": 0.0}}],
 "next_idea": "what to try next if it works, and if it does not",
 "follows": ["ids of the review, the directives and the open work that this change follows"],
 "housekeeping": {{"todo_new": [], "resolve_shared_todo_ids": [],
                  "notes_update": "", "data_exploration_update": ""}}}}
```

- {shortlist}
- `choice` counts the shortlist from 1. `gain_pct` is positive for better, whatever the direction.
- `claims` holds figures that you measured yourself, else it is empty; they are compared with ours.
- `housekeeping`: at most two new pieces of open work, each in one sentence; what you learned that
  outlasts this change; ids of open work that is done. Leave empty what adds nothing.
- {classes}"""


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt, and what the journal keeps of it.

    `parts` are the template and every part that says something, in order. `directives` are the
    ids of those in force. `escalated` tells that the prompt demands a more radical change.
    """

    text: str
    parts: list[PromptPart]
    sha256: str
    directives: list[str]
    escalated: bool


def worker_template(text: str, source: str) -> Template:
    """A worker's template, checked.

    Args:
        text: the template.
        source: what errors call it: its path.

    Raises:
        TemplateError: a place that is not known, or a part without a place.
    """
    rest = "{{briefing}}" in text.replace(" ", "")
    required = (REST,) if rest else PARTS
    return parse(text, source=source, required=required, free=(*PARTS, *WORDS, MISSION, REST))


def assemble(template: Template, state: RunState, occasion: Occasion) -> Prompt:
    """The prompt for an iteration; the same state and occasion give the same one to the byte.

    Args:
        template: by `worker_template`.
        state: of the run, before the iteration's agent starts.
        occasion: which iteration it is, and its rules.
    """
    briefing = brief(state, occasion)
    parts = [*_with_mission(template, occasion, briefing.parts)]
    parts.append(Part(name="answer", text=_answer(state, occasion, briefing)))
    text = _encodable(fill(template, _values(template, parts, state, occasion)))
    return Prompt(
        text=text,
        parts=[_kept("template", template.text), *(_kept(p.name, p.text) for p in parts if p.text)],
        sha256=_sha256(text),
        directives=list(briefing.directives),
        escalated=briefing.escalation.stands,
    )


def _with_mission(
    template: Template, occasion: Occasion, parts: tuple[Part, ...]
) -> tuple[Part, ...]:
    """The parts with the mission first; where a template has no place for it, before another."""
    mission = Part(name=MISSION, text=mission_section(occasion.mission))
    if MISSION in template.names or REST in template.names or not mission.text:
        return (mission, *parts)
    first, *others = parts
    return (msgspec.structs.replace(first, text=f"{mission.text}\n\n{first.text}"), *others)


def _values(
    template: Template, parts: list[Part], state: RunState, occasion: Occasion
) -> dict[str, str]:
    total = state.limits.iterations
    values = {part.name: part.text for part in parts}
    rest = [part.text for part in parts if part.text and part.name not in template.names]
    return values | {
        "iteration": str(occasion.iteration),
        "iterations": "no set number" if total is None else str(total),
        "base": occasion.base[:12],
        "trace": occasion.trace,
        "attempt": str(occasion.attempt),
        "metric": state.metric.name,
        "shortlist": str(occasion.shortlist),
        REST: "\n\n".join(rest),
    }


def _answer(state: RunState, occasion: Occasion, briefing: Briefing) -> str:
    count = occasion.shortlist
    ideas = f"At least {count} ideas in `shortlist`, one of them structural." if count else ""
    classes = "A change of class scalar is refused."
    if briefing.escalation.stands:
        classes = "The chosen idea must be structural: scalar and scaffolding are refused."
    return _ANSWER.format(
        metric=state.metric.name, shortlist=ideas or "`shortlist` may be empty.", classes=classes
    )


def _encodable(text: str) -> str:
    """The text as UTF-8 can hold it: half a surrogate pair, which JSON can spell, becomes `?`."""
    return text.encode("utf-8", "replace").decode()


def _kept(name: str, text: str) -> PromptPart:
    return PromptPart(name=name, characters=len(text), sha256=_sha256(text))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
