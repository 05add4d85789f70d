"""The prompt of a review, assembled from a template and the run's state. Pure."""

import hashlib
from typing import Final

import msgspec

from engine.core.ids import ReviewId
from engine.core.parts import PromptPart
from engine.core.reviews.parts import Review, Signals
from engine.core.state import RunState
from engine.knowledge.briefing import CAPS, Occasion, brief
from engine.knowledge.mission import mission_section
from engine.knowledge.past import trials
from engine.knowledge.reviewed import became_of
from engine.knowledge.storyline import story_line
from engine.knowledge.templates import Template, fill, parse
from engine.knowledge.wording import one_line, section
from engine.mentor.waiting import asked_instead, what_waits

MENTOR: Final = "mentor.md"
_NOT_ITS_OWN: Final = frozenset({"storyline", "escalation", "device", "protected", "mentor"})
PARTS: Final = (
    *(name for name in CAPS if name not in _NOT_ITS_OWN),
    "mission", "story", "reviews", "signals", "answer",
)  # fmt: skip
WORDS: Final = ("review", "reasons", "metric")
DECISION: Final = "decision"
_STORY: Final = 2_400
_STORY_LINES: Final = 14
_REVIEWS: Final = 1_800
_LAST: Final = 4
_ANSWER: Final = """\
## Your answer

End with one JSON object and nothing after it, alone or in a ```json block. All keys are required:

```json
{"course": "on_track | off_track",
 "critique": "what the figures say, with iterations, in at most six sentences",
 "question": "",
 "advice": "",
 "housekeeping": {"todo_new": [], "resolve_shared_todo_ids": [],
                  "notes_update": "", "data_exploration_update": ""}}
```"""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a review is for, beside the state; with `replacing` it may decide otherwise."""

    review: ReviewId
    reasons: list[str]
    signals: Signals
    mission: str = ""
    replacing: bool = False


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt, and what the journal keeps of it."""

    text: str
    parts: list[PromptPart]
    sha256: str


def mentor_template(text: str, source: str) -> Template:
    """A mentor's template, checked.

    Raises:
        TemplateError: a place that is not known, or a part without a place.
    """
    return parse(text, source=source, required=PARTS, free=(*WORDS, DECISION))


def assemble(template: Template, state: RunState, asked: Asked) -> Prompt:
    """The prompt of a review; the same state gives the same one to the byte."""
    told = brief(state, Occasion(iteration=state.last_iteration + 1, base="")).parts
    texts = {part.name: part.text for part in told if part.name not in _NOT_ITS_OWN}
    texts |= {
        "mission": mission_section(asked.mission),
        "story": _story(state),
        "reviews": _reviews(state),
        "signals": _signals(asked.signals),
        "answer": _ANSWER + (asked_instead(state) if asked.replacing else ""),
    }
    waits = what_waits(state)
    if DECISION not in template.names and waits:  # a template from before there were any
        texts["signals"] = "\n\n".join(filter(None, [waits, texts["signals"]]))
    texts[DECISION] = waits
    words = {
        "review": str(asked.review),
        "reasons": one_line("; ".join(asked.reasons), 300),
        "metric": state.metric.name,
    }
    text = fill(template, texts | words).encode("utf-8", "replace").decode()
    kept = [_kept("template", template.text), *(_kept(n, t) for n, t in texts.items() if t)]
    return Prompt(text=text, parts=kept, sha256=_sha256(text))


def _story(state: RunState) -> str:
    judged = trials(state)[:_STORY_LINES]
    lines = [f"- {story_line(state, each.candidate, each.gain)}" for each in reversed(judged)]
    return section("The last iterations, oldest first", lines, _STORY)


def _reviews(state: RunState) -> str:
    done = state.reviews.done[-_LAST:]
    return section("Earlier reviews", [_review(state, each) for each in done], _REVIEWS)


def _review(state: RunState, review: Review) -> str:
    if review.opinion is None:
        return f"- {review.id} came to nothing: {one_line(review.detail, 120)}"
    said = review.opinion
    head = f"- {review.id}, after {review.at_iteration} iterations, {said.course}"
    advice = f"; advice: {one_line(said.advice, 160)}" if said.advice else ""
    return f"{head}: {one_line(said.critique, 200)}{advice}; {became_of(state, review)}"


def _signals(found: Signals) -> str:
    drift = "; the last changes are small variations" if found.drifts else ""
    lines = [
        f"- research {found.research:.2f}: {found.since_search} iterations since something was "
        "looked up",
        f"- breakout {found.breakout:.2f}: {found.since_champion} iterations since the last "
        f"champion{drift}",
        f"- non-training {found.non_training:.2f}: {found.since_exploration} iterations since the "
        "data was looked at",
        f"- open work {found.todo_pressure:.2f}: {found.open_todos} items",
        f"- failures in a row: {found.failures_in_a_row}",
    ]
    return section("Priorities, from 0 to 1", lines, 600)


def _kept(name: str, text: str) -> PromptPart:
    return PromptPart(name=name, characters=len(text), sha256=_sha256(text))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
