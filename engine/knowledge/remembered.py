"""What a run remembers, as an agent is told of it: open work, notes, the last failure. Pure.

Budgets are kept by leaving out the middle of the queue and the oldest notes: what is oldest and
open, and what is newest, is always there.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from engine.core.ids import IterationNumber
from engine.core.memory.parts import LONGEST_TODO, Memory, Note, Todo
from engine.core.state import RunState
from engine.core.verdict import FAILURES
from engine.knowledge.past import Trial
from engine.knowledge.storyline import stalled_story
from engine.knowledge.wording import one_line, section

FOCUS: Final = 8
"""How many open items are shown: half of them the oldest, half the newest."""

_LEAST_TEXT: Final = 40
_HEADING: Final = 40


def memory_texts(
    state: RunState, judged: Sequence[Trial], now: IterationNumber, caps: Mapping[str, int]
) -> dict[str, str]:
    """The parts of a prompt by their names in `caps`, which has the most characters of each."""
    memory = state.memory
    room = {name: most - _HEADING for name, most in caps.items()}
    told = {
        "failure": ("What failed last", failure_lines(judged, room["failure"])),
        "storyline": ("The story so far", stalled_story(state, judged, room["storyline"])),
        "todos": ("Open work, for all who work here", todo_lines(memory, now, room["todos"])),
        "notes": ("Notes", note_lines(memory.notes, room["notes"])),
        "exploration": ("About the data", note_lines(memory.explorations, room["exploration"])),
    }
    return {name: section(title, lines, caps[name]) for name, (title, lines) in told.items()}


def todo_lines(memory: Memory, now: IterationNumber, most: int) -> list[str]:
    """The open items worth looking at, in at most so many characters; none without any.

    A head says how many there are and how many of them are shown.
    """
    waiting = memory.open
    if not waiting:
        return []
    for count in range(min(FOCUS, len(waiting)), 0, -1):
        shown = _focus(waiting, count)
        head = _head(len(waiting), len(shown))
        tags = [f"- {todo.id} ({_age(todo, now)})" for todo in shown]
        room = (most - len(head) - 1 - sum(len(tag) + 3 for tag in tags)) // len(tags)
        if room >= _LEAST_TEXT or count == 1:
            texts = [one_line(todo.text, max(1, min(room, LONGEST_TODO))) for todo in shown]
            return [head, *(f"{tag}: {text}" for tag, text in zip(tags, texts, strict=True))]
    return []


def note_lines(notes: Sequence[Note], most: int) -> list[str]:
    """The newest notes that fit into so many characters, the oldest of them first."""
    kept: list[str] = []
    left = most - len(_older(len(notes))) - 1
    for note in reversed(notes):
        line = f"- iteration {note.iteration}: {one_line(note.text, most)}"
        left -= len(line) + 1
        if left < 0:
            return [_older(len(notes) - len(kept)), *reversed(kept)]
        kept.append(line)
    return kept[::-1]


def failure_lines(judged: Sequence[Trial], most: int) -> list[str]:
    """What went wrong in the newest iteration; none when nothing did."""
    last = judged[0] if judged else None
    if last is None or last.verdict not in FAILURES:
        return []
    head = f"{last.id}, the iteration before this one, ended as {last.verdict}:"
    lines = [one_line(line, 300) for line in last.candidate.reason.splitlines() if line.strip()]
    kept: list[str] = []
    left = most - len(head)
    for line in lines:
        left -= len(line) + 3
        if left < 0:
            break
        kept.append(f"> {line}")
    return [head, *kept]


def _focus(waiting: Sequence[Todo], count: int) -> list[Todo]:
    """The oldest and the newest, so many in all."""
    if len(waiting) <= count:
        return list(waiting)
    newest = count // 2
    return [*waiting[: count - newest], *waiting[len(waiting) - newest :]]


def _head(waiting: int, shown: int) -> str:
    if waiting == shown:
        return f"{waiting} open:"
    return f"{waiting} open; here the {shown - shown // 2} oldest and the {shown // 2} newest:"


def _age(todo: Todo, now: IterationNumber) -> str:
    old = max(0, now - todo.at_iteration)
    age = "new" if old == 0 else f"{old} iteration{'s' if old > 1 else ''} old"
    return f"{todo.role}, {age}"


def _older(count: int) -> str:
    return f"({count} older ones are left out)"
