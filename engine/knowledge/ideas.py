"""Ideas of earlier iterations: those that nobody tried yet, and those that did not work. Pure.

Two texts are the same idea when their words are the same, whatever their case and punctuation.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from engine.core.metric import Metric
from engine.core.parts import AgentAnswer, Idea
from engine.knowledge.past import Trial
from engine.knowledge.wording import clip_lines, figure, one_line, percent

_MOST_OPEN: Final = 8
_MOST_NEGATIVES: Final = 10
_TEXT: Final = 180
_SEPARATORS: Final = re.compile(r"[^\w]+", re.UNICODE)
_NOT_WORKING: Final = frozenset({"rejected", "incorrect", "infeasible", "compile", "refused"})


def open_ideas(judged: Sequence[Trial], under_way: Sequence[AgentAnswer], most: int) -> str:
    """The section of ideas that were on a shortlist and that no iteration has taken up.

    Args:
        judged: the iterations that are over, the newest first.
        under_way: what agents answered whose changes are being checked.
        most: characters.
    """
    answers = [trial.answer for trial in judged if trial.answer] + list(under_way)
    tried = {key(text) for answer in answers for text in _tried(answer)}
    lines: dict[str, str] = {}
    for trial in judged:
        for idea in _not_chosen(trial.answer):
            name = key(idea.idea)
            if name and name not in tried and name not in lines:
                lines[name] = _open_line(trial, idea)
    intro = ["Shortlisted before, chosen by nobody; newest first. They may be on yours."]
    return _section("Open hypotheses", intro, list(lines.values()), (most, _MOST_OPEN))


def negatives(metric: Metric, judged: Sequence[Trial], most: int) -> str:
    """The section of hypotheses that were tried and did not hold, with what was measured."""
    lines: dict[str, str] = {}
    for trial in judged:
        text = _tested(trial.answer)
        if trial.verdict in _NOT_WORKING and key(text) and key(text) not in lines:
            lines[key(text)] = _negative_line(metric, trial, text)
    intro = ["Tried and measured. Do not try one again unless you can say what is different now."]
    return _section("What did not work", intro, list(lines.values()), (most, _MOST_NEGATIVES))


def key(text: str) -> str:
    """What is equal for texts that say the same in the same words."""
    return " ".join(_SEPARATORS.sub(" ", text.casefold()).split())


def _tried(answer: AgentAnswer) -> Iterator[str]:
    chosen = _chosen(answer)
    if chosen is not None:
        yield chosen.idea
    yield answer.hypothesis


def _tested(answer: AgentAnswer | None) -> str:
    if answer is None:
        return ""
    chosen = _chosen(answer)
    return answer.hypothesis or (chosen.idea if chosen else "")


def _chosen(answer: AgentAnswer) -> Idea | None:
    if not 1 <= answer.choice <= len(answer.shortlist):
        return None
    return answer.shortlist[answer.choice - 1]


def _not_chosen(answer: AgentAnswer | None) -> list[Idea]:
    if answer is None:
        return []
    chosen = _chosen(answer)
    return [idea for idea in answer.shortlist if idea is not chosen]


def _open_line(trial: Trial, idea: Idea) -> str:
    kind = "structural; " if idea.structural else ""
    upside = f"; upside: {one_line(idea.upside, 80)}" if idea.upside else ""
    return f"- {one_line(idea.idea, _TEXT)} ({kind}from {trial.id}{upside})"


def _negative_line(metric: Metric, trial: Trial, text: str) -> str:
    words = [f"{trial.id} {trial.verdict}"]
    if trial.candidate.value is not None:
        words.append(figure(trial.candidate.value, metric.unit))
    if trial.gain is not None:
        words.append(f"gain {percent(trial.gain)}")
    elif trial.candidate.reason:
        words.append(one_line(trial.candidate.reason, 100))
    return f"- {one_line(text, _TEXT)}: {', '.join(words)}"


def _section(title: str, intro: list[str], lines: list[str], caps: tuple[int, int]) -> str:
    most, most_lines = caps
    if not lines:
        return ""
    shown = lines[:most_lines]
    if len(lines) > most_lines:
        shown.append(f"({len(lines) - most_lines} older ones are not shown)")
    head = f"## {title}\n\n"
    return head + "\n".join(clip_lines([*intro, *shown], most - len(head), "lines"))
