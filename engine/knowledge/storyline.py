"""One line for each iteration: what was tried, and what became of it. Pure."""

from collections.abc import Sequence
from typing import Final

from engine.core.ids import trace_id
from engine.core.state import Candidate, RunState
from engine.knowledge.chosen import tried
from engine.knowledge.past import Trial
from engine.knowledge.wording import figure, one_line, percent

STALLED: Final = 5
"""After so many iterations without a new champion a prompt tells the story so far."""

_LONGEST: Final = 400


def story_line(state: RunState, one: Candidate, gain: float | None = None) -> str:
    """The line of an iteration that has a verdict, at most 400 characters long."""
    words = [f"{one.iteration:04d}", trace_id(state.run, one.iteration), str(one.verdict)]
    if one.value is not None:
        words.append(f"{state.metric.name} {figure(one.value, state.metric.unit)}")
    if gain is not None:
        words.append(percent(gain))
    words += filter(None, [_tried(state, one), one_line(one.reason, 160)])
    return one_line(" | ".join(words), _LONGEST)


def stalled_story(state: RunState, judged: Sequence[Trial], most: int) -> list[str]:
    """The newest lines of the story that fit, oldest first; none unless the run stalls."""
    if state.since_promotion < STALLED:
        return []
    head = f"No new champion for {state.since_promotion} iterations. The last of them:"
    kept: list[str] = []
    left = most - len(head)
    for trial in judged:
        line = f"- {one_line(story_line(state, trial.candidate, trial.gain), 200)}"
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    return [head, *reversed(kept)]


def _tried(state: RunState, one: Candidate) -> str:
    answer = one.code.answer if one.code else None
    if answer is not None and (answer.hypothesis or answer.summary):
        return one_line(answer.hypothesis or answer.summary, 160)
    if one.code is not None and one.code.agent is None:
        return "the code as it was"
    return tried(state, one, 160)
