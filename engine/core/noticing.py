"""What was noticed of a candidate that changed nothing of what counts: it is named all the same.

A notice says what was seen, and decides nothing. What the baseline does as well is the campaign's
way, and is not noticed of others.
"""

from collections.abc import Iterator, Mapping

from engine.core.claims import better_than_measured
from engine.core.events import CheckFinished
from engine.core.state import OpenIteration, RunState


def noticed(state: RunState, turn: OpenIteration, metrics: Mapping[str, float]) -> list[str]:
    """What is to be said of an iteration's candidate besides the reason of its verdict.

    Args:
        state: the run.
        turn: the iteration.
        metrics: what its checks measured.
    """
    if turn.candidate is None or turn.candidate == state.baseline:
        return []
    code = state.candidates[turn.candidate].code
    seen = [] if code is None else list(code.noticed)
    for where, (said, measured) in _overstated(state, turn, metrics).items():
        if where not in state.overstated:
            seen.append(
                f"{where} says {state.metric.name} {said:g}, measured is {measured:g}",
            )
    return seen


def overstated_by(state: RunState, turn: OpenIteration, metrics: Mapping[str, float]) -> list[str]:
    """Where the baseline says that it is better than it is."""
    return list(_overstated(state, turn, metrics))


def _overstated(
    state: RunState, turn: OpenIteration, metrics: Mapping[str, float]
) -> dict[str, tuple[float, float]]:
    """What was said and what was measured, by where it was said."""
    name, found = state.metric.name, dict[str, tuple[float, float]]()
    for where, said, measured in _sayings(state, turn, metrics, name):
        noisy = state.noise is not None
        if better_than_measured(state.metric, said, measured, noisy=noisy):
            found.setdefault(where, (said, measured))
    return found


def _sayings(
    state: RunState, turn: OpenIteration, metrics: Mapping[str, float], name: str
) -> Iterator[tuple[str, float, float]]:
    candidate = state.candidates[turn.candidate] if turn.candidate else None
    code = candidate.code if candidate else None
    if code is not None and name in metrics:
        for where, said in code.said.items():
            yield where, said, metrics[name]
    for report in [*turn.finished, *turn.halves]:
        measured = report.metrics.get(name, metrics.get(name))
        if measured is not None and _own(report, turn):
            for where, said in report.said.items():
                yield where, said, measured


def _own(report: CheckFinished, turn: OpenIteration) -> bool:
    """Whether it is about the iteration's candidate, and not its champion's half."""
    return report.half is None or report.half.of == turn.candidate
