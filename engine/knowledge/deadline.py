"""What a prompt says of the end of the run, by the time of the last event: no clock is read."""

from typing import Final

from engine.core.finish.parts import Finish
from engine.core.finish.times import unix_s
from engine.core.state import RunState
from engine.knowledge.wording import one_line

_NOTE: Final = 120


def deadline_lines(state: RunState, iteration: int) -> list[str]:
    """The plan as it concerns an iteration; nothing where no end is planned."""
    finish = state.finish
    if finish is None or finish.over:
        return []
    note = one_line(finish.plan.note, _NOTE)
    return [
        _line(state, finish, iteration),
        *([f"- the end, in its words: {note}"] if note else []),
    ]


def _line(state: RunState, finish: Finish, iteration: int) -> str:
    if finish.began is None:
        begins, over = _clock(finish.plan.activate_at), _clock(finish.plan.deadline)
        left = _left(state, finish.plan.activate_at)
        return (
            f"- the run comes to its end: {left} until nothing new begins ({begins}; over {over})"
        )
    cut_at = finish.began.cut_at
    what = "a final round" if iteration in finish.rounds else "one of the last"
    left = f"{_left(state, cut_at)}, until {_clock(cut_at)}"
    return f"- this is {what}: what is not measured in {left}, is cut off; choose what is sure"


def _left(state: RunState, moment: str) -> str:
    minutes = max(0.0, unix_s(moment) - unix_s(state.time)) / 60
    return f"{minutes:.0f} min"


def _clock(moment: str) -> str:
    return f"{moment[11:16]} UTC"
