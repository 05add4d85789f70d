"""When a worker is asked: on events, never by a clock alone. Pure."""

from engine.core.decisions.parts import WorkerRules
from engine.core.finish.times import unix_s
from engine.core.ids import DecisionId
from engine.core.state import OpenIteration, RunState
from engine.core.stopping import budget_spent


def due(state: RunState, now_s: float, *, may_begin: bool) -> list[str]:
    """Why the worker is to be asked now, in words; empty where it is not.

    Args:
        state: the run.
        now_s: seconds since 1970.
        may_begin: whether a new iteration may begin, as far as stop rules and the finish have a
            say. Where none may, only what runs is left to decide about.
    """
    made = state.decisions
    if not _may_be_asked(state) or not (may_begin or state.open):
        return []
    waits = bool(made.waits_until) and now_s < unix_s(made.waits_until)
    if waits and made.rests:
        return []
    reasons = [*made.news, *_windows_over(state, now_s)]
    if waits:
        return reasons
    if made.waits_until:
        return [*reasons, "once more" if made.rests else "its wait is over"]
    if may_begin and free_slots(state) > 0:
        return [*reasons, "a slot is free"]
    return reasons if _windows_over(state, now_s) else []


def next_moment(state: RunState, now_s: float) -> float | None:
    """When something is next due by the clock, in seconds since 1970; None where nothing is."""
    made = state.decisions
    moments = [unix_s(made.waits_until)] if made.waits_until else []
    moments += [unix_s(made.held.held_until)] if made.held else []
    moments += [_window_s(state, turn) for turn in _monitored(state)]
    return min((moment for moment in moments if moment > now_s), default=None)


def free_slots(state: RunState) -> int:
    """How many more iterations could be open."""
    return state.slots - len(state.turns)


def wait_s(state: RunState, asked_s: float, rules: WorkerRules) -> float:
    """How long the worker is left alone that wants to wait, unless something happens.

    One wait after the other without any news is longer each time: it has nothing to say.
    """
    wanted = asked_s if asked_s > 0 else rules.wait_s
    if state.decisions.waits:
        wanted = max(wanted, rules.backoff_s * _doubled(state.decisions.waits))
    return min(wanted, rules.most_wait_s)


def rest_s(state: RunState, rules: WorkerRules) -> float:
    """How long the worker is left alone after one more decision that came to nothing."""
    return min(rules.backoff_s * _doubled(state.decisions.in_vain + 1), rules.most_wait_s)


def halts(state: RunState, rules: WorkerRules) -> str | None:
    """Why the run has to halt, in words; None where it may go on."""
    made = state.decisions
    if not 0 < rules.halt_after <= made.in_vain:
        return None
    last = made.last
    why = "" if last is None else last.detail or "; ".join(issue.text for issue in last.issues)
    times = f"{made.in_vain} decisions of the worker in a row came to nothing"
    return f"{times}; the last: {why}" if why else times


def decision_id(number: int) -> DecisionId:
    """The id of the `number`th decision: `w-0003`."""
    return DecisionId(f"w-{number:04d}")


def _doubled(times: int) -> float:
    return 2.0 ** min(times - 1, 20)


def _may_be_asked(state: RunState) -> bool:
    made, finish = state.decisions, state.finish
    if made.open is not None or made.pending is not None:
        return False
    if state.finished is not None or state.stopping is not None:
        return False
    if finish is not None and finish.closes:
        return False
    return state.best() is not None and budget_spent(state) is None


def _monitored(state: RunState) -> list[OpenIteration]:
    turns = ((turn, turn.candidate) for turn in state.open.values())
    return [
        turn
        for turn, name in turns
        if name is not None and not turn.cut and _monitor_s(state, turn) > 0
    ]


def _monitor_s(state: RunState, turn: OpenIteration) -> float:
    one = state.candidates[turn.candidate] if turn.candidate else None
    return one.chosen.monitor_s if one and one.chosen else 0.0


def _window_s(state: RunState, turn: OpenIteration) -> float:
    return unix_s(turn.since) + _monitor_s(state, turn)


def _windows_over(state: RunState, now_s: float) -> list[str]:
    """Runs that go on beyond their window, of which the worker was not told yet."""
    asked_s = unix_s(state.decisions.asked_at) if state.decisions.asked_at else 0.0
    return [
        f"the monitoring window of {turn.candidate} is over"
        for turn in _monitored(state)
        if asked_s < _window_s(state, turn) <= now_s
    ]
