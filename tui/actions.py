"""All that a person can do here: one table for keys, footer, help and palette."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tui.fitting import Field, fit, joined
from tui.ink import EMPTY, Line, Span, line, spread
from tui.room import Room
from tui.views.words import duration_text

PAUSED_WORDS: Final = frozenset({"paused", "pausing", "halted"})


def _always(room: Room) -> str:
    del room
    return ""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do. `hint` is its word in the footer, empty when it has no place there."""

    id: str
    keys: tuple[str, ...]
    shown: str
    title: str
    help: str
    hint: Callable[[Room, float], str]
    rank: int = 5
    unavailable: Callable[[Room], str] = _always


def _word(word: str) -> Callable[[Room, float], str]:
    def hint(room: Room, now: float) -> str:
        del room, now
        return word

    return hint


def _no_engine(room: Room) -> str:
    word = room.condition.word
    return "" if room.condition.live else f"no engine holds this run: it is {word}"


def _not_answered_yet(room: Room) -> str:
    return f"{room.pending.name} is not answered yet" if room.pending is not None else ""


def _no_review_now(room: Room) -> str:
    if not room.header.has_mentor:
        return "the campaign has no mentor"
    return _not_answered_yet(room) or _no_engine(room)


def _mentor_hint(room: Room, now: float) -> str:
    del now
    return "mentor" if room.header.has_mentor else ""


def _nothing_reviewed(room: Room) -> str:
    return "" if room.choices.rows else "no review has looked at a decision or a candidate"


def _no_finish_now(room: Room) -> str:
    return _not_answered_yet(room) or _no_engine(room)


def _finish_hint(room: Room, now: float) -> str:
    del now
    return "finish" if room.finish.planned else ""


def _nothing_open(room: Room) -> str:
    return _not_answered_yet(room) if room.todos.rows else "nothing is open"


def _not_pausable(room: Room) -> str:
    if room.condition.word == "stopping":
        return "the run is stopping"
    return _not_answered_yet(room) or _no_engine(room)


def _not_stoppable(room: Room) -> str:
    return "the run is stopping already" if room.condition.word == "stopping" else _no_engine(room)


def _pause_hint(room: Room, now: float) -> str:
    if room.pending is not None and room.pending.name in {"pause", "resume"}:
        waited = now - room.pending.since
        late = f" {duration_text(waited)}" if waited >= 2 else ""
        return f"{'pausing' if room.pending.name == 'pause' else 'resuming'}…{late}"
    return "resume" if room.condition.word in PAUSED_WORDS else "pause"


def _stop_hint(room: Room, now: float) -> str:
    del now
    pending = room.pending is not None and room.pending.name == "stop"
    return "stopping…" if pending or room.condition.word == "stopping" else "stop"


PANES: Final = (
    ("slots", "1", "Slots"),
    ("chart", "2", "Champion"),
    ("log", "3", "Log"),
    ("board", "4", "Leaderboard"),
    ("todos", "5", "To do"),
)
"""Name, digit and title of each pane, in reading order."""


def _pane_action(name: str, digit: str, title: str) -> Action:
    return Action(
        id=f"pane_{name}",
        keys=(digit,),
        shown=digit,
        title=f"Go to {title}",
        help="put the keys there; on a small terminal, show it",
        hint=_word(""),
    )


ACTIONS: Final[tuple[Action, ...]] = (
    Action(
        id="toggle_pause",
        keys=("p",),
        shown="p",
        title="Pause or resume",
        help="start no new step; the ones that run end",
        hint=_pause_hint,
        rank=1,
        unavailable=_not_pausable,
    ),
    Action(
        id="ask_stop",
        keys=("x",),
        shown="x",
        title="Stop the run",
        help="end the engine in good order; asks first",
        hint=_stop_hint,
        rank=2,
        unavailable=_not_stoppable,
    ),
    Action(
        id="ask_finish",
        keys=("f",),
        shown="f",
        title="Bring the run to its end",
        help="final rounds, report, end; or cancel it",
        hint=_finish_hint,
        rank=3,
        unavailable=_no_finish_now,
    ),
    Action(
        id="leave",
        keys=("q", "ctrl+c"),
        shown="q",
        title="Leave the screen",
        help="close the screen; the run goes on",
        hint=_word("leave"),
        rank=0,
    ),
    *(_pane_action(*pane) for pane in PANES),
    Action(
        id="ask_mentor",
        keys=("m",),
        shown="m",
        title="Ask the mentor to look now",
        help="a review beside the work; nothing waits for it",
        hint=_mentor_hint,
        rank=6,
        unavailable=_no_review_now,
    ),
    Action(
        id="choices",
        keys=("d",),
        shown="d",
        title="Worker beside mentor",
        help="decisions, and reviews of them",
        hint=_word(""),
        unavailable=_nothing_reviewed,
    ),
    Action(
        id="add_todo",
        keys=("t",),
        shown="t",
        title="Add to the open work",
        help="agents read it in their next prompts",
        hint=_word("to do"),
        rank=7,
        unavailable=_not_answered_yet,
    ),
    Action(
        id="edit_todo",
        keys=("e",),
        shown="e",
        title="Edit open work",
        help="the item with the mark",
        hint=_word(""),
        unavailable=_nothing_open,
    ),
    Action(
        id="resolve_todo",
        keys=("r",),
        shown="r",
        title="Resolve open work",
        help="the item with the mark; asks first",
        hint=_word(""),
        unavailable=_nothing_open,
    ),
    Action(
        id="follow",
        keys=("f4",),
        shown="f4",
        title="Follow the log",
        help="go to its end and stay there, as End does",
        hint=_word(""),
    ),
    Action(
        id="help",
        keys=("question_mark", "f1"),
        shown="?",
        title="Help",
        help="show this list",
        hint=_word("help"),
        rank=3,
    ),
    Action(
        id="command_palette",
        keys=("ctrl+p",),
        shown="^p",
        title="Palette",
        help="find an action by its name",
        hint=_word("palette"),
        rank=6,
    ),
)


def footer_line(room: Room, width: int, now: float) -> Line:
    """The keys that matter here, whole ones only; what cannot be done now is quiet."""
    fields = [_hint_field(action, room, now) for action in ACTIONS]
    digits = f"{PANES[0][1]}-{PANES[-1][1]}"
    panes = (Span(digits, "accent"), Span(" panes", "plain"))
    fields.insert(len(ACTIONS) - 2, Field((panes, EMPTY), 4))
    hints = joined(fit(fields, width - 2, 3), 3)
    name = line(f"{room.run} ", "quiet")
    return spread((Span(" "), *hints), name, width)


def _hint_field(action: Action, room: Room, now: float) -> Field:
    word = action.hint(room, now)
    if not word:
        return Field((EMPTY,), action.rank)
    if action.unavailable(room):
        return Field((line(f"{action.shown} {word}", "quiet"), EMPTY), action.rank)
    return Field(((Span(action.shown, "accent"), Span(f" {word}")), EMPTY), action.rank)
