"""Counting failures: all of them, those alike, those of a class; a part of `engine.core.fold`."""

from engine.core import events as e
from engine.core.state import Repeated, RunState
from engine.core.verdict import FAILURES


def count_failures(state: RunState, event: e.VerdictReached) -> None:
    """Count the verdict by what it means for the loop and by what it is like."""
    _count(state, event)
    _count_alike(state, event)
    failed = event.verdict in FAILURES or event.verdict == "invalid"
    state.failures_in_a_row = state.failures_in_a_row + 1 if failed else 0
    _count_class(state, event, failed=failed)


def _count(state: RunState, event: e.VerdictReached) -> None:
    if event.consequence == "counted":
        state.counted_failures += 1
    elif event.consequence == "fatal":
        state.fatal = event.reason


def _count_alike(state: RunState, event: e.VerdictReached) -> None:
    if not event.signature:
        state.alike = None
    elif state.alike is not None and state.alike.signature == event.signature:
        state.alike.times += 1
    else:
        state.alike = Repeated(signature=event.signature, times=1)


def _count_class(state: RunState, event: e.VerdictReached, *, failed: bool) -> None:
    # Where agents may change nothing, that is no failure.
    allowed = event.verdict == "no_change" and event.consequence == "none"
    if not failed:
        state.failing = {}
    elif not allowed:
        state.failing[event.verdict] = state.failing.get(event.verdict, 0) + 1
