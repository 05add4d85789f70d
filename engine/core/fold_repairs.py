"""From events of repairs to state; a part of `engine.core.fold`."""

from typing import Final, assert_never

import msgspec

from engine.core.repair.environment import repaired
from engine.core.repair.events import (
    RepairEvent,
    RepairFinished,
    RepairSkipped,
    RepairStarted,
    same_again,
)
from engine.core.repair.parts import Mended
from engine.core.state import RunState
from engine.core.turn import OpenIteration

REPAIRED: Final = "repaired"
"""The tag of a candidate that is not run as it was proposed."""


def fold_repair(state: RunState, event: RepairEvent, turn: OpenIteration) -> None:
    """Change the state by what happened when a check of an open iteration was repaired."""
    match event:
        case RepairStarted():
            turn.repair = event
            state.repairs.begun = max(state.repairs.begun, int(event.repair.removeprefix("p-")))
        case RepairFinished():
            _finished(state, event, turn)
        case RepairSkipped():
            state.repairs.skipped += 1
            turn.mended[event.check] = Mended(outcome="skipped", after=len(turn.finished))
        case _:
            assert_never(event)


def _finished(state: RunState, event: RepairFinished, turn: OpenIteration) -> None:
    started, turn.repair = turn.repair, None
    # Without a retry it is as if it had not helped: the check's failure stands.
    outcome = event.outcome if event.again else "failed"
    turn.mended[event.check] = Mended(outcome=outcome, after=len(turn.finished))
    if event.outcome == "failed":
        state.repairs.in_vain += 1
        if started is not None:
            key = same_again(started.found, started.ways, state.engines)
            state.repairs.failed[key] = event.repair
        return
    state.repairs.repaired += 1
    if event.lines:
        state.repairs.lines = list(event.lines)
        if state.engine is not None:
            fingerprint = repaired(state.engine.fingerprint, event.lines)
            state.engine = msgspec.structs.replace(state.engine, fingerprint=fingerprint)
    if event.fallback is not None:
        candidate = state.candidates[event.candidate]
        candidate.fallback = event.fallback
        candidate.tags = [*(tag for tag in candidate.tags if tag != REPAIRED), REPAIRED]
