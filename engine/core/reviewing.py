"""When a mentor looks: signals from recorded facts, and what makes a review due. Pure."""

from itertools import islice
from typing import Final

from engine.core import events as e
from engine.core.answering_steering import Refusal
from engine.core.ids import ReviewId
from engine.core.reviews.parts import MentorRules, Signals
from engine.core.state import Candidate, RunState
from engine.core.stopping import budget_spent, ending

HIGH: Final = 0.9
"""A signal from which on a review is due."""

GAP: Final = 2
"""So many iterations have to end after a review before being stuck is a reason for another."""

_LONGEST_GAP: Final = 32

_WINDOW: Final = 8
_DRIFT_SMALL: Final = 6
_DRIFT_BOLD: Final = 2
_BOLD: Final = frozenset({"structural", "algorithm"})
_LONGEST_AGO: Final = 24
_LONGEST_UNEXPLORED: Final = 24
_PRESSURE: Final = 8


def signals(state: RunState) -> Signals:
    """How much speaks for a review, computed from what was measured and written down."""
    ended, since_champion = state.ended_iterations, state.since_promotion
    since_search = min(ended - state.reviews.searched_at, _LONGEST_AGO)
    open_todos, drifts = len(state.memory.open), _drifts(state)
    since_exploration = min(ended - _explored_at(state), _LONGEST_UNEXPLORED)
    pressure = _clamp(open_todos / _PRESSURE)
    off_track = _off_track_in_a_row(state)
    return Signals(
        research=_clamp(0.12 * since_search * (since_champion > 0) + 0.06 * pressure),
        breakout=_clamp(
            0.28 * (ended >= _WINDOW) + 0.06 * since_champion + 0.2 * drifts + 0.05 * off_track
        ),
        non_training=_clamp(
            0.08 * since_exploration * (since_champion > 0) + 0.12 * drifts + 0.06 * pressure
        ),
        since_exploration=since_exploration,
        todo_pressure=pressure,
        since_champion=since_champion,
        since_search=since_search,
        failures_in_a_row=state.failures_in_a_row,
        open_todos=open_todos,
        drifts=drifts,
    )


def due(state: RunState, rules: MentorRules) -> list[str]:
    """Why a review is due now, in words; empty when none is."""
    reviews = state.reviews
    if reviews.open is not None or state.finished is not None or state.stopping is not None:
        return []
    if state.finish is not None and state.finish.closes:
        return []
    if state.best() is None or budget_spent(state) is not None:
        return []
    asked = [f"asked by {reviews.asked_by}"] if reviews.asked_by else []
    if ending(state, 0.0) is not None:
        # No iteration begins any more that could read it: nobody pays for it unasked.
        return asked if state.open else []
    since = state.ended_iterations - reviews.last_at
    cadence = [f"every {rules.every} iterations"] if 0 < rules.every <= since else []
    return [*asked, *cadence, *(_stuck(state, rules) if since >= _gap(state) else [])]


def ask(state: RunState, *, by: str) -> list[e.AnyEvent] | Refusal:
    """The event of a person's wish for a review now."""
    if not state.document.get("mentor"):
        return Refusal("the campaign has no mentor; add mentor: {agent: ...} to its file")
    if state.reviews.open is not None:
        return Refusal(f"{state.reviews.open.id} is under way")
    return [] if state.reviews.asked_by else [e.ReviewAsked(by=by)]


def review_id(number: int) -> ReviewId:
    """The id of the `number`th review: `r-003`."""
    return ReviewId(f"r-{number:03d}")


def _gap(state: RunState) -> int:
    """How many iterations to leave alone after a review: twice as many after each without a gain.

    What did not help twice is no reason to be asked, and paid, every other iteration all night.
    """
    promoted_at = state.ended_iterations - state.since_promotion
    in_vain = sum(review.at_iteration > promoted_at for review in state.reviews.done)
    return min(GAP << max(0, in_vain - 1), _LONGEST_GAP)


def _explored_at(state: RunState) -> int:
    notes = state.memory.explorations
    return notes[-1].iteration if notes else 0


def _stuck(state: RunState, rules: MentorRules) -> list[str]:
    if not rules.when_stuck or rules.mode != "standard":
        return []
    found = signals(state)
    high = (
        ("research", found.research),
        ("breakout", found.breakout),
        ("non-training", found.non_training),
    )
    reasons = [f"{name} priority {value:.2f}" for name, value in high if value >= HIGH]
    if found.since_champion >= rules.stuck_after:
        reasons.append(f"no new champion in {found.since_champion} iterations")
    if found.failures_in_a_row >= rules.failures:
        reasons.append(f"{found.failures_in_a_row} failures in a row")
    return reasons


def _drifts(state: RunState) -> bool:
    """Whether nearly all of the last changes were small ones, by their agents' own word."""
    judged = (one for one in reversed(state.candidates.values()) if one.verdict is not None)
    classes = [each for one in islice(judged, 4 * _WINDOW) if (each := _class_of(one))][:_WINDOW]
    bold = sum(each in _BOLD for each in classes)
    return len(classes) - bold >= _DRIFT_SMALL and bold <= _DRIFT_BOLD


def _class_of(one: Candidate) -> str:
    return one.code.answer.change_class if one.code and one.code.answer else ""


def _off_track_in_a_row(state: RunState) -> int:
    count = 0
    for review in reversed(state.reviews.done):
        if review.opinion is None or review.opinion.course != "off_track":
            break
        count += 1
    return count


def _clamp(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 3)
